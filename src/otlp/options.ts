import type { Sampler } from "@opentelemetry/api";
import type { Attributes } from "./attributes.ts";
import type { TelemetryClock } from "./clock.ts";
import type { Protocol } from "./encoding.ts";
import type { SpanLimits } from "./limits.ts";
import type { InstanceId } from "./resource.ts";

/** How one signal is sent, where it differs from the other. */
export interface SignalOptions {
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
  /** Decides which traces are recorded. @default {parentBased(alwaysOn)} */
  readonly sampler?: Sampler;
  /** How much a span may hold. @default {128 of each} */
  readonly limits?: Partial<SpanLimits>;
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
  /** Sends the requests. @default {the host's `fetch`, looked up at each request} */
  readonly fetch?: typeof fetch;
  /** What time it is. @default {the host's clocks and timers} */
  readonly clock?: TelemetryClock;
  /** Numbers from 0 to 1, for jitter. @default {Math.random} */
  readonly random?: () => number;
}

/** Where a signal goes, resolved. */
export interface SignalSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: Protocol;
  readonly gzip: boolean;
  readonly timeoutMs: number;
}

const DEFAULT_ENDPOINT = "http://localhost:4318";
const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_FLUSH_WAIT_MS = 2_000;
const PROTOCOLS: readonly string[] = ["http/protobuf", "http/json"];

/** Resolves where a signal goes; `undefined` when it is not sent. */
export function signalSettings(
  options: TelemetryOptions,
  signal: "traces" | "metrics",
): SignalSettings | undefined {
  const own = options[signal] ?? {};
  if (own === false || options.disabled) return undefined;
  const protocol = own.protocol ?? options.protocol ?? "http/protobuf";
  if (!PROTOCOLS.includes(protocol)) {
    throw new RangeError(
      `Cannot export by protocol "${protocol}": expected ${
        PROTOCOLS.join(" or ")
      }`,
    );
  }
  const compression = own.compression ?? options.compression;
  const timeoutMs = own.timeoutMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  return {
    url: own.url === undefined
      ? endpointOf(options.endpoint ?? DEFAULT_ENDPOINT, signal)
      : parseUrl(own.url).href,
    headers: { ...options.headers, ...own.headers },
    protocol,
    gzip: compression === "gzip",
    timeoutMs: duration("timeoutMs", timeoutMs),
  };
}

/** How long a flush may wait for open spans: half of its time at most, the other half is for sending. */
export function flushWait(options: TelemetryOptions): number {
  const { flushWaitMs = DEFAULT_FLUSH_WAIT_MS } = options;
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  return Math.min(duration("flushWaitMs", flushWaitMs), timeoutMs / 2);
}

function duration(name: string, ms: number): number {
  if (ms >= 0 && ms < Infinity) return ms;
  throw new RangeError(
    `Cannot use ${name} of ${ms}: expected milliseconds, 0 or more`,
  );
}

function endpointOf(base: string, signal: string): string {
  const url = parseUrl(base);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/${signal}`;
  return url.href;
}

/** What requests can be sent to: an absolute http or https URL, or nothing. */
export function httpUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  return isHttp ? url : undefined;
}

/** Its errors do not repeat the URL, which may hold a token. */
function parseUrl(text: string): URL {
  const url = httpUrl(text);
  if (url !== undefined) return url;
  throw new TypeError(
    "Cannot use the OTLP endpoint: expected an absolute http or https URL",
  );
}
