import {
  assert,
  assertEquals,
  assertFalse,
  assertLessOrEqual,
  assertRejects,
} from "@std/assert";
import { Queue, testClock } from "../mod.ts";
import type { StepRequest } from "../src/broker/broker.ts";
import { fixed } from "../src/core/backoff.ts";
import {
  BrokerError,
  ConsumerStoppedError,
  LeaseLostError,
  TaskCancelledError,
} from "../src/core/error.ts";
import { defineTask, type Run } from "../src/core/task.ts";
import { drain } from "../src/queue/drain.ts";
import type { DrainOptions } from "../src/queue/drain_options.ts";
import { bench, type BenchOptions, gate, times } from "./support/consumer.ts";
import { EMPTY_REPLY } from "./support/empty_reply.ts";
import { test } from "./support/suite.ts";

const task = defineTask<number>("t", { backoff: fixed(1_000) });
const other = defineTask<void>("other");

/** A bench whose handler of `task` is `run`. */
function benchOf(run: Run<number, unknown>, options: BenchOptions = {}) {
  return bench({ handlers: [task.handle(run)], ...options });
}

function down(): Promise<never> {
  return Promise.reject(new BrokerError("unavailable", "down", 4));
}

/** What the broker answers to a step that does nothing. */
test("drain() takes one step when the queue is empty", async () => {
  const made = benchOf(() => {});
  const report = await made.until(drain(made.parts));
  assertEquals(made.steps.length, 1);
  assertEquals(report, {
    claimed: 0,
    completed: 0,
    retried: 0,
    dead: 0,
    cancelled: 0,
    expired: 0,
    released: 0,
    stale: 0,
    unknown: 0,
    unsaved: 0,
    abandoned: 0,
    fired: 0,
    reaped: 0,
    requests: 1,
    commands: 0,
    handlerRequests: 0,
    stoppedBy: "empty",
    more: false,
  });
  assertEquals(made.clock.pending, 0);
});

test("drain() settles and claims a filled batch with each step", async () => {
  for (const concurrency of [10, 50]) {
    const made = benchOf((n) => n);
    await made.enqueue(...times(200, (n) => task.with(n)));
    const report = await made.until(drain(made.parts, { concurrency }));
    assertEquals(report.completed, 200);
    assertEquals(report.requests, made.steps.length);
    assertLessOrEqual(made.steps.length, 7);
    assertEquals(made.settlements.length, 200);
    assertEquals(made.clock.pending, 0);
  }
});

test("drain() holds its budget of requests when handlers take their time", async () => {
  for (const [ms, steps] of [[5, 5], [50, 6]] as const) {
    const made = benchOf(() =>
      new Promise((resolve) => void made.clock.after(ms, () => resolve(1)))
    );
    await made.enqueue(...times(200, (n) => task.with(n)));
    const report = await made.until(drain(made.parts));
    assertEquals(report.completed, 200);
    assertLessOrEqual(made.steps.length, steps);
  }
});

test("drain() runs no more than concurrency handlers, and holds no more than batchSize", async () => {
  let running = 0;
  let most = 0;
  let held = 0;
  const made = benchOf(async () => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) =>
      void made.clock.after(10, () => resolve())
    );
    running--;
  }, {
    async step(request, ask) {
      held -= request.settle.length;
      assertLessOrEqual(held + request.limit, 8);
      const reply = await ask(request);
      held += reply.deliveries.length;
      return reply;
    },
  });
  await made.enqueue(...times(40, (n) => task.with(n)));
  const options: DrainOptions = { concurrency: 3, batchSize: 8 };
  const report = await made.until(drain(made.parts, options));
  assertEquals(report.completed, 40);
  assertEquals([most, held], [3, 0]);
});

