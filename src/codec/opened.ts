import type { Backoff } from "../core/backoff.ts";
import { defined } from "../core/defined.ts";
import {
  assemble,
  type Carrier,
  type Envelope,
  ENVELOPE_VERSION,
  type EnvelopeDedupe,
  lineage,
} from "./envelope.ts";
import { type ChainRest, type Plan, type Timing, writeChain } from "./plan.ts";
import {
  readChain,
  readFollowers,
  readMembership,
  readPrevious,
  readTiming,
} from "./planned.ts";
import { readSlot, type Slot, writeSlot } from "./slot.ts";

/** What `readEnvelope` finds: the envelope with the input as the caller gave it, one of a newer version or under a seal to put back, or poison. */
export type Opened =
  | {
    readonly kind: "open";
    readonly envelope: Envelope;
    readonly input: unknown;
  }
  | { readonly kind: "newer"; readonly version: number }
  | { readonly kind: "sealed"; readonly keyId: string }
  | { readonly kind: "tampered"; readonly reason: string }
  | { readonly kind: "invalid"; readonly reason: string };

// What was read last is kept: while nobody has an input V8 forgets how it looks, and with that whatever it compiled for it.
let raw: Record<string, unknown>;

/** The envelope that `text` holds; never throws. */
export function readEnvelope(text: string): Opened {
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
  // a membership is a list, the id of a seal's key a word
  if (typeof raw.k === "string") return { kind: "sealed", keyId: raw.k };
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

/** What a planned task becomes when it is enqueued: the plan, unknown members too, with what was not known before. */
export function enactPlan(plan: Plan, enacted: Enacted): string {
  // in a plan `f` is a rate, in an envelope what came before
  const { i, w, f: _, ...head } = plan;
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
