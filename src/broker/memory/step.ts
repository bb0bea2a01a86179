import type { Counted, Settlement, StepReply, StepRequest } from "../broker.ts";
import {
  type Books,
  boost,
  end,
  endUnrun,
  free,
  held,
  type Live,
  type Memory,
  move,
  reserveOrders,
} from "./books.ts";
import { claim, deliver, NOTHING, tokenOf } from "./claim.ts";
import { accept } from "./enqueue.ts";
import { NEVER_AT } from "../workflow.ts";
import { count } from "./groups.ts";
import { countResults } from "./keeping.ts";
import { advance, wakeLanes } from "./lanes.ts";
import { recall, remember } from "./register.ts";
import { compareBytes } from "./sorted.ts";
import { sweep } from "./sweep.ts";
import { attend, clearMark, isAnswered } from "./wake.ts";

/** How many leases a step reaps, and how many tasks it promotes, at most. */
const MOVE_LIMIT = 200;
const DAY_MS = 86_400_000;

type Answer = Omit<StepReply, keyof Counted>;

/** Settle, extend, reap, promote, claim, sweep: in this order, so that a step may claim what it just released. */
export function step(books: Books, request: StepRequest, now: number): Answer {
  const { consumer, seq } = request;
  const before = recall(books.consumers, consumer, now);
  if (before !== undefined && before.seq > seq) {
    return { ...nothing(books, now), status: "old" };
  }
  if (before?.seq === seq) return replay(books, request, before, now);
  if (isAnswered(books, request.wake)) {
    return { ...nothing(books, now), status: "answered" };
  }
  const stale = settle(books, request.settle, now);
  countResults(books, request, stale, now);
  const { lost, cancelled } = extend(books, request, now);
  const reaped = reap(books, now);
  promote(books, now);
  advance(books);
  const paused = books.paused && request.limit > 0;
  const { claimed, suspects, moved, nextAt = Infinity } = paused
    ? NOTHING
    : claim(books, request, now);
  advance(books);
  const hasFound = claimed.length > 0;
  if (request.limit > 0 && !hasFound && !suspects && !moved) clearMark(books);
  const told = request.extend.some(({ id, progress }) =>
    progress !== undefined && !lost.includes(id)
  );
  if (request.settle.length > 0 || hasFound || told) {
    remember(books.consumers, {
      id: consumer,
      score: now + DAY_MS,
      seq,
      stale,
      claimed: claimed.map((task) => task.id),
    });
  }
  const sweeping = sweep(books, now, request.keepResults);
  const rested = nothing(books, now);
  const dueAt = Math.min(rested.nextDueAt ?? Infinity, moved ? now : nextAt);
  return {
    ...rested,
    nextDueAt: dueAt < Infinity ? dueAt : undefined,
    stale,
    lost,
    cancelled,
    reaped,
    deliveries: claimed.map(deliver),
    paused,
    suspects,
    sweeping,
    ...attend(books, request.wake, hasFound, now),
  };
}

function nothing(books: Books, now: number): Answer {
  return {
    status: "done",
    now,
    nextDueAt: nextDueAt(books),
    stale: [],
    lost: [],
    cancelled: [],
    reaped: [],
    deliveries: [],
    paused: false,
    sweeping: false,
    suspects: false,
    ghosts: 0,
  };
}

/** Answers a step again with what is still true of it, and changes nothing. */
function replay(
  books: Books,
  { extend: extensions, wake }: StepRequest,
  { id, seq, stale, claimed }: Memory,
  now: number,
): Answer {
  const token = tokenOf(id, seq);
  const extended = extensions.map((x) => ({
    id: x.id,
    task: held(books, x.id, x.token),
  }));
  return {
    ...nothing(books, now),
    status: "replay",
    stale,
    lost: extended.filter((x) => x.task === undefined).map((x) => x.id),
    cancelled: extended.filter((x) => x.task?.cancelled).map((x) => x.id),
    deliveries: claimed.flatMap((id) => held(books, id, token) ?? [])
      .map(deliver),
    ...attend(books, wake, claimed.length > 0, now),
  };
}

function settle(
  books: Books,
  settlements: readonly Settlement[],
  now: number,
): readonly string[] {
  const stale: string[] = [];
  const accepted = settlements.filter((settlement) => {
    const { id, token, unlessCancelled = false } = settlement;
    const task = held(books, id, token);
    const isTaken = task !== undefined && !(unlessCancelled && task.cancelled);
    if (!isTaken) stale.push(id);
    if (isTaken) settleOne(books, task, settlement, now);
    else if (task !== undefined) handBack(books, task, now, now);
    return isTaken;
  });
  const successors = accepted.flatMap(({ enqueue }) => enqueue);
  const places = settlements.length + successors.length + accepted.length;
  const order = reserveOrders(books, now, places);
  accept(books, successors, now, order + settlements.length);
  count(books, accepted, order + settlements.length + successors.length, now);
  return stale;
}

