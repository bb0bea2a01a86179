import type { NewTask } from "../broker.ts";
import type { Books, Live } from "./books.ts";
import { Sorted } from "./sorted.ts";

/** A task's turn in its lane, in its own order. */
export interface Turn {
  readonly id: string;
  readonly score: number;
  readonly task: Live;
}

/** The tasks of one concurrency key: so many are admitted to the line, the others wait for their turn. */
export interface Lane {
  limit: number;
  admitted: number;
  readonly waiting: Sorted<Turn>;
}

/** The lane that a task is to go by, with the limit that it brings. */
export function laneOf(
  books: Books,
  concurrency: NewTask["concurrency"],
): Lane | undefined {
  if (concurrency === undefined) return undefined;
  const { key, limit } = concurrency;
  const lane = books.lanes.get(key) ??
    { limit, admitted: 0, waiting: new Sorted<Turn>() };
  lane.limit = limit;
  books.lanes.set(key, lane);
  return lane;
}

/** Takes a task into its lane, that is in none: admitted if there is room. */
export function enterLane(books: Books, task: Live, lane: Lane): boolean {
  books.touched.add(lane);
  if (lane.waiting.size === 0 && lane.admitted < lane.limit) {
    lane.admitted++;
    task.turn = "admitted";
    return true;
  }
  const turn = { id: task.id, score: task.order ?? 0, task };
  lane.waiting.add(turn);
  task.turn = turn;
  return false;
}

/** Takes a task out of its lane, if it is in it. */
export function leaveLane(books: Books, task: Live): void {
  const { lane, turn } = task;
  if (lane === undefined || turn === undefined) return;
  books.touched.add(lane);
  if (turn === "admitted") lane.admitted--;
  else lane.waiting.remove(turn);
  task.turn = undefined;
}

/** Admits those for which there is room now, each behind what stands in line. */
export function advance(books: Books, now: number): void {
  for (const lane of books.touched) {
    while (lane.admitted < lane.limit) {
      const next = lane.waiting.first;
      if (next === undefined) break;
      lane.waiting.remove(next);
      lane.admitted++;
      next.task.turn = "admitted";
      next.task.score = now * 1000 + 500 + ++books.admissions;
      books.lines.ready.add(next.task);
    }
  }
  books.touched.clear();
}
