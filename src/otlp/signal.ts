import type { ActiveContext } from "./active.ts";
import type { AttributeList } from "./attributes.ts";
import { monotonic, type TelemetryClock } from "./clock.ts";
import { abortable, withDeadline } from "./deadline.ts";
import { type Encode, encodingOf, type Items } from "./encoding.ts";
import { Exporter, type ExportOutcome } from "./exporter.ts";
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
export interface Flush {
  readonly clock: TelemetryClock;
  readonly resource: AttributeList;
  /** On the monotonic clock. */
  readonly startedAt: number;
}

/** What became of one signal's part of a flush, in spans or points. */
export interface Sent {
  readonly accepted: number;
  readonly dropped: number;
  readonly error?: string;
}

const NOTHING: Sent = { accepted: 0, dropped: 0 };
const SLOW: Sent = {
  ...NOTHING,
  error: "An observable instrument took too long",
};

/** Makes a signal's way out; `undefined` when the options say that there is none. */
export function makeSignal<Name extends keyof Items>(
  name: Name,
  options: TelemetryOptions,
  clock: TelemetryClock,
  context: ActiveContext,
): Signal<Items[Name]> | undefined {
  const settings = signalSettings(options, name);
  if (settings === undefined) return undefined;
  const { fetch, random = Math.random } = options;
  const { contentType, encode } = encodingOf(settings.protocol);
  const exporter = new Exporter({
    ...settings,
    contentType,
    fetch,
    clock,
    context,
    random,
  });
  return { exporter, encode: encode[name], timeoutMs: settings.timeoutMs };
}

/** Sends spans; those that cannot be delivered are dropped. */
export async function sendSpans(
  signal: Signal<EdgeSpan>,
  flush: Flush,
  spans: readonly EdgeSpan[],
): Promise<Sent> {
  if (spans.length === 0) return NOTHING;
  const dropped = spans.length;
  if (signal.exporter.isPaused) {
    return { accepted: 0, dropped, error: "Paused after a failed export" };
  }
  return await inTime(signal, flush, async (deadlineAt, abort) => {
    const outcome = await deliver(signal, flush, spans, deadlineAt, abort);
    return outcome.outcome === "accepted"
      ? tally(spans.length, outcome)
      : { accepted: 0, dropped, error: outcome.error };
  });
}

/** Sends what is new in the metrics; what cannot be delivered now is kept for the next flush. */
export async function sendMetrics(
  signal: Signal<Metric>,
  flush: Flush,
  metrics: Metrics,
): Promise<Sent> {
  if (signal.exporter.isPaused) return NOTHING;
  return await inTime(signal, flush, async (deadlineAt, abort) => {
    const collected = await abortable(metrics.collect(abort), abort)
      .catch(() => undefined);
    if (collected === undefined) return SLOW;
    if (collected.length === 0) return NOTHING;
    const all = collected.map(({ metric }) => metric);
    const points = all.reduce((sum, { series }) => sum + series.length, 0);
    const outcome = await deliver(signal, flush, all, deadlineAt, abort);
    switch (outcome.outcome) {
      case "accepted":
        return tally(points, outcome);
      case "refused":
        return { accepted: 0, dropped: points, error: outcome.error };
      case "failed":
        for (const { restore } of collected) restore();
        return { accepted: 0, dropped: 0, error: outcome.error };
    }
  });
}

function inTime(
  { timeoutMs }: { readonly timeoutMs: number },
  { clock, startedAt }: Flush,
  work: (deadlineAt: number, abort: AbortSignal) => Promise<Sent>,
): Promise<Sent> {
  const deadlineAt = startedAt + timeoutMs;
  const leftMs = deadlineAt - monotonic(clock);
  return withDeadline(clock, leftMs, (abort) => work(deadlineAt, abort));
}

async function deliver<Item>(
  { encode, exporter }: Signal<Item>,
  { resource }: Flush,
  items: readonly Item[],
  deadlineAt: number,
  abort: AbortSignal,
): Promise<ExportOutcome> {
  try {
    return await exporter.send(encode(resource, items), deadlineAt, abort);
  } catch (cause) {
    return { outcome: "refused", error: `Cannot encode: ${nameOf(cause)}` };
  }
}

function tally(
  count: number,
  { rejected, error }: Extract<ExportOutcome, { outcome: "accepted" }>,
): Sent {
  const dropped = Math.min(rejected, count);
  const sent = { accepted: count - dropped, dropped };
  return error === undefined ? sent : { ...sent, error };
}

function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : typeof cause;
}
