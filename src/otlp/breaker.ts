const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/** However long a receiver asks to be left alone, it is asked again after this time. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * Keeps exports from a receiver that failed, until its Retry-After or for a pause that doubles up to a minute; then one
 * goes ahead of the others and sees whether it is back.
 */
export interface Breaker {
  /** Whether exports are to be skipped at an instant of the monotonic clock. */
  isOpen(now: number): boolean;
  /** Begins an export at an instant of the same clock, and returns what is to be told of its end. */
  begin(now: number): Settle;
}

/**
 * Ends an export.
 *
 * @param failedAt When it failed; `undefined` where it was answered well.
 * @param retryAfterMs What the receiver asked for, if that is more than 0.
 */
export type Settle = (
  failedAt: number | undefined,
  retryAfterMs: number,
) => void;

/** Makes a breaker. */
export function makeBreaker(): Breaker {
  let openUntil = -Infinity;
  let pauseMs = 0;
  return {
    isOpen: (now) => now < openUntil,
    begin(now) {
      if (pauseMs > 0) openUntil = now + pauseMs;
      const known = openUntil;
      return (failedAt, retryAfterMs) => {
        if (failedAt === undefined) {
          pauseMs = 0;
          openUntil = -Infinity;
          return;
        }
        // one of several that were under way together tells nothing new
        if (known === openUntil) {
          pauseMs = Math.min(pauseMs * 2 || FIRST_PAUSE_MS, MAX_PAUSE_MS);
        }
        const ms = retryAfterMs > 0 ? retryAfterMs : pauseMs;
        openUntil = Math.max(
          openUntil,
          failedAt + Math.min(ms, MAX_RETRY_AFTER_MS),
        );
      };
    },
  };
}
