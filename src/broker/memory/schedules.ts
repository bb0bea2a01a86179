import type {
  Counted,
  ListedSchedule,
  ScheduleReply,
  ScheduleRequest,
  SchedulesReply,
  SchedulesRequest,
  SuspendReply,
  SuspendRequest,
  UnscheduleReply,
} from "../broker.ts";
import { NEVER_AT } from "../workflow.ts";
import {
  type Books,
  boost,
  enter,
  forget,
  FRONT_PRIORITY,
  type Live,
  move,
} from "./books.ts";
import { newLive } from "./groups.ts";
import { once } from "./register.ts";
import { compareBytes } from "./sorted.ts";

/** Enters a schedule, or puts it in the place of one with another hash. */
export function schedule(
  books: Books,
  { operation, hash, task }: ScheduleRequest,
  now: number,
): ScheduleReply["status"] {
  const { id } = task;
  const before = books.schedules.get(id);
  const fresh = !books.operations.has(operation);
  if (fresh && before?.hash === hash && live(books, id) !== undefined) {
    return "unchanged";
  }
  return once(books, operation, () => {
    const suspended = before?.suspended ?? false;
    const at = dueAt(task.due, now);
    const ready = at <= now && !suspended;
    const place = at * 1000 - boost(FRONT_PRIORITY);
    enter(
      books,
      newLive(
        books,
        {
          ...task,
          priority: FRONT_PRIORITY,
          dedupe: undefined,
          concurrency: undefined,
          rate: undefined,
        },
        now,
        {
          state: ready ? "ready" : "scheduled",
          score: ready ? place : suspended ? NEVER_AT : at,
          order: ready || suspended ? place : undefined,
          dueAt: at,
        },
      ),
    );
    books.schedules.set(id, { hash, suspended });
    return before === undefined ? "created" : "changed";
  });
}

/** Takes a schedule out. */
export function unschedule(
  books: Books,
  id: string,
): UnscheduleReply["status"] {
  if (!books.schedules.delete(id)) return "missing";
  forget(books, id);
  return "removed";
}

/** Stops one schedule, or lets it go on. */
export function suspend(
  books: Books,
  { id, suspended }: SuspendRequest,
  now: number,
): SuspendReply["status"] {
  const schedule = books.schedules.get(id);
  const task = live(books, id);
  if (schedule === undefined || task === undefined) return "missing";
  books.schedules.set(id, { ...schedule, suspended });
  const at = task.dueAt ?? now;
  const place = at * 1000 - boost(FRONT_PRIORITY);
  task.order = place;
  if (task.state === "leased") return "done";
  if (suspended) move(books, task, "scheduled", NEVER_AT);
  else if (at > now) move(books, task, "scheduled", at);
  else move(books, task, "ready", place);
  return "done";
}

/** A page of the schedules. */
export function schedules(
  books: Books,
  { limit, cursor }: SchedulesRequest,
): Omit<SchedulesReply, keyof Counted> {
  const ids = [...books.schedules.keys()]
    .filter((id) => cursor === undefined || compareBytes(id, cursor) > 0)
    .sort(compareBytes);
  const page = ids.slice(0, limit);
  return {
    schedules: page.map((id) => listed(books, id)),
    cursor: ids.length > limit ? page.at(-1) : undefined,
  };
}

function listed(books: Books, id: string): ListedSchedule {
  const { hash = "", suspended = false } = books.schedules.get(id) ?? {};
  const task = live(books, id);
  return {
    id,
    name: task?.name ?? "",
    hash,
    envelope: task?.envelope ?? "",
    dueAt: task?.dueAt,
    suspended,
    state: task?.state ?? "ready",
  };
}

function live(books: Books, id: string): Live | undefined {
  const task = books.tasks.get(id);
  switch (task?.state) {
    case "ready":
    case "scheduled":
    case "leased":
      return task;
    default:
      return undefined;
  }
}

function dueAt(due: ScheduleRequest["task"]["due"], now: number): number {
  switch (due.kind) {
    case "now":
      return now;
    case "after":
      return now + due.delayMs;
    case "at":
      return due.at;
  }
}
