import type { Redis } from "@upstash/redis";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  defineTask,
  type ListenFor,
  Queue,
  UpstashBroker,
  type WakeHint,
} from "../mod.ts";
import {
  connect,
  publish,
  subscribe,
  SubscriptionError,
} from "../src/upstash/mod.ts";
import { gateway } from "./support/host.ts";
import { recording } from "./support/recording_broker.ts";
import { test } from "./support/suite.ts";

const greet = defineTask<string>("greet");
const hint = { queue: "q", mark: "1", hop: 1, from: "producer" } as WakeHint;

/** A queue through the gateway whose producers publish, and who was greeted. */
function listening() {
  const token = `${gateway.token}.${crypto.randomUUID().slice(0, 8)}`;
  const source = { url: gateway.url, token };
  const client: Redis = connect(source);
  const under = new UpstashBroker(client);
  let begun = 0, underWay = 0;
  const broker = recording(under, {
    async step(...call) {
      begun++;
      underWay++;
      try {
        return await under.step(...call);
      } finally {
        underWay--;
      }
    },
  });
  const greeted: string[] = [];
  const waiting = new Map<string, () => void>();
  const queue = new Queue({
    name: `listen-${crypto.randomUUID().slice(0, 18)}`,
    broker,
    wake: publish(client),
    handlers: [greet.handle((name) => {
      greeted.push(name);
      waiting.get(name)?.();
    })],
  });
  return {
    source,
    queue,
    /** Waits until nobody steps any more, and gives how many steps there were. */
    async stillness(): Promise<number> {
      for (let before = -1; before !== begun || underWay > 0;) {
        before = begun;
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      return begun;
    },
    greeted,
    /** Enqueues, and waits for the handler. */
    async greet(name: string): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.set(name, resolve);
      await queue.enqueue(greet, name);
      await promise;
    },
  };
}

test("work() that listens runs what is rung for, and asks for nothing meanwhile", async () => {
  const { source, queue, stillness, greet, greeted } = listening();
  const connected = Promise.withResolvers<void>();
  const listen = subscribe(source);
  await using _worker = queue.work({
    listen: (listener) =>
      listen({
        ...listener,
        connected(isConnected) {
          listener.connected(isConnected);
          if (isConnected) connected.resolve();
        },
      }),
  });
  await connected.promise;
  await stillness();
  await greet("a");
  const before = await stillness();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assertEquals(await stillness(), before);
  await greet("b");
  await greet("c");
  assertEquals(greeted, ["a", "b", "c"]);
});

test("work() polls while it cannot listen, and tells onError", async () => {
  const { queue, greet, source } = listening();
  const errors: unknown[] = [];
  await using _worker = queue.work({
    listen: subscribe(source, {
      fetch: () => Promise.resolve(new Response("{}", { status: 500 })),
    }),
    pollMs: { min: 20, max: 20 },
    onError: (error) => errors.push(error),
  });
  await greet("a");
  await greet("b");
  assert(errors[0] instanceof SubscriptionError);
  assert(!String(errors[0]).includes(source.url));
});

test("work() listens again when its subscription breaks, and misses nothing", async () => {
  const { queue, greet, source, stillness } = listening();
  const breaks: AbortController[] = [];
  await using _worker = queue.work({
    listen: subscribe(source, {
      fetch(input, init) {
        const control = new AbortController();
        breaks.push(control);
        const signal = AbortSignal.any([init!.signal!, control.signal]);
        return fetch(input, { ...init, signal });
      },
    }),
    pollMs: { min: 20, max: 20 },
    onError() {},
  });
  await greet("a");
  breaks[0]!.abort();
  await greet("b");
  while (breaks.length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await stillness();
  await greet("c");
});

test("work() stops its listener with itself", async () => {
  const { queue } = listening();
  let heard: ListenFor | undefined;
  const worker = queue.work({
    listen(listener) {
      heard = listener;
      return new Promise((resolve) =>
        listener.signal.addEventListener("abort", () => resolve())
      );
    },
  });
  while (heard === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await worker.stop();
  assert(heard.signal.aborted);
  heard.called();
  heard.connected(true);
});

test("publish() wakes somebody else where nobody listens", async () => {
  const asked: string[] = [];
  const wake = publish(
    { publish: () => Promise.resolve(0) },
    { fallback: ({ mark }) => void asked.push(mark) },
  );
  await wake(hint);
  assertEquals(asked, ["1"]);
  const heard = publish(
    { publish: () => Promise.resolve(2) },
    { fallback: ({ mark }) => void asked.push(mark) },
  );
  await heard(hint);
  assertEquals(asked, ["1"]);
});

test("publish() tells of a failure without the command", async () => {
  const wake = publish({
    publish: () => Promise.reject(new Error("ERR, command was: secret")),
  });
  const error = await assertRejects(async () => await wake(hint), Error);
  assert(!error.message.includes("secret"));
  assertEquals(error.cause, undefined);
  assertThrows(() => publish({} as never), TypeError, "publish");
  assertThrows(() => subscribe({ url: "", token: "" }), TypeError);
});
