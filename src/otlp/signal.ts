import type { ActiveContext } from "./active.ts";
import type { AttributeList } from "./attributes.ts";
import { monotonic, type TelemetryClock } from "./clock.ts";
import { abortable, withDeadline } from "./deadline.ts";
import { type Encode, encodingOf, type Items } from "./encoding.ts";
import { Exporter, type ExportOutcome, nameOf, nothing } from "./exporter.ts";
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
  if (settings === undefined) return undefined;
  const { random = Math.random } = options;
  const { contentType, encode } = encodingOf(settings.protocol);
  const exporter = new Exporter({
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
  flush: Flush,
  spans: readonly EdgeSpan[],
): Promise<Sent> {
  const { length } = spans;
  if (length === 0) return UNSENT;
  return signal.exporter.isPaused
    ? tally(length, nothing("failed", "Paused after a failed export"))
    : await inTime(
      signal,
      flush,
      async (deadlineAt, abort) =>
        tally(length, await deliver(signal, flush, spans, deadlineAt, abort)),
    );
}

/** Sends what is new in the metrics in one request; what cannot be delivered now is kept for the next flush. */
export async function sendMetrics(
  signal: Signal<Metric>,
  flush: Flush,
  metrics: Metrics,
): Promise<Sent> {
  if (signal.exporter.isPaused) return UNSENT;
  return await inTime(signal, flush, async (deadlineAt, abort) => {
    const collected = await abortable(metrics.collect(abort), abort)
      .catch(() => undefined);
    if (collected === undefined) {
      return { ...UNSENT, error: "An observable instrument took too long" };
    }
    if (collected.length === 0) return UNSENT;
    const all = collected.map(({ metric }) => metric);
    const points = all.reduce((sum, { series }) => sum + series.length, 0);
    const outcome = await deliver(signal, flush, all, deadlineAt, abort);
    const sent = tally(points, outcome);
    if (outcome.outcome !== "failed") return sent;
    for (const { restore } of collected) restore();
    return { ...sent, dropped: 0 };
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
    return nothing("refused", `Cannot make a request: ${nameOf(cause)}`);
  }
}

/** In a receiver's own numbers anything may stand. */
function tally(count: number, outcome: ExportOutcome): Sent {
  const dropped = Math.max(0, Math.min(outcome.rejected, count));
  return { ...outcome, accepted: count - dropped, dropped };
}
