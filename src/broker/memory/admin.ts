import type {
  CancelReply,
  CancelRequest,
  PurgeRequest,
  RedriveRequest,
} from "../broker.ts";
import {
  type Books,
  endUnrun,
  find,
  free,
  move,
  reserveOrders,
} from "./books.ts";

/** Ends a task that waits, asks a leased one to stop. */
export function cancel(
  books: Books,
  { id, error, keepMs }: CancelRequest,
  now: number,
): CancelReply["status"] {
  const task = find(books, id, now);
  if (task === undefined) return "missing";
  switch (task.state) {
    case "ended":
      return task.standing.status === "cancelled" ? "cancelled" : "ended";
    case "dead":
      return "ended";
    case "leased":
      task.cancelled = true;
      return "cancelling";
    default:
      endUnrun(books, task, "cancelled", { error, keepMs, now });
      free(books, task.dedupe, id);
      return "cancelled";
  }
}

/** Ends those listed tasks that wait or are dead, and says how many. */
export function purge(
  books: Books,
  { tasks, error, keepMs }: PurgeRequest,
  now: number,
): number {
  let changed = 0;
  for (const { id, enqueuedAt } of tasks) {
    const task = find(books, id, now);
    if (task === undefined || task.state === "ended") continue;
    if (task.state === "leased" || task.enqueuedAt !== enqueuedAt) continue;
    endUnrun(books, task, "cancelled", { error, keepMs, now });
    free(books, task.dedupe, id);
    changed++;
  }
  return changed;
}

/** Revives those listed tasks that are dead since that instant, and says how many. */
export function redrive(
  books: Books,
  { tasks }: RedriveRequest,
  now: number,
): number {
  const before = reserveOrders(books, now, tasks.length);
  let changed = 0;
  for (const [i, { id, diedAt }] of tasks.entries()) {
    const task = find(books, id, now);
    if (task?.state !== "dead" || task.score !== diedAt) continue;
    task.attempt = 0;
    task.suspect = false;
    task.cancelled = false;
    task.lastError = undefined;
    task.previousSpan = undefined;
    move(books, task, "ready", before + i + 1);
    changed++;
  }
  return changed;
}
