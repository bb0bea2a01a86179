import { monotonic, type TelemetryClock } from "./clock.ts";

/** When work is to end. */
export interface Deadline {
  /** On the monotonic clock. */
  readonly at: number;
  /** Resolves then, with nothing: not everybody heeds a signal. */
  readonly over: Promise<undefined>;
  /** Aborts then. */
  readonly signal: AbortSignal;
}

/** Runs `work` with a deadline; no timer outlives it. */
export function withDeadline<T>(
  clock: TelemetryClock,
  at: number,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const aborter = new AbortController();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const cancel = clock.after(Math.max(at - monotonic(clock), 0), () => {
    resolve(undefined);
    aborter.abort();
  });
  return work({ at, over: promise, signal: aborter.signal }).finally(cancel);
}
