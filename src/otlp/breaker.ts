const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/** However long a receiver asks to be left alone, it is asked again after this time. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * Keeps exports from a receiver that failed, until its Retry-After or for a pause that doubles up to a minute; then one
 * goes ahead of the others and sees whether it is back.
 */
export interface Breaker {
  /** Whether exports are to be skipped. */
  isOpen(): boolean;
  /** Begins an export, and returns what is to be told of its end. */
  begin(): Settle;
}

/**
 * Ends an export.
 *
 * @param retryAfterMs What a receiver that failed asked for, if that is more than 0; `undefined` where it was answered well.
 */
export type Settle = (retryAfterMs: number | undefined) => void;

/** Makes a breaker, by a clock that never goes back. */
export function makeBreaker(now: () => number): Breaker {
  let openUntil = -Infinity;
  let pauseMs = 0;
  return {
    isOpen: () => now() < openUntil,
    begin() {
      if (pauseMs > 0) openUntil = now() + pauseMs;
      const known = openUntil;
      return (retryAfterMs) => {
        if (retryAfterMs === undefined) {
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
          now() + Math.min(ms, MAX_RETRY_AFTER_MS),
        );
      };
    },
  };
}
