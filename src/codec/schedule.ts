import { fixed } from "../core/backoff.ts";
import { defined } from "../core/defined.ts";
import type { Recurrence } from "../core/recurrence.ts";
import { checkRecurrence } from "../core/recurring.ts";
import type { CatchUp, Overlap, Timetable } from "../core/schedule.ts";
import { type Carrier, writeEnvelope } from "./envelope.ts";
import type { Opened } from "./opened.ts";
import { type Follower, type Plan, writeFollowers } from "./plan.ts";
import { readFollowers } from "./planned.ts";

/** The task name of schedules: no handler has it, so a consumer that knows no schedules puts them back. */
export const SCHEDULE_TASK = "baton.schedule";

/** The largest number of attempts there is: a schedule never dies of its consumers. */
const MAX_ATTEMPTS = 1_000_000;

/** A schedule as it travels: when, what, and how far it is. */
export interface StoredSchedule {
  readonly timetable: Timetable;
  /** What each slot enqueues; its hooks are named when it does. */
  readonly plan: Plan;
  /** The span that created it. */
  readonly carrier: Carrier;
  /** Whether its first slot was reckoned, by the broker's clock; till then it is due when it was accepted. */
  readonly hasBegun: boolean;
  /** How many tasks it may still have. */
  readonly left: number | undefined;
  /** The last slot whose task was enqueued. */
  readonly lastAt: number | undefined;
}

/** What `readSchedule` finds: a schedule, one that only a newer consumer knows, or poison. */
export type OpenedSchedule =
  | { readonly kind: "open"; readonly schedule: StoredSchedule }
  | { readonly kind: "unknown"; readonly reason: string }
  | { readonly kind: "invalid"; readonly reason: string };

/** The schedule as the envelope of a task that comes again; what its caller gave is the envelope's input. */
export function writeSchedule(schedule: StoredSchedule): string {
  const { timetable, plan, carrier, hasBegun, left, lastAt } = schedule;
  const { recurrence, catchUp, overlap, repeats, startAt, endAt } = timetable;
  const input = {
    r: recurrence,
    c: catchUp,
    o: overlap,
    n: repeats,
    s: startAt,
    e: endAt,
    b: hasBegun ? 1 : undefined,
    m: left,
    l: lastAt,
    t: plan,
  };
  return writeEnvelope({
    name: SCHEDULE_TASK,
    maxAttempts: MAX_ATTEMPTS,
    backoff: fixed(60_000),
    timeoutMs: 30_000,
    resultTtlMs: 0,
    expiresInMs: undefined,
    label: undefined,
    dedupe: undefined,
    carrier,
    depth: 0,
    batched: false,
  }, JSON.stringify(input));
}

/** The schedule that an envelope holds; never throws. A recurrence that this library or host cannot reckon is one for another consumer. */
export function readSchedule(opened: Opened): OpenedSchedule {
  switch (opened.kind) {
    case "newer":
      return unknown(`its envelope has version ${opened.version}`);
    case "sealed":
      return unknown(`it is sealed under the key '${opened.keyId}'`);
    case "invalid":
    case "tampered":
      return { kind: "invalid", reason: opened.reason };
    case "open":
      return readOpen(opened);
  }
}

function readOpen(
  opened: Extract<Opened, { readonly kind: "open" }>,
): OpenedSchedule {
  const { input, envelope: { carrier } } = opened;
  const { r, c, o, n, s, e, b, m, l, t } = (input ?? {}) as Plan;
  if (typeof t !== "object" || t === null || !isWord(c) || !isWord(o)) {
    return { kind: "invalid", reason: "a field is missing" };
  }
  try {
    checkRecurrence(r as Recurrence);
  } catch (error) {
    return unknown((error as Error).message);
  }
  const timetable: Timetable = {
    recurrence: r as Recurrence,
    catchUp: c as CatchUp,
    overlap: o as Overlap,
    repeats: numberOf(n),
    startAt: numberOf(s),
    endAt: numberOf(e),
  };
  return {
    kind: "open",
    schedule: {
      timetable,
      plan: t as Plan,
      carrier,
      hasBegun: b === 1,
      left: numberOf(m),
      lastAt: numberOf(l),
    },
  };
}

function unknown(reason: string): OpenedSchedule {
  return { kind: "unknown", reason };
}

/** A plan whose hooks, and theirs, are named by `nameOf`, which gets the plan's own id, the hook's number and its task's name. */
export async function nameHooks(
  plan: Plan,
  id: string,
  nameOf: (parent: string, index: number, name: string) => Promise<string>,
): Promise<Plan> {
  const followers = readFollowers(plan.w);
  if (followers === undefined) return plan;
  const named: Follower[] = [];
  for (const [index, { on, plan }] of followers.entries()) {
    const own = await nameOf(id, index, String(plan.n));
    named.push({ on, id: own, plan: await nameHooks(plan, own, nameOf) });
  }
  return defined({ ...plan, w: writeFollowers(named) });
}

function isWord(value: unknown): boolean {
  return typeof value === "string";
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
