/** The cost table: what each operation costs in commands and requests. */
import { consumeRows } from "./consuming.ts";
import type { CostSetup, Measured } from "./count.ts";
import { enqueueRows } from "./enqueueing.ts";
import { idleRows } from "./idling.ts";
import { newName, payload, taking } from "./work.ts";

/** A row of the table. */
export interface CostRow extends Measured {
  /** Whether it keeps to its budget; undefined where there is none. */
  readonly within: boolean | undefined;
}

/** Measures all rows. */
export async function costRows(setup: CostSetup): Promise<readonly CostRow[]> {
  await warmBull(setup);
  const rows = [
    ...await enqueueRows(setup),
    ...await consumeRows(setup),
    ...await idleRows(setup),
  ];
  return rows.map((row) => ({ ...row, within: isWithin(row) }));
}

function isWithin({ baton, budget }: Measured): boolean | undefined {
  return budget && baton.commands <= budget.commands &&
    baton.requests <= budget.requests;
}

/** Redis learns BullMQ's scripts. */
async function warmBull({ bull }: CostSetup): Promise<void> {
  const name = newName();
  const queue = await bull.queue(name);
  await using worker = await bull.worker(name, taking(0), 1);
  await queue.add("resize", payload(0), { delay: 1 });
  await queue.add("resize", payload(1), { priority: 1 });
  await queue.add("resize", payload(2));
  await worker.complete(3);
  await queue.close();
}
