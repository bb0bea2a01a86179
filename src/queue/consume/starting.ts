import type { ConsumeReport } from "./tally.ts";
import type { WorkOptions } from "../work_options.ts";
import type { Worker } from "../worker.ts";

/** Loads a worker's code and starts it; it works until its signal aborts. */
export type Starting<Report extends ConsumeReport = ConsumeReport> = (
  signal: AbortSignal,
) => Promise<Pick<Worker<Report>, "done">>;

/** Tells who wants to hear of an error. A worker goes on, whatever becomes of that. */
export async function tell(
  onError: WorkOptions["onError"],
  error: unknown,
): Promise<void> {
  try {
    await onError?.(error);
  } catch { /* there is nobody else to tell */ }
}

/** The handle of a worker that is still to be loaded; `onError` hears of what cannot be. */
export function startLater<Report extends ConsumeReport>(
  { signal, onError }: Pick<WorkOptions, "signal" | "onError">,
  start: Starting<Report>,
): Worker<Report> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  const done = (async () => {
    try {
      const { done } = await starting(start(stopping.signal), onError);
      return await done;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  })();
  // who hears of errors need not look at `done`
  if (onError !== undefined) done.catch(() => {});
  return {
    done,
    stop() {
      stop();
      return done;
    },
    async [Symbol.asyncDispose]() {
      stop();
      await done;
    },
  };
}

async function starting<Started>(
  started: Promise<Started>,
  onError: WorkOptions["onError"],
): Promise<Started> {
  try {
    return await started;
  } catch (error) {
    void tell(onError, error);
    throw error;
  }
}
