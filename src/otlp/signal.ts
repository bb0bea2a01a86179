import type { ActiveContext } from "./active.ts";
import type { AttributeList } from "./attributes.ts";
import type { TelemetryClock } from "./clock.ts";
import { abortable, type Deadline, withDeadline } from "./deadline.ts";
import { type Encode, encodingOf, type Items } from "./encoding.ts";
import {
  type Exporter,
  type ExportOutcome,
  makeExporter,
  nameOf,
  nothing,
} from "./exporter.ts";
import type { Metrics } from "./meter.ts";
import type { Metric } from "./metric.ts";
import { signalSettings, type TelemetryOptions } from "./options.ts";
import type { EdgeSpan } from "./span.ts";

/** One signal's way out. */
export interface Signal<Item> {
  readonly exporter: Exporter;
  readonly encode: Encode<Item>;
  readonly timeoutMs: number;
}

/** One flush, as both signals see it. */
export interface Flushing {
  readonly clock: TelemetryClock;
  readonly resource: AttributeList;
  /** On the monotonic clock. */
  readonly startedAt: number;
}

/** What became of one signal's part of a flush, in spans or points. */
export interface Sent {
  readonly accepted: number;
  readonly dropped: number;
  /** HTTP requests, repeats included. */
  readonly requests: number;
  /** Their bodies as they were sent, in bytes. */
  readonly bytes: number;
  /** Empty when nothing went wrong. */
  readonly error: string;
}

/** What became of nothing. */
export const UNSENT: Sent = /* @__PURE__ */ tally(0, nothing("accepted", ""));

/** Makes a signal's way out; `undefined` when the options say that there is none. */
export function makeSignal<Name extends keyof Items>(
  name: Name,
  options: TelemetryOptions,
  parts: { readonly clock: TelemetryClock; readonly context: ActiveContext },
): Signal<Items[Name]> | undefined {
  const settings = signalSettings(options, name);
  if (!settings) return undefined;
  const { random = Math.random } = options;
  const { contentType, encode } = encodingOf(settings.protocol);
  const exporter = makeExporter({
    ...settings,
    ...parts,
    contentType,
    random,
  });
  return { exporter, encode: encode[name], timeoutMs: settings.timeoutMs };
}

/** Sends spans in one request; those that cannot be delivered are dropped. */
export async function sendSpans(
  signal: Signal<EdgeSpan>,
  flush: Flushing,
  spans: readonly EdgeSpan[],
): Promise<Sent> {
  const { length } = spans;
  if (length === 0) return UNSENT;
  const outcome = signal.exporter.isPaused()
    ? nothing("failed", "Paused after a failed export")
    : await inTime(
      signal,
      flush,
      (deadline) => deliver(signal, flush, spans, deadline),
    );
  return tally(length, outcome);
}

/** Sends what is new in the metrics in one request; what cannot be delivered now is kept for the next flush. */
export async function sendMetrics(
  signal: Signal<Metric>,
  flush: Flushing,
  metrics: Metrics,
): Promise<Sent> {
  if (signal.exporter.isPaused()) return UNSENT;
  return await inTime(signal, flush, async (deadline) => {
    const collected = await abortable(
      metrics.collect(deadline.signal),
      deadline.signal,
    ).catch(() => undefined);
    if (!collected) {
      return { ...UNSENT, error: "An observable instrument took too long" };
    }
    if (collected.length === 0) return UNSENT;
    const all = collected.map(({ metric }) => metric);
    const points = all.flatMap(({ series }) => series).length;
    const outcome = await deliver(signal, flush, all, deadline);
    const sent = tally(points, outcome);
    if (outcome.outcome !== "failed") return sent;
    for (const { restore } of collected) restore();
    return { ...sent, dropped: 0 };
  });
}

function inTime<T>(
  { timeoutMs }: { readonly timeoutMs: number },
  { clock, startedAt }: Flushing,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  return withDeadline(clock, startedAt + timeoutMs, work);
}

async function deliver<Item>(
  { encode, exporter }: Signal<Item>,
  { resource }: Flushing,
  items: readonly Item[],
  deadline: Deadline,
): Promise<ExportOutcome> {
  try {
    return await exporter.send(encode(resource, items), deadline);
  } catch (cause) {
    return nothing("refused", `Cannot make a request: ${nameOf(cause)}`);
  }
}

/** In a receiver's own numbers anything may stand. */
function tally(count: number, outcome: ExportOutcome): Sent {
  const dropped = Math.max(0, Math.min(outcome.rejected, count));
  return { ...outcome, accepted: count - dropped, dropped };
}
