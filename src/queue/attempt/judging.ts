import type { Delivery } from "../../broker/broker.ts";
import type { Envelope } from "../../codec/envelope.ts";
import {
  ConsumerStoppedError,
  LeaseLostError,
  TaskCancelledError,
} from "../../core/error.ts";
import type { Random } from "../../core/id.ts";
import { afterFailure, again, type Outcome } from "../../core/outcome.ts";
import { safely } from "../../core/safely.ts";
import type { Handler } from "../../core/task.ts";
import type { AttemptEnd } from "./attempt.ts";
import type { QueueParts } from "../parts.ts";

/** What an outcome depends on, beside the end of the attempt. */
export interface Circumstances {
  readonly parts: Pick<QueueParts, "random">;
  readonly delivery: Delivery;
  readonly envelope: Envelope;
  readonly handler: Handler;
  /** Why the attempt was stopped, if it was. */
  readonly abortedBy: unknown;
  /** The broker's clock. */
  readonly now: number;
}

/** What an end means: a failure is the task's own only if nobody stopped the attempt. One that its consumer stopped is spent, or a task that no consumer has the time for would never end. */
export function outcomeOf(
  end: AttemptEnd,
  circumstances: Circumstances,
): Outcome {
  const { abortedBy, envelope, now } = circumstances;
  const { chain } = envelope;
  switch (end.kind) {
    case "returned":
      // or its chain would go on though it was cancelled in time
      if (
        abortedBy instanceof TaskCancelledError && end.leads !== false &&
        chain?.links.length
      ) {
        return { kind: "cancelled", error: abortedBy };
      }
      return { kind: "completed", value: end.value };
    case "released": {
      const { delayMs, isSnoozed, at = Math.ceil(now + delayMs) } = end;
      return { kind: "released", delayMs, ...(isSnoozed ? { at } : {}) };
    }
    case "refused":
      return { kind: "dead", error: end.error };
    case "cancelled":
      return { kind: "cancelled", error: end.error };
    case "failed":
      return outcomeOfFailure(end.error, circumstances);
  }
}

function outcomeOfFailure(
  error: unknown,
  { parts, delivery, envelope, handler, abortedBy }: Circumstances,
): Outcome {
  const { id, name, attempt } = delivery;
  const { maxAttempts, backoff } = envelope;
  const { retryIf } = handler;
  if (abortedBy instanceof TaskCancelledError) {
    return { kind: "cancelled", error: abortedBy };
  }
  if (abortedBy instanceof ConsumerStoppedError) {
    return again(abortedBy, 0, { attempt, maxAttempts });
  }
  if (abortedBy instanceof LeaseLostError) {
    return { kind: "released", delayMs: 0 };
  }
  const about = { id, name, attempt, maxAttempts };
  return afterFailure(error, {
    attempt,
    maxAttempts,
    backoff,
    random: () => fraction(parts.random),
    retryIf: retryIf && ((error) => safely(() => retryIf(error, about), true)),
  });
}

/** A number in [0, 1). */
function fraction(random: Random): number {
  const [a = 0, b = 0, c = 0] = random(new Uint8Array(3));
  return (a * 65_536 + b * 256 + c) / 16_777_216;
}
