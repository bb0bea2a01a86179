import type { Clock } from "../core/clock.ts";

/** Runs `work` with a signal that aborts after `ms` milliseconds; no timer outlives it. */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const cancel = clock.after(Math.max(ms, 0), () => deadline.abort());
  try {
    return await work(deadline.signal);
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
