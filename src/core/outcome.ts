import { delayAfter } from "./backoff.ts";
import { NonRetryableError, RetryAfterError } from "./error.ts";
import type { Backoff } from "./backoff.ts";

/** What became of one delivery. Each has one settlement. */
export type Outcome =
  | { readonly kind: "completed"; readonly value: unknown }
  | {
    readonly kind: "retry";
    readonly error: unknown;
    readonly delayMs: number;
  }
  | { readonly kind: "dead"; readonly error: unknown }
  | { readonly kind: "cancelled"; readonly error: unknown }
  | { readonly kind: "expired"; readonly error: unknown }
  | { readonly kind: "released"; readonly delayMs: number };

/** What decides between another attempt and death. */
export interface RetryPolicy {
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** What becomes of an attempt that failed with `error`. */
export function afterFailure(error: unknown, policy: RetryPolicy): Outcome {
  const { attempt, maxAttempts, backoff, random } = policy;
  if (error instanceof NonRetryableError || attempt >= maxAttempts) {
    return { kind: "dead", error };
  }
  const delayMs = error instanceof RetryAfterError
    ? error.afterMs
    : delayAfter(backoff, attempt, random);
  return { kind: "retry", error, delayMs };
}