test("drain() holds enough tasks for its lanes, and has no more lanes than tasks it may hold", async () => {
  const limits = async (options: DrainOptions) => {
    const door = gate();
    let running = 0;
    const made = benchOf(() => {
      running++;
      return door.opened;
    });
    await made.enqueue(...times(251, (n) => task.with(n)));
    const report = drain(made.parts, { ...options, maxRequests: 2 });
    await made.clock.advance(0);
    const found = [made.steps[0]!.limit, running];
    door.open();
    await made.until(report);
    return found;
  };
  assertEquals(await limits({}), [50, 10]);
  assertEquals(await limits({ concurrency: 80 }), [80, 80]);
  assertEquals(await limits({ concurrency: 250 }), [250, 250]);
  assertEquals(await limits({ batchSize: 4 }), [4, 4]);
  assertEquals(await limits({ batchSize: 9, concurrency: 9 }), [9, 9]);
});

test("drain() takes an option that is undefined for one that is not given", async () => {
  const made = benchOf((n) => n);
  await made.enqueue(task.with(0));
  const options = { budgetMs: undefined, batchSize: undefined };
  const { completed } = await made.until(
    drain(made.parts, options as unknown as DrainOptions),
  );
  assertEquals([completed, made.steps[0]!.limit], [1, 50]);
});

test("drain() settles after settleMs when the line is empty and others still run", async () => {
  const door = gate();
  const made = benchOf((n) => n === 0 ? door.opened : undefined);
  await made.enqueue(task.with(0), task.with(1));
  const report = drain(made.parts, { settleMs: 700 });
  await made.clock.advance(699);
  assertEquals(made.steps.length, 1);
  await made.clock.advance(1);
  assertEquals(made.steps.length, 2);
  assertEquals(made.steps[1]!.settle.length, 1);
  assertFalse(made.steps[1]!.alone);
  door.open();
  assertEquals((await made.until(report)).completed, 2);
  assertEquals(made.steps.length, 3);
});

test("drain() settles at once what carries deferred tasks", async () => {
  const door = gate();
  const made = benchOf(async (n, ctx) => {
    if (n === 0) await door.opened;
    if (n === 1) await ctx.defer(task, 2);
  });
  await made.enqueue(task.with(0), task.with(1));
  const report = drain(made.parts);
  await made.clock.advance(20);
  assertEquals(made.steps.length, 2);
  assertEquals(made.steps[1]!.settle[0]!.enqueue.length, 1);
  door.open();
  assertEquals((await made.until(report)).completed, 3);
  assertEquals(made.instrument.enqueued.at(-1)!.ends, ["sent"]);
});

test("drain() sends what finishes together in one step", async () => {
  const door = gate();
  const made = benchOf(async (_, ctx) => {
    await door.opened;
    await ctx.defer(task, 100, { delayMs: 3_600_000 });
  });
  await made.enqueue(...times(10, (n) => task.with(n)));
  const report = drain(made.parts);
  await made.clock.advance(1);
  door.open();
  await made.until(report);
  assertEquals(made.steps.map(({ settle }) => settle.length), [0, 10]);
});

test("drain() repeats a failed attempt when it is due within lingerMs, and says when else", async () => {
  let attempts = 0;
  const made = benchOf((_, ctx) => {
    attempts = ctx.attempt;
    if (ctx.attempt < 3) throw new Error("again");
  });
  await made.enqueue(task.with(0));
  const report = await made.until(drain(made.parts));
  assertEquals(attempts, 3);
  assertEquals([report.retried, report.completed], [2, 1]);
  // claim; settle; claim; settle; claim; settle
  assertEquals(made.steps.length, 6);
  assertEquals(report.nextDueInMs, undefined);

  const hurried = benchOf(() => {
    throw new Error("again");
  });
  await hurried.enqueue(task.with(0));
  const left = await hurried.until(drain(hurried.parts, { lingerMs: 500 }));
  assertEquals(hurried.steps.length, 2);
  assertEquals(left.nextDueInMs, 1_000);
  assertEquals(left.stoppedBy, "empty");
});

test("drain() looks again when a repeated step is answered, which tells nothing of the line", async () => {
  const made = benchOf((_, ctx) => {
    if (ctx.attempt === 1) throw new Error("again");
  }, {
    async step(request, ask) {
      const reply = await ask(request);
      if (request.settle.length === 0) return reply;
      // the broker sends a request again whose answer was lost; Upstash remembers of it what was settled and claimed
      return { ...await ask(request), nextDueAt: undefined };
    },
  });
  await made.enqueue(task.with(0));
  const report = await made.until(drain(made.parts));
  assertEquals([report.retried, report.completed], [1, 1]);
  assertEquals(report.more, false);
});

