import type { Context, SpanContext } from "@opentelemetry/api";
import type { Delivery, Settlement } from "../broker/broker.ts";
import { type Envelope, readEnvelope } from "../codec/envelope.ts";
import {
  BrokerError,
  ConsumerStoppedError,
  LeaseLostError,
  TaskCancelledError,
} from "../core/error.ts";
import type { Random } from "../core/id.ts";
import { afterFailure, again, type Outcome } from "../core/outcome.ts";
import { safely } from "../core/safely.ts";
import { admit } from "./admission.ts";
import { attempt, type AttemptEnd } from "./attempt.ts";
import type { Deferred } from "./context.ts";
import { errorTypeOf } from "./conventions.ts";
import type { ProcessEnd, ProcessTrace } from "./instrument.ts";
import type { QueueParts } from "./parts.ts";
import { redacted } from "./redact.ts";
import { settlementOf } from "./settlement.ts";

/** Where a delivery is executed. */
export interface Surroundings {
  /** The broker's clock. */
  readonly now: number;
  /** The drain's context, which the CONSUMER span is linked to. */
  readonly ambient: Context;
  /** The consumer's name. */
  readonly worker: string;
  /** Holds the lease for so long. */
  readonly extend: (ms: number) => Promise<void>;
}

/** One delivery from claim to settlement. No promise of it rejects. */
export interface Execution {
  /** What is to be settled: known when the handler returned or failed, or its time was over. */
  readonly concluded: Promise<Conclusion>;
  /** When the handler has really returned, so that its lane is free. */
  readonly returned: Promise<void>;
  /** Aborts the handler's signal. */
  abort(reason: Error): void;
  /** Ends the span of an attempt that nobody waits for any more. */
  abandon(reason: Error): void;
}

/** What became of a delivery, still to be told to the broker. */
export interface Conclusion {
  readonly outcome: Outcome["kind"];
  readonly settlement: Settlement;
  /** The span that enqueued the task, where it is known. */
  readonly creation?: SpanContext | undefined;
  /** Whether this consumer does not know its task or its envelope. @default {false} */
  readonly isUnknown?: boolean;
  /** Whether there was a result that cannot be kept. */
  readonly unsaved: boolean;
  /** Ends the spans, by what became of the settlement. */
  answered(answer: SettlementAnswer): void;
}

/** `unknown`: nobody can tell whether the broker took it. */
export type SettlementAnswer = "accepted" | "stale" | "unknown";

/** Opens the envelope, finds the handler, parses the input, runs, and says what is to be settled. */
export function execute(
  parts: QueueParts,
  delivery: Delivery,
  { now, ambient, worker, extend }: Surroundings,
): Execution {
  const opened = readEnvelope(delivery.envelope);
  const envelope = opened.kind === "open" ? opened.envelope : undefined;
  const trace = parts.instrument.startProcess(
    delivery,
    envelope,
    ambient,
    worker,
  );
  const subject: Subject = { parts, delivery, envelope, trace };
  const admission = admit(parts.handlers, delivery, opened, now);
  if (admission.kind === "refused") {
    const { error: thrown, errorType, isUnknown } = admission;
    const outcome = redacted(admission.outcome, parts.redact);
    const error = "error" in outcome ? outcome.error : parts.redact(thrown);
    trace.finish({ state: stateOf(outcome), error, errorType, thrown });
    return settledAtOnce({ ...conclude(subject, outcome, []), isUnknown });
  }
  const running = attempt({ parts, delivery, ...admission, trace, extend });
  const judge = (end: AttemptEnd, deferred: readonly Deferred[]) => {
    const real = outcomeOf(end, running.abortedBy, {
      attempt: delivery.attempt,
      maxAttempts: admission.envelope.maxAttempts,
      backoff: admission.envelope.backoff,
      random: () => fraction(parts.random),
    });
    const outcome = redacted(real, parts.redact);
    trace.finish(processEndOf(outcome, real));
    return conclude(subject, outcome, deferred);
  };
  return {
    concluded: running.ended.then(({ end, deferred }) => {
      try {
        return judge(end, deferred);
      } catch {
        const error = new Error("The handler's outcome cannot be read");
        return judge({ kind: "failed", error }, deferred);
      }
    }),
    returned: running.returned,
    abort: running.abort,
    abandon(error) {
      failAll(running.leave(), error);
      trace.finish({ state: "retry", error, errorType: errorTypeOf(error) });
      trace.settled("unknown");
    },
  };
}

