import { type Clock, steady } from "../../core/clock.ts";

/** The instants of one span: wall time once, then monotonic progress, so that it never runs backwards. */
export interface Stopwatch {
  /** When it was started, in milliseconds since the epoch. */
  readonly startAt: number;
  /** The current instant, in milliseconds since the epoch, with a fraction where the host has one. */
  now(): number;
}

/** Starts a stopwatch on the queue's clock. */
export function startWatch(clock: Clock): Stopwatch {
  const { now } = steady(clock);
  const startAt = clock.now();
  const offset = startAt - now();
  return { startAt, now: () => offset + now() };
}

/** Seconds between two instants in milliseconds, never below 0. */
export function secondsBetween(from: number, to: number): number {
  return Math.max(0, to - from) / 1000;
}
