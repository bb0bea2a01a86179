/** What a running handler tells, and what it is told: progress and cancel, with the steps that go anyway, on both brokers. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Clock,
  defineTask,
  type HandlerContext,
  PayloadError,
  Queue,
  type QueueOptions,
  type StepRequest,
  TaskCancelledError,
} from "../mod.ts";
import type { ContractBroker } from "./support/contract.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import { ManualClock } from "./support/manual_clock.ts";
import { memoryBroker } from "./support/memory_broker.ts";
import { recording, type RecordingBroker } from "./support/recording_broker.ts";
import { test } from "./support/suite.ts";

const START = 1_763_800_000_000;

const brokers: Readonly<Record<string, () => Promise<ContractBroker>>> = {
  MemoryBroker: () => Promise.resolve(memoryBroker(START)),
  UpstashBroker: () => gatewayBroker(START),
};

const task = defineTask<string>("t", { timeoutMs: 600_000 });

/** Handlers at work, each until its door is opened. */
interface Stage {
  readonly queue: Queue;
  readonly broker: RecordingBroker;
  readonly clock: ManualClock;
  readonly contexts: ReadonlyMap<string, HandlerContext>;
  /** Ends the handler of this id. */
  end(id: string): Promise<void>;
  /** Moves both clocks. */
  advance(ms: number): Promise<void>;
  /** What `result` shows of a task's progress. */
  shown(id: string): Promise<unknown>;
  /** How many steps were sent, and how many extensions with and without progress. */
  sent(): readonly [steps: number, told: number, plain: number];
}

/** Starts tasks of these ids in a worker. */
async function stage(
  made: ContractBroker,
  ids: readonly string[],
  options: Partial<QueueOptions> = {},
): Promise<Stage & AsyncDisposable> {
  const clock = new ManualClock(START);
  const asked: Promise<unknown>[] = [];
  const broker = recording(made.broker, {
    step(queue, request) {
      const answer = made.broker.step(queue, request);
      asked.push(answer);
      return answer;
    },
  });
  /** Lets what is on its way arrive, be it from a server. */
  const arrive = async () => {
    for (let asks = -1; asks < asked.length;) {
      asks = asked.length;
      await Promise.allSettled(asked);
      await clock.advance(0);
    }
  };
  const contexts = new Map<string, HandlerContext>();
  const doors = new Map<string, () => void>();
  const queue = new Queue({
    name: `progress-${crypto.randomUUID()}`,
    broker,
    clock,
    handlers: [task.handle((_, ctx) => {
      contexts.set(ctx.id, ctx);
      const { promise, resolve } = Promise.withResolvers<void>();
      doors.set(ctx.id, resolve);
      ctx.signal.addEventListener("abort", () => resolve());
      return promise;
    })],
    ...options,
  });
  await queue.enqueueMany(ids.map((id) => task.with(id, { id })));
  const worker = queue.work({ leaseMs: 30_000, pollMs: POLL });
  await clock.advance(0);
  await arrive();
  assertEquals(contexts.size, ids.length);
  const steps = () => broker.of<StepRequest>("step");
  return {
    queue,
    broker,
    clock,
    contexts,
    async end(id) {
      doors.get(id)!();
      await clock.advance(0);
      await arrive();
    },
    async advance(ms) {
      await made.advance(ms);
      await clock.advance(ms);
      await arrive();
    },
    async shown(id) {
      const result = await queue.result(id);
      return "progress" in result ? result.progress : undefined;
    },
    sent() {
      const extend = steps().flatMap(({ extend }) => extend);
      const told = extend.filter(({ progress }) => progress !== undefined);
      return [steps().length, told.length, extend.length - told.length];
    },
    async [Symbol.asyncDispose]() {
      for (const open of doors.values()) open();
      const stopped = worker.stop();
      await clock.advance(0);
      await arrive();
      await stopped;
    },
  };
}

/** A worker that never polls by itself: every step has another reason. */
const POLL = { min: 3_600_000, max: 3_600_000 };

