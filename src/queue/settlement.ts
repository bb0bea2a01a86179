import type {
  Delivery,
  NewTask,
  Settlement,
  SettlementEnd,
} from "../broker/broker.ts";
import type { Envelope } from "../codec/envelope.ts";
import { writeAttemptFailure, writeFailure } from "../codec/failure.ts";
import { writeJson } from "../codec/json.ts";
import { PayloadError } from "../core/error.ts";
import type { Outcome } from "../core/outcome.ts";
import type { QueueLimits } from "./parts.ts";

/** What a settlement is made of, beside the outcome. */
export interface Settling {
  readonly delivery: Delivery;
  /** Absent where it could not be read. */
  readonly envelope: Envelope | undefined;
  readonly limits: QueueLimits;
  /** The traceparent of the attempt. */
  readonly span: string;
  /** What is enqueued with a success. */
  readonly enqueue: readonly NewTask[];
}

/** A settlement, and why its result is not kept where it cannot be. */
export interface Settled {
  readonly settlement: Settlement;
  readonly unsaved: string | undefined;
}

/** The one settlement of an outcome. A result that cannot be kept does not fail its task. */
export function settlementOf(outcome: Outcome, settling: Settling): Settled {
  const { delivery, envelope, span, enqueue } = settling;
  const { end, unsaved } = endOf(outcome, settling);
  const ended = end.kind !== "retry" && end.kind !== "release";
  const dedupe = ended && envelope?.dedupe?.until === "ended"
    ? envelope.dedupe.key
    : undefined;
  return {
    settlement: {
      id: delivery.id,
      token: delivery.token,
      end,
      span,
      dedupe,
      enqueue: end.kind === "complete" ? enqueue : [],
    },
    unsaved,
  };
}

/** A claimed task that was not started goes back to its place. */
export function handBack({ id, token, previousSpan }: Delivery): Settlement {
  return {
    id,
    token,
    end: { kind: "release", delayMs: 0 },
    span: previousSpan ?? "",
    dedupe: undefined,
    enqueue: [],
  };
}

function endOf(
  outcome: Outcome,
  { envelope, limits }: Settling,
): { readonly end: SettlementEnd; readonly unsaved?: string | undefined } {
  const resultMs = envelope?.resultTtlMs ?? 0;
  const keepMs = Math.max(resultMs, limits.idTtlMs);
  switch (outcome.kind) {
    case "completed": {
      const { payload, unsaved } = resultMs === 0
        ? { payload: undefined, unsaved: undefined }
        : writeResult(outcome.value, limits.maxResultBytes);
      return { end: { kind: "complete", payload, resultMs, keepMs }, unsaved };
    }
    case "retry": {
      const error = writeAttemptFailure(outcome.error);
      return { end: { kind: "retry", delayMs: whole(outcome.delayMs), error } };
    }
    case "released":
      return { end: { kind: "release", delayMs: whole(outcome.delayMs) } };
    case "dead":
      return { end: { kind: "dead", error: writeFailure(outcome.error) } };
    case "cancelled":
      return {
        end: { kind: "cancel", error: writeFailure(outcome.error), keepMs },
      };
    case "expired":
      return {
        end: { kind: "expire", error: writeFailure(outcome.error), keepMs },
      };
  }
}

function writeResult(
  value: unknown,
  maxBytes: number,
): {
  readonly payload: string | undefined;
  readonly unsaved: string | undefined;
} {
  try {
    // undefined, which JSON has no word for, is kept as nothing
    const payload = writeJson(value, "The result", maxBytes) ?? "";
    return { payload, unsaved: undefined };
  } catch (error) {
    const unsaved = error instanceof PayloadError
      ? error.message
      : "The result cannot be read";
    return { payload: undefined, unsaved };
  }
}

/** Errors that say when to come again are the handler's, and may say anything. */
function whole(delayMs: number): number {
  return Number.isSafeInteger(delayMs) && delayMs > 0 ? delayMs : 0;
}
