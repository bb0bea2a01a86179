/** What `queue.on` tells, when, to whom, and what a listener cannot do. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  BrokerError,
  defineTask,
  fixed,
  Queue,
  type QueueEvent,
  type QueueEvents,
  type QueueOptions,
  type StepRequest,
  type TestClock,
  testClock,
} from "../mod.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import type { WorkflowBroker } from "../src/broker/workflow.ts";
import { Events } from "../src/queue/events.ts";
import { EMPTY_REPLY } from "./support/empty_reply.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import { recording } from "./support/recording_broker.ts";
import "./support/loaded.ts";
import { test } from "./support/suite.ts";

const EVENTS: readonly QueueEvent[] = [
  "enqueued",
  "claimed",
  "started",
  "succeeded",
  "failed",
  "retried",
  "dead",
  "expired",
  "cancelled",
  "released",
  "stale",
  "lost",
  "scheduleFired",
];

/** An event as it was heard. */
type Heard = readonly [QueueEvent, QueueEvents[QueueEvent]];

/** A queue on a clock that stands still, and all that it tells. */
interface Bench {
  readonly queue: Queue;
  readonly clock: TestClock;
  readonly heard: readonly Heard[];
  /** The names of what was heard since the last call. */
  names(): readonly string[];
  /** What was heard of one event, last. */
  last<Name extends QueueEvent>(name: Name): QueueEvents[Name];
}

function bench(options: Partial<QueueOptions> = {}): Bench {
  const clock = testClock();
  const broker = options.broker ?? new MemoryBroker({ clock });
  const queue = new Queue({ name: "q", clock, ...options, broker });
  return { clock, queue, ...listening(queue) };
}

function listening(queue: Queue): Pick<Bench, "heard" | "names" | "last"> {
  const heard: Heard[] = [];
  let told = 0;
  for (const name of EVENTS) {
    queue.on(name, (event) => void heard.push([name, event]));
  }
  return {
    heard,
    names() {
      const names = heard.slice(told).map(([name]) => name);
      told = heard.length;
      return names;
    },
    last<Name extends QueueEvent>(name: Name) {
      const found = heard.findLast(([other]) => other === name);
      assert(found, `${name} was not heard`);
      return found[1] as QueueEvents[Name];
    },
  };
}

test("on() tells the life of a task that completes, in order, with its facts", async () => {
  const task = defineTask<number>("t");
  const { queue, clock, heard, names } = bench({
    handlers: [task.handle(() => clock.advance(250))],
  });
  await queue.enqueue(task, 1, { id: "a", delayMs: 1_000 });
  assertEquals(names(), ["enqueued"]);
  await clock.advance(1_400);
  await queue.drain();
  assertEquals(names(), ["claimed", "started", "succeeded"]);
  const facts = { queue: "q", id: "a", name: "t" };
  assertEquals(heard.map(([, event]) => event), [
    facts,
    { ...facts, attempt: 1, waitedMs: 400 },
    { ...facts, attempt: 1 },
    { ...facts, attempt: 1, durationMs: 250 },
  ]);
});

test("on() tells each failed attempt, and then whether another follows or the task is dead", async () => {
  const task = defineTask<void>("t", {
    maxAttempts: 2,
    backoff: fixed(10_000, { jitter: 0 }),
  });
  const { queue, clock, names, last } = bench({
    handlers: [task.handle(() => {
      throw new RangeError("no", { cause: new Error("why") });
    })],
  });
  await queue.enqueue(task, undefined, { id: "a" });
  await queue.drain();
  assertEquals(names(), [
    "enqueued",
    "claimed",
    "started",
    "failed",
    "retried",
  ]);
  const { error, ...failed } = last("failed");
  const facts = { queue: "q", id: "a", name: "t" };
  assertEquals(failed, { ...facts, attempt: 1, durationMs: 0 });
  assertEquals([error.name, error.message], ["RangeError", "no"]);
  assertEquals(error.cause?.message, "why");
  assert(error.stack?.includes("no"));
  const { error: short, ...retried } = last("retried");
  assertEquals(retried, {
    ...facts,
    attempt: 1,
    durationMs: 0,
    delayMs: 10_000,
  });
  assertEquals(short, { name: "RangeError", message: "no" });
  await clock.advance(10_000);
  await queue.drain();
  assertEquals(names(), ["claimed", "started", "failed", "dead"]);
  assertEquals(last("dead").attempt, 2);
  assertEquals(last("dead").error.cause?.message, "why");
});

