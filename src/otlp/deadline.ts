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

/** Settles as `promise` does, or rejects as soon as the signal aborts: not everybody heeds a signal. */
export async function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const over = Promise.withResolvers<never>();
  const abort = () => over.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, over.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
