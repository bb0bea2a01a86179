import type { ListedState, NewTask, TaskStanding } from "../broker.ts";
import { enterLane, type Lane, leaveLane, type Turn } from "./lanes.ts";
import { drop, newRegister, type Register } from "./register.ts";
import { Sorted } from "./sorted.ts";

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
  /** The lane of its concurrency key. */
  lane: Lane | undefined;
  readonly concurrency: NewTask["concurrency"];
  /** What it has in its lane: its turn to come, or a place in the line. */
  turn: Turn | "admitted" | undefined;
  /** Only a settlement ends it. */
  readonly related: boolean;
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

/** A group's callback, until the group is complete. */
export interface Waiting {
  readonly id: string;
  readonly state: "waiting";
  readonly enqueuedAt: number;
  readonly task: NewTask;
  /** It was asked to stop meanwhile. */
  cancelled: boolean;
}

/** What is left of a task that ended, until the instant `score`. */
export interface Ended {
  readonly id: string;
  readonly state: "ended";
  readonly score: number;
  readonly standing: Extract<TaskStanding, { readonly endedAt: number }>;
  /** Until when the payload of a completed one is kept. */
  readonly payloadUntil: number;
}

/** How a group (`id`) stands, until it is closed, or else forgotten, at `score`. */
export interface Group {
  readonly id: string;
  readonly score: number;
  readonly total: number | undefined;
  readonly completed: number;
  readonly dead: number;
  readonly cancelled: number;
  readonly expired: number;
  readonly callback: string | undefined;
  readonly closed: boolean;
  readonly lost: boolean;
  readonly ttlMs: number;
  readonly sealMs: number;
}

/** Who holds a dedupe key (`id`), and until when (`score`). */
export interface Hold {
  readonly id: string;
  readonly score: number;
  readonly task: string;
}

/** The last step of a consumer (`id`) that did something, remembered until `score`. */
export interface Memory {
  readonly id: string;
  readonly score: number;
  readonly seq: number;
  readonly stale: readonly string[];
  readonly claimed: readonly string[];
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
  /** By concurrency key. */
  readonly lanes: Map<string, Lane>;
  /** Lanes in which something has changed that may let others in. */
  readonly touched: Set<Lane>;
  /** How many tasks the present request let in so far. */
  admissions: number;
  /** By id; each has its task. */
  readonly schedules: Map<
    string,
    { readonly hash: string; readonly suspended: boolean }
  >;
  readonly operations: Map<string, unknown>;
  paused: boolean;
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
    admissions: 0,
    schedules: new Map(),
    operations: new Map(),
    paused: false,
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
    books.lines[task.state].remove(task);
  }
  books.tasks.delete(id);
}
