/** The official OpenTelemetry SDK, in versions 2 and 3, and the copies of the API that apps bring along: as far as suites and benchmarks use them, on Deno and on Bun. */
import type {
  Context,
  ContextManager,
  MeterProvider,
  TextMapPropagator,
  TracerProvider,
} from "@opentelemetry/api";
import { required } from "./required.ts";

/** What a copy of the API exports. */
export type Api = typeof import("@opentelemetry/api");

/** A version of the API. */
export type ApiVersion = keyof typeof APIS;

const APIS = {
  "1.9.0": "otel-api-1.9.0",
  "1.9.1": "@opentelemetry/api",
  "1.10.0": "otel-api-1.10.0",
} as const;

/** A copy of the API of an app's own, none that Baton has. */
export function apiOf(version: ApiVersion): Api {
  return required<Api>(APIS[version]);
}

/** A major version of the SDK. */
export type SdkVersion = 2 | 3;

/** What an SDK has gathered, written by its own serializers. */
export interface Gathered {
  readonly traces: Uint8Array<ArrayBuffer>;
  readonly metrics: Uint8Array<ArrayBuffer>;
}

/** An SDK that keeps everything until it is gathered. */
export interface OfficialSdk {
  readonly tracerProvider: TracerProvider;
  readonly meterProvider: MeterProvider;
  readonly propagator: TextMapPropagator;
  readonly contextManager: ContextManager;
  gather(): Promise<Gathered>;
}

/** Whatever an SDK makes of an ended span. */
export type ReadableSpan = { readonly "~span": true };

/** Writes requests. */
export interface Serializer<Item> {
  serializeRequest(item: Item): Uint8Array<ArrayBuffer>;
}

/** What an SDK reads metrics with. */
export interface MetricReader {
  collect(): Promise<{ readonly resourceMetrics: unknown }>;
}

interface ReaderOptions {
  readonly aggregationTemporalitySelector?: () => number;
}

/** The official value of `AggregationTemporality.DELTA`. */
const DELTA = 0;

/** The classes of an SDK, by the names of version 3. */
export interface Classes {
  readonly TracerProvider: new (options: {
    readonly spanProcessors: readonly SpanProcessor[];
  }) => TracerProvider;
  readonly MeterProvider: new (options: {
    readonly readers: readonly MetricReader[];
  }) => MeterProvider;
  readonly MetricReader: new (options?: ReaderOptions) => MetricReader;
  readonly AsyncLocalStorageContextManager: new () => ContextManager;
  readonly W3CTraceContextPropagator: new () => TextMapPropagator;
  readonly W3CBaggagePropagator: new () => TextMapPropagator;
  readonly CompositePropagator: new (options: {
    readonly propagators: readonly TextMapPropagator[];
  }) => TextMapPropagator;
  readonly JsonTraceSerializer: Serializer<readonly ReadableSpan[]>;
  readonly ProtobufTraceSerializer: Serializer<readonly ReadableSpan[]>;
  readonly ProtobufMetricsSerializer: Serializer<unknown>;
}

/** Told of each span. */
export interface SpanProcessor {
  onStart(span: unknown, context: Context): void;
  onEnd(span: ReadableSpan): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** The classes of a version. */
export function classesOf(version: SdkVersion): Classes {
  if (version === 2) {
    const trace = required<{
      readonly BasicTracerProvider: Classes["TracerProvider"];
    }>("@opentelemetry/sdk-trace-base");
    return {
      ...required<Classes>("@opentelemetry/core"),
      ...required<Classes>("@opentelemetry/otlp-transformer"),
      ...required<Classes>("@opentelemetry/context-async-hooks"),
      ...required<Classes>("@opentelemetry/sdk-metrics"),
      TracerProvider: trace.BasicTracerProvider,
    };
  }
  return {
    ...required<Classes>("otel-v3-core"),
    ...required<Classes>("otel-v3-transformer"),
    ...required<Classes>("otel-v3-context"),
    ...required<Classes>("otel-v3-sdk-metrics"),
    ...required<Classes>("otel-v3-sdk-trace"),
  };
}

/** Keeps ended spans, and does nothing else. */
export function keeping(spans: ReadableSpan[]): SpanProcessor {
  return {
    onStart() {},
    onEnd: (span) => void spans.push(span),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}

/** A reader that is asked for deltas, and asks nobody itself. */
export function pulling({ MetricReader }: Classes): MetricReader {
  const reader = new MetricReader({
    aggregationTemporalitySelector: () => DELTA,
  });
  return Object.assign(reader, {
    onForceFlush: () => Promise.resolve(),
    onShutdown: () => Promise.resolve(),
  });
}

/** Sets an SDK up. */
export function official(version: SdkVersion): OfficialSdk {
  const classes = classesOf(version);
  const spans: ReadableSpan[] = [];
  const reader = pulling(classes);
  return {
    tracerProvider: new classes.TracerProvider({
      spanProcessors: [keeping(spans)],
    }),
    meterProvider: new classes.MeterProvider({ readers: [reader] }),
    propagator: new classes.CompositePropagator({
      propagators: [
        new classes.W3CTraceContextPropagator(),
        new classes.W3CBaggagePropagator(),
      ],
    }),
    contextManager: new classes.AsyncLocalStorageContextManager(),
    async gather() {
      const { resourceMetrics } = await reader.collect();
      return {
        traces: classes.ProtobufTraceSerializer
          .serializeRequest(spans.splice(0)),
        metrics: classes.ProtobufMetricsSerializer
          .serializeRequest(resourceMetrics),
      };
    },
  };
}