test("on() tells errors as redact makes of them", async () => {
  const task = defineTask<void>("t", { maxAttempts: 1 });
  const { queue, last } = bench({
    handlers: [task.handle(() => {
      throw new Error("secret");
    })],
    redact: () => new Error("told"),
  });
  await queue.enqueue(task);
  await queue.drain();
  assertEquals(last("failed").error.message, "told");
  assertEquals(last("dead").error.message, "told");
});

test("on() tells what is not run: expired, unknown here, unfit, cancelled", async () => {
  const never = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: () => ({ issues: [{ message: "never" }] }),
    },
  } as const;
  const clock = testClock();
  const broker = new MemoryBroker({ clock });
  const producer = new Queue({ name: "q", clock, broker });
  const { queue, names, last } = bench({
    broker,
    clock,
    handlers: [
      defineTask("picky", { input: never }).handle(() => {}),
      defineTask("t").handle(() => {}),
    ],
  });
  await producer.enqueueNamed("t", 0, { expiresInMs: 1_000 });
  await clock.advance(1_000);
  await queue.drain();
  assertEquals(names(), ["claimed", "expired"]);
  assertEquals(last("expired").error.name, "TaskExpiredError");
  await producer.enqueueNamed("nobody", 0);
  await queue.drain();
  assertEquals(names(), ["claimed", "released"]);
  assertEquals(last("released").delayMs, 30_000);
  assertEquals(last("released").durationMs, 0);
  await producer.enqueueNamed("picky", 0);
  await queue.drain();
  assertEquals(names(), ["claimed", "failed", "dead"]);
  assertEquals(last("failed").error.name, "PayloadError");
  await producer.enqueueNamed("t", 0, { id: "off", delayMs: 5 });
  assertEquals(await queue.cancel("off"), "cancelled");
  assertEquals(names(), ["cancelled"]);
  assertEquals(last("cancelled").id, "off");
  assertEquals(last("cancelled").name, "t");
  assertEquals(await queue.cancel("off"), "cancelled");
  assertEquals(names(), [], "it is told once");
  assertEquals(last("cancelled").error.name, "TaskCancelledError");
  assertEquals(await queue.cancel("none"), "missing");
  assertEquals(names(), []);
});

test("on() tells a release with its delay, and what was claimed and not started as released", async () => {
  const stopping = new AbortController();
  const task = defineTask<void>("t");
  const { queue, names, last } = bench({
    handlers: [task.handle((_, ctx) => {
      ctx.release({ delayMs: 7_000 });
      stopping.abort();
    })],
  });
  await queue.enqueueMany([task.with(), task.with()]);
  names();
  await queue.drain({ concurrency: 1, signal: stopping.signal });
  const told = names();
  assertEquals(told.slice(0, 3), ["claimed", "claimed", "started"]);
  assertEquals(told.slice(3), ["released", "released"]);
  const delays = [last("released").delayMs];
  assert(delays[0] === 0 || delays[0] === 7_000);
});

test("on() tells of a snoozed task when it is due", async () => {
  const task = defineTask<void>("t");
  const { queue, clock, names, last } = bench({
    handlers: [
      task.handle((_, ctx) => ctx.snooze({ at: clock.now() + 60_000 })),
    ],
  });
  await queue.enqueue(task, undefined, { id: "a" });
  await queue.drain();
  assertEquals(names(), ["enqueued", "claimed", "started", "released"]);
  assertEquals(last("released"), {
    queue: "q",
    id: "a",
    name: "t",
    attempt: 1,
    durationMs: 0,
    dueAt: clock.now() + 60_000,
  });
});

test("on() tells of enqueued what is new, however it was enqueued, and by whose end", async () => {
  const child = defineTask<number>("child");
  const parent = defineTask<void>("parent");
  const { queue, heard } = bench({
    handlers: [
      child.handle(() => {}),
      parent.handle(async (_, ctx) => {
        await ctx.enqueue(child, 1, { id: "own" });
        await ctx.defer(child, 2, { id: "deferred" });
      }),
    ],
  });
  const enqueued = () =>
    heard.flatMap(([name, event]) => name === "enqueued" ? [event] : []);
  await queue.enqueue(child, 0, { id: "a" });
  await queue.enqueue(child, 0, { id: "a" });
  await queue.enqueueMany([
    child.with(0, { id: "a" }),
    child.with(0, { id: "b" }),
  ]);
  await queue.enqueue(parent, undefined, { id: "p" });
  await queue.drain();
  assertEquals(enqueued(), [
    { queue: "q", id: "a", name: "child" },
    { queue: "q", id: "b", name: "child" },
    { queue: "q", id: "p", name: "parent" },
    { queue: "q", id: "own", name: "child" },
    { queue: "q", id: "deferred", name: "child", parent: "p" },
  ]);
});

