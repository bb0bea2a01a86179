import type {
  CancelReply,
  CancelRequest,
  Counted,
  ForgetRequest,
  PurgeRequest,
  RedriveRequest,
} from "../broker.ts";
import {
  type Books,
  endUnrun,
  find,
  forget as forgetTask,
  free,
  FRONT,
  type Live,
  move,
  reserveOrders,
  type Waiting,
} from "./books.ts";
import { advance, laneOf, leaveLane } from "./lanes.ts";
import { drop } from "./register.ts";

/** Ends a task that waits, asks a leased one to stop. */
export function cancel(
  books: Books,
  { id, error, keepMs }: CancelRequest,
  now: number,
): Omit<CancelReply, keyof Counted> {
  const task = find(books, id, now);
  if (task === undefined) return { status: "missing" };
  switch (task.state) {
    case "ended": {
      const isCancelled = task.standing.status === "cancelled";
      return { status: isCancelled ? "cancelled" : "ended" };
    }
    case "dead":
      return { status: "ended" };
    default: {
      if (isSchedule(task)) return { status: "missing" };
      if (task.state === "leased" || isRelated(task)) {
        stop(books, task, now * 1000);
        return { status: "cancelling" };
      }
      bury(books, task, { error, keepMs }, now);
      const { name } = task.state === "waiting" ? task.task : task;
      return { status: "cancelled", name };
    }
  }
}

/** Ends those listed tasks that wait or are dead, and says how many. */
export function purge(
  books: Books,
  { tasks, error, keepMs, stop: politely = false }: PurgeRequest,
  now: number,
): number {
  const asked: [task: Live | Waiting, place: number][] = [];
  let changed = 0;
  for (const [i, { id, enqueuedAt }] of tasks.entries()) {
    const task = find(books, id, now);
    if (task === undefined || task.state === "ended") continue;
    if (enqueuedAt !== undefined && task.enqueuedAt !== enqueuedAt) continue;
    if (isSchedule(task)) continue;
    const { state } = task;
    if (state === "leased" && !politely || state === "dead" && politely) {
      continue;
    }
    if (state === "leased" || isRelated(task) && state !== "dead") {
      asked.push([task, i + 1]);
    } else bury(books, task, { error, keepMs }, now);
    advance(books);
    changed++;
  }
  for (const [task, place] of asked) stop(books, task, now * 1000 + place);
  return changed;
}

/** Forgets those listed tasks that ended, and a group that is closed. */
export function forget(
  books: Books,
  { ids, group }: ForgetRequest,
): void {
  for (const id of ids) {
    const state = books.tasks.get(id)?.state;
    if (state === "ended" || state === "dead") forgetTask(books, id);
  }
  if (group !== undefined && books.groups.byId.get(group)?.closed) {
    drop(books.groups, group);
  }
}

/** Asks a task to stop that a settlement has to end; one that waits in line is next. */
function stop(books: Books, task: Live | Waiting, order: number): void {
  task.cancelled = true;
  if (task.state !== "leased" && task.state !== "waiting") {
    if (task.turn !== "admitted") leaveLane(books, task);
    move(books, task, "ready", order - FRONT);
  }
}

function bury(
  books: Books,
  task: Live | Waiting,
  { error, keepMs }: Pick<CancelRequest, "error" | "keepMs">,
  now: number,
): void {
  endUnrun(books, task, "cancelled", { error, keepMs, now });
  if (task.state !== "waiting") free(books, task.dedupe, task.id);
}

function isRelated(task: Live | Waiting): boolean {
  return task.state === "waiting"
    ? task.task.related === true || task.task.group !== undefined
    : task.related;
}

function isSchedule(task: Live | Waiting): boolean {
  return task.state !== "waiting" && task.priority > 20;
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
    task.lane = laneOf(books, task);
    task.attempt = 0;
    task.group = undefined;
    task.suspect = false;
    task.cancelled = false;
    task.lastError = undefined;
    task.previousSpan = undefined;
    task.releasedBy = undefined;
    move(books, task, "ready", before + i + 1);
    changed++;
  }
  return changed;
}
