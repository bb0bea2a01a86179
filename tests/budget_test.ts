/** What a drain takes on, and what it leaves to the next. */
import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertRejects,
} from "@std/assert";
import { Consumer, defineTask, Queue } from "../mod.ts";
import { instead } from "../src/broker/instead.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import { drain } from "../src/queue/drain.ts";
import type { DrainOptions } from "../src/queue/drain_options.ts";
import { Forecast } from "../src/queue/consume/forecast.ts";
import { bench, times } from "./support/consumer.ts";
import { test } from "./support/suite.ts";

const quick = defineTask<number>("quick", { maxAttempts: 1 });
const slow = defineTask<number>("slow", { maxAttempts: 1 });

/** A bench whose handlers take these times, by its clock. */
function timed(quickMs: number, slowMs: number) {
  const taking = (ms: number) => () =>
    new Promise<void>((resolve) => void made.clock.after(ms, () => resolve()));
  const made = bench({
    handlers: [quick.handle(taking(quickMs)), slow.handle(taking(slowMs))],
  });
  return made;
}

/** The tasks that are left, by their attempts. */
async function left(made: ReturnType<typeof bench>) {
  const { tasks } = await made.broker.list("tested", {
    state: "ready",
    limit: 1_000,
    cursor: undefined,
  });
  return tasks.map(({ attempt }) => attempt);
}

test("drain() claims no batch that it does not expect to end in time", async () => {
  const made = timed(1_000, 0);
  await made.enqueue(...times(100, (n) => quick.with(n)));
  const options = { budgetMs: 11_000, concurrency: 5, batchSize: 10 };
  const report = await made.until(drain(made.parts, options));
  assertEquals([report.stoppedBy, report.more], ["budget", true]);
  assertEquals([report.dead, report.retried, report.abandoned], [0, 0, 0]);
  assert(report.completed >= 40, `${report.completed} completed`);
  assertEquals(await left(made), times(100 - report.completed, () => 0));
  assertLessOrEqual(made.clock.monotonic(), 10_000);
});

test("drain() hands back what it has claimed and does not expect to end in time, unspent", async () => {
  const made = timed(10, 4_000);
  await made.enqueue(
    ...times(2, (n) => slow.with(n)),
    ...times(3, (n) => quick.with(n)),
    ...times(2, (n) => slow.with(n)),
  );
  const options = { budgetMs: 10_000, concurrency: 1 };
  const report = await made.until(drain(made.parts, options));
  assertEquals([report.completed, report.released], [5, 2]);
  assertEquals([report.stoppedBy, report.more], ["budget", true]);
  assertEquals(await left(made), [0, 0]);
  assertEquals(made.clock.pending, 0);
});

test("drain() starts nothing in its reserve, and lets what runs end", async () => {
  for (const [reserveMs, completed] of [[0, 3], [2_000, 2], [7_000, 1]]) {
    const made = timed(3_000, 0);
    await made.enqueue(quick.with(0));
    const options = { budgetMs: 10_000, concurrency: 1, reserveMs: reserveMs! };
    const draining = drain(made.parts, options);
    await made.enqueue(...times(5, (n) => quick.with(n)));
    const report = await made.until(draining);
    assertEquals([report.completed, report.dead], [completed, 0]);
  }
});

test("drain() counts repeats against maxRequests", async () => {
  const made = bench({
    handlers: [quick.handle(() => {})],
    step: async (request, ask) => ({ ...await ask(request), requests: 3 }),
  });
  await made.enqueue(...times(60, (n) => quick.with(n)));
  const report = await made.until(
    drain(made.parts, { batchSize: 10, maxRequests: 10 }),
  );
  assertEquals(made.steps.length, 4);
  assertEquals([report.requests, report.completed], [12, 30]);
  assertEquals([report.stoppedBy, report.more], ["requests", true]);
});

/** A queue whose requests are counted by verb, on a broker in memory. */
function counted(telemetry = {}, handler?: (n: number) => void) {
  const memory = new MemoryBroker();
  const sent = { steps: 0, enqueues: 0, fetches: 0 };
  const broker = instead(memory, {
    step: (...call) => (sent.steps++, memory.step(...call)),
    enqueue: (...call) => (sent.enqueues++, memory.enqueue(...call)),
  });
  const queue = new Queue({
    broker,
    telemetry: {
      fetchIn: () => () => {
        sent.fetches++;
        return Promise.resolve(new Response());
      },
      ...telemetry,
    },
    handlers: [
      quick.handle((n) => handler?.(n)),
      slow.handle(async (n, ctx) => {
        await ctx.enqueue(quick, n, { delayMs: 3_600_000 });
        await ctx.fetch("https://example.com");
      }),
    ],
  });
  return { queue, sent };
}

