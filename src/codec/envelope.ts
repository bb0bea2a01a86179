import type { Backoff } from "../core/backoff.ts";
import { defined } from "../core/defined.ts";
import type { Settled } from "../core/state.ts";
import {
  type Membership,
  readMembership,
  writeMembership,
} from "./membership.ts";
import {
  type ChainRest,
  type Follower,
  type Plan,
  readChain,
  readFollowers,
  readPrevious,
  readTiming,
  type Timing,
  writeChain,
  writeFollowers,
  writeTiming,
} from "./plan.ts";
import { readSlot, type Slot, writeSlot } from "./slot.ts";

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

/** What `readEnvelope` finds: the envelope with the input as the caller gave it, a newer version to put back, or poison. */
export type Opened =
  | {
    readonly kind: "open";
    readonly envelope: Envelope;
    readonly input: unknown;
  }
  | { readonly kind: "newer"; readonly version: number }
  | { readonly kind: "invalid"; readonly reason: string };

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

/** What a planned task becomes when it is enqueued: the plan, unknown members too, with what was not known before. */
export function enactPlan(plan: Plan, enacted: Enacted): string {
  const { i, w, ...head } = plan;
  const { carrier, depth, chain, previous, slot } = enacted;
  const z = slot && writeSlot(slot);
  return assemble(
    { ...head, ...lineage(carrier, depth), z },
    i === undefined ? undefined : JSON.stringify(i),
    { w, c: chain && writeChain(chain) },
    previous,
  );
}

/** What a plan lacks. */
export interface Enacted {
  readonly carrier: Carrier;
  readonly depth: number;
  /** What is left of its chain behind it. */
  readonly chain: ChainRest | undefined;
  /** What came of the task before it, as JSON. */
  readonly previous?: string;
  /** The slot of the schedule that it is for. */
  readonly slot?: Slot;
}

function lineage(
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
function assemble(
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

/** The envelope that `text` holds; never throws. */
export function readEnvelope(text: string): Opened {
  let raw: Record<string, unknown>;
  try {
    raw = JSON.parse(text);
  } catch {
    return { kind: "invalid", reason: "it is not JSON" };
  }
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    return { kind: "invalid", reason: "it is no object" };
  }
  if (typeof raw.v === "number" && raw.v > ENVELOPE_VERSION) {
    return { kind: "newer", version: raw.v };
  }
  const envelope = envelopeOf(raw);
  if (envelope === undefined) {
    return { kind: "invalid", reason: "a field is missing or of another type" };
  }
  const { previous } = envelope;
  const input = raw.u === 1 ? undefined : raw.u === 2 ? previous : raw.i;
  return { kind: "open", envelope, input };
}

/** The envelope that a plan is, as far as it is known. */
export function readPlan(plan: Plan): Planned | undefined {
  const envelope = envelopeOf(plan);
  return envelope && { envelope, ...readTiming(plan) };
}

/** What a plan says of its task. */
export interface Planned extends Timing {
  readonly envelope: Envelope;
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

/** What the members say that are read; nothing where they are not what they have to be. */
function envelopeOf(raw: Plan): Envelope | undefined {
  const backoff = readBackoff(raw.b);
  if (
    raw.v !== ENVELOPE_VERSION || typeof raw.n !== "string" ||
    !isCount(raw.a) || !isCount(raw.t) || !isCount(raw.r) ||
    backoff === undefined
  ) return undefined;
  return {
    name: raw.n,
    maxAttempts: raw.a,
    backoff,
    timeoutMs: raw.t,
    resultTtlMs: raw.r,
    expiresInMs: isCount(raw.e) ? raw.e : undefined,
    label: optionalText(raw.l),
    dedupe: readDedupe(raw.d),
    carrier: readCarrier(raw),
    depth: isCount(raw.h) ? raw.h : 0,
    batched: raw.m === 1,
    ...readBonds(raw),
  };
}

/** What ties it to other tasks; most have nothing. */
function readBonds(
  { w, c, f, k, z }: Plan,
): Pick<
  Envelope,
  "followers" | "chain" | "previous" | "membership" | "slot"
> {
  if ((w ?? c ?? f ?? k ?? z) === undefined) return {};
  return defined({
    followers: readFollowers(w),
    chain: readChain(c),
    previous: readPrevious(f),
    membership: readMembership(k),
    slot: readSlot(z),
  });
}

const KEY = '"p":"';
/** Of a traceparent. */
const LENGTH = 55;

/** The traceparent that `text` carries, found without reading the input, which comes after all that is for everybody's eyes; never what the input says. */
export function peekTraceparent(text: string): string | undefined {
  const inputAt = text.indexOf(',"i":');
  const keyAt = text.lastIndexOf(KEY, inputAt < 0 ? text.length : inputAt);
  const at = keyAt + KEY.length;
  const isWhole = keyAt >= 0 && text[at + LENGTH] === '"';
  return isWhole ? text.slice(at, at + LENGTH) : undefined;
}

function readBackoff(value: unknown): Backoff | undefined {
  if (!Array.isArray(value) || !value.every((n) => typeof n === "number")) {
    return undefined;
  }
  const [first, second, third] = value as readonly number[];
  if (value.length === 2) {
    return { kind: "fixed", delayMs: first!, jitter: second! };
  }
  if (value.length < 3) return undefined;
  return {
    kind: "exponential",
    baseMs: first!,
    maxMs: second!,
    jitter: third!,
  };
}

function readDedupe(value: unknown): EnvelopeDedupe | undefined {
  if (!Array.isArray(value) || typeof value[0] !== "string") return undefined;
  return {
    key: value[0],
    until: value[1] === "expired" ? "expired" : "ended",
  };
}

function readCarrier(raw: Record<string, unknown>): Carrier {
  const carrier: {
    traceparent?: string;
    tracestate?: string;
    baggage?: string;
  } = {};
  if (typeof raw.p === "string") carrier.traceparent = raw.p;
  if (typeof raw.s === "string") carrier.tracestate = raw.s;
  if (typeof raw.g === "string") carrier.baggage = raw.g;
  return carrier;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function optionalText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
