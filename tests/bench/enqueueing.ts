/** What enqueueing costs. */
import type { EnqueueOptions } from "../../src/core/options.ts";
import type { BullOptions, BullQueue } from "./bullmq.ts";
import {
  type CostSetup,
  type Count,
  countOf,
  countOfBull,
  type Measured,
} from "./count.ts";
import { newName, newQueue, numbers, payload, resizing } from "./work.ts";

const HOUR = 3_600_000;
const resize = resizing();
const one: Count = { commands: 4, requests: 1 };

/** One task in several ways, and 1,000 together. */
export async function enqueueRows(
  setup: CostSetup,
): Promise<readonly Measured[]> {
  const { bench } = setup;
  const single = async (
    operation: string,
    options: EnqueueOptions,
    bullOptions: BullOptions,
    budget: Count | undefined,
  ): Promise<Measured> => {
    const queue = newQueue(bench.broker);
    return {
      operation,
      budget,
      baton: await countOf(
        bench,
        () => queue.enqueue(resize, payload(0), options),
      ),
      bullmq: await withBull(
        setup,
        (queue) => queue.add("resize", payload(0), bullOptions),
      ),
    };
  };
  const many = async (
    operation: string,
    id: (i: number) => string | undefined,
  ): Promise<Measured> => {
    const queue = newQueue(bench.broker);
    const calls = numbers(1_000).map((i) => {
      const own = id(i);
      return resize.with(payload(i), own === undefined ? {} : { id: own });
    });
    const jobs = numbers(1_000).map((i) => {
      const jobId = id(i);
      const data = payload(i);
      return jobId === undefined
        ? { name: "resize", data }
        : { name: "resize", data, opts: { jobId } };
    });
    return {
      operation,
      budget: { commands: 0.02, requests: 0.002 },
      baton: await countOf(bench, () => queue.enqueueMany(calls), 1_000),
      bullmq: await withBull(setup, (queue) => queue.addBulk(jobs), 1_000),
    };
  };
  return [
    await single("enqueue one", {}, {}, one),
    await single("enqueue one, delayed", { delayMs: HOUR }, {
      delay: HOUR,
    }, one),
    await single("enqueue one, with priority", { priority: 5 }, {
      priority: 5,
    }, one),
    await single("enqueue one, with a dedupe key", { dedupe: { key: "k" } }, {
      deduplication: { id: "k" },
    }, undefined),
    await many("enqueue 1,000, a task", () => undefined),
    await many("enqueue 1,000, caller's ids, a task", (i) => `order-${i}`),
  ];
}

async function withBull(
  { bench, bull }: CostSetup,
  work: (queue: BullQueue) => Promise<unknown>,
  tasks = 1,
): Promise<Count> {
  const queue = await bull.queue(newName());
  const count = await countOfBull(bench, bull, () => work(queue), tasks);
  await queue.close();
  return count;
}
