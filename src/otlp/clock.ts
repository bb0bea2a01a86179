import type { HrTime, TimeInput } from "@opentelemetry/api";
import { type Clock, monotonic } from "../core/clock.ts";
import { FIRST_EPOCH_MS } from "./bounds.ts";

/** The clock that telemetry reads. */
export interface TelemetryClock extends Clock {
  /**
   * A reading in milliseconds, with any origin, that never goes back; fractions are welcome.
   *
   * @default {`performance.now()` on the system's clock, else {@link Clock.now}}
   */
  monotonic?(): number;
}

/** The host's wall clock, monotonic clock and timers. */
export { systemClock as systemTelemetryClock } from "../core/clock.ts";
export { monotonic } from "../core/clock.ts";

/**
 * The clock of one local root and the spans beneath it: wall time once, then monotonic progress,
 * so that a trace's spans never run backwards and an isolate that slept starts its next root at the right time.
 */
export class RootClock {
  readonly #clock: TelemetryClock;
  /** What a monotonic reading lacks; found at first use, for many a span is told all its times. */
  #offsetMs: number | undefined;

  constructor(clock: TelemetryClock) {
    this.#clock = clock;
  }

  /** The instant that `time` names, exactly; the current one when it names none. Never 0, which would look like none. */
  at(time: TimeInput | undefined): Instant {
    // first what most are, with nothing else that a host would compile for it
    if (typeof time === "number" && isEpoch(time)) return time;
    return this.#find(time);
  }

  #find(time: TimeInput | undefined): HrTime {
    const isPair = Array.isArray(time);
    if (isPair && isHrTime(time)) return [...time];
    const ms = isPair ? time[0] * 1e3 + time[1] / 1e6 : Number(time);
    if (isEpoch(ms)) return toHrTime(ms);
    const reading = monotonic(this.#clock);
    this.#offsetMs ??= this.#clock.now() - reading;
    return toHrTime(this.#offsetMs + (Number.isFinite(ms) ? ms : reading));
  }
}

function isEpoch(ms: number): boolean {
  return ms >= FIRST_EPOCH_MS && ms < Infinity;
}

/** Whether both parts are what they are to be; receivers refuse whole requests for one that is not. */
function isHrTime(time: HrTime): boolean {
  return time.every((part) => Number.isInteger(part) && part >= 0) &&
    time[1] < 1e9;
}

/** An instant, in milliseconds since the epoch or exactly; two objects less than a pair, for each span has two. */
export type Instant = number | HrTime;

/** An instant as seconds and nanoseconds. */
export function toHrTime(at: Instant): HrTime {
  if (typeof at !== "number") return at;
  const seconds = Math.floor(at / 1000);
  const nanos = Math.round((at - seconds * 1000) * 1e6);
  return nanos === 1e9 ? [seconds + 1, 0] : [seconds, nanos];
}

/** The later of two instants. */
export function later(a: Instant, b: Instant): Instant {
  return compare(a, b) > 0 ? a : b;
}

/** How much later `a` is than `b`, in a unit that is not told. */
function compare(a: Instant, b: Instant): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [seconds, nanos] = toHrTime(a);
  const [s, ns] = toHrTime(b);
  return seconds - s || nanos - ns;
}
