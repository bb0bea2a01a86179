/** What waiting costs. */
import type { Delivery } from "../../src/broker/broker.ts";
import type { Queue } from "../../src/queue/queue.ts";
import type { CostBench } from "../support/cost.ts";
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

const HOUR = 3_600_000;
const resize = resizing();

/** Ticks that find nothing to do, and a heartbeat. */
export async function idleRows(setup: CostSetup): Promise<readonly Measured[]> {
  const { bench } = setup;
  const tick = async (
    operation: string,
    prepare: (queue: Queue) => Promise<unknown>,
    commands: number,
  ): Promise<Measured> => {
    const queue = newQueue(bench.broker);
    await prepare(queue);
    const baton = await countOf(bench, () => queue.drain());
    return {
      operation,
      baton,
      budget: { commands, requests: 1 },
      bullmq: undefined,
    };
  };
  const later = (queue: Queue) =>
    queue.enqueueMany(
      numbers(300).map((i) => resize.with(payload(i), { delayMs: HOUR })),
    );
  const leased = newQueue(bench.broker);
  const deliveries = await leaseFifty(setup, leased);
  const heartbeat = await countOf(bench, () =>
    step(setup, leased, 2, {
      extend: deliveries.map(({ id, token }) => ({
        id,
        token,
        leaseMs: undefined,
      })),
    }));
  const empty = await tick(
    "idle tick, queue empty",
    () => Promise.resolve(),
    4,
  );
  return [
    { ...empty, bullmq: await idleBull(setup) },
    await tick("idle tick, 300 tasks delayed", later, 4),
    await tick("idle tick, queue paused", async (queue) => {
      await queue.enqueueMany([resize.with(payload(0))]);
      await queue.pause();
    }, 4),
    await tick(
      "idle tick, others hold leases",
      (queue) => leaseFifty(setup, queue),
      5,
    ),
    {
      operation: "heartbeat of 50 leases",
      baton: heartbeat,
      budget: undefined,
      bullmq: undefined,
    },
  ];
}

async function leaseFifty(
  setup: CostSetup,
  queue: Queue,
): Promise<readonly Delivery[]> {
  await queue.enqueueMany(numbers(50).map((i) => resize.with(payload(i))));
  return (await step(setup, queue, 1, { limit: 50 })).deliveries;
}

function step(
  { bench }: CostSetup,
  { name }: Queue,
  seq: number,
  more: Partial<Parameters<CostBench["broker"]["step"]>[1]>,
): ReturnType<CostBench["broker"]["step"]> {
  return bench.broker.step(name, {
    consumer: "another",
    seq,
    leaseMs: HOUR,
    limit: 0,
    maxBytes: 4_000_000,
    alone: true,
    settle: [],
    extend: [],
    ...more,
  });
}

/** How long an idle worker of BullMQ is watched. */
export function watchMs(quick: boolean): number {
  return quick ? 10_000 : 30_000;
}

async function idleBull({ bench, bull, quick }: CostSetup): Promise<Count> {
  const name = newName();
  await using worker = await bull.worker(name, taking(0), 10);
  const ms = watchMs(quick);
  const seen = await countOfBull(bench, bull, () => worker.watch(ms));
  const minutes = ms / 60_000;
  return {
    commands: seen.commands / minutes,
    requests: seen.requests / minutes,
  };
}
