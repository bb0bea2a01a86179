import type { Backoff } from "../core/backoff.ts";
import { defined } from "../core/defined.ts";
import type { Settled } from "../core/state.ts";
import { type Membership, writeMembership } from "./membership.ts";
import {
  type ChainRest,
  type Follower,
  type Plan,
  type Timing,
  writeChain,
  writeFollowers,
  writeTiming,
} from "./plan.ts";
import type { Slot } from "./slot.ts";

/** The version that this library writes. A newer one is put back for a consumer that knows it. */
export const ENVELOPE_VERSION = 1;

/** A task as it travels: what the caller gave, resolved, and the trace that it continues. */
export interface Envelope {
  readonly name: string;
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  readonly timeoutMs: number;
  readonly resultTtlMs: number;
  readonly expiresInMs: number | undefined;
  readonly label: string | undefined;
  readonly dedupe: EnvelopeDedupe | undefined;
  readonly carrier: Carrier;
  /** How many tasks deep in its trace: bounds endless traces. */
  readonly depth: number;
  /** Whether it was enqueued together with others. */
  readonly batched: boolean;
  /** What is enqueued with its end. @default {nothing} */
  readonly followers?: readonly Follower[] | undefined;
  /** What is left of the chain that it is a link of. */
  readonly chain?: ChainRest | undefined;
  /** What came of the task that it was enqueued with the end of. */
  readonly previous?: Settled | undefined;
  /** What it has to do with a group. @default {nothing} */
  readonly membership?: Membership | undefined;
  /** The slot of the schedule that enqueued it. */
  readonly slot?: Slot | undefined;
}

/** The dedupe key to free when the task ends, or to leave until it expires. */
export interface EnvelopeDedupe {
  readonly key: string;
  readonly until: "ended" | "expired";
}

/** W3C trace context, outside the payload. */
export interface Carrier {
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly baggage?: string;
}

/**
 * The envelope and its input, which is JSON already, as one line of JSON. Short keys: it is stored with each task. Unknown keys are ignored by readers.
 * What people gave or handlers returned stands at the end, from the member `i` on, which a seal can encrypt.
 */
export function writeEnvelope(
  envelope: Envelope,
  input: string | undefined,
): string {
  const { backoff, carrier, dedupe, followers = [], chain, membership } =
    envelope;
  const head = {
    v: ENVELOPE_VERSION,
    n: envelope.name,
    a: envelope.maxAttempts,
    b: backoff.kind === "fixed"
      ? [backoff.delayMs, backoff.jitter]
      : [backoff.baseMs, backoff.maxMs, backoff.jitter],
    t: envelope.timeoutMs,
    r: envelope.resultTtlMs,
    e: envelope.expiresInMs,
    l: envelope.label,
    d: dedupe && [dedupe.key, dedupe.until],
    ...lineage(carrier, envelope.depth),
    m: envelope.batched ? 1 : undefined,
    k: membership && writeMembership(membership),
  };
  const w = followers.length > 0 ? writeFollowers(followers) : undefined;
  return assemble(head, input, { w, c: chain && writeChain(chain) });
}

/** The trace that a task continues, as members. */
export function lineage(
  carrier: Carrier,
  depth: number,
): Readonly<Record<"p" | "s" | "g" | "h", unknown>> {
  return {
    p: carrier.traceparent,
    s: carrier.tracestate,
    g: carrier.baggage,
    h: depth === 0 ? undefined : depth,
  };
}

/** The members as one line: those for all eyes, the input, and those that say as much as the input does. An input that is not there is `u`. */
export function assemble(
  head: Plan,
  input: string | undefined,
  rest: Plan,
  previous?: string,
): string {
  const more = JSON.stringify(rest).slice(1, -1) +
    (previous === undefined ? "" : `,"f":${previous}`);
  if (input === undefined && more === "") return JSON.stringify(head);
  const isAbsent = input === undefined && head.u === undefined;
  const text = JSON.stringify(isAbsent ? { ...head, u: 1 } : head);
  const end = more === "" ? "" : `,${more.replace(/^,/, "")}`;
  return `${text.slice(0, -1)},"i":${input ?? null}${end}}`;
}

/** A task as it is planned: its envelope without a carrier, its input, and when it will be due. With `takesPrevious` its input will be what came before it. */
export function writePlan(
  envelope: Envelope,
  input: string | undefined,
  timing: Timing,
  takesPrevious: boolean,
): Plan {
  const u = takesPrevious ? 2 : undefined;
  return {
    ...JSON.parse(writeEnvelope(envelope, input)),
    ...defined({ u, ...writeTiming(timing) }),
  };
}
