/** How operations are counted, both peers alike. */
import { callsOf, type CostBench, difference, sum } from "../support/cost.ts";
import type { Bull } from "./bullmq.ts";

/** Commands, and how often something was sent for them, of one operation or of one task. */
export interface Count {
  readonly commands: number;
  readonly requests: number;
}

/** An operation, as it was counted. */
export interface Measured {
  readonly operation: string;
  readonly baton: Count;
  /** At most so many, where the design says so. */
  readonly budget: Count | undefined;
  /** What BullMQ's nearest operation costs: every command that its clients send counts as sent. */
  readonly bullmq: Count | undefined;
}

/** What the rows are measured with. */
export interface CostSetup {
  readonly bench: CostBench;
  readonly bull: Bull;
  readonly quick: boolean;
}

/** What `work` of Baton's costs, by the number of its tasks. */
export async function countOf(
  bench: CostBench,
  work: () => Promise<unknown>,
  tasks = 1,
): Promise<Count> {
  const { commands, requests } = await bench.costOf(work);
  return { commands: commands / tasks, requests: requests / tasks };
}

/** What `work` of BullMQ's costs, by the number of its tasks. */
export async function countOfBull(
  { gateway }: CostBench,
  bull: Bull,
  work: () => Promise<unknown>,
  tasks = 1,
): Promise<Count> {
  const before = await callsOf(gateway);
  const sent = bull.sent();
  await work();
  const requests = (bull.sent() - sent) / tasks;
  const commands = sum(difference(await callsOf(gateway), before)) / tasks;
  return { commands, requests };
}
