/** Who hears of errors, of which, and what that costs the work: nothing. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  BrokerError,
  defineTask,
  type ErrorAbout,
  type ErrorReporter,
  fixed,
  Queue,
  type QueueOptions,
  testClock,
} from "../mod.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import { recording } from "./support/recording_broker.ts";
import "./support/loaded.ts";
import { test } from "./support/suite.ts";

type Told = readonly [unknown, ErrorAbout];

const task = defineTask<void>("t", {
  maxAttempts: 2,
  backoff: fixed(1_000, { jitter: 0 }),
});

function reported(options: Partial<QueueOptions> = {}) {
  const clock = testClock();
  const told: Told[] = [];
  const onError: ErrorReporter = (...report) => void told.push(report);
  const broker = new MemoryBroker({ clock });
  const all = { name: "q", clock, broker, onError, ...options };
  return { clock, told, queue: new Queue(all) };
}

test("onError hears of each failed attempt, the error as it was thrown, with the task's facts", async () => {
  const thrown = new Error("no");
  const { clock, told, queue } = reported({
    handlers: [task.handle(async () => {
      await clock.advance(40);
      throw thrown;
    })],
  });
  await queue.enqueue(task, undefined, { id: "a" });
  await queue.drain();
  await clock.advance(1_000);
  await queue.drain();
  assert(told.every(([error]) => error === thrown));
  const facts = { kind: "attempt", queue: "q", id: "a", name: "t" } as const;
  assertEquals(told.map(([, about]) => about), [
    { ...facts, attempt: 1, isLast: false, durationMs: 40 },
    { ...facts, attempt: 2, isLast: true, durationMs: 40 },
  ]);
});

test("onError hears of inline, and of what is found unfit to run", async () => {
  const { told, queue } = reported({
    handlers: [task.handle(() => Promise.reject(new Error("inline")))],
  });
  await queue.inline(task).catch(() => {});
  assertEquals(told.length, 1);
  assertEquals((told[0]![0] as Error).message, "inline");
  const { now } = testClock();
  const broker = new MemoryBroker();
  await broker.enqueue("q", {
    tasks: [{
      id: "poison",
      name: "t",
      envelope: "not JSON",
      priority: 0,
      due: { kind: "now" },
      dedupe: undefined,
    }],
    maxBacklog: undefined,
  });
  const other = reported({ broker, clock: { ...testClock(), now } });
  await other.queue.drain();
  const [error, about] = other.told[0]!;
  assertEquals((error as Error).name, "InvalidEnvelopeError");
  assert(about.kind === "attempt" && about.isLast);
});

test("onError hears what redact leaves, and not of what is no failure", async () => {
  let isCancelled = false;
  const { told, queue } = reported({
    redact: (error) => new Error(`less than ${(error as Error).message}`),
    handlers: [
      task.handle(() => {
        throw new Error("all");
      }),
      defineTask("released").handle((_, ctx) => ctx.release()),
      defineTask("fine").handle(() => void (isCancelled = true)),
    ],
  });
  await queue.enqueueNamed("released");
  await queue.enqueueNamed("fine");
  await queue.drain();
  assert(isCancelled);
  assertEquals(told, []);
  await queue.enqueue(task);
  await queue.drain();
  assertEquals(told.map(([error]) => (error as Error).message), [
    "less than all",
  ]);
});

test("onError hears of a task that nobody here knows, once for each name in a drain", async () => {
  const { clock, told, queue } = reported({
    redact: (error) => new Error(`less than ${(error as Error).message}`),
  });
  await queue.enqueueNamed("nobody", 1, { id: "a" });
  await queue.enqueueNamed("nobody", 2, { id: "b" });
  await queue.enqueueNamed("nothing", 3, { id: "c" });
  const hears = async () => {
    told.length = 0;
    const { unknown, released } = await queue.drain();
    assertEquals([unknown, released], [3, 3]);
    return told.map(([error, about]) => [(error as Error).message, about]);
  };
  const message = "less than No handler of this consumer is named";
  const about = { kind: "unknown", queue: "q" } as const;
  const expected = [
    [`${message} 'nobody'`, { ...about, id: "a", name: "nobody" }],
    [`${message} 'nothing'`, { ...about, id: "c", name: "nothing" }],
  ];
  assertEquals(await hears(), expected);
  await clock.advance(60_000);
  assertEquals(await hears(), expected);
});

test("onError that throws or rejects costs the work nothing", async () => {
  for (
    const onError of [
      () => {
        throw new Error("thrown");
      },
      () => Promise.reject(new Error("rejected")),
    ]
  ) {
    const { queue } = reported({
      onError,
      handlers: [task.handle((_, ctx) => {
        if (ctx.attempt === 1) throw new Error("first");
      })],
    });
    await queue.enqueue(task);
    const { retried } = await queue.drain();
    assertEquals(retried, 1);
  }
});

test("drain() waits for the promises of its own reports, and not for ever", async () => {
  const doors = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let calls = 0;
  const { clock, queue } = reported({
    onError: () => doors[calls++]?.promise,
    handlers: [task.handle(() => Promise.reject(new Error("no")))],
  });
  await queue.enqueue(task);
  let isOver = false;
  const drained = queue.drain().then(() => void (isOver = true));
  await clock.advance(0);
  assert(!isOver);
  doors[0]!.resolve();
  await drained;
  // it neither waits for the second, which hangs, longer than its time, nor for the first one's again
  await clock.advance(1_000);
  const second = queue.drain().then(() => void (isOver = false));
  await clock.advance(5_999);
  assert(isOver);
  await clock.advance(1);
  await second;
  assert(!isOver);
  assertEquals(calls, 2);
  await queue.drain();
});

test("onError hears of each step that a worker cannot send, and work() waits for its reports", async () => {
  const clock = testClock();
  const memory = new MemoryBroker({ clock });
  let downs = 2;
  const down = new BrokerError("unavailable", "down");
  const door = Promise.withResolvers<void>();
  const told: Told[] = [];
  const { queue } = reported({
    clock,
    broker: recording(memory, {
      step: (name, request) =>
        downs-- > 0 ? Promise.reject(down) : memory.step(name, request),
    }),
    onError: (...report) => {
      told.push(report);
      return door.promise;
    },
  });
  const own: unknown[] = [];
  const worker = queue.work({ onError: (error) => own.push(error) });
  await clock.advance(10_000);
  assertEquals(told, [
    [down, { kind: "consumer", queue: "q" }],
    [down, { kind: "consumer", queue: "q" }],
  ]);
  assertEquals(own, [down, down]);
  let isOver = false;
  const stopped = worker.stop().then(() => void (isOver = true));
  await clock.advance(5_000);
  assert(!isOver);
  door.resolve();
  await stopped;
});

test("work() waits at its end for the reports of its attempts", async () => {
  const door = Promise.withResolvers<void>();
  const { clock, queue } = reported({
    onError: () => door.promise,
    handlers: [task.handle(() => Promise.reject(new Error("no")))],
  });
  await queue.enqueue(task);
  const worker = queue.work();
  await clock.advance(0);
  let isOver = false;
  const stopped = worker.stop().then(() => void (isOver = true));
  await clock.advance(100);
  assert(!isOver);
  door.resolve();
  await stopped;
});

test("onError must be a function", () => {
  assertThrows(
    () => Queue.inMemory({ onError: {} as ErrorReporter }),
    TypeError,
    "onError",
  );
});
