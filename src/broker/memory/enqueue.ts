import type { Due, EnqueueAnswer, EnqueueRequest, NewTask } from "../broker.ts";
import { type Books, boost, enter, find } from "./books.ts";
import { newLive } from "./groups.ts";
import { countAside } from "./look.ts";
import { recall, remember } from "./register.ts";

/** Whether these tasks would make more wait than may; a request of known tasks and of duplicates only is a repeat, or adds nothing, and is never too much. */
export function overflows(
  books: Books,
  { tasks, maxBacklog, maxReady }: EnqueueRequest,
  now: number,
): boolean {
  const limit = maxBacklog ?? maxReady;
  if (limit === undefined) return false;
  const { ready, scheduled } = books.lines;
  const waiting = ready.size +
    (maxBacklog === undefined ? 0 : scheduled.size + countAside(books));
  return waiting + tasks.length > limit &&
    tasks.some((task) =>
      find(books, task.id, now) === undefined &&
      holderOf(books, task, now) === undefined
    );
}

/** The other task that holds the dedupe key of this one. */
function holderOf(
  books: Books,
  { id, dedupe }: NewTask,
  now: number,
): string | undefined {
  const holder = dedupe && recall(books.holds, dedupe.key, now)?.task;
  return holder === id ? undefined : holder;
}

/** Accepts tasks in order, in the places behind `before`. */
export function accept(
  books: Books,
  tasks: readonly NewTask[],
  now: number,
  before: number,
): readonly EnqueueAnswer[] {
  return tasks.map((task, i) => acceptOne(books, task, now, before + i + 1));
}

function acceptOne(
  books: Books,
  task: NewTask,
  now: number,
  order: number,
): EnqueueAnswer {
  const { id, priority, dedupe } = task;
  if (find(books, id, now) !== undefined) return { status: "known", id };
  const holder = holderOf(books, task, now);
  if (holder !== undefined) {
    return { status: "duplicate", id: holder };
  }
  const dueAt = laterThan(now, task.due);
  const place = order - boost(priority);
  enter(
    books,
    newLive(books, task, now, {
      state: dueAt === undefined ? "ready" : "scheduled",
      score: dueAt ?? place,
      order: dueAt === undefined ? place : undefined,
      dueAt,
    }),
  );
  if (dedupe !== undefined) {
    const { key, ttlMs } = dedupe;
    remember(books.holds, { id: key, score: now + ttlMs, task: id });
  }
  return { status: "new", id };
}

/** When the task is due, if that is still to come. */
function laterThan(now: number, due: Due): number | undefined {
  switch (due.kind) {
    case "now":
      return undefined;
    case "after":
      return due.delayMs > 0 ? now + due.delayMs : undefined;
    case "at":
      return due.at > now ? due.at : undefined;
  }
}
