import type { Problem, StatsReply } from "../../broker/broker.ts";
import { readFailure, writeFailure } from "../../codec/failure.ts";
import { checkKnown, checkName } from "../../core/check.ts";
import { TaskCancelledError } from "../../core/error.ts";
import { randomName } from "../../core/id.ts";
import type { CancelStatus } from "../../core/state.ts";
import type { QueueParts } from "../parts.ts";
import { rouse } from "../wake/rouse.ts";

const MAX_PROBLEMS = 1_000;

/** How many tasks of a queue are where. */
export interface QueueStats {
  /** How many are due and wait for a consumer. */
  readonly ready: number;
  /** How many are not due yet. */
  readonly scheduled: number;
  /** How many are being worked on. */
  readonly leased: number;
  /** How many are dead and can be redriven. */
  readonly dead: number;
  /** Whether claiming is stopped. */
  readonly paused: boolean;
  /** The names of the tasks of which none is claimed. */
  readonly pausedNames: readonly string[];
  /** For how long the first ready task has waited, in milliseconds; its priority counts. */
  readonly oldestAgeMs?: number;
  /** Keys that lost their canary: the database evicted, or fell back to an older copy. */
  readonly evicted: readonly string[];
}

/** What `queue.pause` stops, and `queue.resume` lets go on. */
export interface PauseOptions {
  /** Only the tasks of this name. @default {the whole queue} */
  readonly name?: string;
}

/** What `queue.verify` and `queue.repair` found. */
export interface VerifyReport {
  /** How many entries were looked at. */
  readonly checked: number;
  /** What does not agree; the first 1,000 of it. */
  readonly problems: readonly Problem[];
  /** How much of each kind there is; empty where the books are in order. */
  readonly counts: Readonly<Partial<Record<Problem["kind"], number>>>;
}

/** Ends a task that waits; asks one that runs to stop. One that is to be delivered as cancelled is rung for. */
export async function cancel(
  parts: QueueParts,
  id: string,
): Promise<CancelStatus> {
  const status = await askToStop(parts, id);
  if (status === "cancelling") await rouse(parts);
  return status;
}

/** As `cancel`, but rings for nobody. */
export async function askToStop(
  parts: QueueParts,
  id: string,
): Promise<CancelStatus> {
  checkName("id", id);
  const { broker, events, instrument, limits, name } = parts;
  const error = writeFailure(cancelled("The task was cancelled"));
  const reply = await broker.cancel(name, {
    operation: newOperation(parts),
    id,
    error,
    keepMs: limits.idTtlMs,
  });
  instrument.spent("cancel", reply);
  const { name: task } = reply;
  if (task !== undefined) {
    events.emit(
      "cancelled",
      () => ({ queue: name, id, name: task, error: readFailure(error) }),
    );
  }
  return reply.status;
}

/** Stops, or lets go on, the claiming of tasks; what goes on is rung for. */
export async function pause(
  parts: QueueParts,
  paused: boolean,
  options: PauseOptions = {},
): Promise<void> {
  checkKnown("of pause() and resume()", options, ["name"]);
  if (options.name !== undefined) checkName("task's name", options.name);
  const { broker, instrument, name } = parts;
  const request = { operation: newOperation(parts), paused, ...options };
  for (let more = true; more;) {
    const reply = await broker.pause(name, request);
    instrument.spent("pause", reply);
    more = reply.more;
  }
  if (!paused) await rouse(parts);
}

/** How many tasks are where. */
export async function stats(parts: QueueParts): Promise<QueueStats> {
  const { oldestAt, now, ready, scheduled, leased, dead, ...rest } =
    await readStats(parts);
  const { paused, pausedNames, evicted } = rest;
  const counts = { ready, scheduled, leased, dead };
  const oldestAgeMs = oldestAt && Math.max(0, now - oldestAt);
  parts.instrument.observed(counts, oldestAgeMs);
  return {
    ...counts,
    paused,
    pausedNames,
    ...(oldestAgeMs === undefined ? {} : { oldestAgeMs }),
    evicted,
  };
}

/** The broker's own numbers, its clock with them. */
export async function readStats(
  { broker, instrument, name }: QueueParts,
): Promise<StatsReply> {
  const reply = await broker.stats(name);
  instrument.spent("stats", reply);
  return reply;
}

/** Checks the books against each other and, if asked, puts right what it finds. */
export async function inspect(
  parts: QueueParts,
  repair: boolean,
): Promise<VerifyReport> {
  const { broker, instrument, name } = parts;
  const problems: Problem[] = [];
  const counts: Partial<Record<Problem["kind"], number>> = {};
  let checked = 0;
  let cursor: string | undefined;
  do {
    const reply = await broker.inspect(name, { repair, cursor });
    instrument.spent("inspect", reply);
    checked += reply.checked;
    for (const problem of reply.problems) {
      counts[problem.kind] = (counts[problem.kind] ?? 0) + 1;
      if (problems.length < MAX_PROBLEMS) problems.push(problem);
    }
    cursor = reply.cursor;
  } while (cursor !== undefined);
  // a check changes nothing, so that the next one finds the same again
  if (repair) instrument.lost(counts.ghost ?? 0);
  return { checked, problems, counts };
}

/** The id of one administrative request: its repeats carry the same. */
export function newOperation({ random }: QueueParts): string {
  return randomName(random, 12);
}

/** Why a task was ended by hand, for the record: where it was made says nothing. */
export function cancelled(message: string): Error {
  const error = new TaskCancelledError(message);
  delete error.stack;
  return error;
}
