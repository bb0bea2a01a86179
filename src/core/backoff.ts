import { checkKnown } from "./shape.ts";

/** How long to wait before the next attempt, as data: it travels with the task. */
export type Backoff = FixedBackoff | ExponentialBackoff;

/** The same wait before each attempt. */
export interface FixedBackoff {
  /** Tells it from the other kinds. */
  readonly kind: "fixed";
  /** The wait in milliseconds. */
  readonly delayMs: number;
  /** How much of the wait is random, from 0 (none) to 1 (all of it). */
  readonly jitter: number;
}

/** A wait that doubles from `baseMs` up to `maxMs`. */
export interface ExponentialBackoff {
  /** Tells it from the other kinds. */
  readonly kind: "exponential";
  /** The wait after the first attempt, in milliseconds. */
  readonly baseMs: number;
  /** The longest wait, in milliseconds. */
  readonly maxMs: number;
  /** How much of the wait is random, from 0 (none) to 1 (all of it). */
  readonly jitter: number;
}

/** Options of {@link exponential}. */
export interface ExponentialOptions {
  /** The wait after the first attempt. @default {1000} */
  readonly baseMs?: number;
  /** The longest wait, in milliseconds. @default {600000} */
  readonly maxMs?: number;
  /** How much of the wait is random, 0…1: spread retries do not arrive together. @default {0.5} */
  readonly jitter?: number;
}

/** Options of {@link fixed}. */
export interface FixedOptions {
  /** How much of the wait is random, 0…1. @default {0} */
  readonly jitter?: number;
}

/**
 * A wait that doubles: 1 s, 2 s, 4 s … up to 10 min by default, half of it random. Its numbers are checked where it is used: by `defineTask` and by `enqueue`.
 *
 * @throws {TypeError} If an option is unknown.
 */
export function exponential(
  options: ExponentialOptions = {},
): ExponentialBackoff {
  checkKnown("of exponential()", options, ["baseMs", "maxMs", "jitter"]);
  const { baseMs = 1_000, maxMs = 600_000, jitter = 0.5 } = options;
  return { kind: "exponential", baseMs, maxMs, jitter };
}

/**
 * The same wait of `delayMs` milliseconds after each failed attempt.
 *
 * @throws {TypeError} If an option is unknown.
 */
export function fixed(
  delayMs: number,
  options: FixedOptions = {},
): FixedBackoff {
  checkKnown("of fixed()", options, ["jitter"]);
  const { jitter = 0 } = options;
  return { kind: "fixed", delayMs, jitter };
}

/** The wait in whole milliseconds after attempt number `attempt` (from 1); `random` gives a number in [0, 1). */
export function delayAfter(
  backoff: Backoff,
  attempt: number,
  random: () => number,
): number {
  const full = backoff.kind === "fixed"
    ? backoff.delayMs
    : Math.min(backoff.maxMs, backoff.baseMs * 2 ** Math.min(attempt - 1, 50));
  return Math.round(full * (1 - backoff.jitter * random()));
}
