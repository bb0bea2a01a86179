import { checkInteger, checkSignal } from "../../core/check.ts";
import { sleep } from "../../core/clock.ts";
import type { QueueParts } from "../parts.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
const LONGEST_WAIT_MS = 600_000;

/** How long to ask. */
export interface Patience {
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/** What `ask` answers: once, or ever less often until it is no more `isPending` or the time is over. */
export async function poll<Answer>(
  { clock }: QueueParts,
  { waitMs = 0, signal }: Patience,
  ask: () => Promise<Answer>,
  isPending: (answer: Answer) => boolean,
): Promise<Answer> {
  checkInteger("waitMs", waitMs, 0, LONGEST_WAIT_MS);
  checkSignal(signal);
  const deadline = waitMs === 0 ? 0 : clock.now() + waitMs;
  let pauseMs = FIRST_PAUSE_MS;
  while (true) {
    signal?.throwIfAborted();
    const answer = await unlessAborted(ask(), signal);
    const leftMs = waitMs === 0 ? 0 : deadline - clock.now();
    if (!isPending(answer) || leftMs <= 0) return answer;
    await sleep(clock, Math.min(pauseMs, leftMs), signal);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

/** What was asked for; rejects with the signal's reason if that aborts before, and leaves the request to itself. */
async function unlessAborted<Answer>(
  asked: Promise<Answer>,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  if (signal === undefined) return await asked;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([asked, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
