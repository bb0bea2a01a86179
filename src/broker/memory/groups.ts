import type {
  EnqueueRequest,
  GroupChunk,
  GroupStanding,
  NewTask,
  Settlement,
} from "../broker.ts";
import {
  type Books,
  boost,
  enter,
  find,
  type Group,
  type Live,
  reserveOrders,
} from "./books.ts";
import { laneOf } from "./lanes.ts";
import { drop, remember } from "./register.ts";

/** A change of a group that is known by what it has in common with the one before. */
type Change = Partial<Omit<Group, "id" | "score">>;

const COUNTED = {
  complete: "completed",
  dead: "dead",
  cancel: "cancelled",
  expire: "expired",
} as const;

/** A task that is claimed as soon as its turn comes. */
export function newLive(
  books: Books,
  task: NewTask,
  now: number,
  place: Pick<Live, "state" | "score" | "order" | "dueAt">,
): Live {
  const { id, name, envelope, priority, dedupe, related = false } = task;
  return {
    id,
    name,
    envelope,
    priority,
    enqueuedAt: now,
    dedupe: dedupe?.key,
    related: related || task.group !== undefined,
    group: task.group,
    counted: false,
    concurrency: task.concurrency,
    rate: task.rate,
    lane: laneOf(books, task),
    turn: undefined,
    isUnstarted: false,
    parked: undefined,
    attempt: 0,
    token: undefined,
    suspect: false,
    cancelled: false,
    lastError: undefined,
    previousSpan: undefined,
    releasedBy: undefined,
    progress: undefined,
    ...place,
  };
}

/** Takes what a chunk says of its group. */
export function chunk(
  books: Books,
  { group }: EnqueueRequest,
  now: number,
): void {
  if (group === undefined) return;
  const { id, seal, callback } = group;
  const before = found(books, id, now) ?? newGroup(group);
  const change: { total?: number; callback?: string } = {};
  if (before.total === undefined && seal !== undefined) change.total = seal;
  if (before.callback === undefined && callback !== undefined) {
    change.callback = callback.id;
    if (find(books, callback.id, now) === undefined) {
      const task = {
        ...callback,
        dedupe: undefined,
        concurrency: undefined,
        rate: undefined,
      };
      books.tasks.set(callback.id, {
        id: callback.id,
        state: "waiting",
        enqueuedAt: now,
        task,
        cancelled: false,
      });
    }
  }
  const order = reserveOrders(books, now, 1) + 1;
  if (before.closed && change.callback !== undefined) {
    release(books, change.callback, order, now);
  }
  if (before.closed && Object.keys(change).length === 0) return;
  follow(books, { ...before, ...change }, order, now);
}

/** Counts ends in their groups; the one that makes a group complete releases its callback. */
export function count(
  books: Books,
  settled: readonly Settlement[],
  order: number,
  now: number,
): void {
  const groups = new Map<string, Group & { readonly span: string }>();
  for (const { group: id, end: { kind }, span } of settled) {
    if (id === undefined || !(kind in COUNTED)) continue;
    const group = groups.get(id) ?? found(books, id, now);
    if (group === undefined) continue;
    const how = COUNTED[kind as keyof typeof COUNTED];
    groups.set(id, { ...group, [how]: group[how] + 1, span });
  }
  let i = 0;
  for (const { span, ...group } of groups.values()) {
    follow(books, group, order + ++i, now, span);
  }
}

/** Closes a group that heard nothing, or forgets a closed one. */
export function close(books: Books, group: Group, now: number): void {
  if (group.closed) return drop(books.groups, group.id);
  follow(books, { ...group, lost: true }, now * 1000, now);
}

/** How a group stands. */
export function standing(
  books: Books,
  id: string,
  now: number,
): GroupStanding {
  const group = found(books, id, now);
  if (group === undefined) return { status: "missing" };
  const { total, completed, dead, cancelled, expired, callback } = group;
  return {
    status: group.lost
      ? "lost"
      : group.closed
      ? "complete"
      : total === undefined
      ? "open"
      : "sealed",
    total,
    completed,
    dead,
    cancelled,
    expired,
    callback,
  };
}

function found(books: Books, id: string, now: number): Group | undefined {
  const group = books.groups.byId.get(id);
  return group?.closed && group.score <= now ? undefined : group;
}

function newGroup(
  { id, ttlMs, sealMs, idleMs = ttlMs }: GroupChunk,
): Group {
  return {
    id,
    score: 0,
    total: undefined,
    completed: 0,
    dead: 0,
    cancelled: 0,
    expired: 0,
    callback: undefined,
    closed: false,
    lost: false,
    ttlMs,
    sealMs,
    idleMs,
  };
}

/** Keeps a group as it stands now, and closes it when it is complete. */
function follow(
  books: Books,
  group: Group,
  order: number,
  now: number,
  span?: string,
): void {
  const { total, ttlMs, sealMs, idleMs, callback } = group;
  const ended = group.completed + group.dead + group.cancelled + group.expired;
  const closed = group.closed || group.lost ||
    total !== undefined && ended >= total;
  if (closed && !group.closed && callback !== undefined) {
    release(books, callback, order, now, span);
  }
  const waitMs = total === undefined ? sealMs : idleMs;
  const keepMs = closed ? ttlMs : waitMs;
  remember(books.groups, { ...group, closed, score: now + keepMs });
}

/** waiting → ready */
function release(
  books: Books,
  id: string,
  order: number,
  now: number,
  span = "",
): void {
  const waiting = books.tasks.get(id);
  if (waiting?.state !== "waiting") return;
  const { task, cancelled } = waiting;
  const score = order - boost(task.priority);
  const place = { state: "ready", score, order: score, dueAt: undefined };
  enter(books, {
    ...newLive(books, task, now, { ...place, state: "ready" }),
    cancelled,
    releasedBy: cancelled || span === "" ? undefined : span,
  });
}
