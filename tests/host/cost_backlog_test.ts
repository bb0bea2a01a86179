/**
 * What a large backlog costs, and what is left of it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { defineTask } from "../../src/core/task.ts";
import { Queue } from "../../src/queue/queue.ts";
import { type Cost, openCosts } from "../support/cost.ts";
import { test } from "../support/suite.ts";

const BACKLOG = 200_000;
const CONSUMERS = 3;
const HOUR = 3_600_000;

test("drain() costs as much per task when 200,000 wait as when 200 do, and leaves under 1 MB when their time is over", async () => {
  await using bench = await openCosts();
  let completed = 0;
  const count = defineTask("count", { run: (_: number) => void completed++ });
  const queue = new Queue({
    name: "backlog",
    broker: bench.broker,
    handlers: [count],
  });
  const fill = async (tasks: number): Promise<void> => {
    for (let i = 0; i < tasks; i += 1_000) {
      await queue.enqueueMany(
        Array.from(
          { length: Math.min(1_000, tasks - i) },
          (_, j) => count.with(i + j),
        ),
      );
    }
  };
  const drain = (consumers = 1): Promise<Cost> =>
    bench.costOf(() =>
      Promise.all(
        Array.from({ length: consumers }, () =>
          queue.drain({ budgetMs: 300_000, batchSize: 50, concurrency: 50 })),
      )
    );

  // What 200 tasks more cost in a queue that has its canaries: the fixed cost of a drain is not in it.
  await fill(200);
  await drain();
  await fill(200);
  const once = await drain();
  await fill(400);
  const twice = await drain();
  const few = (twice.commands - once.commands) / 200;

  await fill(BACKLOG);
  const many = (await drain(CONSUMERS)).commands / BACKLOG;
  assertEquals(completed, 800 + BACKLOG);
  assert(Math.abs(many / few - 1) <= 0.1, `${few} and ${many} a task`);

  bench.lane.set({ clock: { offsetMs: 2 * HOUR } });
  await drain();
  bench.lane.set({ clock: { offsetMs: 30 * HOUR } });
  await drain();
  const left = await bench.storedBytes();
  assert(left < 1_000_000, `${left} bytes are left`);
});
