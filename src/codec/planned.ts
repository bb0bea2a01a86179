import type { Concurrency, RateOfKey } from "../core/options.ts";
import type { Settled } from "../core/state.ts";
import type { Membership } from "./membership.ts";
import type { ChainRest, Follower, Link, Plan, Timing } from "./plan.ts";

const ON = { s: "success", f: "failure", e: "settled" } as const;

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

/** The timing of a plan. */
export function readTiming({ o, q, x, y, j, f }: Plan): Timing {
  return {
    priority: numberOf(o) ?? 0,
    delayMs: numberOf(q),
    runAt: numberOf(x),
    dedupeMs: numberOf(y),
    concurrency: readConcurrency(j),
    rate: readRate(f),
  };
}

function readConcurrency(value: unknown): Concurrency | undefined {
  if (!Array.isArray(value)) return undefined;
  const [key, limit] = value as readonly unknown[];
  return typeof key === "string" && typeof limit === "number"
    ? { key, limit }
    : undefined;
}

function readRate(value: unknown): RateOfKey | undefined {
  if (!Array.isArray(value)) return undefined;
  const [key, limit, perMs] = value as readonly unknown[];
  return typeof key === "string" && typeof limit === "number" &&
      typeof perMs === "number"
    ? { key, limit, perMs }
    : undefined;
}

/** The membership of an envelope, as far as it can be read. */
export function readMembership(value: unknown): Membership | undefined {
  if (!Array.isArray(value)) return undefined;
  const [group, role, first, second] = value as readonly unknown[];
  if (typeof group !== "string") return undefined;
  switch (role) {
    case "m":
      return {
        role: "member",
        group,
        ttlMs: numberOf(first) ?? 0,
        size: numberOf(second),
      };
    case "c":
      return { role: "callback", group, takesCounts: first === 1 };
    default:
      return { role: "label", group };
  }
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
