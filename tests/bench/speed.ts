/** Throughput beside BullMQ on the same Redis: the peers take turns, round by round, and each figure is the median of its rounds. */
import type { WorkflowBroker } from "../../src/broker/broker.ts";
import type { Bull } from "./bullmq.ts";
import {
  newName,
  newQueue,
  numbers,
  payload,
  resizing,
  taking,
} from "./work.ts";

/** Milliseconds of a round trip, for the times that are computed. */
export const ROUND_TRIP_MS = 5;

/** What one peer did. */
export interface Speed {
  /** Tasks a second: the median of the rounds, the slowest and the fastest. */
  readonly perSecond: number;
  readonly slowest: number;
  readonly fastest: number;
  /** Round trips that wait for one another, per 1,000 tasks. */
  readonly roundTrips: number;
  /** Tasks a second if each of those took 5 ms more: computed, not measured. */
  readonly computedAt5Ms: number;
}

/** A row of the table. */
export interface SpeedRow {
  readonly operation: string;
  readonly tasks: number;
  readonly rounds: number;
  readonly baton: Speed;
  readonly bullmq: Speed;
  /** Baton's tasks a second over BullMQ's. */
  readonly ratio: number;
}

/** What the rows are measured with. */
export interface SpeedSetup {
  /** Over the network's stand-in, its requests counted. */
  readonly broker: WorkflowBroker;
  /** How many requests it has sent so far. */
  readonly requests: () => number;
  readonly bull: Bull;
  readonly quick: boolean;
  readonly progress: (what: string) => void;
}

/** One round of one peer: milliseconds, and round trips one after the other. */
interface Round {
  readonly ms: number;
  readonly trips: number;
}

interface Contest {
  readonly operation: string;
  readonly tasks: number;
  readonly rounds: number;
  baton(): Promise<Round>;
  bullmq(): Promise<Round>;
}

const BATCHES = [1, 10, 50, 100];
const HANDLERS_MS = [0, 5, 50];
const CONCURRENCY = 10;

/** Measures all rows, when both peers have warmed up. */
export async function speedRows(
  setup: SpeedSetup,
): Promise<readonly SpeedRow[]> {
  await batonDrains(setup, 300, 50, 0);
  await bullDrains(setup, 300, 0);
  const rows: SpeedRow[] = [];
  for (const contest of contests(setup)) {
    setup.progress(contest.operation);
    const baton: Round[] = [], bullmq: Round[] = [];
    for (let round = 0; round < contest.rounds; round++) {
      if (round % 2 === 0) baton.push(await contest.baton());
      bullmq.push(await contest.bullmq());
      if (round % 2 === 1) baton.push(await contest.baton());
    }
    rows.push(rowOf(contest, baton, bullmq));
  }
  return rows;
}

function contests(setup: SpeedSetup): readonly Contest[] {
  const { quick } = setup;
  const singles = quick ? 150 : 400;
  const enqueueing: readonly Contest[] = [{
    operation: "enqueue, one by one",
    tasks: singles,
    rounds: quick ? 3 : 5,
    baton: () => batonEnqueues(setup, singles, 1),
    bullmq: () => bullEnqueues(setup, singles, 1),
  }, {
    operation: "enqueue, 1,000 at once",
    tasks: 1_000,
    rounds: quick ? 3 : 5,
    baton: () => batonEnqueues(setup, 1_000, 1_000),
    bullmq: () => bullEnqueues(setup, 1_000, 1_000),
  }];
  const draining = HANDLERS_MS.flatMap((ms) =>
    BATCHES.map((batch): Contest => {
      const tasks = tasksFor(batch, ms, quick);
      return {
        operation: `drain, batch ${batch}, handler ${ms} ms`,
        tasks,
        rounds: 3,
        baton: () => batonDrains(setup, tasks, batch, ms),
        bullmq: () => bullDrains(setup, tasks, ms),
      };
    })
  );
  return [...enqueueing, ...draining];
}

