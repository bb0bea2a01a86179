/** A tiny OTLP/HTTP receiver: keeps what it is sent as plain objects. */
import { decodeMetrics, decodeTraces, type Message } from "./otlp_wire.ts";

/** Attributes by key, decoded: integers are numbers where they are safe, else bigints; bytes are base64. */
export type Attributes = Record<string, unknown>;

/** The library that made a span or a metric. */
export interface Library {
  readonly name: string;
  readonly version?: string;
  readonly schemaUrl?: string;
}

export interface ReceivedLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState?: string;
  readonly flags: number;
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
}

export interface ReceivedEvent {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
}

export type SpanKindName =
  | "UNSPECIFIED"
  | "INTERNAL"
  | "SERVER"
  | "CLIENT"
  | "PRODUCER"
  | "CONSUMER";

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  /** OTLP's flags: W3C's in the lowest byte, 0x100 and 0x200 about the parent. */
  readonly flags: number;
  readonly name: string;
  readonly kind: SpanKindName;
  /** Milliseconds since the epoch, with fractions. */
  readonly startAt: number;
  readonly endAt: number;
  /** The same instants in nanoseconds, exact. */
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
  readonly events: readonly ReceivedEvent[];
  readonly droppedEvents: number;
  readonly links: readonly ReceivedLink[];
  readonly droppedLinks: number;
  readonly status: {
    readonly code: "UNSET" | "OK" | "ERROR";
    readonly message?: string;
  };
  readonly resource: Attributes;
  readonly library: Library;
  /** Which request brought it, counted from 1. */
  readonly request: number;
}

/** One measurement of a point. */
export interface ReceivedExemplar {
  readonly value: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly traceId?: string;
  readonly spanId?: string;
}

/** A number, or a histogram's numbers, for one set of attributes. */
export interface ReceivedPoint {
  readonly attributes: Attributes;
  readonly startAt?: number;
  readonly at: number;
  /** A sum's or gauge's. */
  readonly value?: number;
  /** A histogram's. */
  readonly count?: number;
  readonly sum?: number;
  readonly min?: number;
  readonly max?: number;
  readonly bounds?: readonly number[];
  readonly buckets?: readonly number[];
  readonly exemplars?: readonly ReceivedExemplar[];
}

export interface ReceivedMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly kind: "sum" | "gauge" | "histogram";
  readonly monotonic: boolean;
  readonly temporality: "none" | "delta" | "cumulative";
  readonly points: readonly ReceivedPoint[];
  readonly resource: Attributes;
  readonly library: Library;
  readonly request: number;
}

const KINDS: readonly SpanKindName[] = [
  "UNSPECIFIED",
  "INTERNAL",
  "SERVER",
  "CLIENT",
  "PRODUCER",
  "CONSUMER",
];
const STATUSES = ["UNSET", "OK", "ERROR"] as const;
const TEMPORALITIES = ["none", "delta", "cumulative"] as const;
const METRIC_KINDS = ["sum", "gauge", "histogram"] as const;
const WAIT_MS = 60_000;

/** Receives traces and metrics, in JSON or protobuf, gzipped or not. */
export class Collector {
  /** All spans received, in their order. */
  readonly spans: ReceivedSpan[] = [];
  /** All metrics received, in their order: the same metric once for each export. */
  readonly metrics: ReceivedMetric[] = [];

  #requests = 0;
  #waiting: (() => void)[] = [];

  /** How many requests came in. */
  get requests(): number {
    return this.#requests;
  }

  /** Answers an export as OTLP/HTTP has it; 400 with a reason when it cannot be read. */
  async handle(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const type = request.headers.get("content-type") ?? "";
    const isJson = type.startsWith("application/json");
    if (request.method !== "POST") return new Response(null, { status: 405 });
    if (!isJson && !type.startsWith("application/x-protobuf")) {
      return new Response(null, { status: 415 });
    }
    const ordinal = ++this.#requests;
    try {
      const bytes = await body(request);
      if (pathname.endsWith("/v1/traces")) {
        const message = isJson ? parse(bytes) : decodeTraces(bytes);
        this.spans.push(...readSpans(message, ordinal));
      } else if (pathname.endsWith("/v1/metrics")) {
        const message = isJson ? parse(bytes) : decodeMetrics(bytes);
        this.metrics.push(...readMetrics(message, ordinal));
      } else return new Response(null, { status: 404 });
    } catch (error) {
      return Response.json({ message: String(error) }, { status: 400 });
    }
    for (const wake of this.#waiting.splice(0)) wake();
    return new Response(isJson ? "{}" : new Uint8Array(0), {
      headers: { "content-type": type },
    });
  }

  /** The spans of one trace, by their start. */
  trace(traceId: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId)
      .sort((a, b) => Number(a.startNanos - b.startNanos));
  }

  /** The points of a metric over all exports. */
  points(name: string): ReceivedPoint[] {
    return this.metrics.filter((metric) => metric.name === name)
      .flatMap((metric) => metric.points);
  }

  /** Forgets everything. */
  clear(): void {
    this.spans.length = 0;
    this.metrics.length = 0;
  }

