import { type AttributeList, attributeList } from "./attributes.ts";
import type { SpanBuffer } from "./buffer.ts";
import { monotonic, type TelemetryClock } from "./clock.ts";
import { withDeadline } from "./deadline.ts";
import type { Exporter } from "./exporter.ts";
import type { Metrics } from "./meter.ts";
import type { Metric } from "./metric.ts";
import { nonNegative, type TelemetryOptions } from "./options.ts";
import { describeResource } from "./resource.ts";
import type { FlushScope } from "./scope.ts";
import { sendMetrics, sendSpans } from "./signal.ts";
import type { EdgeSpan } from "./span.ts";

/** What a flush did. */
export interface FlushReport {
  /** How many spans the receiver took. */
  readonly spans: number;
  /** How many data points the receiver took. */
  readonly points: number;
  /** How many spans and points were lost: undeliverable, refused, or over a bound since the flush before. */
  readonly dropped: number;
  /** How many of the spans ended after the flush of their own scope. */
  readonly late: number;
  /** How many HTTP requests it took, repeats included. */
  readonly requests: number;
  /** How many bytes their bodies had, as they were sent. */
  readonly bytes: number;
  /** What went wrong, or what the receiver warned of. */
  readonly error?: string;
}

/** Sends what has ended in a scope, or everywhere, and the metrics where they are due. */
export type Flush = (
  scope: FlushScope | undefined,
  isLast: boolean,
) => Promise<FlushReport>;

/** Makes the flush of a telemetry: where no spans or no metrics are sent, there is no exporter for them. */
export function makeFlush(
  options: TelemetryOptions,
  clock: TelemetryClock,
  buffer: SpanBuffer,
  metrics: Metrics,
  traces: Exporter<EdgeSpan> | undefined,
  points: Exporter<Metric> | undefined,
): Flush {
  const flushWaitMs = nonNegative(options, "flushWaitMs", 2_000);
  const metricsEveryMs = nonNegative(options, "metricsEveryMs", 0);
  let resource: AttributeList | undefined;
  /** When metrics were sent last, on the monotonic clock. */
  let metricsAt = -Infinity;
  return async (scope, isLast) => {
    const startAt = monotonic(clock);
    if (traces && scope?.open) {
      const waitMs = Math.min(flushWaitMs, traces.timeoutMs / 2);
      const idle = () => scope.idle();
      await withDeadline(clock, startAt + waitMs, undefined, idle);
    }
    const batch = buffer.take(scope, isLast);
    const report = { ...batch, spans: 0, points: 0, requests: 0, bytes: 0 };
    resource ??= attributeList(describeResource(options));
    const flush = { resource, startAt, report };
    const isDue = !scope?.isRequest || startAt - metricsAt >= metricsEveryMs;
    if (isDue) metricsAt = startAt;
    await Promise.all([
      traces && sendSpans(traces, flush, batch.spans),
      isDue && points && sendMetrics(points, flush, metrics),
    ]);
    return report;
  };
}
