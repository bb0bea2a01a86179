/** What waiting to settle saves: commands a task, by how long handlers take and how long a settlement waits for others. */
import type { WorkflowBroker } from "../../src/broker/broker.ts";
import { newQueue, numbers, payload, resizing } from "./work.ts";

/** A row of the table. */
export interface CadenceRow {
  readonly settleMs: number;
  /** Commands a task, by the handler's milliseconds. */
  readonly commands: Readonly<Record<number, number>>;
}

/** How long the handlers take. */
export const CADENCE_HANDLERS_MS: readonly number[] = [5, 50, 500];

const CONCURRENCY = 10;
const SETTLE_MS = [100, 250, 1_000, 2_000];

/** Measures all rows, at batch 50 and concurrency 10, by the commands that the drains report. */
export async function cadenceRows(
  broker: WorkflowBroker,
  quick: boolean,
): Promise<readonly CadenceRow[]> {
  const rows = SETTLE_MS.map((settleMs) => ({
    settleMs,
    commands: {} as Record<number, number>,
  }));
  for (const ms of CADENCE_HANDLERS_MS) {
    const lastsMs = quick ? 2_000 : 6_000;
    const tasks = Math.min(1_000, lastsMs / ms * CONCURRENCY);
    await Promise.all(rows.map(async ({ settleMs, commands }) => {
      commands[ms] = await perTask(broker, settleMs, ms, tasks);
    }));
  }
  return rows;
}

async function perTask(
  broker: WorkflowBroker,
  settleMs: number,
  handlerMs: number,
  tasks: number,
): Promise<number> {
  const queue = newQueue(broker, handlerMs);
  const resize = resizing(handlerMs);
  await queue.enqueueMany(numbers(tasks).map((i) => resize.with(payload(i))));
  const { commands } = await queue.drain({
    batchSize: 50,
    concurrency: CONCURRENCY,
    settleMs,
  });
  return commands / tasks;
}
