import { monotonic, type TelemetryClock } from "./clock.ts";

/** When work is to end. */
export interface Deadline {
  /** On the monotonic clock. */
  readonly at: number;
  /** Aborts then. */
  readonly signal: AbortSignal;
}

/** Runs `work` with a deadline; no timer outlives it. */
export async function withDeadline<T>(
  clock: TelemetryClock,
  at: number,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const aborter = new AbortController();
  const cancel = clock.after(
    Math.max(at - monotonic(clock), 0),
    () => aborter.abort(),
  );
  try {
    return await work({ at, signal: aborter.signal });
  } finally {
    cancel();
  }
}

/** Settles as `promise` does, or rejects as soon as the signal, which soon ends, aborts: not everybody heeds a signal. */
export function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    onAbort(signal, () => reject(signal.reason));
    promise.then(resolve, reject);
  });
}

/** Calls back when the signal aborts, at once when it has. */
export function onAbort(signal: AbortSignal, callback: () => void): void {
  if (signal.aborted) callback();
  else signal.addEventListener("abort", callback);
}
