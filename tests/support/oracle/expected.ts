/** What was put in, as the official definitions have it: written down once more, from the specification. */
import type { Attributes, SpanContext } from "@opentelemetry/api";
import type { Instant } from "../../../src/otlp/clock.ts";
import type { Metric, Series } from "../../../src/otlp/metric.ts";
import type { Library } from "../../../src/otlp/resource.ts";
import {
  exportedSpan,
  type Held,
  LIBRARY,
  type SpanParts,
} from "../exported_span.ts";
import type { Message } from "../otlp_wire.ts";
import { canonical, MetricsRequest, Traces } from "./definitions.ts";

/** The resource of every request. */
export const RESOURCE: Attributes = { "service.name": "é", instance: 1 };
const MAX_INT64 = 2n ** 63n - 1n;

function anyValue(value: unknown): Message {
  switch (typeof value) {
    case "string":
      return { stringValue: value.toWellFormed() };
    case "boolean":
      return { boolValue: value };
    case "bigint":
      return value > MAX_INT64 || value < -MAX_INT64 - 1n
        ? { stringValue: String(value) }
        : { intValue: String(value) };
    case "number":
      return fitsInt64(value)
        ? { intValue: String(BigInt(value)) }
        : { doubleValue: value };
  }
  if (value === null) return {};
  if (value instanceof Uint8Array) return { bytesValue: value };
  if (Array.isArray(value)) {
    return { arrayValue: { values: value.map(anyValue) } };
  }
  return { kvlistValue: { values: keyValues(value as object) } };
}

function keyValues(attributes: object): Message[] {
  return Object.entries(attributes)
    .map(([key, value]) => ({ key, value: anyValue(value) }));
}

function nanos(at: Instant): string {
  if (typeof at === "number") {
    const ms = Math.floor(at);
    const rest = Math.round((at - ms) * 1e6);
    return String(BigInt(ms) * 1_000_000n + BigInt(rest));
  }
  const [seconds, nanos] = at;
  return String(BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
}

function ofContext(context: SpanContext): Message {
  return {
    traceId: Uint8Array.fromHex(context.traceId),
    spanId: Uint8Array.fromHex(context.spanId),
    ...(context.traceState && { traceState: context.traceState.serialize() }),
  };
}

function ofHeld({ attributes = {}, dropped = 0 }: Held): Message {
  return {
    attributes: keyValues(attributes),
    droppedAttributesCount: dropped,
  };
}

function flags(own: SpanContext, remote: SpanContext | undefined): number {
  return own.traceFlags + 0x100 + (remote?.isRemote === true ? 0x200 : 0);
}

function ofSpan(parts: SpanParts): Message {
  const { start, status, name, endAt } = exportedSpan(parts);
  const { context, parent } = start;
  return {
    ...ofContext(context),
    ...(parent && { parentSpanId: Uint8Array.fromHex(parent.spanId) }),
    flags: flags(context, parent),
    name: name.toWellFormed(),
    kind: start.kind + 1,
    startTimeUnixNano: nanos(start.startAt),
    endTimeUnixNano: nanos(endAt ?? start.startAt),
    ...ofHeld(parts),
    events: parts.events?.map((event) => ({
      timeUnixNano: nanos(event.at),
      name: event.name.toWellFormed(),
      ...ofHeld(event),
    })),
    droppedEventsCount: parts.droppedEvents,
    links: parts.links?.map((link) => ({
      ...ofContext(link.context),
      ...ofHeld(link),
      flags: flags(link.context, link.context),
    })),
    droppedLinksCount: parts.droppedLinks,
    status: {
      code: status.code,
      message: (status.message ?? "").toWellFormed(),
    },
  };
}

function perLibrary<T>(
  items: readonly T[],
  libraryOf: (item: T) => Library,
  member: "spans" | "metrics",
  write: (item: T) => Message,
): Message[] {
  return [...Map.groupBy(items, libraryOf)].map(([library, group]) => ({
    scope: { name: library.name, version: library.version },
    [member]: group.map(write),
    schemaUrl: library.schemaUrl,
  }));
}

/** A request with spans. */
export function ofSpans(spans: readonly SpanParts[]): Message {
  const scopeSpans = perLibrary(
    spans,
    ({ library = LIBRARY }) => library,
    "spans",
    ofSpan,
  );
  const resource = { attributes: keyValues(RESOURCE) };
  return canonical(
    Traces,
    Traces.fromObject({ resourceSpans: [{ resource, scopeSpans }] }),
  );
}

/** Whether 64 bits hold a number. */
export function fitsInt64(value: number): boolean {
  return Number.isInteger(value) && value < 2 ** 63 && value >= -(2 ** 63);
}

function ofNumber(value: number, integer: boolean): Message {
  return integer && fitsInt64(value)
    ? { asInt: String(BigInt(value)) }
    : { asDouble: value };
}

/** What a series' attributes were made of. */
export function attributesOf({ set: { attributes } }: Series): Attributes {
  const { keys, values } = attributes;
  return Object.fromEntries(
    keys.map((key, i) => [key, values[i]]),
  ) as Attributes;
}

function ofMetric({ at, series, ...descriptor }: Metric): Message {
  const { name, description, unit, kind, integer } = descriptor;
  const dataPoints = series.map((one) => ({
    attributes: keyValues(attributesOf(one)),
    ...(kind !== "gauge" &&
      { startTimeUnixNano: nanos(one.startAt) }),
    timeUnixNano: nanos(at),
    ...(kind !== "histogram" ? ofNumber(one.value, integer) : {
      count: String(one.count),
      sum: one.value,
      bucketCounts: one.buckets.map(String),
      explicitBounds: descriptor.boundaries,
      min: one.min,
      max: one.max,
    }),
    exemplars: one.exemplars.filter((example) => example !== undefined).map(
      ({ value, at, span }) => ({
        timeUnixNano: nanos([Math.floor(at / 1e3), Math.round(at % 1e3 * 1e6)]),
        ...ofNumber(value, integer),
        ...(span && {
          spanId: Uint8Array.fromHex(span.spanId),
          traceId: Uint8Array.fromHex(span.traceId),
        }),
      }),
    ),
  }));
  const data = {
    dataPoints,
    ...(kind !== "gauge" && {
      aggregationTemporality: descriptor.delta ? 1 : 2,
    }),
    ...(kind === "sum" && { isMonotonic: descriptor.monotonic }),
  };
  return {
    name: name.toWellFormed(),
    description: description.toWellFormed(),
    unit: unit.toWellFormed(),
    [kind]: data,
  };
}

/** A request with metrics. */
export function ofMetrics(metrics: readonly Metric[]): Message {
  const scopeMetrics = perLibrary(
    metrics,
    ({ library }) => library,
    "metrics",
    ofMetric,
  );
  const resource = { attributes: keyValues(RESOURCE) };
  return canonical(
    MetricsRequest,
    MetricsRequest.fromObject({
      resourceMetrics: [{ resource, scopeMetrics }],
    }),
  );
}