test("on() tells nothing of an enqueue that the broker refused", async () => {
  const task = defineTask<void>("t");
  const { queue, names } = bench();
  await queue.enqueue(task);
  names();
  await queue.enqueue(task, undefined, { maxBacklog: 1 }).catch(() => {});
  assertEquals(names(), []);
});

test("on() tells a lost lease, and then that what came of it was not taken", async () => {
  const task = defineTask<void>("t", { timeoutMs: 600_000 });
  const door = Promise.withResolvers<void>();
  const clock = testClock();
  let isDown = false;
  const memory: WorkflowBroker = new MemoryBroker({ clock });
  const broker = recording(memory, {
    step: (queue, request) =>
      isDown
        ? Promise.reject(new BrokerError("unavailable", "down"))
        : memory.step(queue, request),
  });
  const { queue, names, last } = bench({
    clock,
    broker,
    handlers: [task.handle(() => door.promise)],
  });
  const other = bench({ clock, broker: memory });
  await queue.enqueue(task, undefined, { id: "a" });
  const worker = queue.work({ leaseMs: 10_000, onError() {} });
  await clock.advance(0);
  names();
  isDown = true;
  await clock.advance(10_000);
  assertEquals(names(), ["lost"]);
  const lost = { queue: "q", count: 1, id: "a" };
  assertEquals(last("lost"), { ...lost, reason: "lease" });
  await other.queue.drain({ maxRequests: 2 });
  assertEquals(other.names()[0], "lost");
  assertEquals(other.last("lost"), { ...lost, reason: "consumer" });
  door.resolve();
  await clock.advance(0);
  assertEquals(names(), ["stale"]);
  assertEquals(last("stale").id, "a");
  assertEquals(last("stale").durationMs, 10_000);
  isDown = false;
  const stopped = worker.stop();
  await clock.advance(60_000);
  await stopped.catch(() => {});
});

test("on() tells that a settlement came too late", async () => {
  const task = defineTask<void>("t");
  const clock = testClock();
  const memory: WorkflowBroker = new MemoryBroker({ clock });
  const broker = recording(memory, {
    async step(queue, request: StepRequest) {
      const reply = await memory.step(queue, request);
      return { ...reply, stale: request.settle.map(({ id }) => id) };
    },
  });
  const { queue, names } = bench({
    clock,
    broker,
    handlers: [task.handle(() => {})],
  });
  await queue.enqueue(task);
  await queue.drain({ maxRequests: 2 });
  assertEquals(names(), ["enqueued", "claimed", "started", "stale"]);
});

test("on() tells how many records the database has lost", async () => {
  const { queue, heard } = bench({
    broker: recording(new MemoryBroker(), {
      step: () => Promise.resolve({ ...EMPTY_REPLY, ghosts: 3 }),
    }),
  });
  await queue.drain({ maxRequests: 2 });
  assertEquals(heard[0], [
    "lost",
    { queue: "q", reason: "record", count: 3 },
  ]);
});

test("on() tells of inline what it tells of a task that was claimed", async () => {
  const fails = defineTask<boolean>("t");
  const { queue, clock, names, last } = bench({
    handlers: [fails.handle(async (isBad) => {
      await clock.advance(30);
      if (isBad) throw new Error("bad");
    })],
  });
  await queue.inline(fails, false);
  assertEquals(names(), ["started", "succeeded"]);
  assertEquals(last("succeeded").durationMs, 30);
  await queue.inline(fails, true).catch(() => {});
  assertEquals(names(), ["started", "failed", "dead"]);
  assertEquals(last("dead").error.message, "bad");
});

test("on() tells the same on Upstash", async () => {
  await using made = await gatewayBroker(1_763_800_000_000);
  const task = defineTask<number>("t", {
    maxAttempts: 2,
    backoff: fixed(0, { jitter: 0 }),
  });
  const queue = new Queue({
    name: `events-${crypto.randomUUID()}`,
    broker: made.broker,
    handlers: [task.handle((_, ctx) => {
      if (ctx.attempt === 1) throw new Error("first");
    })],
  });
  const { names, last } = listening(queue);
  await queue.enqueue(task, 1);
  await queue.drain({ lingerMs: 0 });
  assertEquals(names(), [
    ...["enqueued", "claimed", "started", "failed", "retried"],
    ...["claimed", "started", "succeeded"],
  ]);
  assertEquals(last("retried").error.message, "first");
});

