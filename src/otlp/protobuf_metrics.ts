import type { AttributeList } from "./attributes.ts";
import type { Bytes } from "./bytes.ts";
import { byLibrary } from "./groups.ts";
import { type Metric, type Series, temporality } from "./metric.ts";
import * as protobuf from "./protobuf.ts";

const DATA_FIELD = { gauge: 5, sum: 7, histogram: 9 } as const;

/** Writes an `ExportMetricsServiceRequest`. */
export function writeMetrics(
  out: Bytes,
  resource: AttributeList,
  metrics: readonly Metric[],
): void {
  const resourceMetrics = protobuf.open(out, 1);
  const sender = protobuf.open(out, 1);
  protobuf.attributes(out, 1, resource);
  protobuf.close(out, sender);
  const groups = byLibrary(metrics, ({ descriptor }) => descriptor.library);
  for (const [library, group] of groups) {
    const scopeMetrics = protobuf.open(out, 2);
    protobuf.library(out, 1, library);
    for (const metric of group) writeMetric(out, 2, metric);
    protobuf.optionalString(out, 3, library.schemaUrl);
    protobuf.close(out, scopeMetrics);
  }
  protobuf.close(out, resourceMetrics);
}

function writeMetric(out: Bytes, field: number, metric: Metric): void {
  const { descriptor } = metric;
  const { name, description, unit, kind, monotonic } = descriptor;
  const start = protobuf.open(out, field);
  protobuf.string(out, 1, name);
  protobuf.optionalString(out, 2, description);
  protobuf.optionalString(out, 3, unit);
  const data = protobuf.open(out, DATA_FIELD[kind]);
  const write = kind === "histogram" ? writeHistogramPoint : writeNumberPoint;
  for (const series of metric.series) write(out, 1, metric, series);
  if (kind !== "gauge") protobuf.uint(out, 2, temporality(descriptor));
  if (kind === "sum") protobuf.bool(out, 3, monotonic);
  protobuf.close(out, data);
  protobuf.close(out, start);
}

function writeNumberPoint(
  out: Bytes,
  field: number,
  { descriptor, startAt, at }: Metric,
  { attributes, value }: Series,
): void {
  const start = protobuf.open(out, field);
  if (descriptor.kind !== "gauge") protobuf.time(out, 2, startAt);
  protobuf.time(out, 3, at);
  if (descriptor.integer) protobuf.sfixed64(out, 6, value);
  else protobuf.double(out, 4, value);
  protobuf.attributes(out, 7, attributes);
  protobuf.close(out, start);
}

function writeHistogramPoint(
  out: Bytes,
  field: number,
  { descriptor, startAt, at }: Metric,
  series: Series,
): void {
  const start = protobuf.open(out, field);
  protobuf.time(out, 2, startAt);
  protobuf.time(out, 3, at);
  protobuf.sfixed64(out, 4, series.count);
  protobuf.double(out, 5, series.value);
  const buckets = protobuf.open(out, 6);
  for (const count of series.buckets) protobuf.rawFixed64(out, count);
  protobuf.close(out, buckets);
  const bounds = protobuf.open(out, 7);
  for (const bound of descriptor.boundaries) protobuf.rawDouble(out, bound);
  protobuf.close(out, bounds);
  protobuf.attributes(out, 9, series.attributes);
  protobuf.double(out, 11, series.min);
  protobuf.double(out, 12, series.max);
  protobuf.close(out, start);
}
