import type { ActiveContext } from "./active.ts";
import { makeBreaker } from "./breaker.ts";
import { monotonic, type TelemetryClock } from "./clock.ts";
import { writeToConsole } from "./console.ts";
import { withDeadline } from "./deadline.ts";
import { encodingOf, type Items } from "./encoding.ts";
import {
  type Exporter,
  type Flushing,
  type Outcome,
  send,
} from "./exporter.ts";
import type { Metrics } from "./meter.ts";
import type { Metric } from "./metric.ts";
import {
  nonNegative,
  parseUrl,
  type SignalOptions,
  type TelemetryOptions,
} from "./options.ts";
import type { EdgeSpan } from "./span.ts";

const PROTOCOLS: readonly string[] = ["http/protobuf", "http/json"];

/** Makes a signal's way out; `undefined` when the options say that there is none. */
export function makeSignal<Name extends keyof Items>(
  name: Name,
  options: TelemetryOptions,
  parts: { readonly clock: TelemetryClock; readonly context: ActiveContext },
): Exporter<Items[Name]> | undefined {
  const own: SignalOptions | false = options[name] ?? {};
  if (own === false || own.exporter === "none" || options.disabled) {
    return undefined;
  }
  const all = { ...options, ...own };
  const {
    endpoint = "http://localhost:4318",
    protocol = "http/protobuf",
  } = all;
  if (!PROTOCOLS.includes(protocol)) {
    throw new RangeError(
      `Cannot use protocol "${protocol}": expected ${PROTOCOLS}`,
    );
  }
  const url = parseUrl(own.url ?? endpoint);
  if (own.url === undefined) {
    url.pathname = url.pathname.replace(/\/*$/, `/v1/${name}`);
  }
  const isConsole = own.exporter === "console";
  return {
    ...all,
    ...isConsole && { fetch: writeToConsole, compression: "none" },
    ...parts,
    ...makeBreaker(() => monotonic(parts.clock)),
    url: url.href,
    headers: { ...options.headers, ...own.headers },
    ...encodingOf(name, isConsole ? "http/json" : protocol),
    timeoutMs: nonNegative(all, "timeoutMs", 5_000),
    underWay: new Map(),
  };
}

/** Sends spans in one request; those that cannot be delivered are dropped. */
export async function sendSpans(
  exporter: Exporter<EdgeSpan>,
  flush: Flushing,
  spans: readonly EdgeSpan[],
): Promise<void> {
  if (spans.length === 0) return;
  const outcome = exporter.isOpen()
    ? { error: "Paused: the receiver failed" }
    : await send(exporter, flush, spans);
  add(flush, "spans", spans.length, outcome);
}

/**
 * Sends what is new in the metrics in one request; what cannot be delivered now is kept for the next flush.
 *
 * The observable instruments have half of the time: one that does not answer keeps nothing else from being sent.
 */
export async function sendMetrics(
  exporter: Exporter<Metric>,
  flush: Flushing,
  metrics: Metrics,
): Promise<void> {
  if (exporter.isOpen()) return;
  const error = await withDeadline<string | void>(
    exporter.clock,
    flush.startAt + exporter.timeoutMs / 2,
    "An observable instrument took too long",
    // nor does a logger that fails when it is told of one that does
    () => metrics.observe().catch(() => {}),
  );
  if (error) flush.report.error ??= error;
  const collected = metrics.collect();
  if (collected.length === 0) return;
  const outcome = await send(exporter, flush, collected);
  let points = 0;
  for (const { series, restore } of collected) {
    if (outcome.failed) restore();
    else points += series.length;
  }
  add(flush, "points", points, outcome);
}

/** Adds what became of so many spans or points; in a receiver's own numbers anything may stand. */
function add(
  { report }: Flushing,
  name: "spans" | "points",
  count: number,
  { rejected = count, error }: Outcome,
): void {
  const dropped = Math.max(0, Math.min(rejected || 0, count));
  report[name] = count - dropped;
  report.dropped += dropped;
  if (error) report.error ??= error;
}