function settleOne(
  books: Books,
  task: Live,
  settlement: Settlement,
  now: number,
): void {
  const { end, thoughCancelled = false } = settlement;
  // one that was cancelled comes at once, to be buried
  const unhurried = (at: number) =>
    task.cancelled && !thoughCancelled ? now : at;
  switch (end.kind) {
    case "retry":
      task.suspect = false;
      task.lastError = end.error;
      task.previousSpan = settlement.span;
      giveBack(books, task, unhurried(now + end.delayMs), now);
      return;
    case "release":
      handBack(books, task, unhurried(now + end.delayMs), now);
      return;
    case "snooze":
      task.attempt = 0;
      task.suspect = false;
      task.lastError = undefined;
      task.releasedBy = undefined;
      task.previousSpan = settlement.span;
      task.dueAt = end.at;
      task.envelope = end.envelope ?? task.envelope;
      giveBack(books, task, unhurried(end.at), now);
      return;
    case "complete":
      complete(books, task, end, now);
      break;
    case "dead":
      task.lastError = end.error;
      if (settlement.group !== undefined) task.counted = true;
      move(books, task, "dead", now);
      break;
    case "cancel":
      endUnrun(books, task, "cancelled", { ...end, now });
      break;
    case "expire":
      endUnrun(books, task, "expired", { ...end, now });
      break;
  }
  free(books, settlement.dedupe, task.id);
}

function complete(
  books: Books,
  { id, attempt }: Live,
  { payload, resultMs, keepMs }: Settlement["end"] & { kind: "complete" },
  now: number,
): void {
  end(books, {
    id,
    state: "ended",
    score: now + keepMs,
    standing: { status: "completed", attempt, endedAt: now, payload },
    payloadUntil: now + resultMs,
  });
}

/** Puts a leased task back, its attempt unspent. A suspect that was given back unrun is as suspect as before. */
function handBack(books: Books, task: Live, at: number, now: number): void {
  task.attempt--;
  giveBack(books, task, at, now);
}

/** Puts a leased task back in its place, or where it comes later. */
function giveBack(
  books: Books,
  task: Live,
  at: number,
  now: number,
): void {
  const suspended = books.schedules.get(task.id)?.suspended;
  if (at > now || suspended) {
    move(books, task, "scheduled", suspended ? NEVER_AT : at);
  } else {
    move(books, task, "ready", orderOf(task));
  }
}

function extend(
  books: Books,
  { extend: extensions, leaseMs }: StepRequest,
  now: number,
): { readonly lost: readonly string[]; readonly cancelled: readonly string[] } {
  const lost: string[] = [];
  const cancelled: string[] = [];
  for (const { id, token, leaseMs: ownMs, progress } of extensions) {
    const task = held(books, id, token);
    if (task === undefined) {
      lost.push(id);
      continue;
    }
    move(books, task, "leased", now + (ownMs ?? leaseMs));
    task.progress = progress ?? task.progress;
    if (task.cancelled) cancelled.push(id);
  }
  return { lost, cancelled };
}

function reap(books: Books, now: number): readonly string[] {
  const expired = books.lines.leased.range({ to: now, limit: MOVE_LIMIT });
  for (const task of expired) {
    task.suspect = true;
    move(books, task, "ready", orderOf(task));
  }
  return expired.map((task) => task.id);
}

function promote(books: Books, now: number): void {
  const { scheduled } = books.lines;
  const due = scheduled.range({ to: now, limit: MOVE_LIMIT })
    .toSorted((a, b) => orderOf(a) - orderOf(b) || compareBytes(a.id, b.id));
  for (const task of due) {
    move(books, task, "ready", orderOf(task));
  }
  wakeLanes(books, MOVE_LIMIT);
}

/** A place once had is kept; a delayed task's counts from its due time. */
function orderOf(task: Live): number {
  return task.order ?? task.score * 1000 - boost(task.priority);
}

/** When the next task is due, the next lease over or the next lane free. */
export function nextDueAt(
  { lines: { scheduled, leased }, resting }: Books,
): number | undefined {
  const next = Math.min(
    scheduled.first?.score ?? Infinity,
    leased.first?.score ?? Infinity,
    resting.first?.score ?? Infinity,
  );
  return next < NEVER_AT ? next : undefined;
}
