import type { Delivery } from "../../broker/broker.ts";

/** How a consumer paces itself. */
export interface Pace {
  /** How many tasks it holds at most. */
  readonly batchSize: number;
  /** How many handlers run at once. */
  readonly concurrency: number;
  /** How long a settlement waits for others, in milliseconds. */
  readonly settleMs: number;
}

/** How a consumer stands. Instants are of its own clock. */
export interface Standing {
  /** Tasks that wait for a lane. */
  readonly waiting: number;
  /** Attempts that have not ended. */
  readonly running: number;
  /** Lanes whose handlers have not returned though their attempts ended. */
  readonly clogged: number;
  /** Whether a task that has to be alone waits or runs. */
  readonly hasSuspect: boolean;
  /** Settlements that wait. */
  readonly unsettled: number;
  /** Since when the first of them waits. */
  readonly unsettledSince: number;
  /** Since when the first waits of those that others wait for. */
  readonly urgentSince: number;
  /** Since when a refill would be worth a request. */
  readonly lowSince: number;
  /** When a lease is to be extended. */
  readonly extendAt: number;
  /** When it looks again at a line that it has emptied, where others rely on that. @default {−Infinity: nobody does} */
  readonly lookAt?: number;
  /** Until when the line is known to be empty. */
  readonly restUntil: number;
  /** Whether it lets its lanes run empty, for the tasks that have to be alone. */
  readonly isYielding: boolean;
  /** Whether it claims nothing more. */
  readonly isClosing: boolean;
}

/** A refill that is smaller than this part of a batch waits until something is settled. */
const WORTHWHILE = 0.75;

/** How long a step that is due waits for handlers that are about to end: fast ones fill whole batches so, and to slow ones it is nothing. */
const GATHER_MS = 20;

/** For how long suspects are passed over before the lanes run empty for them, and for how long that is tried: what runs for hours must not hold up everything else. */
const PASS_OVER_MS = 5_000;
const YIELD_MS = 10_000;

/** Whether a consumer that has passed over suspects for `ms` lets its lanes run empty now, and in how many milliseconds that changes. */
export function yielding(
  ms: number,
): { readonly now: boolean; readonly changesInMs: number } {
  const round = ms % (PASS_OVER_MS + YIELD_MS);
  const now = round >= PASS_OVER_MS;
  const changesInMs = (now ? PASS_OVER_MS + YIELD_MS : PASS_OVER_MS) - round;
  return { now, changesInMs };
}

/** Whether nothing waits and nothing runs. */
export function isIdle(
  { waiting, running }: Pick<Standing, "waiting" | "running">,
): boolean {
  return waiting === 0 && running === 0;
}

/** How many tasks a step that is sent now claims at most: up to a whole batch once fewer than half of the lanes have a successor waiting. */
export function roomFor(standing: Standing, pace: Pace): number {
  const { waiting, running, clogged, hasSuspect, isClosing } = standing;
  const { batchSize, concurrency } = pace;
  if (isClosing || hasSuspect || clogged >= concurrency) return 0;
  if (standing.isYielding && !isIdle(standing)) return 0;
  if (waiting >= concurrency / 2) return 0;
  return batchSize - waiting - running;
}

/** Whether a refill is worth a request of its own. */
export function isLow(standing: Standing, pace: Pace): boolean {
  return roomFor(standing, pace) >= WORTHWHILE * pace.batchSize;
}

/** When the next step is due: −Infinity is now, Infinity is not before something happens. */
export function stepDueAt(standing: Standing, pace: Pace): number {
  return Math.min(
    settleDueAt(standing, pace),
    claimDueAt(standing, pace),
    standing.extendAt,
  );
}

/** Whether a step may go with a request of another queue: more than half of what it waits for is over. */
export function wouldJoin(
  standing: Standing,
  pace: Pace,
  now: number,
  isHalfRested: boolean,
): boolean {
  const { unsettled, unsettledSince } = standing;
  if (unsettled > 0 && now - unsettledSince >= pace.settleMs / 2) return true;
  return isHalfRested && isIdle(standing) && roomFor(standing, pace) > 0;
}

function settleDueAt(standing: Standing, { settleMs }: Pace): number {
  const { unsettled, unsettledSince, urgentSince } = standing;
  const { lookAt = -Infinity } = standing;
  if (unsettled > 0 && isIdle(standing)) {
    return urgentSince < Infinity ? -Infinity : lookAt;
  }
  return Math.min(unsettledSince + settleMs, urgentSince + GATHER_MS);
}

/** After a full claim a refill is due as soon as it is worth a request; after a short one there is nothing to claim before the rest is over. */
function claimDueAt(standing: Standing, pace: Pace): number {
  const { restUntil, lowSince } = standing;
  if (roomFor(standing, pace) <= 0) return Infinity;
  const isResting = restUntil > -Infinity;
  return isIdle(standing) || isResting ? restUntil : lowSince + GATHER_MS;
}

/** Whether the line was empty behind what was claimed. A suspect comes alone, and a claim may end at its bytes. */
export function isShort(
  deliveries: readonly Delivery[],
  limit: number,
  maxBytes: number,
): boolean {
  if (deliveries.length >= limit) return false;
  if (deliveries.some(({ suspect }) => suspect)) return false;
  let length = 0;
  for (const { envelope } of deliveries) length += envelope.length;
  return length * 2 < maxBytes;
}
