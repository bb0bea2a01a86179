import { assertEquals, assertRejects } from "@std/assert";
import { Hono } from "hono";
import {
  Consumer,
  defineTask,
  Queue,
  testClock,
  type Wake,
  type WorkOptions,
} from "../mod.ts";
import type { WorkflowBroker } from "../src/broker/broker.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import { BrokerError } from "../src/core/error.ts";
import { consumer } from "../src/hono/mod.ts";
import { startLater } from "../src/queue/consume/starting.ts";
import { recording } from "./support/recording_broker.ts";
import "./support/loaded.ts";
import { test } from "./support/suite.ts";

const task = defineTask<string>("task");

/** What a host of Cloudflare's kind hands to each request. */
function execution(held: Promise<unknown>[]) {
  return {
    waitUntil: (work: Promise<unknown>) => void held.push(work),
    passThroughOnException() {},
    props: {},
  };
}

test("drain() waits for the wakes that its own work gave rise to, and not for ever", async () => {
  const clock = testClock();
  const answered = Promise.withResolvers<void>();
  const answers = [answered.promise, new Promise<void>(() => {})];
  let asked = 0;
  const wake: Wake = ({ from }) =>
    from === "consumer" ? answers[asked++] : undefined;
  let stop = new AbortController();
  const queue = new Queue({
    broker: new MemoryBroker({ clock }),
    clock,
    wake,
    handlers: [task.handle(async (name) => {
      if (name === "last") return;
      await queue.enqueue(task, "last");
      stop.abort();
    })],
  });
  let ended = 0;
  const drain = async () => {
    await queue.enqueue(task, "first");
    await queue.drain({ signal: stop.signal });
    ended++;
  };

  const first = drain();
  while (asked < 1) await clock.advance(0);
  await clock.advance(0);
  assertEquals(ended, 0);
  answered.resolve();
  await first;
  await queue.drain();

  stop = new AbortController();
  const second = drain();
  while (asked < 2) await clock.advance(0);
  await clock.advance(0);
  await clock.advance(59_999);
  assertEquals(ended, 1);
  await clock.advance(1);
  await second;
  assertEquals(ended, 2);
});

test("work() tells onError, and rejects its done, when its code cannot be loaded", async () => {
  const failed = new TypeError("Importing a module failed");
  const told: unknown[] = [];
  const onError = (error: unknown) => void told.push(error);
  const worker = startLater({ onError }, () => Promise.reject(failed));
  await assertRejects(() => worker.done, TypeError, "Importing");
  assertEquals(told, [failed]);
  await assertRejects(() => worker.stop(), TypeError, "Importing");
});

/** A broker that no consumer can use. */
function refusing(): WorkflowBroker {
  const step = () => Promise.reject(new BrokerError("unauthorized", "no"));
  return recording(new MemoryBroker(), { step });
}

for (
  const [what, work] of [
    ["queue", (options) => new Queue({ broker: refusing() }).work(options)],
    ["consumer", (options) =>
      new Consumer({
        queues: [{ queue: new Queue({ broker: refusing() }) }],
      }).work(options)],
  ] satisfies [string, (options: WorkOptions) => { done: Promise<unknown> }][]
) {
  test(`${what}.work() hears out an onError that rejects, once for each error`, async () => {
    let told = 0;
    let heardOut = 0;
    /** A promise that says whether anybody minds that it rejects. */
    const rejecting: PromiseLike<void> = {
      then(_, fail) {
        if (fail) heardOut++;
        return Promise.resolve(
          fail?.(new Error("the reporter is down")),
        ) as never;
      },
    };
    const onError = () => {
      told++;
      return rejecting as unknown as void;
    };
    await assertRejects(() => work({ onError }).done);
    assertEquals([told, heardOut], [1, 1]);
  });
}

test("consumer() holds the host open for a drain whose caller may hang up", async () => {
  const door = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const ran: string[] = [];
  const queue = Queue.inMemory({
    handlers: [task.handle(async (name) => {
      started.resolve();
      await door.promise;
      ran.push(name);
    })],
  });
  const app = new Hono();
  app.post("/drain", consumer(queue, { secret: "known" }));
  const { id } = await queue.enqueue(task, "a");
  const held: Promise<unknown>[] = [];
  const headers = { authorization: "Bearer known" };
  const asked = { method: "POST", headers };
  const answer = app.request("/drain", asked, {}, execution(held));
  await started.promise;
  assertEquals(held.length, 1);
  door.resolve();
  await Promise.all(held);
  assertEquals([ran, (await queue.result(id)).status], [["a"], "completed"]);
  assertEquals((await answer).status, 200);
});

test("consumer() answers 500 for a drain that fails, and nobody else is left with it", async () => {
  const app = new Hono();
  app.post("/drain", consumer(new Queue({ broker: refusing() })));
  app.onError((error, c) => c.text(error.name, 500));
  const held: Promise<unknown>[] = [];
  const asked = { method: "POST" };
  const answer = await app.request("/drain", asked, {}, execution(held));
  assertEquals([answer.status, await answer.text()], [500, "BrokerError"]);
  assertEquals(await Promise.all(held), [undefined]);
});

test("result() and wait() reject when their signal aborts, though the broker has not answered", async () => {
  const never = new Promise<never>(() => {});
  const asked: string[] = [];
  const silent = (verb: string) => () => {
    asked.push(verb);
    return never;
  };
  const broker = recording(new MemoryBroker(), {
    result: silent("result"),
    group: silent("group"),
  });
  const queue = new Queue({ broker });
  for (
    const wait of [
      (signal: AbortSignal) => queue.result("a", { waitMs: 60_000, signal }),
      (signal: AbortSignal) => queue.result("a", { signal }),
      (signal: AbortSignal) => queue.group("g").wait({ signal }),
    ]
  ) {
    const control = new AbortController();
    const { length } = asked;
    const waiting = wait(control.signal);
    while (asked.length === length) await new Promise((go) => setTimeout(go));
    control.abort(new RangeError("enough"));
    await assertRejects(() => waiting, RangeError, "enough");
  }
  assertEquals(asked, ["result", "result", "group"]);
});

test("Worker.stop() waits for a listen that does not heed its signal, and not for ever", async () => {
  const clock = testClock();
  const queue = Queue.inMemory({ clock });
  const heard = Promise.withResolvers<AbortSignal>();
  const worker = queue.work({
    listen({ signal }) {
      heard.resolve(signal);
      return new Promise(() => {});
    },
  });
  const signal = await heard.promise;
  let stopped = false;
  const done = worker.stop().then(() => stopped = true);
  while (!signal.aborted) await clock.advance(0);
  await clock.advance(0);
  await clock.advance(4_999);
  assertEquals(stopped, false);
  await clock.advance(1);
  await done;
});