  /** Resolves when the predicate holds, looked at now and after each request; rejects after `timeoutMs`. */
  async waitFor(
    predicate: (collector: this) => boolean,
    timeoutMs: number = WAIT_MS,
  ): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`Not received within ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      while (!predicate(this)) {
        const next = new Promise<void>((wake) => this.#waiting.push(wake));
        await Promise.race([next, late.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

async function body(request: Request): Promise<Uint8Array> {
  const isZipped = request.headers.get("content-encoding") === "gzip";
  const source = isZipped && request.body
    ? new Response(request.body.pipeThrough(new DecompressionStream("gzip")))
    : request;
  return new Uint8Array(await source.arrayBuffer());
}

function parse(bytes: Uint8Array): Message {
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}

function readSpans(request: Message, ordinal: number): ReceivedSpan[] {
  return list(request.resourceSpans).flatMap((sender) =>
    list(sender.scopeSpans).flatMap((group) =>
      list(group.spans).map((span) => ({
        ...readSpan(span),
        resource: attributes(record(sender.resource).attributes),
        library: readLibrary(group),
        request: ordinal,
      }))
    )
  );
}

function readSpan(
  span: Message,
): Omit<ReceivedSpan, "resource" | "library" | "request"> {
  const status = record(span.status);
  const startNanos = BigInt(span.startTimeUnixNano as string);
  const endNanos = BigInt(span.endTimeUnixNano as string);
  return {
    ...readContext(span),
    ...text("parentSpanId", span.parentSpanId),
    name: String(span.name),
    kind: KINDS[Number(span.kind ?? 0)]!,
    startAt: millis(startNanos),
    endAt: millis(endNanos),
    startNanos,
    endNanos,
    ...readAttributes(span),
    events: list(span.events).map((event) => ({
      name: String(event.name),
      at: millis(BigInt(event.timeUnixNano as string)),
      ...readAttributes(event),
    })),
    droppedEvents: Number(span.droppedEventsCount ?? 0),
    links: list(span.links).map((link) => ({
      ...readContext(link),
      ...readAttributes(link),
    })),
    droppedLinks: Number(span.droppedLinksCount ?? 0),
    status: {
      code: STATUSES[Number(status.code ?? 0)]!,
      ...text("message", status.message),
    },
  };
}

function readContext(message: Message) {
  return {
    traceId: String(message.traceId),
    spanId: String(message.spanId),
    ...text("traceState", message.traceState),
    flags: Number(message.flags ?? 0),
  };
}

function readAttributes(message: Message) {
  return {
    attributes: attributes(message.attributes),
    droppedAttributes: Number(message.droppedAttributesCount ?? 0),
  };
}

function readMetrics(request: Message, ordinal: number): ReceivedMetric[] {
  return list(request.resourceMetrics).flatMap((sender) =>
    list(sender.scopeMetrics).flatMap((group) =>
      list(group.metrics).map((metric) => ({
        ...readMetric(metric),
        resource: attributes(record(sender.resource).attributes),
        library: readLibrary(group),
        request: ordinal,
      }))
    )
  );
}

function readMetric(
  metric: Message,
): Omit<ReceivedMetric, "resource" | "library" | "request"> {
  const kind = METRIC_KINDS.find((kind) => metric[kind] !== undefined);
  if (kind === undefined) throw new TypeError("Cannot read a metric's kind");
  const data = record(metric[kind]);
  return {
    name: String(metric.name),
    description: String(metric.description ?? ""),
    unit: String(metric.unit ?? ""),
    kind,
    monotonic: data.isMonotonic === true,
    temporality: TEMPORALITIES[Number(data.aggregationTemporality ?? 0)]!,
    points: list(data.dataPoints).map(readPoint),
  };
}

function readPoint(point: Message): ReceivedPoint {
  const start = point.startTimeUnixNano as string | undefined;
  const common = {
    attributes: attributes(point.attributes),
    ...(start ? { startAt: millis(BigInt(start)) } : {}),
    at: millis(BigInt(point.timeUnixNano as string)),
    ...readExemplars(point),
  };
  if (point.count === undefined) {
    return { ...common, value: Number(point.asInt ?? point.asDouble) };
  }
  return {
    ...common,
    count: Number(point.count),
    sum: Number(point.sum),
    min: Number(point.min),
    max: Number(point.max),
    bounds: (point.explicitBounds as unknown[] ?? []).map(Number),
    buckets: (point.bucketCounts as unknown[] ?? []).map(Number),
  };
}

function readExemplars(
  point: Message,
): { readonly exemplars?: readonly ReceivedExemplar[] } {
  if (point.exemplars === undefined) return {};
  return {
    exemplars: list(point.exemplars).map((exemplar) => ({
      value: Number(exemplar.asInt ?? exemplar.asDouble),
      at: millis(BigInt(exemplar.timeUnixNano as string)),
      ...text("traceId", exemplar.traceId),
      ...text("spanId", exemplar.spanId),
    })),
  };
}

function readLibrary(group: Message): Library {
  const { name, version } = record(group.scope);
  return {
    name: String(name ?? ""),
    ...text("version", version),
    ...text("schemaUrl", group.schemaUrl),
  };
}

function attributes(source: unknown): Attributes {
  return Object.fromEntries(
    list(source).map(({ key, value }) => [key, anyValue(record(value))]),
  );
}

function anyValue(value: Message): unknown {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.intValue !== undefined) return integer(String(value.intValue));
  if (value.doubleValue !== undefined) return Number(value.doubleValue);
  if (value.bytesValue !== undefined) return { base64: value.bytesValue };
  if (value.arrayValue !== undefined) {
    return list(record(value.arrayValue).values).map(anyValue);
  }
  if (value.kvlistValue !== undefined) {
    return attributes(record(value.kvlistValue).values);
  }
  return null;
}

function integer(digits: string): number | bigint {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : BigInt(digits);
}

function millis(nanos: bigint): number {
  return Number(nanos / 1_000_000n) + Number(nanos % 1_000_000n) / 1e6;
}

function list(value: unknown): Message[] {
  return (value ?? []) as Message[];
}

function record(value: unknown): Message {
  return (value ?? {}) as Message;
}

/** A member that is there when it says something. */
function text<Key extends string>(
  key: Key,
  value: unknown,
): { readonly [K in Key]?: string } {
  const member = value ? { [key]: String(value) } : {};
  return member as { readonly [K in Key]?: string };
}
