import type { ListedTask } from "../../broker/broker.ts";
import { writeFailure } from "../../codec/failure.ts";
import { checkInteger, checkKnown, checkName } from "../../core/check.ts";
import { cancelled, newOperation, readStats } from "./administration.ts";
import { pages } from "./listing.ts";
import type { QueueParts } from "../parts.ts";
import { rouse } from "../wake/rouse.ts";

const PURGED: readonly PurgedState[] = ["ready", "scheduled", "dead"];

/** The states that `queue.purge` ends. */
export type PurgedState = "ready" | "scheduled" | "dead";

/** Which tasks `queue.purge` ends. */
export interface PurgeFilter {
  /** In which states. @default {["ready", "scheduled"]} */
  readonly states?: readonly PurgedState[];
  /** Only those of this name. */
  readonly name?: string;
  /** Only those enqueued before this instant: a Date or milliseconds since the epoch. */
  readonly before?: Date | number;
}

/** What `queue.purge` answers. */
export interface PurgeReport {
  /** How many tasks were ended. */
  readonly purged: number;
}

/** Which dead tasks `queue.redrive` revives. */
export interface RedriveFilter {
  /** Only those of this name. */
  readonly name?: string;
  /** Only those that died before this instant: a Date or milliseconds since the epoch. */
  readonly before?: Date | number;
  /** How many at most, the longest dead first. @default {all} */
  readonly limit?: number;
}

/** What `queue.redrive` answers. */
export interface RedriveReport {
  /** How many tasks have all their attempts again. */
  readonly redriven: number;
}

/** Ends the tasks that the filter finds among those that were there when it was called, page by page, and rings once for those that are to be delivered as cancelled. */
export async function purge(
  parts: QueueParts,
  filter: PurgeFilter = {},
): Promise<PurgeReport> {
  checkFilter("of purge()", filter, ["states", "name", "before"]);
  const { states = ["ready", "scheduled"], ...rest } = filter;
  checkStates(states);
  const matches = await matcher(parts, rest);
  const { broker, instrument, limits, name } = parts;
  const error = writeFailure(cancelled("The task was purged"));
  let purged = 0;
  for (const state of new Set(states)) {
    for await (const page of pages(parts, state)) {
      const tasks = page.filter((task) => matches(task, task.enqueuedAt));
      if (tasks.length === 0) continue;
      const reply = await broker.purge(name, {
        operation: newOperation(parts),
        tasks: tasks.map(({ id, enqueuedAt }) => ({ id, enqueuedAt })),
        error,
        keepMs: limits.idTtlMs,
      });
      instrument.spent("purge", reply);
      purged += reply.changed;
    }
  }
  if (purged > 0) await rouse(parts);
  return { purged };
}

/** Gives the dead tasks that the filter finds all their attempts again, page by page, and rings for them once; what dies meanwhile stays dead. */
export async function redrive(
  parts: QueueParts,
  filter: RedriveFilter = {},
): Promise<RedriveReport> {
  checkFilter("of redrive()", filter, ["name", "before", "limit"]);
  const { limit = Infinity } = filter;
  if (limit !== Infinity) checkInteger("limit", limit, 1);
  const matches = await matcher(parts, filter);
  const { broker, instrument, name } = parts;
  let redriven = 0;
  for await (const page of pages(parts, "dead")) {
    const tasks = page
      .flatMap(({ id, name, at: diedAt = 0 }) =>
        matches({ name }, diedAt) ? [{ id, diedAt }] : []
      )
      .slice(0, limit - redriven);
    if (tasks.length === 0) continue;
    const operation = newOperation(parts);
    const reply = await broker.redrive(name, { operation, tasks });
    instrument.spent("redrive", reply);
    redriven += reply.changed;
    if (redriven >= limit) break;
  }
  if (redriven > 0) await rouse(parts);
  return { redriven };
}

interface Filter {
  readonly name?: string;
  readonly before?: Date | number;
}

/** What tells the tasks that a filter means, none of them younger than the call: it would never end in a busy queue. */
async function matcher(
  parts: QueueParts,
  { name, before = Infinity }: Filter,
): Promise<(task: Pick<ListedTask, "name">, at: number) => boolean> {
  const { now } = await readStats(parts);
  const end = Math.min(Number(before), now + 1);
  return (task, at) => at < end && (name === undefined || task.name === name);
}

function checkFilter(
  where: string,
  filter: Filter,
  allowed: readonly string[],
): void {
  checkKnown(where, filter, allowed);
  if (filter.name !== undefined) checkName("task's name", filter.name);
  const { before } = filter;
  if (before === undefined) return;
  checkInteger("before", before instanceof Date ? +before : before, 0);
}

function checkStates(states: readonly PurgedState[]): void {
  if (!Array.isArray(states)) {
    throw new TypeError(`states must be a list of ${PURGED.join(", ")}`);
  }
  for (const state of states) {
    if (!PURGED.includes(state)) {
      throw new TypeError(
        `states must be of ${PURGED.join(", ")}: current value is ${state}`,
      );
    }
  }
}
