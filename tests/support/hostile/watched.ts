/** A telemetry over real HTTP whose flushes can be looked at afterwards. */
import {
  type FlushReport,
  Telemetry,
  type TelemetryOptions,
} from "../../../src/otlp/mod.ts";
import { systemTelemetryClock } from "../../../src/otlp/clock.ts";
import type { QueueTelemetry } from "../../../src/queue/providers.ts";

/** A flush that was asked for. */
export interface Flushed {
  readonly report: FlushReport;
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
  /** Sets the telemetry's clock forward: its pauses end. */
  skip(ms: number): void;
}

/** What no message may hold. */
export const TOKEN = "tok_5f3c9a7e21";

/** Makes one, with a token in a header and in its URL; it repeats a request after 800 and 2,000 ms. */
export function watched(
  endpoint: string,
  options: TelemetryOptions = {},
): Watched {
  let ahead = 0;
  let ended = 0;
  const flushes: Promise<Flushed>[] = [];
  const telemetry = new Telemetry({
    serviceName: "hostile",
    endpoint: `${endpoint}/${TOKEN}`,
    headers: { authorization: `Bearer ${TOKEN}` },
    clock: {
      ...systemTelemetryClock,
      now: () => Date.now() + ahead,
      monotonic: () => performance.now() + ahead,
    },
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
        const flushed = telemetry.flush(context).then((report) => {
          ended++;
          return { report, tookMs: performance.now() - beganAt };
        });
        flushes.push(flushed);
        return flushed;
      },
    },
    flushes,
    get ended() {
      return ended;
    },
    skip: (ms) => void (ahead += ms),
  };
}
