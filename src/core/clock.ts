/** What the library asks of time. Tests pass their own; everything else uses the host's. */
export interface Clock {
  /** The current instant in milliseconds since the epoch. Only ids and spans are made of it: due times and leases are the broker's. */
  now(): number;
  /** A reading in milliseconds, with any origin, that never goes back: durations are measured by it. @default {`now`} */
  monotonic?(): number;
  /** Runs `callback` once, `ms` milliseconds from now, unless the returned function is called before. */
  after(ms: number, callback: () => void): () => void;
  /** Whether it stands still until somebody moves it: a drain does not wait by it for what is due later. @default {false} */
  readonly stands?: boolean | undefined;
}

/** The host's clock and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** The monotonic reading of a clock, by its wall clock where it has no other. */
export function monotonic(clock: Clock): number {
  return clock.monotonic?.() ?? clock.now();
}

/** The clock by which to measure durations: its instants have no date, and never go back when somebody sets the wall clock. */
export function steady(clock: Clock): Clock {
  return {
    now: () => monotonic(clock),
    after: (ms, callback) => clock.after(ms, callback),
    stands: clock.stands,
  };
}

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

/** Waits until `work` is done, `ms` milliseconds at most; `work` must not reject. */
export async function atMost(
  clock: Clock,
  ms: number,
  work: Promise<unknown>,
): Promise<void> {
  const over = new AbortController();
  const done = work.then(() => over.abort());
  await Promise.race([done, sleep(clock, ms, over.signal)]);
}