test("drain() claims what falls due while something runs", async () => {
  const door = gate();
  const ran: number[] = [];
  const made = benchOf(async (n) => {
    ran.push(n);
    if (n === 0) await door.opened;
  });
  await made.enqueue(task.with(0));
  await made.enqueue(task.with(1, { delayMs: 300 }));
  const report = drain(made.parts);
  await made.clock.advance(400);
  assertEquals(ran, [0, 1]);
  door.open();
  assertEquals((await made.until(report)).completed, 2);
});

test("drain() changes nothing when its clock is an hour off", async () => {
  for (const aheadMs of [3_600_000, -3_600_000]) {
    const made = benchOf((_, ctx) => {
      if (ctx.attempt === 1) throw new Error("again");
    }, { aheadMs });
    await made.enqueue(
      task.with(0),
      task.with(1, { expiresInMs: 60_000 }),
      task.with(2, { delayMs: 2_000 }),
    );
    const report = await made.until(drain(made.parts));
    assertEquals([report.retried, report.completed], [3, 3]);
    assertEquals([report.expired, report.stale], [0, 0]);
  }
});

test("drain() hands back what it has not started, and settles what ended, when its budget is over", async () => {
  const made = benchOf((n) =>
    new Promise((resolve) => void made.clock.after(n * 1_000, () => resolve(n)))
  );
  await made.enqueue(...times(5, () => task.with(4)));
  const report = await made.until(
    drain(made.parts, { budgetMs: 6_000, concurrency: 2, graceMs: 3_000 }),
  );
  assertEquals([report.completed, report.released], [2, 3]);
  assertEquals(report.stoppedBy, "budget");
  assert(report.more);
  const stats = await made.broker.stats("tested");
  assertEquals([stats.ready, stats.leased], [3, 0]);
  const [left] = (await made.broker.list("tested", {
    state: "ready",
    limit: 1,
    cursor: undefined,
  })).tasks;
  assertEquals(left?.attempt, 0);
  assertEquals(made.clock.pending, 0);
});

test("drain() aborts what runs past the grace, which spends its attempt and shows why", async () => {
  let reason: unknown;
  const made = benchOf((_, { signal }) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => {
        reason = signal.reason;
        reject(signal.reason);
      })
    )
  );
  const [id] = await made.enqueue(task.with(0));
  const draining = drain(made.parts, { budgetMs: 1_000, graceMs: 200 });
  await made.clock.advance(1_199);
  assertEquals(reason, undefined);
  const report = await made.until(draining);
  assert(reason instanceof ConsumerStoppedError);
  assertEquals([report.retried, report.released, report.abandoned], [1, 0, 0]);
  assert(report.more);
  const standing = await made.broker.result("tested", id!);
  assert(standing.status === "ready");
  assertEquals(standing.attempt, 1);
  assert(standing.lastError?.includes("ConsumerStoppedError"));
});

test("drain() ends as dead what never fits its budget, attempt for attempt", async () => {
  let runs = 0;
  const made = benchOf(async (n, { signal }) => {
    if (n === 1) return;
    runs++;
    const { promise, reject } = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => reject(signal.reason));
    await promise;
  });
  const [long] = await made.enqueue(task.with(0, { maxAttempts: 3 }));
  const [waiting] = await made.enqueue(task.with(1, { maxAttempts: 1 }));
  const options = { budgetMs: 1_000, concurrency: 1, graceMs: 200 };
  for (const attempt of [1, 2, 3]) {
    const { claimed, dead, released } = await made.until(
      drain(made.parts, options),
    );
    assertEquals(
      [claimed, dead, released, runs],
      [2, attempt === 3 ? 1 : 0, 1, attempt],
    );
  }
  const ended = await made.broker.result("tested", long!);
  assert(ended.status === "dead");
  assert(ended.error.includes("ConsumerStoppedError"));
  const unstarted = await made.broker.result("tested", waiting!);
  assert(unstarted.status === "ready");
  assertEquals(unstarted.attempt, 0);
});

