/**
 * The budgets of commands and requests, asserted as Redis and the gateway count them; never time.
 * Each figure is of a whole drain: its first step on a new queue and its last, empty one are in it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { GroupChunk, StepRequest } from "../../src/broker/broker.ts";
import type { EnqueueOptions } from "../../src/core/options.ts";
import { defineTask } from "../../src/core/task.ts";
import type { HandledTask } from "../../src/queue/options.ts";
import { Queue } from "../../src/queue/queue.ts";
import {
  atRest,
  consume,
  type Cost,
  type CostBench,
  openCosts,
} from "../support/cost.ts";
import { task as newTask } from "../support/contract/bench.ts";
import { test } from "../support/suite.ts";

const HOUR = 3_600_000;

const echo = defineTask("echo", { run: (input: number) => ({ input }) });

/** Takes 2 to 8 ms, as handlers with I/O do: they end one by one. */
const pause = defineTask("pause", {
  run: (input: number) =>
    new Promise<number>((resolve) =>
      setTimeout(() => resolve(input), 2 + input * 5 % 7)
    ),
});

const first = defineTask("first", {
  run: async (input: number, ctx) => void await ctx.defer(echo, input),
});

const handlers: readonly HandledTask[] = [echo, pause, first];

let queues = 0;

function newQueue({ broker }: CostBench): Queue {
  return new Queue({ name: `cost-${++queues}`, broker, handlers });
}

interface Budget {
  readonly commands: number;
  readonly requests: number;
}

/** Fails, with the commands that were run, when `cost` is over the budget per task, or when the scripts miscounted. */
function assertWithin(
  cost: Cost,
  budget: Budget,
  tasks = 1,
): void {
  const { commands, requests, told, calls } = cost;
  const said = `${commands / tasks} commands and ${
    requests / tasks
  } requests a task: ${JSON.stringify(calls)}`;
  assert(commands > 0 && requests > 0, said);
  assertEquals(told, commands, "the scripts' own count");
  assert(isWithin(cost, budget, tasks), said);
}

function isWithin(
  { commands, requests }: Cost,
  budget: Budget,
  tasks: number,
): boolean {
  return commands <= budget.commands * tasks &&
    requests <= budget.requests * tasks;
}

const numbers = (count: number): number[] => Array.from(Array(count).keys());

async function fill(
  queue: Queue,
  count: number,
  task: typeof echo | typeof pause | typeof first = echo,
  options: (i: number) => EnqueueOptions = () => ({}),
): Promise<void> {
  await queue.enqueueMany(
    numbers(count).map((i) => task.with(i, options(i))),
  );
}

const callersIds = (i: number): EnqueueOptions => ({ id: `order-${i}` });

async function drainAll(
  queue: Queue,
  tasks: number,
  concurrency = 10,
): Promise<void> {
  const report = await queue.drain({ batchSize: 50, concurrency });
  assertEquals(report.completed, tasks);
}

const onePlan: Readonly<Record<string, EnqueueOptions>> = {
  "plain": {},
  "delayed": { delayMs: 60_000 },
  "with a priority": { priority: 5 },
  "at an instant": { runAt: Date.now() + HOUR },
  "with an id of the caller's": { id: "order-1" },
};

for (const [how, options] of Object.entries(onePlan)) {
  test(`enqueue() costs 4 commands and 1 request when the task is ${how}`, async () => {
    await using bench = await openCosts();
    const queue = newQueue(bench);
    const cost = await bench.costOf(() => queue.enqueue(echo, 1, options));
    assertWithin(cost, { commands: 4, requests: 1 });
  });
}

test("enqueue() costs 4 commands and 1 request when another task holds its dedupe key", async () => {
  await using bench = await openCosts();
  const queue = newQueue(bench);
  const dedupe = { key: "k" };
  await queue.enqueue(echo, 1, { dedupe });
  const cost = await bench.costOf(() => queue.enqueue(echo, 2, { dedupe }));
  assertWithin(cost, { commands: 4, requests: 1 });
});

