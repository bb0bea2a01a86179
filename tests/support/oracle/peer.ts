/** What the official serializers take, and which of it they write as it should be. */
import type { Attributes } from "@opentelemetry/api";
import { attributeList } from "../../../src/otlp/attributes.ts";
import { toHrTime } from "../../../src/otlp/clock.ts";
import type { Metric } from "../../../src/otlp/metric.ts";
import { exportedSpan, type Held, type SpanParts } from "../exported_span.ts";
import type { Message } from "../otlp_wire.ts";
import { attributesOf, fitsInt64, RESOURCE } from "./expected.ts";

/** A span as the official SDK has it. */
export function readable(parts: SpanParts, from: object): object {
  const span = exportedSpan(parts);
  const held = ({ attributes = {}, dropped = 0 }: Held) => ({
    attributes,
    droppedAttributesCount: dropped,
  });
  return {
    name: span.name,
    kind: span.start.kind,
    spanContext: () => span.start.context,
    parentSpanContext: span.start.parent,
    startTime: toHrTime(span.start.startAt),
    endTime: toHrTime(span.endAt ?? span.start.startAt),
    status: span.status,
    ...held(parts),
    events: (parts.events ?? []).map((event) => ({
      name: event.name,
      time: toHrTime(event.at),
      ...held(event),
    })),
    droppedEventsCount: span.droppedEvents,
    links: (parts.links ?? []).map((link) => ({
      context: link.context,
      ...held(link),
    })),
    droppedLinksCount: span.droppedLinks,
    resource: from,
    instrumentationScope: span.start.library,
  };
}

/** An export's metrics as the official SDK has them. */
export function resourceMetrics(metrics: readonly Metric[]): object {
  const groups = Map.groupBy(metrics, ({ library }) => library);
  return {
    resource: { attributes: RESOURCE },
    scopeMetrics: [...groups].map(([scope, group]) => ({
      scope,
      metrics: group.map(({ at, series, ...descriptor }) => ({
        descriptor: { ...descriptor, valueType: descriptor.integer ? 0 : 1 },
        aggregationTemporality: descriptor.delta ? 0 : 1,
        dataPointType: { histogram: 0, gauge: 2, sum: 3 }[descriptor.kind],
        isMonotonic: descriptor.monotonic,
        dataPoints: series.map((one) => ({
          attributes: attributesOf(one),
          startTime: descriptor.kind === "gauge"
            ? [0, 0]
            : toHrTime(one.startAt),
          endTime: toHrTime(at),
          value: descriptor.kind === "histogram"
            ? {
              buckets: {
                counts: one.buckets,
                boundaries: descriptor.boundaries,
              },
              sum: one.value,
              count: one.count,
              min: one.min,
              max: one.max,
            }
            : one.value,
        })),
      })),
    })),
  };
}

/** Reads the official JSON, which is lenient: 64-bit numbers are no strings. */
export function readLeniently(bytes: Uint8Array): Message {
  return JSON.parse(
    new TextDecoder().decode(bytes),
    (key, value) =>
      /^(?:trace|span|parentSpan)Id$/.test(key)
        ? Uint8Array.fromHex(value)
        : value,
  );
}

/** What the official serializers write as it should be: the rest is listed in the test. */
function tame(value: unknown, writesBytes: boolean): unknown {
  switch (typeof value) {
    case "string":
      return value.toWellFormed();
    case "bigint":
      return Number(BigInt.asIntN(32, value));
    case "number":
      if (!Number.isFinite(value)) return writesBytes ? value : 0.5;
      return Number.isInteger(value) && Math.abs(value) >= 2 ** 63
        ? 0.5
        : value;
  }
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return writesBytes ? value : null;
  if (Array.isArray(value)) return value.map((item) => tame(item, writesBytes));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, tame(item, writesBytes)]),
  );
}

function tameHeld<T extends Held>(held: T, writesBytes: boolean): T {
  const attributes = tame(held.attributes ?? {}, writesBytes) as Attributes;
  return { ...held, attributes };
}

/** A span without what the official serializers get wrong. */
export function tameSpan(parts: SpanParts, writesBytes: boolean): SpanParts {
  const { name = "", status = { code: 0 }, events = [], links = [] } = parts;
  return {
    ...tameHeld(parts, writesBytes),
    name: name.toWellFormed(),
    status: tame(status, writesBytes) as typeof status,
    events: events.map((event) => ({
      ...tameHeld(event, writesBytes),
      name: event.name.toWellFormed(),
    })),
    links: links.map((link) => tameHeld(link, writesBytes)),
  };
}

/** A metric without it. */
export function tameMetric(metric: Metric, writesBytes: boolean): Metric {
  const { description, unit, integer, series } = metric;
  return {
    ...metric,
    description: description.toWellFormed(),
    unit: unit.toWellFormed(),
    series: series.map((one) => ({
      ...one,
      exemplars: [],
      value: tameSum(one.value, integer, writesBytes),
      set: {
        ...one.set,
        attributes: attributeList(
          tame(attributesOf(one), writesBytes) as Attributes,
        ),
      },
    })),
  };
}

/** Sums overflow to what is not finite, and whole ones 64 bits. */
function tameSum(
  value: number,
  integer: boolean,
  writesBytes: boolean,
): number {
  if (integer && !fitsInt64(value)) return 7;
  return writesBytes || Number.isFinite(value) ? value : 0.5;
}