test("drain() does not wait for a handler that ignores the abort: its lease runs out", async () => {
  const door = gate();
  const made = benchOf((n) => n === 0 ? door.opened : n);
  await made.enqueue(task.with(0), task.with(1));
  const from = made.clock.now();
  const report = await made.until(
    drain(made.parts, { budgetMs: 1_000, graceMs: 200 }),
  );
  assertLessOrEqual(made.clock.now() - from, 1_800);
  assertEquals([report.completed, report.abandoned], [1, 1]);
  assert(report.more);
  assertEquals((await made.broker.stats("tested")).leased, 1);
  assertEquals(made.clock.pending, 0);
  const { answer, end } = made.instrument.processed[0]!;
  assertEquals(answer, "unknown");
  assertEquals(end?.errorType, "ConsumerStoppedError");
  door.open();
  await made.clock.advance(1);
  assertEquals(made.settlements.length, 1);
});

test("drain() lets an aborted handler return though the host slept past the grace", async () => {
  const made = benchOf((_, { signal }) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    )
  );
  await made.enqueue(task.with(0));
  const options = { budgetMs: 1_000, graceMs: 200, leaseMs: 120_000 };
  const report = drain(made.parts, options);
  await made.clock.advance(1_100);
  made.clock.set(made.clock.now() + 60_000);
  const { retried, abandoned } = await made.until(report);
  assertEquals([retried, abandoned], [1, 0]);
});

test("drain() stops by its signal, and does nothing when that is aborted before", async () => {
  const stopping = new AbortController();
  const made = benchOf((n) => {
    if (n === 3) stopping.abort();
  });
  await made.enqueue(...times(20, (n) => task.with(n)));
  const report = await made.until(
    drain(made.parts, { signal: stopping.signal, concurrency: 1 }),
  );
  assertEquals(report.stoppedBy, "signal");
  assertEquals(report.completed + report.released, 20);
  assert(report.released > 0);
  const steps = made.steps.length;
  const none = await made.until(
    drain(made.parts, { signal: stopping.signal }),
  );
  assertEquals([none.stoppedBy, none.claimed], ["signal", 0]);
  assertEquals(made.steps.length, steps);
});

test("drain() sends at most maxRequests steps, the last of which settles", async () => {
  const made = benchOf((n) => n);
  await made.enqueue(...times(60, (n) => task.with(n)));
  const options = { batchSize: 10, maxRequests: 4 };
  const report = await made.until(drain(made.parts, options));
  assertEquals(made.steps.length, 4);
  assertEquals(made.steps.at(-1)!.limit, 0);
  assertEquals([report.claimed, report.completed], [30, 30]);
  assertEquals([report.stoppedBy, report.more], ["requests", true]);
  assertEquals((await made.broker.stats("tested")).leased, 0);
});

test("drain() returns when the queue is paused", async () => {
  const made = benchOf((n) => n);
  await made.enqueue(task.with(0));
  await made.broker.pause("tested", { operation: "1", paused: true });
  const report = await made.until(drain(made.parts));
  assertEquals([report.stoppedBy, report.claimed], ["paused", 0]);
  assertEquals(made.steps.length, 1);
});

test("drain() by a clock that stands sets tasks of a paused name aside, and runs what is behind them", async () => {
  let others = 0;
  const queue = Queue.inMemory({
    clock: testClock(),
    handlers: [task.handle(() => {}), other.handle(() => void others++)],
  });
  await queue.enqueueMany(times(1_000, (n) => task.with(n)));
  await queue.pause({ name: "t" });
  assertEquals((await queue.drain()).stoppedBy, "empty");
  await queue.enqueue(other);
  assertEquals((await queue.drain()).completed, 1);
  assertEquals(others, 1);
  await queue.resume({ name: "t" });
  assertEquals((await queue.drain()).completed, 1_000);
});

test("drain() ends what it holds when the queue is paused meanwhile", async () => {
  const made = benchOf((n) => {
    if (n !== 0) return;
    return made.broker.pause("tested", { operation: "1", paused: true });
  });
  await made.enqueue(...times(100, (n) => task.with(n)));
  const report = await made.until(drain(made.parts));
  assertEquals([report.stoppedBy, report.completed], ["paused", 50]);
});

