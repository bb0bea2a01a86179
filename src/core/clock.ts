/** What the library asks of time. Tests pass their own; everything else uses {@link systemClock}. */
export interface Clock {
  /** The current instant in milliseconds since the epoch. Only durations and ids are made of it: due times and leases are the broker's. */
  now(): number;
  /** Runs `callback` once, `ms` milliseconds from now, unless the returned function is called before. */
  after(ms: number, callback: () => void): () => void;
}

/** The host's clock and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Waits `ms` milliseconds, or until `signal` aborts, whichever is first; never rejects. */
export function sleep(
  clock: Clock,
  ms: number,
  signal?: AbortSignal,
): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}