for (
  const [whose, options] of [
    ["Baton's", () => ({})],
    ["the caller's", callersIds],
  ] as const
) {
  test(`enqueueMany() costs at most 0.02 commands a task and 2 requests when 1,000 ids are ${whose}`, async () => {
    await using bench = await openCosts();
    const queue = newQueue(bench);
    const cost = await bench.costOf(() => fill(queue, 1_000, echo, options));
    assertWithin(cost, { commands: 0.02, requests: 0.002 }, 1_000);
  });
}

for (const concurrency of [10, 50]) {
  for (
    const [whose, options, commands] of [
      ["Baton's", () => ({}), 0.4],
      ["the caller's", callersIds, 0.6],
    ] as const
  ) {
    for (
      const [how, task, tasks] of [
        ["return at once", echo, 1_000],
        ["take 2 to 8 ms", pause, 3_000],
      ] as const
    ) {
      test(`drain() costs at most ${commands} commands and 0.03 requests a task when ids are ${whose}, concurrency is ${concurrency}, handlers ${how} and results are kept`, async () => {
        await using bench = await openCosts();
        const budget = { commands, requests: 0.03 };
        const measure = async () => {
          const queue = newQueue(bench);
          await fill(queue, tasks, task, options);
          return await bench.costOf(() => drainAll(queue, tasks, concurrency));
        };
        const cost = await atRest(
          measure,
          (cost) => isWithin(cost, budget, tasks),
        );
        assertWithin(cost, budget, tasks);
      });
    }
  }
}

for (
  const [whose, commands] of [["Baton's", 0.4], ["the caller's", 0.6]] as const
) {
  test(`drain() keeps to ${commands} commands a task when ids are ${whose} and the results of earlier tasks run out meanwhile`, async () => {
    await using bench = await openCosts();
    const { lane } = bench;
    let us = 1_763_800_000_000_000;
    const elapse = (ms: number) =>
      lane.set({ clock: { atUs: us += ms * 1e3 } });
    // 50 tasks a second: the slowest handlers that the budget speaks of.
    const tick = defineTask("tick", {
      run: (input: number) => (elapse(20), input),
    });
    const queue = new Queue({
      name: "cost-ttl",
      broker: bench.broker,
      handlers: [tick],
    });
    const round = async (name: string): Promise<Cost> => {
      for (const part of [0, 1]) {
        await queue.enqueueMany(
          numbers(1_000).map((i) =>
            tick.with(
              i,
              whose === "Baton's" ? {} : { id: `${name}-${part}-${i}` },
            )
          ),
        );
      }
      return await bench.costOf(() => drainAll(queue, 2_000));
    };
    elapse(0);
    await round("early");
    elapse(HOUR - 40_000);
    const cost = await round("late");
    assertWithin(cost, { commands, requests: 0.03 }, 2_000);
    assert((cost.calls.hdel ?? 0) > 0);
    const kept = await bench.broker.stats(queue.name);
    assertEquals(kept.ready, 0);
  });
}

test("step() costs at most 0.05 commands more for a task that another one deferred", async () => {
  await using bench = await openCosts();
  const { broker } = bench;
  const plain = newQueue(bench), deferred = newQueue(bench);
  for (const _ of [1, 2]) await fill(plain, 1_000);
  await fill(deferred, 1_000);
  const count = (queue: Queue, defers?: string) =>
    bench.costOf(async () =>
      assertEquals(await consume(broker, queue.name, defers), 2_000)
    );
  const without = await count(plain);
  const within = await count(deferred, "echo");
  const more = (within.commands - without.commands) / 1_000;
  assert(
    more <= 0.05,
    `${more} more: ${JSON.stringify([without.calls, within.calls])}`,
  );
  assertWithin(within, { commands: 0.4, requests: 0.03 }, 2_000);
});