test("drain() runs a task whose consumer died alone", async () => {
  let running = 0;
  let most = 0;
  const company: number[] = [];
  const made = benchOf(async (n, ctx) => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) =>
      void made.clock.after(10, () => resolve())
    );
    if (ctx.attempt > 1) company.push(n, running);
    running--;
  });
  await made.enqueue(...times(20, (n) => task.with(n)));
  // another consumer claims the first three, and dies
  await made.broker.step("tested", {
    consumer: "doomed",
    seq: 1,
    leaseMs: 1_000,
    limit: 3,
    maxBytes: 1_000_000,
    alone: true,
    settle: [],
    extend: [],
  });
  await made.clock.advance(1_000);
  const report = await made.until(drain(made.parts));
  assertEquals(report.completed, 20);
  assertEquals(report.reaped, 3);
  assert(most > 1);
  assertEquals(company, [0, 1, 1, 1, 2, 1]);
});

test("drain() keeps a lane taken until a timed-out handler has returned", async () => {
  const door = gate();
  const ran: number[] = [];
  const slow = defineTask<number>("slow", { timeoutMs: 100, maxAttempts: 1 });
  const made = bench({
    handlers: [
      slow.handle(() => door.opened),
      task.handle((n) => void ran.push(n)),
    ],
  });
  await made.enqueue(slow.with(0), task.with(1));
  const report = drain(made.parts, { concurrency: 1 });
  await made.clock.advance(2_000);
  assertEquals(ran, []);
  assertEquals(made.settlements.map(({ end }) => end.kind), ["dead"]);
  door.open();
  await made.clock.advance(0);
  assertEquals(ran, [1]);
  assertEquals((await made.until(report)).completed, 1);
});

test("drain() extends what runs and what waits, before half of the lease is over", async () => {
  const door = gate();
  const made = benchOf(() => door.opened);
  await made.enqueue(...times(3, (n) => task.with(n, { timeoutMs: 60_000 })));
  const report = drain(made.parts, {
    concurrency: 1,
    leaseMs: 10_000,
    budgetMs: 60_000,
  });
  await made.clock.advance(25_000);
  const extended = made.steps.filter(({ extend }) => extend.length > 0);
  assertEquals(extended.map(({ extend }) => extend.length), times(6, () => 3));
  door.open();
  const { completed, stale } = await made.until(report);
  assertEquals([completed, stale], [3, 0]);
});

test("drain() hears of a cancel with a heartbeat", async () => {
  let reason: unknown;
  const made = benchOf((_, { signal }) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => {
        reason = signal.reason;
        reject(signal.reason);
      })
    )
  );
  const [id] = await made.enqueue(task.with(0));
  const report = drain(made.parts);
  await made.clock.advance(1);
  await made.broker.cancel("tested", {
    operation: "1",
    id: id!,
    error: "{}",
    keepMs: 1_000,
  });
  const { cancelled } = await made.until(report);
  assertEquals(cancelled, 1);
  assert(reason instanceof TaskCancelledError);
  assertEquals((await made.broker.result("tested", id!)).status, "cancelled");
});

test("drain() does not run a task that was cancelled while it waited", async () => {
  const door = gate();
  const ran: number[] = [];
  const made = benchOf(async (n) => {
    ran.push(n);
    await door.opened;
  });
  const [, id] = await made.enqueue(task.with(0), task.with(1));
  const report = drain(made.parts, { concurrency: 1, leaseMs: 5_000 });
  await made.clock.advance(1);
  await made.broker.cancel("tested", {
    operation: "1",
    id: id!,
    error: "{}",
    keepMs: 1_000,
  });
  await made.clock.advance(5_000);
  door.open();
  const { completed, cancelled } = await made.until(report);
  assertEquals([completed, cancelled], [1, 1]);
  assertEquals(ran, [0]);
});

