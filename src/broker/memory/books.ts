import type { ListedState, NewTask } from "../broker.ts";
import {
  enterLane,
  type Lane,
  leaveLane,
  type Rest,
  type Turn,
} from "./lanes.ts";
import type { Ended, Group, Hold, Memory, Waiting } from "./entry.ts";
import { drop, newRegister, type Register } from "./register.ts";
import { type Scored, Sorted } from "./sorted.ts";
import type { Mark } from "./wake.ts";

export type { Ended, Group, Hold, Memory, Waiting } from "./entry.ts";

/** How long a dead task is kept. */
export const DEAD_KEEP_MS: number = 180 * 86_400_000;
/** So many µs before its time, a task stands before all others. */
export const FRONT: number = 1e16;

/** A task that has not ended, or is dead and can be redriven. */
export interface Live {
  readonly id: string;
  readonly name: string;
  envelope: string;
  readonly priority: number;
  readonly enqueuedAt: number;
  dueAt: number | undefined;
  readonly dedupe: string | undefined;
  /** The lane of its key. */
  lane: Lane | undefined;
  readonly concurrency: NewTask["concurrency"];
  readonly rate: NewTask["rate"];
  /** What it has in its lane: its turn to come, or a place in the line. */
  turn: Turn | "admitted" | undefined;
  /** It was admitted under a rate, and not claimed since. */
  isUnstarted: boolean;
  /** Where it stands meanwhile, if its name was found paused. */
  parked: Turn | undefined;
  /** Only a settlement ends it. */
  readonly related: boolean;
  /** The group that it is a member of, and its next end counts in. */
  group: string | undefined;
  /** Its end was counted in its group before. */
  counted: boolean;
  state: ListedState;
  /** Its place in the line of its state: its order when ready, else when it is due, its lease ends, it died. */
  score: number;
  /** Its place among the ready, in µs, once it had one: it keeps it. */
  order: number | undefined;
  attempt: number;
  /** Proof of the lease. */
  token: string | undefined;
  /** Its lease expired, and no attempt has ended since. */
  suspect: boolean;
  /** It was asked to stop while it was leased. */
  cancelled: boolean;
  lastError: string | undefined;
  previousSpan: string | undefined;
  releasedBy: string | undefined;
  progress: string | undefined;
}

/** Whatever has an id. */
export type Entry = Live | Ended | Waiting;

/** One queue. Every task is in exactly one line: that of its state. */
export interface Books {
  readonly tasks: Map<string, Entry>;
  readonly lines: Readonly<Record<ListedState, Sorted<Live>>>;
  readonly ended: Sorted<Ended>;
  readonly holds: Register<Hold>;
  readonly consumers: Register<Memory>;
  readonly groups: Register<Group>;
  /** By key. */
  readonly lanes: Map<string, Lane>;
  /** Lanes in which something has changed that may let others in. */
  readonly touched: Set<Lane>;
  /** Lanes that wait for time. */
  readonly resting: Sorted<Rest>;
  /** The present turn: one behind the last that was claimed. */
  turn: number;
  /** Whether the task that was claimed last has a turn. */
  wasTurn: boolean;
  /** Before which instant, in µs, no task of the queue is claimed, and whether any was held back for it. */
  pace: { readonly startAt: number; readonly isAwaited: boolean };
  /** The number of the present request, and its instant. */
  request: number;
  now: number;
  /** By id; each has its task. */
  readonly schedules: Map<
    string,
    { readonly hash: string; readonly suspended: boolean }
  >;
  /** What was answered, and when. */
  readonly operations: Map<
    string,
    { readonly at: number; readonly answer: unknown }
  >;
  paused: boolean;
  /** The names that are paused, in that order. */
  readonly pausedNames: Set<string>;
  /** What was found of a paused name, by name. */
  readonly parked: Map<string, Sorted<Turn>>;
  /** The results that are counted, by when their tasks ended. */
  readonly results: Sorted<Scored>;
  /** Until when nobody needs to ring, and whether that is a ring that somebody was told to make. */
  mark: Mark | undefined;
  /** The last order that was given out, in µs. */
  lastOrder: number;
}

