/** What consuming costs. */
import type { EnqueueOptions } from "../../src/core/options.ts";
import { consume, type CostBench } from "../support/cost.ts";
import {
  type CostSetup,
  type Count,
  countOf,
  countOfBull,
  type Measured,
} from "./count.ts";
import {
  newName,
  newQueue,
  numbers,
  payload,
  resizing,
  taking,
} from "./work.ts";

const resize = resizing();
const TASKS = 1_000;

/** Whole drains, and BullMQ's whole runs. */
export async function consumeRows(
  setup: CostSetup,
): Promise<readonly Measured[]> {
  const { bench } = setup;
  const plain = await drained(bench, TASKS);
  const callers = await drained(bench, TASKS, (i) => ({ id: `order-${i}` }));
  const bull = await consumedByBull(setup);

  const queue = newQueue(bench.broker);
  const life = await countOf(bench, async () => {
    for (const i of numbers(TASKS)) await queue.enqueue(resize, payload(i));
    await queue.drain(BATCH);
  }, TASKS);
  return [
    {
      operation: "consume at batch 50, a task",
      baton: plain,
      budget: { commands: 0.4, requests: 0.03 },
      bullmq: bull.consumed,
    },
    {
      operation: "consume, caller's ids, a task",
      baton: callers,
      budget: { commands: 0.6, requests: 0.03 },
      bullmq: bull.consumed,
    },
    {
      operation: "deferred task, more than that",
      baton: await moreForDeferred(bench),
      budget: { commands: 0.05, requests: 0.03 },
      bullmq: undefined,
    },
    {
      operation: "whole life, enqueued singly, a task",
      baton: life,
      budget: { commands: 5, requests: 1.1 },
      bullmq: bull.life,
    },
  ];
}

const BATCH = { batchSize: 50, concurrency: 10 } as const;

async function drained(
  bench: CostBench,
  count: number,
  options: (i: number) => EnqueueOptions = () => ({}),
): Promise<Count> {
  const queue = newQueue(bench.broker);
  await queue.enqueueMany(
    numbers(count).map((i) => resize.with(payload(i), options(i))),
  );
  return await countOf(bench, () => queue.drain(BATCH), count);
}

/** What a task costs more when another one deferred it, in steps that settle and claim 50: with so many of them, less without. */
async function moreForDeferred(bench: CostBench): Promise<Count> {
  const { broker } = bench;
  const plain = newQueue(broker), deferred = newQueue(broker);
  const calls = numbers(TASKS).map((i) => resize.with(payload(i)));
  for (const queue of [plain, plain, deferred]) await queue.enqueueMany(calls);
  const without = await countOf(
    bench,
    () => consume(broker, plain.name),
    TASKS,
  );
  const within = await countOf(
    bench,
    () => consume(broker, deferred.name, resize.name),
    TASKS,
  );
  return {
    commands: within.commands - without.commands,
    requests: within.requests - without.requests,
  };
}

async function consumedByBull(
  { bench, bull }: CostSetup,
): Promise<{ readonly consumed: Count; readonly life: Count }> {
  const name = newName();
  const queue = await bull.queue(name);
  await using worker = await bull.worker(name, taking(0), 10);
  const added = await countOfBull(bench, bull, async () => {
    for (const i of numbers(TASKS)) await queue.add("resize", payload(i));
  }, TASKS);
  const consumed = await countOfBull(
    bench,
    bull,
    () => worker.complete(TASKS),
    TASKS,
  );
  await queue.close();
  const life = {
    commands: added.commands + consumed.commands,
    requests: added.requests + consumed.requests,
  };
  return { consumed, life };
}
