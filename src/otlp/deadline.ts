import { monotonic, type TelemetryClock } from "./clock.ts";

/**
 * What `work` comes to, or `late` once it is `at` on the monotonic clock; no timer outlives it.
 * The signal aborts then, which not everybody heeds.
 */
export function withDeadline<T>(
  clock: TelemetryClock,
  at: number,
  late: T,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const aborter = new AbortController();
  return new Promise((resolve, reject) => {
    const cancel = clock.after(Math.max(at - monotonic(clock), 0), () => {
      resolve(late);
      aborter.abort();
    });
    work(aborter.signal).finally(cancel).then(resolve, reject);
  });
}
