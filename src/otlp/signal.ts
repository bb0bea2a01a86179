import type { ActiveContext } from "./active.ts";
import type { AttributeList } from "./attributes.ts";
import { monotonic, type TelemetryClock } from "./clock.ts";
import { writeToConsole } from "./console.ts";
import { withDeadline } from "./deadline.ts";
import { encodingOf, type Items } from "./encoding.ts";
import {
  type Exporter,
  type ExportOutcome,
  makeExporter,
  nothing,
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

/** One flush, as both signals see it. */
export interface Flushing {
  readonly clock: TelemetryClock;
  readonly resource: AttributeList;
  /** On the monotonic clock. */
  readonly startedAt: number;
  /** What has become of it so far. */
  readonly report: Tally;
}

/** What adds up in a flush's report. */
export interface Tally {
  spans: number;
  points: number;
  dropped: number;
  requests: number;
  bytes: number;
  error?: string;
}

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
    random = Math.random,
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
  const { contentType, encode } = encodingOf(
    isConsole ? "http/json" : protocol,
  );
  return makeExporter({
    ...parts,
    url: url.href,
    headers: { ...options.headers, ...own.headers },
    contentType,
    encode: encode[name],
    gzip: all.compression === "gzip" && !isConsole,
    timeoutMs: nonNegative(all, "timeoutMs", 5_000),
    fetch: isConsole ? writeToConsole : options.fetch,
    random,
  });
}

/** Sends spans in one request; those that cannot be delivered are dropped. */
export async function sendSpans(
  exporter: Exporter<EdgeSpan>,
  flush: Flushing,
  spans: readonly EdgeSpan[],
): Promise<void> {
  if (spans.length === 0) return;
  const outcome = exporter.isOpen(monotonic(flush.clock))
    ? nothing("Paused after a failed export")
    : await deliver(exporter, flush, spans);
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
  const { clock, startedAt, report } = flush;
  if (exporter.isOpen(monotonic(clock))) return;
  const halfTime = startedAt + exporter.timeoutMs / 2;
  await withDeadline(clock, halfTime, async ({ over }) => {
    const late = over.then(() => "An observable instrument took too long");
    const observed = metrics.observe().catch(() => {});
    const error = await Promise.race([observed, late]);
    if (error) report.error ??= error;
  });
  const collected = metrics.collect();
  const all = collected.map(({ metric }) => metric);
  if (all.length === 0) return;
  const outcome = await deliver(exporter, flush, all);
  const points = all.flatMap(({ series }) => series).length;
  add(flush, "points", outcome.failed ? 0 : points, outcome);
  if (outcome.failed) { for (const { restore } of collected) restore(); }
}

function deliver<Item>(
  exporter: Exporter<Item>,
  { clock, startedAt, resource }: Flushing,
  items: readonly Item[],
): Promise<ExportOutcome> {
  return withDeadline(
    clock,
    startedAt + exporter.timeoutMs,
    (deadline) => send(exporter, resource, items, deadline),
  );
}

/** Adds what became of so many spans or points; in a receiver's own numbers anything may stand. */
function add(
  { report }: Flushing,
  name: "spans" | "points",
  count: number,
  { rejected, requests, bytes, error }: ExportOutcome,
): void {
  const dropped = Math.max(0, Math.min(rejected, count));
  report[name] = count - dropped;
  report.dropped += dropped;
  report.requests += requests;
  report.bytes += bytes;
  if (error) report.error ??= error;
}
