import { type Clock, sleep } from "../core/clock.ts";
import type { BrokerError } from "../core/error.ts";
import { brokerError, diagnose } from "./failure.ts";

/** How long a broker tries. Every request may be repeated: the scripts answer a repeat as they answered the first. */
export interface Patience {
  readonly attempts: number;
  readonly deadlineMs: number;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** What a request brought, and how often it was sent. */
export interface Answered<T> {
  readonly value: T;
  readonly requests: number;
}

/**
 * Sends until there is an answer, the attempts are used up or the deadline has passed; waits 50 ms, 100 ms … with jitter between.
 *
 * @throws {BrokerError} With the last failure; the first that is no use repeating ends it at once.
 */
export async function patiently<T>(
  verb: string,
  patience: Patience,
  send: () => Promise<T>,
): Promise<Answered<T>> {
  const { attempts, deadlineMs, clock, random } = patience;
  const deadlineAt = clock.now() + deadlineMs;
  for (let attempt = 1;; attempt++) {
    let failed: BrokerError;
    try {
      const value = await within(deadlineAt - clock.now(), clock, send);
      return { value, requests: attempt };
    } catch (error) {
      failed = brokerError(diagnose(error), verb, attempt);
    }
    const wait = 50 * 2 ** (attempt - 1) * (0.5 + random());
    if (
      !(failed.retryable || failed.failure === "invalid_reply") ||
      attempt >= attempts ||
      clock.now() + wait >= deadlineAt
    ) throw failed;
    await sleep(clock, wait);
  }
}

/** A client need not know deadlines: what answers later is a repeat that arrived late, which the scripts expect. */
async function within<T>(
  ms: number,
  clock: Clock,
  send: () => Promise<T>,
): Promise<T> {
  let cancel = () => {};
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(Math.max(0, ms), () => {
      reject(new DOMException("The deadline has passed", "TimeoutError"));
    });
  });
  try {
    return await Promise.race([send(), late]);
  } finally {
    cancel();
  }
}