test("drain() does not start a task whose lease ran out while a handler held the thread", async () => {
  const ran: number[] = [];
  const made = benchOf((n) => {
    ran.push(n);
    made.clock.set(made.clock.now() + 6_000);
  });
  await made.enqueue(...times(3, (n) => task.with(n)));
  const options = { concurrency: 1, leaseMs: 5_000, budgetMs: 20_000 };
  const report = await made.until(drain(made.parts, options));
  assertEquals(report.stale, 2);
  // the first one is settled all the same, and the next comes alone
  assertEquals(made.steps[1]!.settle.map(({ token }) => token), [
    `${made.steps[0]!.consumer}:1`,
  ]);
  assertEquals([ran, report.reaped], [[0, 1], 2]);
});

test("drain() starts nothing past its budget though its handlers hold the thread", async () => {
  const ran: number[] = [];
  const made = benchOf((n) => {
    ran.push(n);
    made.clock.set(made.clock.now() + 400);
  });
  await made.enqueue(...times(20, (n) => task.with(n)));
  const options = { concurrency: 20, budgetMs: 1_000 };
  const report = await made.until(drain(made.parts, options));
  assertEquals([report.completed, report.released], [3, 17]);
  assertEquals(ran, [0, 1, 2]);
});

test("drain() claims nothing while timed-out handlers hold all its lanes", async () => {
  const door = gate();
  const made = benchOf(() => door.opened);
  await made.enqueue(task.with(0, { timeoutMs: 100, maxAttempts: 1 }));
  const report = drain(made.parts, { concurrency: 1 });
  await made.clock.advance(200);
  await made.enqueue(task.with(1));
  await made.clock.advance(10_000);
  const { ready, leased } = await made.broker.stats("tested");
  assertEquals([ready, leased], [1, 0]);
  door.open();
  const { completed, dead } = await made.until(report);
  assertEquals([completed, dead], [1, 1]);
});

test("ctx.extend() takes a step of its own, and a long lease is not made shorter", async () => {
  const door = gate();
  const made = benchOf(async (_, ctx) => {
    await ctx.extend(300_000);
    await door.opened;
  });
  await made.enqueue(task.with(0));
  const report = drain(made.parts, { budgetMs: 60_000, leaseMs: 20_000 });
  await made.clock.advance(1);
  assertEquals(made.steps.map(({ extend }) => extend.length), [0, 1]);
  assertEquals(made.steps[1]!.extend[0]!.leaseMs, 300_000);
  await made.clock.advance(10_000);
  assertEquals(made.steps.at(-1)!.extend[0]!.leaseMs, 292_000);
  door.open();
  const { completed } = await made.until(report);
  assertEquals(completed, 1);
});

test("drain() aborts a handler whose lease is lost, and settles nothing for it", async () => {
  let reason: unknown;
  const made = benchOf(
    (_, { signal }) =>
      new Promise((resolve) =>
        signal.addEventListener("abort", () => {
          reason = signal.reason;
          resolve("too late");
        })
      ),
    {
      step: async (request, ask) => {
        const reply = await ask(request);
        return { ...reply, lost: request.extend.map(({ id }) => id) };
      },
    },
  );
  await made.enqueue(task.with(0));
  const report = await made.until(drain(made.parts));
  assert(reason instanceof LeaseLostError);
  assertEquals([report.stale, report.completed], [1, 0]);
  assertEquals(made.settlements, []);
  assertEquals(made.instrument.processed[0]!.answer, "stale");
});

test("drain() reports a settlement that came too late, and nothing that it deferred was sent", async () => {
  const made = benchOf((_, ctx) => ctx.defer(task, 1), {
    step: async (request, ask) =>
      request.settle.length === 0 ? await ask(request) : {
        ...EMPTY_REPLY,
        stale: request.settle.map(({ id }) => id),
      },
  });
  await made.enqueue(task.with(0));
  const report = await made.until(drain(made.parts));
  assertEquals([report.completed, report.stale], [0, 1]);
  const { enqueued, processed } = made.instrument;
  assertEquals(processed[0]!.answer, "stale");
  assertEquals(enqueued.at(-1)!.ends, ["failed"]);
});

