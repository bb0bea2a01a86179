/**
 * What a chain and its hooks cost beside plain tasks, as Redis and the gateway count it; never time.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { defineTask } from "../../src/core/task.ts";
import type { Settled } from "../../src/core/state.ts";
import { Queue } from "../../src/queue/queue.ts";
import {
  atRest,
  type Cost,
  type CostBench,
  openCosts,
} from "../support/cost.ts";
import { test } from "../support/suite.ts";

const CHAINS = 500;
const LINKS = 4;
const TASKS = CHAINS * LINKS;

const link = defineTask("link", { run: (n: number) => n + 1 });
const hook = defineTask("hook", { run: (_: Settled) => {} });

let queues = 0;

/** What it costs to run so many tasks in batches of 50, however they came to be. */
async function costOf(
  bench: CostBench,
  tasks: number,
  fill: (queue: Queue) => Promise<unknown>,
): Promise<Cost> {
  const queue = new Queue({
    name: `chain-cost-${++queues}`,
    broker: bench.broker,
    handlers: [link, hook],
  });
  await fill(queue);
  const cost = await bench.costOf(async () => {
    const report = await queue.drain({ batchSize: 50, concurrency: 50 });
    assertEquals(report.completed, tasks);
  });
  assertEquals(cost.told, cost.commands, "the scripts' own count");
  return cost;
}

const numbers = (count: number): readonly number[] => [...Array(count).keys()];

test("drain() costs at most 0.05 commands more for a link of a chain than for a plain task", async () => {
  await using bench = await openCosts();
  const plain = await costOf(
    bench,
    TASKS,
    (queue) => queue.enqueueMany(numbers(TASKS).map((n) => link.with(n))),
  );
  const measure = () =>
    costOf(bench, TASKS, async (queue) => {
      for (const n of numbers(CHAINS)) {
        await queue.chain(numbers(LINKS).map(() => link.with(n)));
      }
    });
  const moreOf = (cost: Cost) => (cost.commands - plain.commands) / TASKS;
  const chained = await atRest(measure, (cost) => moreOf(cost) <= 0.05);
  const more = moreOf(chained);
  const said = `${more} more: ${JSON.stringify([plain, chained])}`;
  console.log(`a link of a chain costs ${more.toFixed(4)} commands more`);
  assert(more <= 0.05, said);
  assert(chained.commands / TASKS <= 0.4, said);
  assert(chained.requests / TASKS <= 0.03, said);
});

test("drain() costs at most 0.05 commands more for a hook than for a plain task", async () => {
  await using bench = await openCosts();
  const plain = await costOf(
    bench,
    2_000,
    (queue) => queue.enqueueMany(numbers(2_000).map((n) => link.with(n))),
  );
  const measure = () =>
    costOf(
      bench,
      2_000,
      (queue) =>
        queue.enqueueMany(
          numbers(1_000).map((n) => link.with(n, { onSettled: hook })),
        ),
    );
  const moreOf = (cost: Cost) => (cost.commands - plain.commands) / 2_000;
  const hooked = await atRest(measure, (cost) => moreOf(cost) <= 0.05);
  const more = moreOf(hooked);
  const said = `${more} more: ${JSON.stringify([plain, hooked])}`;
  console.log(`a hook costs ${more.toFixed(4)} commands more`);
  assert(more <= 0.05, said);
  assert(hooked.requests / 2_000 <= 0.03, said);
});

test("chain() costs 4 commands and 1 request, whatever it plans", async () => {
  await using bench = await openCosts();
  const queue = new Queue({ name: "chain-cost", broker: bench.broker });
  const cost = await bench.costOf(() =>
    queue.chain(numbers(100).map((n) => link.with(n, { onFailure: hook })), {
      onSettled: hook,
    })
  );
  assertEquals([cost.commands, cost.requests], [4, 1]);
});
