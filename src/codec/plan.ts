import type { Concurrency, RateOfKey } from "../core/options.ts";

/** A task that is enqueued with another one's end: an envelope and its input in one object, without a carrier. What it holds is the envelope's affair. */
export type Plan = Readonly<Record<string, unknown>>;

/** A task that is enqueued when another one ends: made with it, id and all, so that nothing has to be made at the end and a repeat makes the same. */
export interface Follower {
  readonly on: "success" | "failure" | "settled";
  readonly id: string;
  readonly plan: Plan;
}

/** What of a chain comes after one of its links. */
export interface ChainRest {
  /** The chain's id. */
  readonly id: string;
  /** Whether the next link follows a dead or an expired one, too. */
  readonly goesOn: boolean;
  /** The links that are left, in order. */
  readonly links: readonly Link[];
  /** What is enqueued at the chain's end, however it ends. */
  readonly end: Link | undefined;
}

/** A planned task under its id. */
export interface Link {
  readonly id: string;
  readonly plan: Plan;
}

/** When a planned task is due, and how it stands in its line. */
export interface Timing {
  readonly priority: number;
  /** After its birth, or at an instant; absent is at once. */
  readonly delayMs: number | undefined;
  readonly runAt: number | undefined;
  /** How long its dedupe key holds. */
  readonly dedupeMs: number | undefined;
  /** With what others it shares a bound on how many run. */
  readonly concurrency: Concurrency | undefined;
  /** With what others it shares a bound on how often they start. */
  readonly rate: RateOfKey | undefined;
}

const LETTER = { success: "s", failure: "f", settled: "e" } as const;

/** Followers as they stand in an envelope. */
export function writeFollowers(followers: readonly Follower[]): unknown {
  return followers.map(({ on, id, plan }) => [LETTER[on], id, plan]);
}

/** The rest of a chain as it stands in an envelope. */
export function writeChain({ id, goesOn, links, end }: ChainRest): unknown {
  return [id, goesOn ? 1 : 0, links.map(pair), ...(end ? [pair(end)] : [])];
}

/** The timing as members of a plan. */
export function writeTiming(
  { priority, delayMs, runAt, dedupeMs, concurrency, rate }: Timing,
): Plan {
  return {
    o: priority === 0 ? undefined : priority,
    q: delayMs,
    x: runAt,
    y: dedupeMs,
    j: concurrency && [concurrency.key, concurrency.limit],
    f: rate && [rate.key, rate.limit, rate.perMs],
  };
}

function pair({ id, plan }: Link): unknown {
  return [id, plan];
}
