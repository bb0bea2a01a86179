import { type Books, DEAD_KEEP_MS, forget } from "./books.ts";
import { close } from "./groups.ts";
import { dropResults } from "./keeping.ts";
import { drop } from "./register.ts";
import type { Scored, Sorted } from "./sorted.ts";

/** How many dead tasks are kept, the newest. */
const DEAD_LIMIT = 10_000;
/** How much one step forgets at most. */
const SWEEP_LIMIT = 2_000;

/** Forgets some of what is past its time, closes groups that heard nothing, and says whether more is left. */
export function sweep(
  books: Books,
  now: number,
  keepResults: number | undefined,
): boolean {
  if (keepResults !== undefined) dropResults(books, keepResults);
  const { ended, lines: { dead }, holds, consumers, groups } = books;
  let room = SWEEP_LIMIT;
  const past = <T extends Scored>(line: Sorted<T>, to: number) => {
    const found = line.range({ to, limit: room });
    room -= found.length;
    return found;
  };
  for (const task of past(ended, now)) forget(books, task.id);
  for (const task of past(dead, now - DEAD_KEEP_MS)) forget(books, task.id);
  for (const hold of past(holds.line, now)) drop(holds, hold.id);
  for (const group of past(groups.line, now)) close(books, group, now);
  for (const memory of past(consumers.line, now)) drop(consumers, memory.id);
  const excess = Math.max(0, dead.size - DEAD_LIMIT);
  for (const task of dead.range({ limit: Math.min(room, excess) })) {
    forget(books, task.id);
  }
  return dead.size > DEAD_LIMIT || isPast(dead, now - DEAD_KEEP_MS) ||
    isPast(ended, now) || isPast(holds.line, now) ||
    isPast(consumers.line, now) || isPast(groups.line, now);
}

function isPast<T extends Scored>(line: Sorted<T>, now: number): boolean {
  return line.first !== undefined && line.first.score <= now;
}