test("step() costs at most 0.05 commands more for a task that is a member of a group", async () => {
  await using bench = await openCosts();
  const { broker } = bench;
  const tasks = (part: number) =>
    numbers(1_000).map((i) => newTask(`~0${`${part}${i}`.padStart(20, "0")}`));
  const counted = async (group: GroupChunk | undefined) => {
    const queue = `cost-${++queues}`;
    const filling = await bench.costOf(async () => {
      for (const part of [1, 2]) {
        await broker.enqueue(queue, {
          tasks: tasks(part),
          maxBacklog: undefined,
          group,
        });
      }
    });
    const cost = await bench.costOf(async () => {
      const members = group === undefined ? 2_000 : 2_001;
      assertEquals(
        await consume(broker, queue, undefined, group?.id),
        members,
      );
    });
    return { filling, cost };
  };
  const plain = await counted(undefined);
  const members = await counted({
    id: "g",
    seal: 2_000,
    callback: newTask(`~0${"callback".padStart(20, "0")}`),
    sealMs: HOUR,
    ttlMs: HOUR,
  });
  const more = (members.cost.commands - plain.cost.commands) / 2_000;
  const said = JSON.stringify([plain, members]);
  assert(more > 0 && more <= 0.05, `${more} more: ${said}`);
  const each = (members.filling.commands - plain.filling.commands) / 2;
  assert(each <= 8, `${each} more for a chunk: ${said}`);
  assertWithin(members.cost, { commands: 0.4, requests: 0.03 }, 2_000);
});

test("drain() costs at most 0.4 commands and 0.03 requests a task when half of the tasks were deferred by the others", async () => {
  await using bench = await openCosts();
  const budget = { commands: 0.4, requests: 0.03 };
  const measure = async () => {
    const queue = newQueue(bench);
    await fill(queue, 1_000, first);
    return await bench.costOf(() => drainAll(queue, 2_000));
  };
  const cost = await atRest(measure, (cost) => isWithin(cost, budget, 2_000));
  assertWithin(cost, budget, 2_000);
});

test("a task's whole life costs at most 5 commands and 1.1 requests when it is enqueued alone and consumed in batches of 50", async () => {
  await using bench = await openCosts();
  const queue = newQueue(bench);
  const cost = await bench.costOf(async () => {
    for (const i of numbers(500)) await queue.enqueue(echo, i);
    await drainAll(queue, 500);
  });
  assertWithin(cost, { commands: 5, requests: 1.1 }, 500);
});

/** A rate that lets all of a key start soon: after the first, whatever waits. */
const ample = { limit: 1_000_000, perMs: 1 };

for (
  const [bounds, how] of [[{}, ""], [{ rate: ample }, " with a rate"]] as const
) {
  for (const [keys, limit] of [[1, 50], [10, 5], [50, 1], [500, 1]] as const) {
    test(`step() costs at most 1.5 commands a task of ${keys} keys${how} with deep backlogs`, async () => {
      await using bench = await openCosts();
      const { broker } = bench;
      const queue = `cost-${++queues}`;
      for (const part of [0, 1]) {
        await broker.enqueue(queue, {
          tasks: numbers(1_000).map((i) => {
            const key = `key ${i % keys}`;
            return newTask(`~0${`${part}${i}`.padStart(20, "-")}`, {
              concurrency: { key, limit },
              rate: bounds.rate && { key, ...bounds.rate },
            });
          }),
          maxBacklog: undefined,
        });
      }
      const cost = await bench.costOf(async () =>
        assertEquals(await consume(broker, queue), 2_000)
      );
      assertWithin(cost, { commands: 1.5, requests: 0.05 }, 2_000);
    });
  }
}

test("a rate of the queue costs no command in a step that claims what it lets start", async () => {
  await using bench = await openCosts();
  const count = async (rate: StepRequest["rate"]) => {
    const queue = newQueue(bench);
    await fill(queue, 10);
    return await bench.costOf(() =>
      bench.broker.step(queue.name, {
        consumer: "one",
        seq: 1,
        leaseMs: HOUR,
        limit: 1,
        maxBytes: 4_000_000,
        alone: true,
        rate,
        settle: [],
        extend: [],
      })
    );
  };
  const without = await count(undefined);
  const within = await count({ limit: 1, perMs: HOUR });
  assertEquals(within.calls, without.calls);
});