for (const [name, make] of Object.entries(brokers)) {
  test(`${name}: ctx.progress() is shown with the next heartbeat, the last one that was told`, async () => {
    await using made = await make();
    await using at = await stage(made, ["a"]);
    const ctx = at.contexts.get("a")!;
    assertEquals(at.sent(), [1, 0, 0]);
    ctx.progress({ done: 1 });
    ctx.progress({ done: 0.5, of: "50%|\n" });
    await at.advance(11_999);
    assertEquals([await at.shown("a"), at.sent()], [undefined, [1, 0, 0]]);
    await at.advance(1);
    assertEquals(await at.shown("a"), { done: 0.5, of: "50%|\n" });
    assertEquals(at.sent(), [2, 1, 0]);
    // nothing new to tell: the next heartbeat carries none, and the old one stays
    await at.advance(12_000);
    assertEquals(await at.shown("a"), { done: 0.5, of: "50%|\n" });
    assertEquals(at.sent(), [3, 1, 1]);
    ctx.progress(7);
    await at.advance(12_000);
    assertEquals(await at.shown("a"), 7);
    ctx.progress(undefined);
    await at.advance(12_000);
    assertEquals(await at.shown("a"), null);
    await at.end("a");
    assertEquals((await at.queue.result("a")).status, "completed");
    assertEquals(await at.shown("a"), undefined);
  });

  test(`${name}: ctx.progress() goes with a step that is due anyway`, async () => {
    await using made = await make();
    await using at = await stage(made, ["a", "b"]);
    at.contexts.get("a")!.progress("half");
    assertEquals(at.sent(), [1, 0, 0]);
    await at.end("b");
    await at.advance(1_000);
    assertEquals(await at.shown("a"), "half");
    assertEquals(at.sent(), [2, 1, 0]);
  });

  test(`${name}: cancel() reaches ctx.signal of a running task with the next heartbeat`, async () => {
    await using made = await make();
    await using at = await stage(made, ["a"]);
    const { signal } = at.contexts.get("a")!;
    assertEquals(await at.queue.cancel("a"), "cancelling");
    await at.advance(11_999);
    assertEquals(signal.aborted, false);
    await at.advance(1);
    assert(signal.aborted);
    assert(signal.reason instanceof TaskCancelledError);
  });
}

test("ctx.progress() that a step could not tell is told by the next, and what came meanwhile after it", async () => {
  const made = memoryBroker(START);
  let isDown = false;
  const heard: unknown[] = [];
  const broker = recording(made.broker, {
    step: async (queue, request) => {
      if (isDown) throw new Error("down");
      heard.push(...request.extend.map(({ progress }) => progress));
      return await made.broker.step(queue, request);
    },
  });
  await using at = await stage({ ...made, broker }, ["a"]);
  const ctx = at.contexts.get("a")!;
  ctx.progress(1);
  isDown = true;
  await at.advance(12_000);
  ctx.progress(2);
  isDown = false;
  await at.advance(1_000);
  assertEquals(heard, ["1"]);
  await at.advance(12_000);
  assertEquals(heard, ["1", "2"]);
  assertEquals(await at.shown("a"), 2);
});

test("ctx.progress() refuses what JSON cannot carry, what is over 4 KB, and an attempt that has ended", async () => {
  let ended: HandlerContext | undefined;
  const seen: string[] = [];
  const clock: Clock = new ManualClock();
  const queue = Queue.inMemory({
    clock,
    handlers: [task.handle((_, ctx) => {
      ended = ctx;
      ctx.progress("x".repeat(4_094));
      ctx.progress(undefined);
      for (const bad of ["x".repeat(4_095), 1n, NaN, { a: () => {} }]) {
        const error = assertThrows(() => ctx.progress(bad), PayloadError);
        assert(!error.message.includes("xx"));
        seen.push(typeof bad);
      }
    })],
  });
  await queue.inline(task, "a");
  assertEquals(seen, ["string", "bigint", "number", "object"]);
  assertThrows(() => ended!.progress(1), TypeError, "has ended");
});
