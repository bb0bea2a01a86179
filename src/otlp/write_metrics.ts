import { type AttributeList, isInt64 } from "./attributes.ts";
import { CUMULATIVE, DELTA } from "./codes.ts";
import type { Exemplar } from "./exemplar.ts";
import type { Metric } from "./metric.ts";
import { writeAttributes } from "./write_attributes.ts";
import { writeRequest } from "./write_request.ts";
import * as w from "./writer.ts";

/** Writes an `ExportMetricsServiceRequest`. */
export function writeMetrics(
  resource: AttributeList,
  metrics: readonly Metric[],
): void {
  const libraryOf = ({ library }: Metric) => library;
  writeRequest(
    ["resourceMetrics", "scopeMetrics", "metrics"],
    resource,
    metrics,
    libraryOf,
    writeMetric,
  );
}

function writeMetric(metric: Metric): void {
  const { kind, integer } = metric;
  const isHistogram = kind === "histogram";
  const isGauge = kind === "gauge";
  /** A whole one that 64 bits cannot hold is written as what it is, a double. */
  const writeValue = (double: number, value: number) =>
    integer && isInt64(value)
      ? w.fixed64(6, "asInt", value)
      : w.double(double, "asDouble", value);
  const writeExemplar = (example: Exemplar) => {
    w.time(2, "timeUnixNano", example.at);
    writeValue(3, example.value);
    w.id(4, "spanId", example.span?.spanId);
    w.id(5, "traceId", example.span?.traceId);
  };
  w.string(1, "name", metric.name);
  w.string(2, "description", metric.description);
  w.string(3, "unit", metric.unit);
  const start = w.open(isGauge ? 5 : isHistogram ? 9 : 7, kind);
  w.messages(1, "dataPoints", metric.series, (one) => {
    if (!isGauge) w.time(2, "startTimeUnixNano", one.startAt);
    w.time(3, "timeUnixNano", metric.at);
    if (isHistogram) {
      w.fixed64(4, "count", one.count);
      w.double(5, "sum", one.value);
      w.fixed64s(6, "bucketCounts", one.buckets);
      w.doubles(7, "explicitBounds", metric.boundaries);
      w.double(11, "min", one.min);
      w.double(12, "max", one.max);
    } else writeValue(4, one.value);
    // flat() leaves out the holes
    w.messages(
      isHistogram ? 8 : 5,
      "exemplars",
      one.exemplars.flat(),
      writeExemplar,
    );
    writeAttributes(isHistogram ? 9 : 7, one.set.attributes);
  });
  if (!isGauge) {
    w.uint(2, "aggregationTemporality", metric.delta ? DELTA : CUMULATIVE);
  }
  if (kind === "sum") w.bool(3, "isMonotonic", metric.monotonic);
  w.close(start);
}
