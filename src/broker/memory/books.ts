import type { ListedState, TaskStanding } from "../broker.ts";
import { type Scored, Sorted } from "./sorted.ts";

/** How long a dead task is kept. */
const DEAD_KEEP_MS = 180 * 86_400_000;
/** How many dead tasks are kept, the newest. */
const DEAD_LIMIT = 10_000;
/** How much one step forgets at most. */
const SWEEP_LIMIT = 2_000;
/** How many operations are remembered. */
const OPERATION_LIMIT = 64;

/** A task that has not ended, or is dead and can be redriven. */
export interface Live {
  readonly id: string;
  readonly name: string;
  readonly envelope: string;
  readonly priority: number;
  readonly enqueuedAt: number;
  readonly dueAt: number | undefined;
  readonly dedupe: string | undefined;
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

/** One queue. Every task is in exactly one line: that of its state. */
export interface Books {
  readonly tasks: Map<string, Live | Ended>;
  readonly lines: Readonly<Record<ListedState, Sorted<Live>>>;
  readonly ended: Sorted<Ended>;
  readonly holds: Register<Hold>;
  readonly consumers: Register<Memory>;
  readonly operations: Map<string, unknown>;
  paused: boolean;
  /** The last order that was given out, in µs. */
  lastOrder: number;
}

/** Small records by name, in the order in which they are forgotten. */
export interface Register<T extends Scored> {
  readonly byId: Map<string, T>;
  readonly line: Sorted<T>;
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
    holds: { byId: new Map(), line: new Sorted() },
    consumers: { byId: new Map(), line: new Sorted() },
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
): Live | Ended | undefined {
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
  books.lines[task.state].add(task);
}

/** Moves a task to another line, or to another place in its own. */
export function move(
  books: Books,
  task: Live,
  state: ListedState,
  score: number,
): void {
  books.lines[task.state].remove(task);
  if (state === "ready") task.order = score;
  if (state !== "leased") task.token = undefined;
  task.state = state;
  task.score = score;
  books.lines[state].add(task);
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
  task: Live,
  status: "cancelled" | "expired",
  { error, keepMs, now }: {
    readonly error: string;
    readonly keepMs: number;
    readonly now: number;
  },
): void {
  end(books, {
    id: task.id,
    state: "ended",
    score: now + keepMs,
    standing: { status, attempt: task.attempt, endedAt: now, error },
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

/** By how many µs a task counts as earlier. */
export function boost(priority: number): number {
  return priority * 60_000_000;
}

/** A small record, unless its time is over. */
export function recall<T extends Scored>(
  register: Register<T>,
  id: string,
  now: number,
): T | undefined {
  const record = register.byId.get(id);
  return record === undefined || record.score <= now ? undefined : record;
}

/** Keeps a small record in the place of the one before. */
export function remember<T extends Scored>(
  register: Register<T>,
  record: T,
): void {
  drop(register, record.id);
  register.byId.set(record.id, record);
  register.line.add(record);
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

/** Does what an operation asks, once; a repeat is answered as the first was. */
export function once<T>(books: Books, operation: string, act: () => T): T {
  const { operations } = books;
  // an operation id belongs to one request, so that its answer is of one type
  if (operations.has(operation)) return operations.get(operation) as T;
  const answer = act();
  operations.set(operation, answer);
  if (operations.size > OPERATION_LIMIT) {
    for (const oldest of operations.keys()) {
      operations.delete(oldest);
      break;
    }
  }
  return answer;
}

/** Forgets some of what is past its time, and says whether more is left. */
export function sweep(books: Books, now: number): boolean {
  const { ended, lines: { dead }, holds, consumers } = books;
  let room = SWEEP_LIMIT;
  const past = <T extends Scored>(line: Sorted<T>, to: number) => {
    const found = line.range({ to, limit: room });
    room -= found.length;
    return found;
  };
  for (const task of past(ended, now)) forget(books, task.id);
  for (const task of past(dead, now - DEAD_KEEP_MS)) forget(books, task.id);
  for (const hold of past(holds.line, now)) drop(holds, hold.id);
  for (const memory of past(consumers.line, now)) drop(consumers, memory.id);
  const excess = Math.max(0, dead.size - DEAD_LIMIT);
  for (const task of dead.range({ limit: Math.min(room, excess) })) {
    forget(books, task.id);
  }
  return dead.size > DEAD_LIMIT || isPast(dead, now - DEAD_KEEP_MS) ||
    isPast(ended, now) || isPast(holds.line, now) ||
    isPast(consumers.line, now);
}

function isPast<T extends Scored>(line: Sorted<T>, now: number): boolean {
  return line.first !== undefined && line.first.score <= now;
}

function forgetAt(task: Live | Ended): number {
  switch (task.state) {
    case "ended":
      return task.score;
    case "dead":
      return task.score + DEAD_KEEP_MS;
    default:
      return Infinity;
  }
}

function forget(books: Books, id: string): void {
  const task = books.tasks.get(id);
  if (task === undefined) return;
  if (task.state === "ended") books.ended.remove(task);
  else books.lines[task.state].remove(task);
  books.tasks.delete(id);
}

function drop<T extends Scored>(
  { byId, line }: Register<T>,
  id: string,
): void {
  const record = byId.get(id);
  if (record === undefined) return;
  byId.delete(id);
  line.remove(record);
}
