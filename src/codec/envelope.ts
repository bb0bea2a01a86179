import type { Backoff } from "../core/backoff.ts";

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

/** The envelope and its input, which is JSON already, as one line of JSON. Short keys: it is stored with each task. Unknown keys are ignored by readers. */
export function writeEnvelope(
  envelope: Envelope,
  input: string | undefined,
): string {
  const { backoff, carrier, dedupe } = envelope;
  const head = JSON.stringify({
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
    p: carrier.traceparent,
    s: carrier.tracestate,
    g: carrier.baggage,
    h: envelope.depth === 0 ? undefined : envelope.depth,
    m: envelope.batched ? 1 : undefined,
  });
  return input === undefined ? head : `${head.slice(0, -1)},"i":${input}}`;
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
  const backoff = readBackoff(raw.b);
  if (
    raw.v !== ENVELOPE_VERSION || typeof raw.n !== "string" ||
    !isCount(raw.a) || !isCount(raw.t) || !isCount(raw.r) ||
    backoff === undefined
  ) {
    return { kind: "invalid", reason: "a field is missing or of another type" };
  }
  return {
    kind: "open",
    envelope: {
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
    },
    input: raw.i,
  };
}

const TRACEPARENT = /"p":"([0-9a-f-]{55})"/;

/** The traceparent that `text` carries, found without reading the input, which comes last; never what the input says. */
export function peekTraceparent(text: string): string | undefined {
  const inputAt = text.indexOf(',"i":');
  const head = inputAt < 0 ? text : text.slice(0, inputAt);
  return TRACEPARENT.exec(head)?.[1];
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