test("drain() counts what handlers send against maxRequests, and leaves what would send too much", async () => {
  const { queue, sent } = counted();
  await queue.enqueueMany(times(100, (n) => slow.with(n)));
  sent.enqueues = 0;
  const options: DrainOptions = { maxRequests: 40, concurrency: 4 };
  const report = await queue.drain(options);
  const { steps, enqueues, fetches } = sent;
  assertLessOrEqual(steps + enqueues + fetches, 40);
  assert(report.completed >= 12, `${report.completed} completed`);
  assertEquals(report.handlerRequests, enqueues + fetches);
  assertEquals(report.requests, steps);
  assertEquals([report.stoppedBy, report.more], ["requests", true]);
  const { tasks } = await queue.list({ state: "ready", limit: 100 });
  assertEquals(tasks.length, 100 - report.completed);
  assert(tasks.every(({ attempt }) => attempt === 0));
});

test("drain() keeps a request for each signal of a telemetry that is flushed", async () => {
  for (const [flush, steps] of [[undefined, 8], [() => {}, 6]] as const) {
    const { queue, sent } = counted(flush && { flush });
    await queue.enqueueMany(times(100, (n) => quick.with(n)));
    await queue.drain({ maxRequests: 8, batchSize: 5, concurrency: 5 });
    assertEquals(sent.steps, steps);
  }
});

test("drain() claims and settles with two requests, whatever it would keep for telemetry", async () => {
  const { queue, sent } = counted({ flush() {} });
  await queue.enqueueMany(times(10, (n) => quick.with(n)));
  const { completed, stoppedBy } = await queue.drain({
    maxRequests: 2,
    batchSize: 5,
    concurrency: 5,
  });
  assertEquals([completed, stoppedBy, sent.steps], [5, "requests", 2]);
});

test("drain() says when the next task is due, though it had to stop", async () => {
  const { queue } = counted();
  await queue.enqueue(quick, 0, { delayMs: 60_000 });
  await queue.enqueueMany(times(5, (n) => quick.with(n)));
  const { stoppedBy, more, nextDueInMs = 0 } = await queue.drain({
    maxRequests: 2,
    batchSize: 1,
  });
  assertEquals([stoppedBy, more], ["requests", true]);
  assert(nextDueInMs > 50_000 && nextDueInMs <= 60_000, `${nextDueInMs}`);
});

test("Consumer.drain() has one budget of requests for all queues", async () => {
  const broker = new MemoryBroker();
  const queues = times(
    3,
    (i) =>
      new Queue({ name: `q${i}`, broker, handlers: [quick.handle(() => {})] }),
  );
  for (const queue of queues) {
    await queue.enqueueMany(times(100, (n) => quick.with(n)));
  }
  const report = await new Consumer({
    queues: queues.map((queue) => ({ queue })),
  }).drain({ maxRequests: 8, batchSize: 12 });
  assertLessOrEqual(report.requests, 8);
  assertEquals(report.stoppedBy, "requests");
  assert(report.completed >= 36, `${report.completed} completed`);
  for (const queue of queues) {
    const { tasks } = await queue.list({ state: "ready", limit: 100 });
    assert(tasks.every(({ attempt }) => attempt === 0));
    assertEquals((await queue.stats()).leased, 0);
  }
});

test("drain() refuses a reserve that is no part of its budget", async () => {
  for (const reserveMs of [-1, 1_000, 0.5]) {
    await assertRejects(
      () => Queue.inMemory().drain({ budgetMs: 1_000, reserveMs }),
      RangeError,
      "reserveMs",
    );
  }
});

test("Forecast expects a little more than it has seen, and forgets an outlier", () => {
  const seen = new Forecast();
  assertEquals([seen.msOf("a"), seen.requestsEach], [0, 0]);
  seen.ended("a", 100);
  assertEquals(seen.msOf("a"), 125);
  for (let i = 0; i < 20; i++) seen.ended("a", 100);
  assert(seen.msOf("a") < 101);
  seen.ended("a", 1_000);
  assert(seen.msOf("a") > 500);
  for (let i = 0; i < 30; i++) seen.ended("a", 100);
  assert(seen.msOf("a") < 130, `${seen.msOf("a")}`);
  assertEquals(seen.msOf("b"), 0);
  assert(seen.msOf() > 0);
  seen.sent(26);
  assertEquals(seen.requestsEach, 0.5);
});
