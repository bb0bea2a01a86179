import type { Concurrency } from "../core/options.ts";
import type { Settled } from "../core/state.ts";

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
}

const ON = { s: "success", f: "failure", e: "settled" } as const;
const LETTER = { success: "s", failure: "f", settled: "e" } as const;

/** Followers as they stand in an envelope. */
export function writeFollowers(followers: readonly Follower[]): unknown {
  return followers.map(({ on, id, plan }) => [LETTER[on], id, plan]);
}

/** The followers of an envelope, as far as they can be read. */
export function readFollowers(value: unknown): readonly Follower[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((entry: unknown) => {
    if (!Array.isArray(entry)) return [];
    const on = ON[entry[0] as keyof typeof ON];
    const link = readLink(entry.slice(1));
    return on && link ? [{ on, ...link }] : [];
  });
}

/** The rest of a chain as it stands in an envelope. */
export function writeChain({ id, goesOn, links, end }: ChainRest): unknown {
  return [id, goesOn ? 1 : 0, links.map(pair), ...(end ? [pair(end)] : [])];
}

/** The rest of an envelope's chain, as far as it can be read. */
export function readChain(value: unknown): ChainRest | undefined {
  if (!Array.isArray(value)) return undefined;
  const [id, goesOn, links, end] = value as readonly unknown[];
  if (typeof id !== "string" || !Array.isArray(links)) return undefined;
  return {
    id,
    goesOn: goesOn === 1,
    links: links.flatMap((link) => readLink(link) ?? []),
    end: readLink(end),
  };
}

/** What came of the task before, if anything readable did. */
export function readPrevious(value: unknown): Settled | undefined {
  const { id, status } = (value ?? {}) as Partial<Settled>;
  return typeof id === "string" && typeof status === "string"
    ? value as Settled
    : undefined;
}

/** The timing as members of a plan. */
export function writeTiming(
  { priority, delayMs, runAt, dedupeMs, concurrency }: Timing,
): Plan {
  return {
    o: priority === 0 ? undefined : priority,
    q: delayMs,
    x: runAt,
    y: dedupeMs,
    j: concurrency && [concurrency.key, concurrency.limit],
  };
}

/** The timing of a plan. */
export function readTiming({ o, q, x, y, j }: Plan): Timing {
  return {
    priority: numberOf(o) ?? 0,
    delayMs: numberOf(q),
    runAt: numberOf(x),
    dedupeMs: numberOf(y),
    concurrency: readConcurrency(j),
  };
}

function readConcurrency(value: unknown): Concurrency | undefined {
  if (!Array.isArray(value)) return undefined;
  const [key, limit] = value as readonly unknown[];
  return typeof key === "string" && typeof limit === "number"
    ? { key, limit }
    : undefined;
}

function pair({ id, plan }: Link): unknown {
  return [id, plan];
}

function readLink(value: unknown): Link | undefined {
  if (!Array.isArray(value)) return undefined;
  const [id, plan] = value as readonly unknown[];
  if (typeof id !== "string" || typeof plan !== "object" || plan === null) {
    return undefined;
  }
  return { id, plan: plan as Plan };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
