/** What a map costs more than its tasks would alone, as Redis and the gateway count it. */
import { assert, assertEquals } from "@std/assert";
import { defineTask, type GroupSettled, Queue } from "../../mod.ts";
import { type Cost, type CostBench, openCosts } from "../support/cost.ts";
import { test } from "../support/suite.ts";

const MEMBERS = 2_000;

const echo = defineTask("echo", { run: (input: number) => ({ input }) });
const done = defineTask<GroupSettled>("done");

const inputs = Array.from({ length: MEMBERS }, (_, n) => n);

let queues = 0;

function newQueue({ broker }: CostBench): Queue {
  const handlers = [echo, done.handle(() => {})];
  return new Queue({ name: `map-cost-${++queues}`, broker, handlers });
}

/** Lets Redis learn the scripts of groups. */
async function warm(bench: CostBench): Promise<void> {
  const queue = newQueue(bench);
  const map = await queue.map(echo, [1], { onSettled: done });
  await map.cancel();
  await queue.drain();
  await map.results();
  await map.delete();
}

/** What enqueueing and consuming cost, each. */
async function costsOf(
  bench: CostBench,
  enqueue: (queue: Queue) => Promise<unknown>,
  tasks: number,
): Promise<{ readonly filling: Cost; readonly draining: Cost }> {
  const queue = newQueue(bench);
  const filling = await bench.costOf(() => enqueue(queue));
  const draining = await bench.costOf(async () => {
    const options = { batchSize: 50, concurrency: 50 };
    assertEquals((await queue.drain(options)).completed, tasks);
  });
  for (const { told, commands } of [filling, draining]) {
    assertEquals(told, commands, "the scripts' own count");
  }
  return { filling, draining };
}

test("map() costs at most 0.05 commands more a member than its tasks cost alone, and 8 more a chunk", async () => {
  await using bench = await openCosts();
  await warm(bench);
  const plain = await costsOf(
    bench,
    (queue) => queue.enqueueMany(inputs.map((n) => echo.with(n))),
    MEMBERS,
  );
  const map = await costsOf(
    bench,
    (queue) => queue.map(echo, inputs, { onSettled: done }),
    MEMBERS + 1,
  );
  const more = (map.draining.commands - plain.draining.commands) / MEMBERS;
  const said = JSON.stringify([plain, map]);
  console.log(`${more} commands more a member`);
  assert(more > 0 && more <= 0.05, `${more} more: ${said}`);
  const each = map.draining.commands / MEMBERS;
  assert(each <= 0.4, `${each} a member: ${said}`);
  const requests = map.draining.requests / MEMBERS;
  assert(requests <= 0.03, `${requests} requests a member: ${said}`);
  assertEquals(map.filling.requests, 2);
  const chunk = (map.filling.commands - plain.filling.commands) / 2;
  assert(chunk <= 8, `${chunk} more a chunk: ${said}`);
});

test("a group of 500 costs a few commands to count, read and delete, and 3 a member to cancel", async () => {
  await using bench = await openCosts();
  await warm(bench);
  const queue = newQueue(bench);
  const map = await queue.map(echo, inputs.slice(0, 500));
  const within = async (
    act: () => Promise<unknown>,
    commands: number,
    requests: number,
  ) => {
    const cost = await bench.costOf(act);
    const said = JSON.stringify(cost);
    assert(cost.commands <= commands && cost.requests <= requests, said);
  };
  await within(() => map.counts(), 3, 1);
  await within(() => map.cancel(), 3 * 500 + 20, 2);
  await queue.drain();
  await within(() => map.results(), 10, 2);
  await within(() => map.delete(), 30, 3);
});
