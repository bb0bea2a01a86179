import type { AttributeList } from "./attributes.ts";
import type { Bytes } from "./bytes.ts";
import { byLibrary } from "./groups.ts";
import * as json from "./json.ts";
import { type Metric, type Series, temporality } from "./metric.ts";

/** Writes an `ExportMetricsServiceRequest`. */
export function writeMetrics(
  out: Bytes,
  resource: AttributeList,
  metrics: readonly Metric[],
): void {
  out.literal(`{"resourceMetrics":[{"resource":{"attributes":`);
  json.attributes(out, resource);
  out.literal(`},"scopeMetrics":`);
  const groups = byLibrary(metrics, ({ descriptor }) => descriptor.library);
  json.list(out, [...groups], (out, [library, group]) => {
    out.literal(`{"scope":`);
    json.library(out, library);
    out.literal(`,"metrics":`);
    json.list(out, group, writeMetric);
    json.optionalString(out, "schemaUrl", library.schemaUrl);
    out.literal("}");
  });
  out.literal("}]}");
}

function writeMetric(out: Bytes, metric: Metric): void {
  const { descriptor } = metric;
  const { name, description, unit, kind, monotonic } = descriptor;
  out.literal(`{"name":`);
  json.string(out, name);
  json.optionalString(out, "description", description);
  json.optionalString(out, "unit", unit);
  out.ascii(`,"${kind}":{"dataPoints":`);
  json.list(
    out,
    metric.series,
    (out, series) => writePoint(out, metric, series),
  );
  if (kind !== "gauge") {
    out.ascii(`,"aggregationTemporality":${temporality(descriptor)}`);
  }
  if (kind === "sum") out.ascii(`,"isMonotonic":${monotonic}`);
  out.literal("}}");
}

function writePoint(out: Bytes, metric: Metric, series: Series): void {
  const { descriptor: { kind }, startAt, at } = metric;
  out.literal(`{"attributes":`);
  json.attributes(out, series.attributes);
  if (kind !== "gauge") {
    out.literal(`,"startTimeUnixNano":`);
    json.time(out, startAt);
  }
  out.literal(`,"timeUnixNano":`);
  json.time(out, at);
  const write = kind === "histogram" ? writeDistribution : writeNumber;
  write(out, metric, series);
  out.literal("}");
}

function writeNumber(out: Bytes, { descriptor }: Metric, series: Series): void {
  if (descriptor.integer) {
    out.ascii(`,"asInt":"${json.digits(series.value)}"`);
  } else {
    out.literal(`,"asDouble":`);
    json.double(out, series.value);
  }
}

function writeDistribution(
  out: Bytes,
  { descriptor }: Metric,
  { count, value, min, max, buckets }: Series,
): void {
  out.ascii(`,"count":"${count}","sum":`);
  json.double(out, value);
  out.ascii(`,"min":${min},"max":${max},"bucketCounts":`);
  json.list(out, buckets, (out, count) => out.ascii(`"${count}"`));
  out.literal(`,"explicitBounds":`);
  json.list(out, descriptor.boundaries, json.double);
}