test("drain() rejects at once when the broker is down and nothing is held", async () => {
  const made = benchOf(() => {}, { step: down });
  const error = await assertRejects(
    () => made.until(drain(made.parts)),
    BrokerError,
    "down",
  );
  assert(error.retryable);
  assertEquals(made.steps.length, 1);
  assertEquals(made.instrument.drains[0]!.error, error);
  assertEquals(made.instrument.flushed.length, 1);
  assertEquals(made.clock.pending, 0);
});

test("drain() sends a failed step again, the same, after what runs has ended, and then rejects", async () => {
  let failures = 0;
  const door = gate();
  const made = benchOf((n) => n === 0 ? door.opened : n, {
    step: (request, ask) =>
      request.settle.length > 0 && failures++ === 0 ? down() : ask(request),
  });
  const ids = await made.enqueue(...times(3, (n) => task.with(n)));
  const report = drain(made.parts, { settleMs: 100 });
  const rejected = assertRejects(() => made.until(report), BrokerError);
  await made.clock.advance(500);
  assertEquals(made.steps.length, 2);
  door.open();
  await rejected;
  assertEquals(made.steps.map(({ seq }) => seq), [1, 2, 2, 3]);
  assertEquals(made.steps[1], made.steps[2]);
  for (const id of ids) {
    assertEquals((await made.broker.result("tested", id)).status, "completed");
  }
});

test("drain() gives back what a failed step turns out to have claimed", async () => {
  let failures = 0;
  const made = benchOf((n) => n, {
    step: async (request, ask) => {
      const reply = await ask(request);
      // the answer is lost
      return request.settle.length > 0 && failures++ === 0 ? down() : reply;
    },
  });
  await made.enqueue(...times(70, (n) => task.with(n)));
  await assertRejects(() => made.until(drain(made.parts)), BrokerError);
  assert(made.clock.monotonic() < 5_000, "it did not wait for its budget");
  assertEquals(made.steps.map(({ seq }) => seq), [1, 2, 2, 3]);
  const { ready, leased } = await made.broker.stats("tested");
  assertEquals([ready, leased], [20, 0]);
});

test("drain() gives up when the broker stays down", async () => {
  const made = benchOf((n) => n, {
    step: (request, ask) => request.settle.length > 0 ? down() : ask(request),
  });
  await made.enqueue(...times(3, (n) => task.with(n)));
  await assertRejects(() => made.until(drain(made.parts)), BrokerError);
  assertEquals(made.steps.length, 3);
  const answers = made.instrument.processed.map(({ answer }) => answer);
  assertEquals(answers, ["unknown", "unknown", "unknown"]);
  assertEquals(made.clock.pending, 0);
});

test("drain() goes on under another name when the broker has answered a later step", async () => {
  let isOld = true;
  const made = benchOf((n) => n, {
    step: (request, ask) => {
      if (request.settle.length === 0 || !isOld) return ask(request);
      isOld = false;
      return Promise.resolve({ ...EMPTY_REPLY, status: "old" });
    },
  });
  await made.enqueue(task.with(0));
  await assertRejects(() => made.until(drain(made.parts)), BrokerError);
  const [first, second, third] = made.steps;
  assertEquals(first!.consumer, second!.consumer);
  assert(third!.consumer !== first!.consumer);
  assertEquals(third!.settle, second!.settle);
});

test("drain() keeps stepping while there is something to sweep", async () => {
  let left = 5;
  const made = benchOf(() => {}, {
    step: async (request, ask) => ({
      ...await ask(request),
      sweeping: --left > 0,
    }),
  });
  const report = await made.until(drain(made.parts));
  assertEquals(made.steps.length, 5);
  assertFalse(report.more);
  const endless = benchOf(() => {}, {
    step: () => Promise.resolve({ ...EMPTY_REPLY, sweeping: true }),
  });
  const bounded = await endless.until(drain(endless.parts));
  assertEquals(endless.steps.length, 201);
  assert(bounded.more);
});

test("drain() asks less and less often for what is due but not to be had", async () => {
  const made = benchOf(() => {}, {
    step: () => Promise.resolve({ ...EMPTY_REPLY, now: 5, nextDueAt: 5 }),
  });
  const report = await made.until(drain(made.parts));
  assertEquals(report.nextDueInMs, 0);
  assertLessOrEqual(made.steps.length, 15);
});