/** About a second of work or less; batch 1 runs one task at a time. */
function tasksFor(batch: number, ms: number, quick: boolean): number {
  const lanes = Math.min(batch, CONCURRENCY);
  if (ms === 50) return lanes * (quick ? 10 : 20);
  return lanes === 1 ? (quick ? 100 : 200) : quick ? 300 : 1_000;
}

async function batonEnqueues(
  { broker, requests }: SpeedSetup,
  tasks: number,
  together: number,
): Promise<Round> {
  const resize = resizing();
  const queue = newQueue(broker);
  const before = requests();
  const ms = await timed(async () => {
    if (together === 1) {
      for (const i of numbers(tasks)) await queue.enqueue(resize, payload(i));
    } else {
      await queue.enqueueMany(
        numbers(tasks).map((i) => resize.with(payload(i))),
      );
    }
  });
  return { ms, trips: requests() - before };
}

async function bullEnqueues(
  { bull }: SpeedSetup,
  tasks: number,
  together: number,
): Promise<Round> {
  const queue = await bull.queue(newName());
  const ms = await timed(async () => {
    if (together === 1) {
      for (const i of numbers(tasks)) await queue.add("resize", payload(i));
    } else {
      await queue.addBulk(
        numbers(tasks).map((i) => ({ name: "resize", data: payload(i) })),
      );
    }
  });
  await queue.close();
  return { ms, trips: tasks / together };
}

async function batonDrains(
  { broker, requests }: SpeedSetup,
  tasks: number,
  batchSize: number,
  handlerMs: number,
): Promise<Round> {
  const resize = resizing(handlerMs);
  const queue = newQueue(broker, handlerMs);
  await queue.enqueueMany(numbers(tasks).map((i) => resize.with(payload(i))));
  const before = requests();
  let completed = 0;
  const ms = await timed(async () => {
    const concurrency = Math.min(CONCURRENCY, batchSize);
    const options = { batchSize, concurrency };
    completed = (await queue.drain(options)).completed;
  });
  if (completed !== tasks) {
    throw new Error(`Baton completed ${completed} of ${tasks} tasks`);
  }
  return { ms, trips: requests() - before };
}

async function bullDrains(
  { bull }: SpeedSetup,
  tasks: number,
  handlerMs: number,
): Promise<Round> {
  const name = newName();
  const queue = await bull.queue(name);
  await queue.addBulk(
    numbers(tasks).map((i) => ({ name: "resize", data: payload(i) })),
  );
  const worker = await bull.worker(name, taking(handlerMs), CONCURRENCY);
  const before = bull.sent();
  const ms = await timed(() => worker.complete(tasks));
  const trips = (bull.sent() - before) / CONCURRENCY;
  await worker[Symbol.asyncDispose]();
  await queue.close();
  return { ms, trips };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function rowOf(
  { operation, tasks, rounds }: Contest,
  baton: readonly Round[],
  bullmq: readonly Round[],
): SpeedRow {
  const [ours, theirs] = [speedOf(baton, tasks), speedOf(bullmq, tasks)];
  return {
    operation,
    tasks,
    rounds,
    baton: ours,
    bullmq: theirs,
    ratio: ours.perSecond / theirs.perSecond,
  };
}

function speedOf(rounds: readonly Round[], tasks: number): Speed {
  const ms = rounds.map((round) => round.ms).sort((a, b) => a - b);
  const trips = median(
    rounds.map((round) => round.trips).sort((a, b) => a - b),
  );
  const perSecond = (time: number): number => tasks / time * 1_000;
  return {
    perSecond: perSecond(median(ms)),
    slowest: perSecond(ms.at(-1)!),
    fastest: perSecond(ms[0]!),
    roundTrips: trips / tasks * 1_000,
    computedAt5Ms: perSecond(median(ms) + trips * ROUND_TRIP_MS),
  };
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)]!;
}
