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
  | {
    readonly kind: "released";
    readonly delayMs: number;
    /** Due at this instant of the broker's clock instead, its attempts counted anew. */
    readonly at?: number | undefined;
  };

/** What decides between another attempt and death. */
export interface RetryPolicy {
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Whether an error is worth another attempt. @default {every one is} */
  readonly retryIf?: ((error: unknown) => boolean) | undefined;
}

/** What becomes of an attempt that failed with `error`. */
export function afterFailure(error: unknown, policy: RetryPolicy): Outcome {
  const { attempt, backoff, random, retryIf } = policy;
  if (isFinal(error)) return { kind: "dead", error };
  const afterMs = waitOf(error);
  if (afterMs === undefined && retryIf?.(error) === false) {
    return { kind: "dead", error };
  }
  const delayMs = afterMs ?? delayAfter(backoff, attempt, random);
  return again(error, delayMs, policy);
}

/** Another attempt after `delayMs`, or death where none is left. */
export function again(
  error: unknown,
  delayMs: number,
  { attempt, maxAttempts }: Pick<RetryPolicy, "attempt" | "maxAttempts">,
): Outcome {
  return attempt < maxAttempts
    ? { kind: "retry", error, delayMs }
    : { kind: "dead", error };
}

function isFinal(error: unknown): boolean {
  return error instanceof NonRetryableError ||
    isNamed(error, "NonRetryableError");
}

function waitOf(error: unknown): number | undefined {
  if (error instanceof RetryAfterError) return error.afterMs;
  if (!isNamed(error, "RetryAfterError")) return undefined;
  const { afterMs } = error as { readonly afterMs?: unknown };
  return typeof afterMs === "number" ? afterMs : undefined;
}

/** Whether it has the class's name: a bundle may hold the package twice, and its classes with it. */
function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