for (const [keys, commands] of [[1, 1], [10, 1], [1_000, 1.5]] as const) {
  test(`step() costs at most ${commands} commands a task of ${keys} concurrency keys`, async () => {
    await using bench = await openCosts();
    const { broker } = bench;
    const queue = `cost-${++queues}`;
    for (const part of [0, 1]) {
      await broker.enqueue(queue, {
        tasks: numbers(1_000).map((i) =>
          newTask(`~0${`${part}${i}`.padStart(20, "-")}`, {
            concurrency: {
              key: `key ${i % keys}`,
              limit: Math.max(1, 50 / keys),
            },
          })
        ),
        maxBacklog: undefined,
      });
    }
    const cost = await bench.costOf(async () =>
      assertEquals(await consume(broker, queue), 2_000)
    );
    assertWithin(cost, { commands, requests: 0.03 }, 2_000);
  });
}

test("schedule() costs at most 4 commands when nothing changed", async () => {
  await using bench = await openCosts();
  const { broker } = bench;
  const enter = (operation: string) =>
    broker.schedule("cost-schedule", {
      operation,
      hash: "hourly",
      task: newTask("tick", { due: { kind: "after", delayMs: HOUR } }),
    });
  await enter("first");
  const cost = await bench.costOf(() => enter("second"));
  assertWithin(cost, { commands: 4, requests: 1 });
});

const idle = { commands: 4, requests: 1 };

test("drain() costs 4 commands and 1 request when the queue is empty", async () => {
  await using bench = await openCosts();
  const queue = newQueue(bench);
  assertWithin(await bench.costOf(() => queue.drain()), idle);
});

test("drain() costs 4 commands and 1 request when 300 tasks are delayed", async () => {
  await using bench = await openCosts();
  const queue = newQueue(bench);
  await fill(queue, 300, echo, (i) => ({ delayMs: HOUR + i }));
  assertWithin(await bench.costOf(() => queue.drain()), idle);
});

test("drain() costs 4 commands and 1 request when the queue is paused", async () => {
  await using bench = await openCosts();
  const queue = newQueue(bench);
  await fill(queue, 300);
  await queue.pause();
  assertWithin(await bench.costOf(() => queue.drain()), idle);
});

test("drain() costs 6 commands and 1 request when a name is paused, and 4 once it is no more", async () => {
  await using bench = await openCosts();
  const queue = newQueue(bench);
  await fill(queue, 20);
  await queue.pause({ name: "echo" });
  await drainAll(queue, 0);
  const paused = await bench.costOf(() => drainAll(queue, 0));
  assertWithin(paused, { commands: 6, requests: 1 });
  await queue.resume({ name: "echo" });
  await drainAll(queue, 20);
  assertWithin(
    await bench.costOf(() => drainAll(queue, 0)),
    { commands: 4, requests: 1 },
  );
});

test("drain() costs at most 0.4 commands a task when only so many results are kept", async () => {
  await using bench = await openCosts();
  const { broker } = bench;
  const name = `cost-${++queues}`;
  const queue = new Queue({ name, broker, handlers, keepResults: 10 });
  await fill(queue, 1_000);
  const cost = await bench.costOf(() => drainAll(queue, 1_000));
  assertWithin(cost, { commands: 0.4, requests: 0.03 }, 1_000);
});

test("cancel() of a group costs at most 0.1 commands a member when they all wait", async () => {
  await using bench = await openCosts();
  const queue = newQueue(bench);
  // Redis learns the scripts
  await (await queue.map(echo, [1])).cancel();
  const map = await queue.map(echo, numbers(500));
  const cost = await bench.costOf(() => map.cancel());
  assertWithin(cost, { commands: 0.1, requests: 0.01 }, 500);
});

test("drain() costs 4 commands and 1 request when a drain has just finished", async () => {
  await using bench = await openCosts();
  const queue = newQueue(bench);
  await fill(queue, 300);
  await drainAll(queue, 300);
  assertWithin(await bench.costOf(() => queue.drain()), idle);
});

test("drain() costs at most 5 commands and 1 request while another consumer holds leases", async () => {
  await using bench = await openCosts();
  const queue = newQueue(bench);
  await fill(queue, 50);
  const { deliveries } = await bench.broker.step(queue.name, {
    consumer: "another",
    seq: 1,
    leaseMs: HOUR,
    limit: 50,
    maxBytes: 4_000_000,
    alone: true,
    settle: [],
    extend: [],
  });
  assertEquals(deliveries.length, 50);
  const cost = await bench.costOf(() => queue.drain());
  assertWithin(cost, { commands: 5, requests: 1 });
});
