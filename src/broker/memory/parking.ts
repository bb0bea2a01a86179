import type { PauseRequest } from "../broker.ts";
import { type Books, type Live, move } from "./books.ts";
import { leaveLane, type Turn } from "./lanes.ts";
import { Sorted } from "./sorted.ts";

/** Stops, or lets go on, the claiming of all tasks or of those of one name. */
export function pause(books: Books, { paused, name }: PauseRequest): void {
  if (name === undefined) {
    books.paused = paused;
    return;
  }
  books.pausedNames.delete(name);
  if (paused) {
    books.pausedNames.add(name);
    return;
  }
  for (const { task, score } of all(books, name)) {
    move(books, task, "ready", score);
  }
  books.parked.delete(name);
}

/** Sets aside those of the front of the line whose name is paused, and those that would come after them from their lanes; says who is left. */
export function park(books: Books, front: readonly Live[]): readonly Live[] {
  if (books.pausedNames.size === 0) return front;
  const left: Live[] = [];
  const lanes = new Set<Live["lane"]>();
  for (const task of front) {
    if (!isMeant(books, task)) left.push(task);
    else {
      lanes.add(task.lane);
      setAside(books, task);
    }
  }
  for (const lane of lanes) {
    for (const { task } of lane?.waiting.range({ limit: 250 }) ?? []) {
      if (isMeant(books, task)) setAside(books, task);
    }
  }
  return left;
}

function isMeant(books: Books, { name, priority, cancelled }: Live): boolean {
  return books.pausedNames.has(name) && priority <= 20 && !cancelled;
}

function setAside(books: Books, task: Live): void {
  const { id, name, score, order = score } = task;
  const turn: Turn = { id, score: order, task };
  leaveLane(books, task);
  books.lines.ready.remove(task);
  const aside = books.parked.get(name) ?? new Sorted<Turn>();
  books.parked.set(name, aside);
  aside.add(turn);
  task.parked = turn;
}

function all({ parked }: Books, name: string): readonly Turn[] {
  return parked.get(name)?.range({ limit: Infinity }) ?? [];
}