interface Subject {
  readonly parts: QueueParts;
  readonly delivery: Delivery;
  readonly envelope: Envelope | undefined;
  readonly trace: ProcessTrace;
}

/** What an end means: a failure is the task's own only if nobody stopped the attempt. One that its consumer stopped is spent, or a task that no consumer has the time for would never end. */
function outcomeOf(
  end: AttemptEnd,
  abortedBy: unknown,
  policy: Parameters<typeof afterFailure>[1],
): Outcome {
  switch (end.kind) {
    case "returned":
      return { kind: "completed", value: end.value };
    case "released":
      return end;
    case "refused":
      return { kind: "dead", error: end.error };
    case "failed":
      if (abortedBy instanceof TaskCancelledError) {
        return { kind: "cancelled", error: abortedBy };
      }
      if (abortedBy instanceof ConsumerStoppedError) {
        return again(abortedBy, 0, policy);
      }
      if (abortedBy instanceof LeaseLostError) {
        return { kind: "released", delayMs: 0 };
      }
      return afterFailure(end.error, policy);
  }
}

/** The same, as the span says it. */
function processEndOf(outcome: Outcome, real: Outcome): ProcessEnd {
  const state = stateOf(outcome);
  if (!("error" in outcome && "error" in real)) {
    return { state, error: undefined, errorType: undefined };
  }
  const { error } = outcome;
  const { error: thrown } = real;
  return { state, error, errorType: errorTypeOf(thrown, error), thrown };
}

function stateOf({ kind }: Outcome): ProcessEnd["state"] {
  return kind === "completed" ? "success" : kind;
}

/** The settlement, with everything that is told once it was answered. */
function conclude(
  { parts, delivery, envelope, trace }: Subject,
  outcome: Outcome,
  deferred: readonly Deferred[],
): Conclusion {
  const { settlement, unsaved } = settlementOf(outcome, {
    delivery,
    envelope,
    limits: parts.limits,
    span: trace.traceparent,
    enqueue: deferred.map(({ task }) => task),
  });
  if (unsaved !== undefined) noteUnsaved(trace, unsaved);
  if (outcome.kind !== "completed") {
    failAll(deferred, notEnqueued(outcome.kind));
  }
  return {
    outcome: outcome.kind,
    settlement,
    creation: trace.creation,
    unsaved: unsaved !== undefined,
    answered(answer) {
      trace.settled(answer);
      if (outcome.kind !== "completed") return;
      if (answer !== "accepted") return failAll(deferred, notSettled(answer));
      for (const { trace } of deferred) trace.succeed(1);
    },
  };
}

function noteUnsaved({ span }: ProcessTrace, reason: string): void {
  safely(
    () =>
      void span.addEvent("baton.result.unsaved", { "baton.reason": reason }),
    undefined,
  );
}

function failAll(deferred: readonly Deferred[], error: Error): void {
  for (const { trace } of deferred) trace.fail(error);
}

function notEnqueued(outcome: Outcome["kind"]): Error {
  return new Error(`The attempt that deferred this task ended as ${outcome}`);
}

function notSettled(answer: "stale" | "unknown"): Error {
  return answer === "stale"
    ? new LeaseLostError("The task that deferred this one was settled too late")
    : new BrokerError(
      "unavailable",
      "The settlement of the task that deferred this one was not answered",
    );
}

function settledAtOnce(conclusion: Conclusion): Execution {
  return {
    concluded: Promise.resolve(conclusion),
    returned: Promise.resolve(),
    abort() {},
    abandon: () => conclusion.answered("unknown"),
  };
}

/** A number in [0, 1). */
function fraction(random: Random): number {
  const [a = 0, b = 0, c = 0] = random(new Uint8Array(3));
  return (a * 65_536 + b * 256 + c) / 16_777_216;
}
