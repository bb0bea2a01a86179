import type { Delivery } from "../../broker/broker.ts";
import type { Envelope } from "../../codec/envelope.ts";
import { readFailure } from "../../codec/failure.ts";
import { type Opened, readEnvelope } from "../../codec/opened.ts";
import { TaskCancelledError } from "../../core/error.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Handler } from "../../core/task.ts";

/** The first wait of a task that this consumer does not know. */
const UNKNOWN_DELAY_MS = 30_000;
/** Its longest wait. */
const UNKNOWN_DELAY_MAX_MS = 600_000;
/** After so long nobody is expected to know it any more. */
const UNKNOWN_KEEP_MS = 86_400_000;

/** Whether a delivery is run, and if not, what becomes of it. */
export type Admission = Admitted | Refusal;

/** A delivery that is run. */
export interface Admitted {
  readonly kind: "run";
  readonly envelope: Envelope;
  readonly input: unknown;
  readonly handler: Handler;
}

/** A delivery that is settled without a run. */
export interface Refusal {
  readonly kind: "refused";
  readonly outcome: Outcome;
  /** Why, as its span says it. */
  readonly error: Error;
  /** The value of `error.type`. */
  readonly errorType: string;
  /** Whether it is only unknown here. */
  readonly isUnknown: boolean;
}

/** A delivery as who opens the seals hands it on. */
export interface UnsealedDelivery extends Delivery {
  /** Why its envelope is not to be trusted. */
  readonly tampered?: string | undefined;
}

/** The envelope of a delivery, as far as it is to be trusted and known. */
export function openDelivery(
  { envelope, tampered }: UnsealedDelivery,
): Opened {
  return tampered === undefined
    ? readEnvelope(envelope)
    : { kind: "tampered", reason: tampered };
}

/** Decides it; `now` is the broker's clock. What is provably bad is dead at once, what is only unknown here is put back for a consumer that knows it. */
export function admit(
  handlers: ReadonlyMap<string, Handler>,
  delivery: Delivery,
  opened: Opened,
  now: number,
): Admission {
  // what follows it stands in its envelope
  const isSecret = opened.kind === "sealed" || opened.kind === "newer";
  if (delivery.cancelled && !isSecret) {
    const error = new TaskCancelledError("The task was cancelled");
    return end("cancelled", error, "cancelled");
  }
  switch (opened.kind) {
    case "invalid":
      return end(
        "dead",
        reason(
          "InvalidEnvelopeError",
          `The task's envelope cannot be read: ${opened.reason}`,
        ),
        "payload_invalid",
      );
    case "tampered":
      return end(
        "dead",
        reason(
          "SealError",
          `The task's envelope is not to be trusted: ${opened.reason}`,
        ),
        "signature_invalid",
      );
    case "sealed":
      return unknown(
        delivery,
        now,
        `The task is sealed under the key '${opened.keyId}', which this consumer does not have`,
        "unknown_key",
      );
    case "newer":
      return unknown(
        delivery,
        now,
        `The task's envelope has version ${opened.version}, which this consumer does not know`,
        "unknown_version",
      );
    case "open":
      return admitOpen(handlers, delivery, opened, now);
  }
}

function admitOpen(
  handlers: ReadonlyMap<string, Handler>,
  delivery: Delivery,
  { envelope, input }: Extract<Opened, { readonly kind: "open" }>,
  now: number,
): Admission {
  const { expiresInMs, maxAttempts, name } = envelope;
  if (
    expiresInMs !== undefined && now - delivery.enqueuedAt >= expiresInMs
  ) {
    const error = reason(
      "TaskExpiredError",
      `The task was not started within its expiresInMs of ${expiresInMs}`,
    );
    return end("expired", error, "expired");
  }
  if (delivery.attempt > maxAttempts) {
    const error = exhausted(maxAttempts, delivery.lastError);
    return end("dead", error, "lease_expired");
  }
  const handler = handlers.get(name);
  if (handler === undefined) {
    return unknown(
      delivery,
      now,
      `No handler of this consumer is named '${name}'`,
      "unknown_task",
    );
  }
  return { kind: "run", envelope, input, handler };
}

/** Put back for longer and longer, then dead; a delayed task's age counts from when it was due. */
function unknown(
  { enqueuedAt, dueAt }: Delivery,
  now: number,
  message: string,
  errorType: string,
): Refusal {
  const age = now - Math.max(enqueuedAt, dueAt ?? 0);
  const error = reason("UnknownTaskError", message);
  if (age >= UNKNOWN_KEEP_MS) {
    return { ...end("dead", error, errorType), isUnknown: true };
  }
  const delayMs = Math.min(
    Math.max(UNKNOWN_DELAY_MS, Math.floor(age)),
    UNKNOWN_DELAY_MAX_MS,
  );
  const outcome: Outcome = { kind: "released", delayMs };
  return { kind: "refused", outcome, error, errorType, isUnknown: true };
}

/** The consumers of all attempts died, or their leases ended: nobody settled the last one. */
function exhausted(maxAttempts: number, lastError: string | undefined): Error {
  const last = lastError === undefined ? undefined : readFailure(lastError);
  return reason(
    "AttemptsExhaustedError",
    `All ${maxAttempts} attempts are spent: the consumer of the last one died or lost its lease`,
    last && reason(last.name, last.message),
  );
}

/** An error that is stored with a task and caught by nobody. */
function reason(name: string, message: string, cause?: Error): Error {
  const error = new Error(message, cause && { cause });
  error.name = name;
  error.stack = `${name}: ${message}`;
  return error;
}

function end(
  kind: "dead" | "cancelled" | "expired",
  error: Error,
  errorType: string,
): Refusal {
  const outcome = { kind, error };
  return { kind: "refused", outcome, error, errorType, isUnknown: false };
}