test("drain() splits settlements that are too many bytes for one step", async () => {
  const big = "x".repeat(200_000);
  const made = benchOf(() => big, { limits: { maxResultBytes: 262_144 } });
  await made.enqueue(...times(50, (n) => task.with(n)));
  const report = await made.until(drain(made.parts));
  assertEquals([report.completed, report.unsaved], [50, 0]);
  for (const { settle } of made.steps) assertLessOrEqual(settle.length, 20);
});

test("drain() completes a task whose result is too large, and counts it", async () => {
  const made = benchOf(() => "x".repeat(1_001));
  const [id] = await made.enqueue(task.with(0));
  const report = await made.until(drain(made.parts));
  assertEquals([report.completed, report.unsaved], [1, 1]);
  assertEquals((await made.broker.result("tested", id!)).status, "completed");
});

test("drain() counts every outcome once", async () => {
  const made = benchOf((n, ctx) => {
    if (n === 1) throw new Error("dead");
    if (n === 2) throw new Error("again");
    if (n === 3) ctx.release({ delayMs: 3_600_000 });
  });
  await made.enqueue(
    task.with(0),
    task.with(1, { maxAttempts: 1 }),
    task.with(2, { backoff: fixed(3_600_000) }),
    task.with(3),
    task.with(4, { expiresInMs: 10 }),
  );
  await made.enqueue({
    name: "stranger",
    schema: undefined,
    input: 1,
    options: {},
  });
  await made.clock.advance(20);
  const report = await made.until(drain(made.parts));
  const { claimed, completed, dead, retried, released, expired } = report;
  assertEquals(
    { claimed, completed, dead, retried, released, expired },
    { claimed: 6, completed: 1, dead: 1, retried: 1, released: 2, expired: 1 },
  );
  assertEquals(report.unknown, 1);
});

test("drain() links its deliveries to itself, and flushes its scope at its end", async () => {
  const made = benchOf((n) => n);
  await made.enqueue(task.with(0));
  const report = await made.until(drain(made.parts));
  const [trace] = made.instrument.drains;
  assertEquals(made.instrument.drains.length, 1);
  assertEquals(made.instrument.processed[0]!.ambient, trace!.context);
  assertEquals(made.instrument.processed[0]!.worker, made.steps[0]!.consumer);
  assertEquals(made.instrument.flushed, [trace!.context]);
  assertEquals(trace!.moved, report.claimed);
  assertEquals(trace!.steps.length, 2);
});

test("drain() refuses options that are unknown or impossible, before any request", async () => {
  const made = benchOf(() => {});
  const bad: readonly Record<string, unknown>[] = [
    { batchSize: 0 },
    { batchSize: 251 },
    { batchSize: null },
    { batchSize: 5, concurrency: 6 },
    { concurrency: 0 },
    { concurrency: 1.5 },
    { concurrency: 251 },
    { budgetMs: NaN },
    { budgetMs: 0 },
    { settleMs: -1 },
    { lingerMs: "1" },
    { leaseMs: 2 ** 53 },
    { maxRequests: 1 },
    { maxBytes: 1 },
    { graceMs: Infinity },
    { signal: {} },
    { context: {} },
    { rung: { mark: "1", hop: NaN } },
    { batchsize: 1 },
  ];
  for (const options of bad) {
    const [name] = Object.keys(options);
    const error = await assertRejects(() => drain(made.parts, options), Error);
    assert(error instanceof TypeError || error instanceof RangeError);
    assert(error.message.includes(name!), error.message);
  }
  assertEquals(made.broker.asked, []);
  assertEquals(made.instrument.drains, []);
});

test("drain() numbers its steps from 1, one at a time", async () => {
  let isUnderWay = false;
  const made = benchOf((n) => n, {
    step: async (request: StepRequest, ask) => {
      assertFalse(isUnderWay);
      isUnderWay = true;
      const reply = await ask(request);
      isUnderWay = false;
      return reply;
    },
  });
  await made.enqueue(...times(120, (n) => task.with(n)));
  await made.until(drain(made.parts));
  const seqs = made.steps.map(({ seq }) => seq);
  assertEquals(seqs, times(seqs.length, (i) => i + 1));
});