test("on() calls listeners at once and in order, until they are taken out", async () => {
  const task = defineTask<void>("t");
  const { queue } = bench();
  const calls: string[] = [];
  const offs = ["a", "b", "a"].map((name) =>
    queue.on("enqueued", () => void calls.push(name))
  );
  await queue.enqueue(task);
  assertEquals(calls.splice(0), ["a", "b", "a"]);
  offs[0]!();
  offs[0]!();
  await queue.enqueue(task);
  assertEquals(calls.splice(0), ["b", "a"]);
  for (const off of offs) off();
  await queue.enqueue(task);
  assertEquals(calls, []);
});

test("on() lets a listener take itself out, and add another, while it is told", async () => {
  const task = defineTask<void>("t");
  const { queue } = bench();
  const calls: string[] = [];
  const off = queue.on("enqueued", () => {
    calls.push("once");
    off();
    queue.on("enqueued", () => void calls.push("later"));
  });
  queue.on("enqueued", () => void calls.push("second"));
  await queue.enqueue(task);
  assertEquals(calls.splice(0), ["once", "second"]);
  await queue.enqueue(task);
  assertEquals(calls, ["second", "later"]);
});

test("on() keeps what a listener throws or rejects with from the work and from other listeners", async () => {
  const task = defineTask<void>("t");
  const told: unknown[] = [];
  const { queue, names } = bench({
    handlers: [task.handle(() => {})],
    redact: (error) => new Error(`told ${(error as Error).message}`),
    onError: (error, about) => {
      told.push([(error as Error).message, about]);
      throw new Error("the reporter, too");
    },
  });
  for (const event of EVENTS) {
    queue.on(event, () => {
      throw new Error("thrown");
    });
    queue.on(event, () => Promise.reject(new Error("rejected")));
  }
  const after: string[] = [];
  queue.on("succeeded", () => void after.push("heard"));
  await queue.enqueue(task);
  const { completed } = await queue.drain();
  assertEquals([completed, after], [1, ["heard"]]);
  assertEquals(names(), ["enqueued", "claimed", "started", "succeeded"]);
  await new Promise((resolve) => setTimeout(resolve, 0));
  const about = { kind: "listener", queue: "q" };
  for (const event of ["enqueued", "claimed", "started", "succeeded"]) {
    for (const message of ["told thrown", "told rejected"]) {
      const found = told.filter((one) =>
        JSON.stringify(one) === JSON.stringify([message, { ...about, event }])
      );
      assertEquals(found.length, 1, `${message} by ${event}`);
    }
  }
  assertEquals(told.length, 8);
});

test("on() gives events that no listener changes for the next", async () => {
  const task = defineTask<void>("t");
  const { queue, last } = bench();
  queue.on("enqueued", (event) => {
    (event as { id: string }).id = "other";
  });
  const { id } = await queue.enqueue(task);
  assertEquals(last("enqueued").id, id);
  const second: string[] = [];
  queue.on("enqueued", (event) => void second.push(event.id));
  const { id: next } = await queue.enqueue(task);
  assertEquals(second, [next]);
});

test("emit() makes nothing when nobody listens", () => {
  const events = new Events(() => {});
  let made = 0;
  const make = () => {
    made++;
    return { queue: "q", id: "a", name: "t", attempt: 1 };
  };
  events.emit("started", make);
  const off = events.on("started", () => {});
  events.on("claimed", () => {});
  off();
  events.emit("started", make);
  assertEquals(made, 0);
  events.on("started", () => {});
  events.on("started", () => {});
  events.emit("started", make);
  assertEquals(made, 1);
});

test("emit() has called every listener when it returns", () => {
  const events = new Events(() => {});
  const calls: number[] = [];
  const listener = () => void calls.push(1);
  events.on("started", listener);
  const off = events.on("started", listener);
  events.on("started", async () => {
    await undefined;
    calls.push(2);
  });
  const event = { queue: "q", id: "a", name: "t", attempt: 1 };
  events.emit("started", () => event);
  assertEquals(calls, [1, 1]);
  // the one that was taken out, not its twin
  off();
  events.emit("started", () => event);
  assertEquals(calls, [1, 1, 1]);
});

test("on() refuses an event that there is none of, and a listener that is no function", () => {
  const { queue } = bench();
  for (const name of ["finished", "toString", "", 1]) {
    const error = assertThrows(
      () => queue.on(name as "dead", () => {}),
      TypeError,
    );
    assert(error.message.includes("scheduleFired"));
  }
  assertThrows(() => queue.on("dead", {} as () => void), TypeError);
});