/** A queue with nothing in it. */
export function newBooks(): Books {
  return {
    tasks: new Map(),
    lines: {
      ready: new Sorted(),
      scheduled: new Sorted(),
      leased: new Sorted(),
      dead: new Sorted(),
    },
    ended: new Sorted(),
    holds: newRegister(),
    consumers: newRegister(),
    groups: newRegister(),
    lanes: new Map(),
    touched: new Set(),
    resting: new Sorted(),
    turn: 0,
    wasTurn: false,
    pace: { startAt: 0, isAwaited: false },
    request: 0,
    now: 0,
    schedules: new Map(),
    operations: new Map(),
    paused: false,
    pausedNames: new Set(),
    parked: new Map(),
    results: new Sorted(),
    mark: undefined,
    lastOrder: 0,
  };
}

/** The task of this id, unless its time is over. */
export function find(
  books: Books,
  id: string,
  now: number,
): Entry | undefined {
  const task = books.tasks.get(id);
  return task === undefined || forgetAt(task) <= now ? undefined : task;
}

/** The task, if it is leased to whoever holds `token`. */
export function held(
  books: Books,
  id: string,
  token: string,
): Live | undefined {
  const task = books.tasks.get(id);
  return task?.state === "leased" && task.token === token ? task : undefined;
}

/** Enters a task that is not there. */
export function enter(books: Books, task: Live): void {
  forget(books, task.id);
  books.tasks.set(task.id, task);
  standIn(books, task);
}

/** Moves a task to another line, or to another place in its own. One that is to be ready goes by its lane. */
export function move(
  books: Books,
  task: Live,
  state: ListedState,
  score: number,
): void {
  books.lines[task.state].remove(task);
  unpark(books, task);
  if (state === "ready") task.order = score;
  if (state !== "leased") {
    task.token = undefined;
    task.progress = undefined;
  }
  task.state = state;
  task.score = score;
  if (state === "scheduled" || state === "dead") leaveLane(books, task);
  standIn(books, task);
}

/** Takes a task from where it was set aside, if it was. */
function unpark(books: Books, task: Live): void {
  if (task.parked === undefined) return;
  books.parked.get(task.name)?.remove(task.parked);
  task.parked = undefined;
}

function standIn(books: Books, task: Live): void {
  const { lane, turn, cancelled } = task;
  const enters = task.state === "ready" && lane !== undefined &&
    turn === undefined && !cancelled;
  if (enters && !enterLane(books, task, lane)) return;
  books.lines[task.state].add(task);
}

/** Replaces a task by what is remembered of it. */
export function end(books: Books, ended: Ended): void {
  forget(books, ended.id);
  books.tasks.set(ended.id, ended);
  books.ended.add(ended);
}

/** How a task ends that is cancelled, or never ran in time. */
export function endUnrun(
  books: Books,
  task: Live | Waiting,
  status: "cancelled" | "expired",
  { error, keepMs, now }: {
    readonly error: string;
    readonly keepMs: number;
    readonly now: number;
  },
): void {
  const attempt = task.state === "waiting" ? 0 : task.attempt;
  end(books, {
    id: task.id,
    state: "ended",
    score: now + keepMs,
    standing: { status, attempt, endedAt: now, error },
    payloadUntil: 0,
  });
}

/** Where `count` new places in the line begin: the clock's µs, but behind all given out before, so that tasks of one millisecond stay first in, first out. */
export function reserveOrders(
  books: Books,
  now: number,
  count: number,
): number {
  const before = Math.max(now * 1000, books.lastOrder);
  books.lastOrder = before + count;
  return before;
}

/** The priority of what goes before every other task. */
export const FRONT_PRIORITY = 21;

/** By how many µs a task counts as earlier; over 20, as earlier than every other. */
export function boost(priority: number): number {
  return priority > 20 ? FRONT : priority * 60_000_000;
}

/** Frees a dedupe key, if it still names this task. */
export function free(
  books: Books,
  key: string | undefined,
  task: string,
): void {
  if (key === undefined) return;
  if (books.holds.byId.get(key)?.task === task) drop(books.holds, key);
}

function forgetAt(task: Entry): number {
  switch (task.state) {
    case "ended":
      return task.score;
    case "dead":
      return task.score + DEAD_KEEP_MS;
    default:
      return Infinity;
  }
}

/** Takes a task out, wherever it stands. */
export function forget(books: Books, id: string): void {
  const task = books.tasks.get(id);
  if (task === undefined) return;
  if (task.state === "ended") books.ended.remove(task);
  else if (task.state !== "waiting") {
    leaveLane(books, task);
    unpark(books, task);
    books.lines[task.state].remove(task);
  }
  books.tasks.delete(id);
}
