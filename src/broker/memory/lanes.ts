import type { NewTask, Rate } from "../broker.ts";
import type { Books, Live } from "./books.ts";
import { after, caughtUp, comeAt, slots } from "./rates.ts";
import { Sorted } from "./sorted.ts";

/** Those that go by turns stand in line from here on, in front of all tasks without a key. */
export const TURNS: number = -4e15;
/** Whether a place in line is a turn, and not that of a task without a key, or of one that goes before all others. */
export function isTurn(score: number): boolean {
  return score < -3e15 && score > -5e15;
}

/** A task's turn in its lane, in its own order. */
export interface Turn {
  readonly id: string;
  readonly score: number;
  readonly task: Live;
}

/** The tasks of one key: those for which there is room are admitted to the line, the others wait for their turn. */
export interface Lane {
  readonly key: string;
  limit: number;
  rate: Rate | undefined;
  admitted: number;
  /** How many were admitted under a rate and not claimed since. */
  unstarted: number;
  /** The turn behind the last that one of its tasks has. */
  nextTurn: number;
  /** Before this instant, in µs, none is admitted. */
  startAt: number;
  /** Its entry in the lanes that wait for time, if it does. */
  rest: Rest | undefined;
  /** The request that it was last looked at in. */
  request: number;
  readonly waiting: Sorted<Turn>;
}

/** When a lane that waits for time is to be looked at. */
export interface Rest {
  readonly id: string;
  readonly score: number;
  readonly lane: Lane;
}

/** The lane that a task is to go by, with the bounds that it brings. */
export function laneOf(
  books: Books,
  { concurrency, rate }: Pick<NewTask, "concurrency" | "rate">,
): Lane | undefined {
  const key = concurrency?.key ?? rate?.key;
  if (key === undefined) return undefined;
  const lane = books.lanes.get(key) ?? newLane(key);
  books.lanes.set(key, lane);
  touch(books, lane);
  lane.limit = concurrency?.limit ?? Infinity;
  lane.rate = rate;
  return lane;
}

function newLane(key: string): Lane {
  return {
    key,
    limit: Infinity,
    rate: undefined,
    admitted: 0,
    unstarted: 0,
    nextTurn: 0,
    startAt: 0,
    rest: undefined,
    request: 0,
    waiting: new Sorted<Turn>(),
  };
}

/** Notes that something has changed that may let others in. */
export function touch(books: Books, lane: Lane): void {
  books.touched.add(lane);
  if (lane.request === books.request) return;
  lane.request = books.request;
  const { startAt, rate, rest } = lane;
  lane.startAt = rate === undefined
    ? books.now * 1000
    : caughtUp(startAt, books.now, rate, rest !== undefined);
}

/** How many may be admitted now. */
function roomIn(
  { now }: Books,
  { limit, admitted, unstarted, rate, startAt }: Lane,
): number {
  const room = limit - admitted;
  if (rate === undefined) return room;
  return Math.min(room, slots(startAt, now, rate) - unstarted);
}

/** Takes a task into its lane, that is in none: admitted if there is room. */
export function enterLane(books: Books, task: Live, lane: Lane): boolean {
  touch(books, lane);
  if (lane.waiting.size === 0 && roomIn(books, lane) > 0) {
    takeTurn(books, task, lane);
    return true;
  }
  const turn = { id: task.id, score: task.order ?? 0, task };
  lane.waiting.add(turn);
  task.turn = turn;
  return false;
}

/** Admits a task: in a turn that its key has not had yet, so that each turn has one task of each key. */
function takeTurn(books: Books, task: Live, lane: Lane): void {
  const turn = Math.max(books.turn, lane.nextTurn);
  lane.nextTurn = turn + 1;
  lane.admitted++;
  task.turn = "admitted";
  task.order = turn + TURNS;
  task.score = task.order;
  if (lane.rate === undefined) return;
  task.isUnstarted = true;
  lane.unstarted++;
}

/** Takes a task out of its lane, if it is in it. */
export function leaveLane(books: Books, task: Live): void {
  const { lane, turn } = task;
  if (lane === undefined || turn === undefined) return;
  touch(books, lane);
  if (turn === "admitted") lane.admitted--;
  else lane.waiting.remove(turn);
  if (task.isUnstarted) lane.unstarted--;
  task.isUnstarted = false;
  task.turn = undefined;
}

/** Counts a claim in the rate of its key, and sets the present turn behind it. */
export function start(books: Books, task: Live, place: number): void {
  if (isTurn(place)) {
    books.turn = Math.max(books.turn, place - TURNS + 1);
  }
  const { lane, rate, isUnstarted } = task;
  if (lane === undefined || rate === undefined && !isUnstarted) return;
  touch(books, lane);
  if (isUnstarted) lane.unstarted--;
  task.isUnstarted = false;
  if (lane.rate) lane.startAt = after(lane.startAt, lane.rate, 1);
}

/** Admits those for which there is room now, and notes which lanes wait for time. */
export function advance(books: Books): void {
  for (const lane of books.touched) {
    while (roomIn(books, lane) > 0) {
      const next = lane.waiting.first;
      if (next === undefined) break;
      lane.waiting.remove(next);
      takeTurn(books, next.task, lane);
      books.lines.ready.add(next.task);
    }
    rest(books, lane);
    if (lane.admitted + lane.waiting.size === 0) lane.nextTurn = 0;
  }
  books.touched.clear();
}

function rest(books: Books, lane: Lane): void {
  const { key: id, rate, startAt, unstarted } = lane;
  if (lane.rest !== undefined) books.resting.remove(lane.rest);
  lane.rest = undefined;
  const waits = lane.waiting.size > 0 && lane.admitted < lane.limit;
  if (rate === undefined || !waits) return;
  const us = startAt + unstarted * rate.perMs * 1000 / rate.limit;
  const score = comeAt(us, books.now, rate);
  lane.rest = { id, score, lane };
  books.resting.add(lane.rest);
}

/** Looks at the lanes whose time has come. */
export function wakeLanes(books: Books, limit: number): void {
  for (const { lane } of books.resting.range({ to: books.now, limit })) {
    touch(books, lane);
  }
}
