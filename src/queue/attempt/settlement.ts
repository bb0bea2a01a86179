import type {
  Delivery,
  NewTask,
  Settlement,
  SettlementEnd,
} from "../../broker/broker.ts";
import type { Envelope } from "../../codec/envelope.ts";
import { writeAttemptFailure, writeFailure } from "../../codec/failure.ts";
import { writeJson } from "../../codec/json.ts";
import { PayloadError } from "../../core/error.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { QueueLimits } from "../parts.ts";
import type { ProcessTrace } from "../trace/instrument.ts";
import type { Ended } from "../workflow/followers.ts";

/** What a settlement is made of, beside the outcome. */
export interface Settling {
  readonly delivery: Delivery;
  /** Absent where it could not be read. */
  readonly envelope: Envelope | undefined;
  readonly limits: QueueLimits;
  /** Whose traceparent is kept. */
  readonly trace: Pick<ProcessTrace, "traceparent">;
  /** What is enqueued with a success. */
  readonly enqueue: readonly NewTask[];
}

/** A settlement, and what is to be told beside it. */
export interface Decided {
  readonly settlement: Settlement;
  /** How the task ended, where it did and something follows it. */
  readonly ended: Ended | undefined;
  /** Why its result is not kept, where it cannot be. */
  readonly unsaved: string | undefined;
}

/** The one settlement of an outcome. A result that cannot be kept does not fail its task. */
export function settlementOf(outcome: Outcome, settling: Settling): Decided {
  const { delivery, envelope, trace, enqueue } = settling;
  const { end, value, unsaved } = endOf(outcome, settling);
  const ended = end.kind !== "retry" && end.kind !== "release" &&
    end.kind !== "snooze";
  const dedupe = ended && envelope?.dedupe?.until === "ended"
    ? envelope.dedupe.key
    : undefined;
  const counted = ended ? countedIn(envelope, delivery) : {};
  return {
    settlement: {
      id: delivery.id,
      token: delivery.token,
      end,
      // only another attempt and a group's callback link to it
      span: ended && !counted.group ? "" : trace.traceparent(),
      dedupe,
      enqueue: end.kind === "complete" ? enqueue : [],
      ...counted,
      ...(delivery.cancelled && !ended ? { thoughCancelled: true } : {}),
    },
    ended: envelope && endedOf(outcome, end, value, delivery, envelope),
    unsaved,
  };
}

/** The group in which an end counts, once. */
function countedIn(
  envelope: Envelope | undefined,
  { counted = false, group }: Delivery,
): Pick<Settlement, "group"> {
  const { membership } = envelope ?? {};
  if (counted) return {};
  if (membership?.role === "member") return { group: membership.group };
  return envelope === undefined && group !== undefined ? { group } : {};
}

/** How it ended, as those that follow it read it. */
function endedOf(
  { kind: status }: Outcome,
  end: SettlementEnd,
  value: string | undefined,
  { id, attempt }: Delivery,
  { name, followers, chain }: Envelope,
): Ended | undefined {
  if (status === "retry" || status === "released") return undefined;
  if (followers === undefined && chain === undefined) return undefined;
  const head = JSON.stringify({ id, name, attempt, status, chain: chain?.id });
  const [key, text] = "error" in end ? ["error", end.error] : ["value", value];
  const settled = text ? `${head.slice(0, -1)},"${key}":${text}}` : head;
  return { status, settled };
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
): {
  readonly end: SettlementEnd;
  /** The result, as JSON. */
  readonly value?: string | undefined;
  readonly unsaved?: string | undefined;
} {
  const resultMs = envelope?.resultTtlMs ?? 0;
  const { membership } = envelope ?? {};
  const memberMs = membership?.role === "member" ? membership.ttlMs : 0;
  const keepMs = Math.max(resultMs, memberMs, limits.idTtlMs);
  switch (outcome.kind) {
    case "completed": {
      const isRead = resultMs > 0 ||
        (envelope?.followers ?? envelope?.chain) !== undefined;
      const { payload: value, unsaved } = isRead
        ? writeResult(outcome.value, limits.maxResultBytes)
        : { payload: undefined, unsaved: undefined };
      const payload = resultMs > 0 ? value : undefined;
      const end = { kind: "complete", payload, resultMs, keepMs } as const;
      return { end, value, unsaved };
    }
    case "retry": {
      const error = writeAttemptFailure(outcome.error);
      return { end: { kind: "retry", delayMs: whole(outcome.delayMs), error } };
    }
    case "released":
      return outcome.at === undefined
        ? { end: { kind: "release", delayMs: whole(outcome.delayMs) } }
        : { end: { kind: "snooze", at: outcome.at } };
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
