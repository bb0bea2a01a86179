import type {
  Counted,
  ListedTask,
  ListReply,
  ListRequest,
  StatsReply,
  TaskStanding,
} from "../broker.ts";
import { type Books, find, type Live } from "./books.ts";
import type { Scored } from "./sorted.ts";

/** Where a task stands. */
export function result(books: Books, id: string, now: number): TaskStanding {
  const task = find(books, id, now);
  if (task === undefined) return { status: "missing" };
  switch (task.state) {
    case "ended":
      return task.standing.status === "completed" && task.payloadUntil <= now
        ? { ...task.standing, payload: undefined }
        : task.standing;
    case "dead": {
      const { attempt, score: endedAt, lastError: error = "" } = task;
      return { status: "dead", attempt, endedAt, error };
    }
    default: {
      const { state: status, attempt, lastError } = task;
      const dueAt = status === "scheduled" ? task.score : undefined;
      return { status, attempt, dueAt, lastError };
    }
  }
}

/** A page of the line of one state. */
export function list(
  books: Books,
  { state, limit, cursor }: ListRequest,
): Omit<ListReply, keyof Counted> {
  const after = cursor === undefined ? undefined : place(cursor);
  const found = books.lines[state].range({ after, limit: limit + 1 });
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const more = found.length > limit && last !== undefined;
  return {
    tasks: page.map(listed),
    cursor: more ? `${last.score} ${last.id}` : undefined,
  };
}

/** How many tasks are where. */
export function stats(
  { lines: { ready, scheduled, leased, dead }, paused }: Books,
  now: number,
): Omit<StatsReply, keyof Counted> {
  const first = ready.first;
  return {
    now,
    ready: ready.size,
    scheduled: scheduled.size,
    leased: leased.size,
    dead: dead.size,
    paused,
    oldestAt: first && Math.floor(first.score / 1000),
    evicted: [],
  };
}

function place(cursor: string): Scored {
  const space = cursor.indexOf(" ");
  return { score: Number(cursor.slice(0, space)), id: cursor.slice(space + 1) };
}

function listed(task: Live): ListedTask {
  const { id, name, state, attempt, enqueuedAt, lastError } = task;
  const at = state === "ready" ? undefined : task.score;
  return { id, name, state, attempt, enqueuedAt, at, error: lastError };
}
