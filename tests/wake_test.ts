import { ROOT_CONTEXT } from "@opentelemetry/api";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Hono } from "hono";
import {
  defineTask,
  type ErrorAbout,
  inline,
  Queue,
  type QueueOptions,
  ring,
  RingError,
  type Wake,
  type WakeHint,
} from "../mod.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import { consumer, tracing } from "../src/hono/mod.ts";
import { recording } from "./support/recording_broker.ts";
import { wire } from "./support/otlp.ts";
import { deploy, ROUTE, SECRET } from "./support/ringing.ts";
import { test } from "./support/suite.ts";

const greet = defineTask<string>("greet");

/** A host that waits for what is left behind. */
class Host {
  readonly #left: Promise<unknown>[] = [];

  readonly waitUntil = (work: Promise<unknown>): void => {
    this.#left.push(work);
  };

  get count(): number {
    return this.#left.length;
  }

  async over(): Promise<void> {
    while (this.#left.length > 0) await this.#left.shift();
  }
}

/** A queue with a handler that says whom it greeted. */
function greeting(options: Partial<QueueOptions> = {}) {
  const greeted: string[] = [];
  const host = new Host();
  const broker = recording(options.broker ?? new MemoryBroker());
  const queue = new Queue({
    handlers: [greet.handle((name) => void greeted.push(name))],
    waitUntil: host.waitUntil,
    ...options,
    broker,
  });
  return { queue, greeted, host, broker };
}

/** A wake that notes whom it was asked for. */
function noting(): Wake & { readonly hints: WakeHint[] } {
  const hints: WakeHint[] = [];
  return Object.assign((hint: WakeHint) => void hints.push(hint), { hints });
}

test("enqueue() asks the broker nothing of rings when there is no wake", async () => {
  const { queue, broker } = greeting();
  await queue.enqueue(greet, "a");
  await queue.drain({ lingerMs: 0 });
  const [request] = broker.of<{ rings?: boolean }>("enqueue");
  assertEquals(request?.rings, undefined);
  for (const step of broker.of<{ wake?: unknown }>("step")) {
    assertEquals(step.wake, undefined);
  }
});

test("wake is called once until somebody comes, whoever enqueues how", async () => {
  const wake = noting();
  const { queue } = greeting({ wake });
  await queue.enqueue(greet, "a");
  await queue.enqueueMany([greet.with("b"), greet.with("c")]);
  await queue.enqueue(greet, "later", { delayMs: 60_000 });
  assertEquals(wake.hints.length, 1);
  const [{ queue: name, hop, from, mark }] = wake.hints as [WakeHint];
  assertEquals([name, hop, from], ["default", 1, "producer"]);
  const report = await queue.drain({ rung: { mark }, lingerMs: 0 });
  assertEquals(report.completed, 3);
  await queue.map(greet, ["d", "e"]);
  await queue.drain({ rung: { mark: wake.hints[1]!.mark }, lingerMs: 0 });
  await queue.chain([greet.with("f")]);
  assertEquals(wake.hints.length, 3);
});

test("wake is not called when the task is due later", async () => {
  const wake = noting();
  const { queue } = greeting({ wake });
  await queue.enqueue(greet, "later", { delayMs: 60_000 });
  assertEquals(wake.hints.length, 0);
});

test("inline() drains behind the enqueue, in what the host holds open", async () => {
  const { queue, greeted, host } = greeting({ wake: inline() });
  await queue.enqueue(greet, "a");
  assertEquals(host.count, 1);
  await host.over();
  assertEquals(greeted, ["a"]);
});

test("inline() runs what comes while it drains, without another call", async () => {
  const { queue, greeted, host } = greeting({ wake: inline() });
  const again = defineTask("again");
  const both = new Queue({
    broker: new MemoryBroker(),
    wake: inline(),
    waitUntil: host.waitUntil,
    handlers: [
      again.handle(async (_, ctx) => {
        await ctx.enqueue(greet, "from a handler");
      }),
      greet.handle((name) => void greeted.push(name)),
    ],
  });
  await both.enqueue(again);
  await host.over();
  assertEquals(greeted, ["from a handler"]);
  await queue.drain({ lingerMs: 0 });
});

test("within() holds the host open that it is given", async () => {
  const own = new Host();
  const { queue, greeted, host } = greeting({ wake: inline() });
  await queue.within(ROOT_CONTEXT, own).enqueue(greet, "a");
  assertEquals([own.count, host.count], [1, 0]);
  await own.over();
  assertEquals(greeted, ["a"]);
});

test("tracing() holds its request open for what wake begins", async () => {
  const own = new Host();
  const { queue, greeted, host } = greeting({ wake: inline() });
  const app = new Hono<{ Variables: { queue: Queue } }>();
  app.use(tracing({ queue }));
  app.post("/", async (c) => {
    await c.var.queue.enqueue(greet, "a");
    return c.body(null, 202);
  });
  const ctx = {
    waitUntil: own.waitUntil,
    passThroughOnException() {},
    props: {},
  };
  await app.request("/", { method: "POST" }, {}, ctx);
  assertEquals(host.count, 0);
  await own.over();
  assertEquals(greeted, ["a"]);
});

test("inline() sends what its drain has to tell, though its request was flushed before", async () => {
  const own = new Host();
  const { telemetry, collector } = wire();
  const { queue } = greeting({ wake: inline(), telemetry });
  const app = new Hono<{ Variables: { queue: Queue } }>();
  app.use(tracing({ queue, telemetry }));
  app.post("/", async (c) => {
    await c.var.queue.enqueue(greet, "a");
    return c.body(null, 202);
  });
  const ctx = {
    waitUntil: own.waitUntil,
    passThroughOnException() {},
    props: {},
  };
  await app.request("/", { method: "POST" }, {}, ctx);
  await own.over();

  const [server, drain, process] = [
    "POST /",
    "drain default",
    "process default",
  ]
    .map((name) => collector.spans.find((span) => span.name === name));
  assertEquals(process?.traceId, server?.traceId);
  assertEquals(drain?.links.map(({ spanId }) => spanId), [server?.spanId]);
  assert(drain?.request !== server?.request, "each in an export of its own");
});

test("consumer() sends what a drain has to tell that a ring brought, though the ring was answered before", async () => {
  const own = new Host();
  const { telemetry, collector } = wire();
  const { queue, broker } = greeting({ telemetry, wake: noting() });
  const app = new Hono();
  app.use(tracing({ telemetry }));
  app.post("/drain", consumer(queue, { secret: SECRET }));
  const ctx = {
    waitUntil: own.waitUntil,
    passThroughOnException() {},
    props: {},
  };
  const rings = new Queue({
    broker,
    wake: ring({
      url: "https://tasks.example/drain",
      secret: SECRET,
      fetch: async (...call) =>
        await app.request(new Request(...call), {}, {}, ctx),
    }),
    waitUntil: own.waitUntil,
  });
  await rings.enqueue(greet, "a");
  await own.over();
  const drain = collector.spans.find(({ name }) => name === "drain default");
  const server = collector.spans.find(({ kind }) => kind === "SERVER");
  assert(drain && server && drain.request !== server.request);
});

test("inline() says of a queue without handlers that it cannot drain", async () => {
  const errors: [unknown, ErrorAbout][] = [];
  const { queue, host } = greeting({
    handlers: [],
    wake: inline(),
    onError: (error, about) => errors.push([error, about]),
  });
  await queue.enqueueNamed("greet", "a");
  await host.over();
  assertEquals(errors.length, 1);
  assert(errors[0]![0] instanceof TypeError);
  assertEquals(errors[0]![1], { kind: "wake", queue: "default" });
});

test("ring() wakes a deployment, which answers once it has heard", async () => {
  const place = new MemoryBroker();
  const { queue: consumer, greeted } = greeting({ broker: place });
  const there = deploy(consumer);
  const { queue, host } = greeting({
    broker: place,
    handlers: [],
    wake: ring({ url: ROUTE, secret: SECRET, fetch: there.fetch }),
  });
  await queue.enqueueNamed("greet", "a");
  await host.over();
  assertEquals(there.heard.map(({ status }) => status), [202]);
  await there.background();
  assertEquals(greeted, ["a"]);
});

test("ring() that waits is answered when the drain is over", async () => {
  const place = new MemoryBroker();
  const { queue: consumer, greeted } = greeting({ broker: place });
  const there = deploy(consumer);
  const { queue, host } = greeting({
    broker: place,
    handlers: [],
    wake: ring({
      url: ROUTE,
      secret: SECRET,
      fetch: there.fetch,
      waits: true,
    }),
  });
  await queue.enqueueNamed("greet", "a");
  await host.over();
  assertEquals(there.heard.map(({ status }) => status), [200]);
  assertEquals(greeted, ["a"]);
});

for (
  const [what, answer] of Object.entries<typeof fetch>({
    // Deno Deploy's answer to a deployment that calls itself
    "508": () =>
      Promise.resolve(new Response("LOOP_DETECTED", { status: 508 })),
    // Cloudflare's to a Worker that fetches its own zone
    "error 1042": () =>
      Promise.resolve(new Response("error code: 1042", { status: 404 })),
    "no answer": () => Promise.reject(new TypeError("connection refused")),
    "silence": (_, init) =>
      new Promise((_, reject) => {
        init?.signal?.addEventListener(
          "abort",
          () => reject(init.signal!.reason),
        );
      }),
  })
) {
  test(`ring() that meets ${what} fails no enqueue, tells onError and leaves the task to whoever comes`, async () => {
    const errors: [unknown, ErrorAbout][] = [];
    const { queue, greeted, host } = greeting({
      wake: ring({ url: ROUTE, secret: SECRET, fetch: answer, timeoutMs: 20 }),
      onError: (error, about) => errors.push([error, about]),
    });
    await queue.enqueue(greet, "a");
    await host.over();
    assertEquals(errors.length, 1);
    assert(errors[0]![0] instanceof RingError);
    assertEquals(errors[0]![1], { kind: "wake", queue: "default" });
    assert(!String(errors[0]![0]).includes("tasks.test"));
    await queue.drain({ lingerMs: 0 });
    assertEquals(greeted, ["a"]);
  });
}

test("ring() is heard though the answer's body breaks", async () => {
  const errors: unknown[] = [];
  const { queue, host } = greeting({
    wake: ring({
      url: ROUTE,
      secret: SECRET,
      fetch() {
        const body = new ReadableStream({
          start: (control) => control.error(new Error("broken")),
        });
        return Promise.resolve(new Response(body, { status: 202 }));
      },
      fallback: () => errors.push("not heard"),
    }),
    onError: (error) => errors.push(error),
  });
  await queue.enqueue(greet, "a");
  await host.over();
  assertEquals(errors, []);
});

test("ring() falls back to draining inline where a host answers 508 to calls of itself", async () => {
  const errors: unknown[] = [];
  const { queue, greeted, host } = greeting({
    wake: ring({
      url: ROUTE,
      secret: SECRET,
      fetch: () =>
        Promise.resolve(new Response("LOOP_DETECTED", { status: 508 })),
      fallback: inline(),
    }),
    onError: (error) => errors.push(error),
  });
  for (const name of ["a", "b", "c"]) {
    await queue.enqueue(greet, name);
    await host.over();
  }
  assertEquals(greeted, ["a", "b", "c"]);
  assertEquals(errors, []);
});

test("ring() goes on for a drain that runs out of requests, eight hops far and no further", async () => {
  const place = new MemoryBroker();
  const greeted: string[] = [];
  const hops: number[] = [];
  let depth = 0, deepest = 0;
  // a simulated host that ends what calls itself for ever: at the 16th hop
  const host = new Host();
  const consumer = new Queue({
    broker: place,
    waitUntil: host.waitUntil,
    wake: (hint) => hear(hint),
    handlers: [greet.handle((name) => void greeted.push(name))],
  });
  const there = deploy(consumer, {
    maxRequests: 2,
    batchSize: 2,
    concurrency: 2,
    lingerMs: 0,
  });
  const through = ring({
    url: ROUTE,
    secret: SECRET,
    async fetch(...call) {
      deepest = Math.max(deepest, ++depth);
      if (depth >= 16) return new Response("error code: 1019", { status: 503 });
      try {
        return await there.fetch(...call);
      } finally {
        depth--;
      }
    },
  });
  function hear(hint: WakeHint): unknown {
    hops.push(hint.hop);
    return through(hint);
  }
  await consumer.enqueueMany(
    Array.from({ length: 40 }, (_, n) => greet.with(`${n}`)),
  );
  await host.over();
  await there.background();
  assertEquals(hops, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals(there.heard.length, 8);
  assertEquals(greeted.length, 16);
  assert(deepest < 16, `${deepest}`);
  // the rest is left to the next enqueue, or to cron
  await consumer.drain({ lingerMs: 0 });
  assertEquals(new Set(greeted).size, 40);
});

test("a wake that throws fails no enqueue", async () => {
  const errors: unknown[] = [];
  const { queue, host } = greeting({
    wake() {
      throw new Error("broken");
    },
    onError: (error) => errors.push(error),
  });
  const { deduplicated } = await queue.enqueue(greet, "a");
  await host.over();
  assertEquals(deduplicated, false);
  assertEquals(errors.length, 1);
});

test("drain() that a ring brought does nothing when another has answered it", async () => {
  const wake = noting();
  const { queue, greeted } = greeting({ wake });
  await queue.enqueue(greet, "a");
  const [{ mark }] = wake.hints as [WakeHint];
  await queue.drain({ rung: { mark }, lingerMs: 0 });
  const heard: boolean[] = [];
  const report = await queue.drain({
    rung: { mark, heard: (stands) => heard.push(stands) },
  });
  assertEquals(report.stoppedBy, "answered");
  assertEquals(report.more, false);
  assertEquals(heard, [false]);
  assertEquals(greeted, ["a"]);
});

test("drain() that a ring brought goes on though what is told of it throws", async () => {
  const wake = noting();
  const { queue, greeted } = greeting({ wake });
  await queue.enqueue(greet, "a");
  const [{ mark }] = wake.hints as [WakeHint];
  const report = await queue.drain({
    rung: {
      mark,
      heard() {
        throw new Error("no");
      },
    },
    lingerMs: 0,
  });
  assertEquals([report.completed, greeted], [1, ["a"]]);
});

for (const [rung, next] of [[{ hop: 3 }, 4], [{}, 2]] as const) {
  test(`drain() that is stopped rings for what came meanwhile, as ring ${next} after ${JSON.stringify(rung)}`, async () => {
    const wake = noting();
    const stop = new AbortController();
    const greeted: string[] = [];
    const queue = new Queue({
      broker: new MemoryBroker(),
      wake,
      handlers: [greet.handle(async (name) => {
        greeted.push(name);
        if (name === "first") {
          await queue.enqueue(greet, "second");
          stop.abort();
        }
      })],
    });
    await queue.enqueue(greet, "first");
    const [{ mark }] = wake.hints as [WakeHint];
    const report = await queue.drain({
      rung: { mark, ...rung },
      signal: stop.signal,
    });
    assertEquals(report.stoppedBy, "signal");
    assertEquals(wake.hints.length, 2);
    const [, again] = wake.hints as [WakeHint, WakeHint];
    assertEquals([again.from, again.hop], ["consumer", next]);
    await queue.drain({ rung: { mark: again.mark }, lingerMs: 0 });
    assertEquals(greeted, ["first", "second"]);
  });
}

test("ring() and inline() refuse what they cannot work with", () => {
  assertThrows(() => ring({ url: "/drain", secret: SECRET }), TypeError, "url");
  assertThrows(() => ring({ url: ROUTE, secret: "" }), TypeError, "secret");
  assertThrows(
    () => ring({ url: ROUTE, secret: SECRET, timeoutMs: 0 }),
    RangeError,
    "timeoutMs",
  );
  assertThrows(() => inline({ budgetMs: 0 }), RangeError, "budgetMs");
  assertThrows(
    () => greeting({ wake: "inline" as unknown as Wake }),
    TypeError,
    "wake",
  );
});
