import { type AttributeList, isInt64 } from "./attributes.ts";
import { fromMillis } from "./clock.ts";
import { CUMULATIVE, DELTA } from "./codes.ts";
import type { Exemplar } from "./exemplar.ts";
import type { Metric, Series } from "./metric.ts";
import { writeAttributes } from "./write_attributes.ts";
import { writeRequest } from "./write_request.ts";
import * as w from "./writer.ts";

const FIELD = { gauge: 5, sum: 7, histogram: 9 } as const;

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
  const { name, description, unit, kind } = metric;
  w.string(1, "name", name);
  w.string(2, "description", description);
  w.string(3, "unit", unit);
  w.message(FIELD[kind], kind, metric, writeData);
}

function writeData(
  { kind, delta, monotonic, boundaries, integer, at, series }: Metric,
): void {
  const isHistogram = kind === "histogram";
  const isGauge = kind === "gauge";
  const writeExemplar = ({ value, at, span }: Exemplar) => {
    w.time(2, "timeUnixNano", fromMillis(at));
    writeNumber(3, value, integer);
    w.id(4, "spanId", span?.spanId);
    w.id(5, "traceId", span?.traceId);
  };
  w.messages(1, "dataPoints", series, (one) => {
    if (!isGauge) w.time(2, "startTimeUnixNano", one.startAt);
    w.time(3, "timeUnixNano", at);
    if (isHistogram) writeDistribution(one, boundaries);
    else writeNumber(4, one.value, integer);
    const exemplars = one.exemplars.filter((example) => example !== undefined);
    w.messages(isHistogram ? 8 : 5, "exemplars", exemplars, writeExemplar);
    writeAttributes(isHistogram ? 9 : 7, one.set.attributes);
  });
  if (!isGauge) w.uint(2, "aggregationTemporality", delta ? DELTA : CUMULATIVE);
  if (kind === "sum") w.bool(3, "isMonotonic", monotonic);
}

/** Writes a value; a whole one that 64 bits cannot hold as what it is, a double. */
function writeNumber(
  double: number,
  value: number,
  integer: boolean,
): void {
  if (integer && isInt64(value)) w.fixed64(6, "asInt", value);
  else w.double(double, "asDouble", value);
}

function writeDistribution(
  { count, value, buckets, min, max }: Series,
  boundaries: readonly number[],
): void {
  w.fixed64(4, "count", count);
  w.double(5, "sum", value);
  w.fixed64s(6, "bucketCounts", buckets);
  w.doubles(7, "explicitBounds", boundaries);
  w.double(11, "min", min);
  w.double(12, "max", max);
}
