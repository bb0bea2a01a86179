import { type Clock, monotonic } from "../../core/clock.ts";

/** The instants of one span: wall time once, then monotonic progress, so that it never runs backwards. */
export class Stopwatch {
  /** When it was started, in milliseconds since the epoch. */
  readonly startAt: number;
  readonly #clock: Clock;
  readonly #offset: number;

  /** Starts it. */
  constructor(clock: Clock) {
    this.startAt = clock.now();
    this.#clock = clock;
    this.#offset = this.startAt - monotonic(clock);
  }

  /** The current instant, in milliseconds since the epoch, with a fraction where the host has one. */
  now(): number {
    return this.#offset + monotonic(this.#clock);
  }
}

/** Seconds between two instants in milliseconds, never below 0. */
export function secondsBetween(from: number, to: number): number {
  return Math.max(0, to - from) / 1000;
}
