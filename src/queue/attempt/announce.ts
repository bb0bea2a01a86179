import type { Delivery, StepReply } from "../../broker/broker.ts";
import { readFailure, writeFailure } from "../../codec/failure.ts";
import { isTask } from "../../core/id.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { StoredError } from "../../core/state.ts";
import { announceEnqueued } from "../enqueue/newcomers.ts";
import type { QueueEvent, QueueEvents, TaskEvent } from "../events.ts";
import type { Conclusion, SettlementAnswer } from "../execute.ts";
import type { QueueParts } from "../parts.ts";

/** Tells of a delivery; `more` is what the event says beside that. */
function tell<Name extends QueueEvent>(
  { events, name: queue }: QueueParts,
  event: Name,
  { id, name, attempt }: Delivery,
  more: () => Omit<QueueEvents[Name], keyof TaskEvent>,
): void {
  events.emit(
    event,
    () => ({ queue, id, name, attempt, ...more() } as QueueEvents[Name]),
  );
}

/** Tells that a handler is about to run. */
export function announceStart(parts: QueueParts, delivery: Delivery): void {
  tell(parts, "started", delivery, () => ({}));
}

/** Tells what a step brought, beside the answers to its settlements. */
export function announceStep(
  parts: QueueParts,
  { deliveries, reaped, ghosts, now }: StepReply,
): void {
  const { events, name: queue } = parts;
  for (const id of reaped) {
    events.emit("lost", () => ({ queue, reason: "consumer", count: 1, id }));
  }
  if (ghosts > 0) {
    events.emit("lost", () => ({ queue, reason: "record", count: ghosts }));
  }
  for (const delivery of deliveries.filter(isTask)) {
    const { enqueuedAt, dueAt = 0 } = delivery;
    tell(parts, "claimed", delivery, () => ({
      waitedMs: Math.max(0, now - Math.max(enqueuedAt, dueAt)),
    }));
  }
}

/** Tells of an attempt that failed, whether or not another follows. */
export function announceFailure(
  parts: QueueParts,
  delivery: Delivery,
  outcome: Outcome,
  durationMs: number,
): void {
  if (outcome.kind !== "retry" && outcome.kind !== "dead") return;
  const { error, kind } = outcome;
  tell(parts, "failed", delivery, () => ({ durationMs, error: kept(error) }));
  const { id, name, attempt } = delivery;
  parts.report?.(error, {
    kind: "attempt",
    queue: parts.name,
    id,
    name,
    attempt,
    isLast: kind === "dead",
    durationMs,
  });
}

/** Tells of a task that is put back because nothing here knows it. */
export function announceUnknown(
  { report, name: queue }: QueueParts,
  { id, name }: Delivery,
  error: unknown,
): void {
  report?.(error, { kind: "unknown", queue, id, name });
}

/** Tells how a run without a broker ended. */
export function announceInline(
  parts: QueueParts,
  delivery: Delivery,
  outcome: Outcome,
  durationMs: number,
): void {
  announceFailure(parts, delivery, outcome, durationMs);
  if ("error" in outcome) {
    const error = () => kept(outcome.error);
    tell(parts, "dead", delivery, () => ({ durationMs, error: error() }));
  } else tell(parts, "succeeded", delivery, () => ({ durationMs }));
}

/** Tells of the slots whose tasks the broker has taken with the settlement of their schedule. */
function announceFired(
  parts: QueueParts,
  { fired = [], settlement: { enqueue } }: Conclusion,
): void {
  const { events, name: queue } = parts;
  announceEnqueued(parts, enqueue);
  for (const { schedule, at: intendedAt, task: { id, name } } of fired) {
    events.emit(
      "scheduleFired",
      () => ({ queue, id, name, schedule, intendedAt }),
    );
  }
}

/** Tells what became of a settlement; where nobody knows, nothing. */
export function announceSettled(
  parts: QueueParts,
  delivery: Delivery,
  conclusion: Conclusion,
  answer: SettlementAnswer,
): void {
  if (answer === "unknown") return;
  if (!isTask(delivery)) {
    if (answer === "accepted") announceFired(parts, conclusion);
    return;
  }
  const { outcome, settlement: { end, enqueue }, durationMs = 0 } = conclusion;
  if (answer === "stale") {
    return tell(parts, "stale", delivery, () => ({ durationMs }));
  }
  tell(parts, eventOf(outcome), delivery, () => ({
    durationMs,
    ...("error" in end && { error: readFailure(end.error) }),
    ...("delayMs" in end && { delayMs: end.delayMs }),
    ...("at" in end && { dueAt: end.at }),
  }));
  announceEnqueued(parts, enqueue, delivery.id);
}

/** What is told when the broker has taken a settlement. */
function eventOf(outcome: Conclusion["outcome"]): QueueEvent {
  switch (outcome) {
    case "completed":
      return "succeeded";
    case "retry":
      return "retried";
    default:
      return outcome;
  }
}

/** An error as it would be stored. */
function kept(error: unknown): StoredError {
  return readFailure(writeFailure(error));
}
