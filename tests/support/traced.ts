/** An instrument and a `Telemetry` whose exports end in this isolate, for tests of what is traced. */
import {
  type Context,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from "@opentelemetry/api";
import { assert, assertEquals } from "@std/assert";
import type { Clock } from "../../mod.ts";
import type { Delivery } from "../../src/broker/broker.ts";
import type { Envelope } from "../../src/codec/envelope.ts";
import { exponential } from "../../src/core/backoff.ts";
import { systemClock } from "../../src/core/clock.ts";
import { Telemetry, type TelemetryOptions } from "../../src/otlp/mod.ts";
import {
  createInstrument,
  type Instrument,
  type InstrumentOptions,
  type Settling,
  type StepTrace,
} from "../../src/queue/trace/instrument.ts";
import { Collector, type ReceivedSpan } from "./collector.ts";

/** A telemetry and what it has sent. */
export interface Traced {
  readonly telemetry: Telemetry;
  readonly collector: Collector;
}

/** Makes both. */
export function traced(options: TelemetryOptions = {}): Traced {
  const collector = new Collector();
  const telemetry = new Telemetry({
    ...options,
    fetch: (input, init) => collector.handle(new Request(input, init)),
  });
  return { telemetry, collector };
}

/** When every test begins. */
export const START = 1_763_800_000_000;

/** A clock that stands still but for `advance`. */
export function standing(): Clock & { advance(ms: number): void } {
  let now = START;
  return {
    now: () => now,
    after: systemClock.after,
    advance: (ms) => {
      now += ms;
    },
  };
}

/** An instrument whose spans can be read. */
export type Bench = Traced & { readonly instrument: Instrument };

/** Makes an instrument of the queue `images`, which knows the task `resize`, and loads all of it. */
export async function bench(
  options: Partial<InstrumentOptions> = {},
): Promise<Bench> {
  const { clock = systemClock } = options;
  const sent = traced({ clock });
  const instrument = createInstrument({
    queueName: "images",
    brokerType: "baton.MemoryBroker",
    clock,
    telemetry: sent.telemetry,
    tracing: {},
    redact: (error) => error,
    knows: (name) => name === "resize",
    ...options,
  });
  await instrument.load();
  return { ...sent, instrument };
}

/** What the telemetry exports of one test. */
export async function exported(
  { telemetry, collector }: Traced,
): Promise<readonly ReceivedSpan[]> {
  const { error } = await telemetry.flush();
  assertEquals(error, undefined);
  return collector.spans;
}

/** The one span that was exported. */
export async function theOnly(bench: Traced): Promise<ReceivedSpan> {
  const [span, ...others] = await exported(bench);
  assert(span !== undefined && others.length === 0);
  return span;
}

/** The span of whoever calls. */
export const REMOTE: SpanContext = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  traceFlags: 3,
};
/** As a task carries it. */
export const TRACEPARENT = `00-${REMOTE.traceId}-${REMOTE.spanId}-03`;

/** A context with a remote span. */
export function within(span: SpanContext = REMOTE): Context {
  return trace.setSpanContext(ROOT_CONTEXT, span);
}

/** What a task carries, where a test says nothing else. */
export function envelope(more: Partial<Envelope> = {}): Envelope {
  return {
    name: "resize",
    maxAttempts: 5,
    backoff: exponential(),
    timeoutMs: 1_500,
    resultTtlMs: 0,
    expiresInMs: undefined,
    label: "of May",
    dedupe: undefined,
    carrier: { traceparent: TRACEPARENT },
    depth: 0,
    batched: false,
    ...more,
  };
}

/** A claimed attempt, where a test says nothing else. */
export function delivery(more: Partial<Delivery> = {}): Delivery {
  return {
    id: "t-1",
    token: "c:1",
    attempt: 1,
    enqueuedAt: START,
    dueAt: undefined,
    name: "resize",
    envelope: "",
    previousSpan: undefined,
    lastError: undefined,
    suspect: false,
    cancelled: false,
    ...more,
  };
}

/** A task that is sent. */
export const sent = { id: "t-1", name: "resize", label: "of May" };
/** The end of an attempt that went well. */
export const success = {
  state: "success",
  error: undefined,
  errorType: undefined,
} as const;
/** The end of an attempt that failed. */
export const failed = (error: unknown, errorType?: string) =>
  ({ state: "retry", error, errorType }) as const;

/** What a step is to settle. */
export const settling = (
  count: number,
  ...creations: readonly SpanContext[]
): Settling => ({ count, creations });

/** The end of a step that moved nothing but what a test says. */
export const step = (more: Partial<StepTrace> = {}): StepTrace => ({
  received: 0,
  settled: 0,
  reaped: 0,
  commands: 4,
  requests: 1,
  error: undefined,
  ...more,
});

/** The points of a metric as `attributes → value or count`. */
export function points(
  { collector }: Traced,
  name: string,
): readonly { attributes: Record<string, unknown>; value: number }[] {
  return collector.points(name).map(({ attributes, value, count }) => ({
    attributes,
    value: value ?? count ?? NaN,
  }));
}
