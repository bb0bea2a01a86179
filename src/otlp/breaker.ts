const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/** However long a receiver asks to be left alone, it is asked again after this time. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/** Keeps exports from a receiver that failed, until its Retry-After or for a pause that doubles up to a minute. */
export class Breaker {
  /** How often the receiver has failed: an export remembers what it knew when it began. */
  failures = 0;
  #until = -Infinity;
  #pauseMs = 0;

  /** Whether exports are to be skipped at an instant of the monotonic clock. */
  isOpen(now: number): boolean {
    return now < this.#until;
  }

  /**
   * Counts a failed export; one of several that were under way together tells nothing new.
   *
   * @param known {@link Breaker.failures} when the export began.
   * @param retryAfterMs What the receiver asked for, if that is more than 0.
   */
  failed(known: number, now: number, retryAfterMs: number): void {
    if (known === this.failures) {
      this.#pauseMs = Math.min(
        this.#pauseMs * 2 || FIRST_PAUSE_MS,
        MAX_PAUSE_MS,
      );
      this.failures++;
    }
    const pauseMs = retryAfterMs > 0 ? retryAfterMs : this.#pauseMs;
    this.#until = Math.max(
      this.#until,
      now + Math.min(pauseMs, MAX_RETRY_AFTER_MS),
    );
  }

  /** Counts an export that was answered well. */
  succeeded(): void {
    this.#pauseMs = 0;
    this.#until = -Infinity;
  }
}
