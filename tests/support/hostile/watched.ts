/** A telemetry over real HTTP whose flushes can be looked at afterwards. */
import {
  type FlushReport,
  Telemetry,
  type TelemetryOptions,
} from "../../../src/otlp/mod.ts";
import {
  systemTelemetryClock,
  type TelemetryClock,
} from "../../../src/otlp/clock.ts";
import type { QueueTelemetry } from "../../../src/queue/trace/providers.ts";

/** A flush that was asked for. */
export interface Flushed {
  readonly report: FlushReport;
  /** Its duration, less how much later than asked for this machine called at its deadline. */
  readonly tookMs: number;
}

/** A telemetry, and what its flushes did. */
export interface Watched {
  readonly telemetry: Telemetry;
  /** The same for an adapter, whose flushes are written down. */
  readonly given: QueueTelemetry;
  /** The flushes that have begun. */
  readonly flushes: readonly Promise<Flushed>[];
  /** How many of them have ended. */
  readonly ended: number;
  /** Sets the telemetry's clock forward: its pauses end, and so do its deadlines. */
  advance(ms: number): void;
}

/** What no message may hold. */
export const TOKEN = "tok_5f3c9a7e21";

/** Makes one, with a token in a header and in its URL; it repeats a request after 800 and 2,000 ms. */
export function watched(
  endpoint: string,
  options: TelemetryOptions = {},
): Watched {
  const { timeoutMs = 10_000 } = options;
  const clock = advancing();
  let ended = 0;
  const flushes: Promise<Flushed>[] = [];
  const telemetry = new Telemetry({
    serviceName: "hostile",
    endpoint: `${endpoint}/${TOKEN}`,
    headers: { authorization: `Bearer ${TOKEN}` },
    clock,
    random: () => 0,
    ...options,
  });
  return {
    telemetry,
    given: {
      tracerProvider: telemetry.tracerProvider,
      meterProvider: telemetry.meterProvider,
      propagator: telemetry.propagator,
      contextManager: telemetry.contextManager,
      openScope: (context) => telemetry.openScope(context),
      flush(context) {
        const beganAt = performance.now();
        const pastMs = () => performance.now() - beganAt;
        let lateMs = 0;
        const timer = setTimeout(
          () => lateMs = pastMs() - timeoutMs,
          timeoutMs,
        );
        const flushed = telemetry.flush(context).then((report) => {
          ended++;
          clearTimeout(timer);
          return { report, tookMs: pastMs() - lateMs };
        });
        flushes.push(flushed);
        return flushed;
      },
    },
    flushes,
    get ended() {
      return ended;
    },
    advance: clock.advance,
  };
}

/** The system's clock, which can be set forward: timers know of it. */
function advancing(): TelemetryClock & Pick<Watched, "advance"> {
  let ahead = 0;
  const timers = new Set<{ rearm(): void }>();
  const monotonic = () => performance.now() + ahead;
  return {
    ...systemTelemetryClock,
    now: () => Date.now() + ahead,
    monotonic,
    after(ms, callback) {
      const at = monotonic() + ms;
      let cancel = () => {};
      const timer = {
        rearm() {
          cancel();
          const left = Math.max(0, at - monotonic());
          cancel = systemTelemetryClock.after(left, () => {
            timers.delete(timer);
            callback();
          });
        },
      };
      timers.add(timer);
      timer.rearm();
      return () => {
        timers.delete(timer);
        cancel();
      };
    },
    advance(ms) {
      ahead += ms;
      for (const timer of timers) timer.rearm();
    },
  };
}
