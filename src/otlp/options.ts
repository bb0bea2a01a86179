import type { Sampler } from "@opentelemetry/api";
import type { PropagateTo } from "../http/fetch.ts";
import type { Attributes } from "./attributes.ts";
import { LONGEST_MS } from "./bounds.ts";
import type { TelemetryClock } from "./clock.ts";
import type { Protocol } from "./encoding.ts";
import type { ExemplarFilter } from "./exemplar.ts";
import type { SpanLimits } from "./limits.ts";
import type { Temporality } from "./metric.ts";
import type { InstanceId } from "./resource.ts";
import type { TailRule } from "./tail.ts";

/** How one signal is sent, where it differs from the other. */
export interface SignalOptions {
  /** Where it goes: to the receiver, as OTLP's JSON to the console, or nowhere. @default {"otlp"} */
  readonly exporter?: "otlp" | "console" | "none";
  /** The whole URL, used as it is; by default the endpoint with `/v1/traces` or `/v1/metrics`. */
  readonly url?: string;
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The encoding. */
  readonly protocol?: Protocol;
  /** Whether requests from 1 KB are compressed. */
  readonly compression?: "none" | "gzip";
  /** The time that a flush has for this signal, in milliseconds. */
  readonly timeoutMs?: number;
}

/** What a `Telemetry` is made with; everything has a default. */
export interface TelemetryOptions {
  /** `service.name`. @default {"unknown_service" with the runtime's name} */
  readonly serviceName?: string;
  /** `service.version`. */
  readonly serviceVersion?: string;
  /** More attributes of the resource. */
  readonly resource?: Attributes;
  /**
   * `service.instance.id`: a random one per isolate, none, or a given one.
   * Deltas of several isolates under one identity are lost in many backends.
   *
   * @default {"isolate"}
   */
  readonly instanceId?: InstanceId;
  /** The receiver's base URL. @default {"http://localhost:4318"} */
  readonly endpoint?: string;
  /** Headers of every request, such as the receiver's token. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The encoding. @default {"http/protobuf"} */
  readonly protocol?: Protocol;
  /** Whether requests from 1 KB are compressed. @default {"none"} */
  readonly compression?: "none" | "gzip";
  /** Differences for traces, or `false` for none. */
  readonly traces?: SignalOptions | false;
  /** Differences for metrics, or `false` for none. */
  readonly metrics?: SignalOptions | false;
  /** Decides which traces are sampled. @default {parentBased(alwaysOn)} */
  readonly sampler?: Sampler;
  /**
   * Keep traces that the sampler lets go, by how they went. All spans are recorded then; at the flush, the rules decide
   * about each trace of its scope, in their order.
   *
   * What a rule keeps is exported as sampled, with the rule's name as `baton.sampled_by`. What was propagated stays
   * unsampled, so other services keep nothing of such a trace for it, and exemplars follow the sampler alone.
   *
   * @default {none}
   */
  readonly tail?: readonly TailRule[];
  /** How much a span may hold. @default {128 of each, values of any length} */
  readonly limits?: Partial<SpanLimits>;
  /** How many ended spans a scope may hold, besides 8 MB; all scopes together hold four times that. @default {8192} */
  readonly maxSpans?: number;
  /** Whether an export tells what is new or the whole. @default {"delta"} */
  readonly temporality?: Temporality;
  /** Which measurements are kept as examples. @default {"trace_based"} */
  readonly exemplars?: ExemplarFilter;
  /**
   * The time that lies between two exports of metrics by requests' flushes, in milliseconds, for hosts where each flush
   * is paid for. A flush without a scope, or of one without a SERVER span, such as a drain's, always sends them.
   *
   * @default {0, with each flush}
   */
  readonly metricsEveryMs?: number;
  /** What goes along with requests and tasks. @default {["tracecontext", "baggage"]} */
  readonly propagators?: readonly ("tracecontext" | "baggage")[];
  /** Whether {@link Telemetry.fetch} makes spans and writes headers. @default {true} */
  readonly clientSpans?: boolean;
  /** What {@link Telemetry.fetch} sends to whom. @default {the trace to all, baggage to the origin of the request that it runs in} */
  readonly propagateTo?: PropagateTo;
  /** The time that a flush has in all, in milliseconds. @default {5000} */
  readonly timeoutMs?: number;
  /**
   * How long the flush of a scope waits for its open spans, in milliseconds; at most half of its time.
   *
   * @default {2000}
   */
  readonly flushWaitMs?: number;
  /** Whether nothing is recorded and sent; the propagator works all the same. @default {false} */
  readonly disabled?: boolean;
  /** Sends the exports, as a service binding's does; not what {@link Telemetry.fetch} sends. @default {the host's `fetch`, looked up at each request} */
  readonly fetch?: (
    input: string | URL | Request,
    init?: RequestInit,
  ) => Promise<Response>;
  /** What time it is. @default {the host's clocks and timers} */
  readonly clock?: TelemetryClock;
  /** Numbers from 0 to 1, for jitter and for the choice of exemplars. @default {Math.random} */
  readonly random?: () => number;
}

/** Every option of a `Telemetry`. */
export const OPTIONS: readonly (keyof TelemetryOptions)[] = [
  ...["serviceName", "serviceVersion", "resource", "instanceId"] as const,
  ...["endpoint", "headers", "protocol", "compression", "timeoutMs"] as const,
  ...["traces", "metrics", "sampler", "tail", "limits", "maxSpans"] as const,
  ...["temporality", "exemplars", "metricsEveryMs", "propagators"] as const,
  ...["clientSpans", "propagateTo", "flushWaitMs", "disabled"] as const,
  ...["fetch", "clock", "random"] as const,
];

/** An option's number, from 0 to what a host's timer can wait, or to `most`. */
export function nonNegative<Name extends string>(
  options: { readonly [Key in Name]?: number },
  name: Name,
  value: number,
  most: number = LONGEST_MS,
): number {
  const given = options[name] ?? value;
  if (given >= 0 && given <= most) return given;
  throw new RangeError(
    `Cannot use ${name} of ${given}: expected 0 to ${most}`,
  );
}

/** What requests can be sent to. Its errors do not repeat the text, which may hold a token. */
export function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url && /^https?:/.test(url.protocol)) return url;
  throw new TypeError("Cannot use endpoint: expected an http(s) URL");
}
