import type { Context, SpanContext } from "@opentelemetry/api";
import type { Delivery, Settlement } from "../broker/broker.ts";
import type { Envelope } from "../codec/envelope.ts";
import { BrokerError, LeaseLostError } from "../core/error.ts";
import { scheduleName } from "../core/id.ts";
import type { Outcome } from "../core/outcome.ts";
import { safely } from "../core/safely.ts";
import { admit, type Admitted, openDelivery } from "./attempt/admission.ts";
import { announceFailure, announceUnknown } from "./attempt/announce.ts";
import { type Attempt, attempt, type EndedAttempt } from "./attempt/attempt.ts";
import { outcomeOf } from "./attempt/judging.ts";
import { settlementOf } from "./attempt/settlement.ts";
import type { QueueParts } from "./parts.ts";
import { fire, type FiredSlot } from "./schedule/firing.ts";
import { errorTypeOf } from "./trace/conventions.ts";
import type { ProcessEnd, ProcessTrace } from "./trace/instrument.ts";
import { redacted } from "./trace/redact.ts";
import { judged } from "./workflow/control.ts";
import { type Enqueuing, follow, leadsOn } from "./workflow/followers.ts";

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
  /** Takes what the handler tells of its progress, as JSON. */
  readonly progress: (json: string) => void;
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
  /** How long the handler took. @default {0} */
  readonly durationMs?: number;
  /** Of a schedule, the slots whose tasks it enqueues. */
  readonly fired?: readonly FiredSlot[];
  /** Ends the spans, by what became of the settlement. */
  answered(answer: SettlementAnswer): void;
}

/** `unknown`: nobody can tell whether the broker took it. */
export type SettlementAnswer = "accepted" | "stale" | "unknown";

/** Opens the envelope, finds the handler, parses the input, runs, and says what is to be settled. */
export function execute(
  parts: QueueParts,
  delivery: Delivery,
  { now, ambient, worker, extend, progress }: Surroundings,
): Execution {
  const name = scheduleName(delivery.id);
  if (name !== undefined) return fire({ parts, delivery, name, now, ambient });
  const opened = openDelivery(delivery);
  const envelope = opened.kind === "open" ? opened.envelope : undefined;
  const trace = parts.instrument.startProcess(
    delivery,
    envelope,
    ambient,
    worker,
  );
  const subject: Subject = { parts, delivery, envelope, trace };
  const admission = admit(parts.handlers, judged(delivery), opened, now);
  if (admission.kind === "refused") {
    const { error: thrown, errorType, isUnknown } = admission;
    const outcome = redacted(admission.outcome, parts.redact);
    const error = "error" in outcome ? outcome.error : parts.redact(thrown);
    trace.finish({ state: stateOf(outcome), error, errorType, thrown });
    announceFailure(parts, delivery, outcome, 0);
    if (outcome.kind === "released") announceUnknown(parts, delivery, error);
    return settledAtOnce({ ...conclude(subject, outcome, []), isUnknown });
  }
  const running = attempt({
    parts,
    delivery,
    trace,
    extend,
    progress,
    ...admission,
  });
  const trial: Trial = {
    subject,
    running,
    admission,
    aheadMs: now - parts.clock.now(),
    isAbandoned: false,
  };
  return {
    concluded: conclusionOf(trial),
    returned: running.returned,
    abort: running.abort,
    abandon(error) {
      trial.isAbandoned = true;
      failAll(running.leave(), error);
      trace.finish({ state: "retry", error, errorType: errorTypeOf(error) });
      trace.settled("unknown");
    },
  };
}

/** A run whose end is to be judged. */
interface Trial {
  readonly subject: Subject;
  readonly running: Attempt;
  readonly admission: Admitted;
  /** By how much the broker's clock is ahead of the queue's. */
  readonly aheadMs: number;
  /** Whether nobody waits for it any more. */
  isAbandoned: boolean;
}

async function conclusionOf(trial: Trial): Promise<Conclusion> {
  const ended = await trial.running.ended;
  try {
    return judge(trial, ended);
  } catch {
    const error = new Error("The handler's outcome cannot be read");
    return judge(trial, { ...ended, end: { kind: "failed", error } });
  }
}

function judge(
  { subject, running, admission, aheadMs, isAbandoned }: Trial,
  { end, deferred, durationMs }: EndedAttempt,
): Conclusion {
  const { parts, delivery, trace } = subject;
  const real = outcomeOf(end, {
    parts,
    delivery,
    abortedBy: running.abortedBy(),
    now: aheadMs + parts.clock.now(),
    ...admission,
  });
  const outcome = redacted(real, parts.redact);
  trace.finish(processEndOf(outcome, real));
  const concluded = conclude(
    end.kind === "returned" && end.leads === false ? alone(subject) : subject,
    outcome,
    deferred,
    isAbandoned,
  );
  announceFailure(parts, delivery, outcome, durationMs);
  return { durationMs, ...concluded };
}

interface Subject {
  readonly parts: QueueParts;
  readonly delivery: Delivery;
  readonly envelope: Envelope | undefined;
  readonly trace: ProcessTrace;
}

/** A task from which its chain does not go on. */
function alone({ envelope, ...subject }: Subject): Subject {
  return {
    ...subject,
    envelope: envelope && { ...envelope, chain: undefined },
  };
}

/** An outcome, as the span says it. */
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

/** The settlement with what is enqueued in it, and everything that is told once it was answered. Of one that nobody will send, nothing follows. */
function conclude(
  { parts, delivery, envelope, trace }: Subject,
  outcome: Outcome,
  deferred: readonly Enqueuing[],
  isAbandoned: boolean = false,
): Conclusion {
  const { settlement, ended, unsaved } = settlementOf(outcome, {
    delivery,
    envelope,
    limits: parts.limits,
    trace,
    enqueue: deferred.map(({ task }) => task),
  });
  if (unsaved !== undefined) noteUnsaved(trace, unsaved);
  if (outcome.kind !== "completed") {
    failAll(deferred, notEnqueued(outcome.kind));
  }
  const followers = envelope && ended && !isAbandoned
    ? follow(parts, envelope, ended, trace)
    : [];
  const enqueued = outcome.kind === "completed"
    ? [...deferred, ...followers]
    : followers;
  // or the next link would follow one that was cancelled before this is settled
  const unlessCancelled = envelope?.chain && ended &&
    leadsOn(envelope.chain, ended.status);
  return {
    outcome: outcome.kind,
    settlement: followers.length === 0 ? settlement : {
      ...settlement,
      enqueue: enqueued.map(({ task }) => task),
      ...(unlessCancelled ? { unlessCancelled } : {}),
    },
    creation: trace.creation,
    unsaved: unsaved !== undefined,
    answered(answer) {
      trace.settled(answer);
      if (answer !== "accepted") return failAll(enqueued, notSettled(answer));
      for (const { trace } of enqueued) trace.succeed(1);
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

function failAll(enqueued: readonly Enqueuing[], error: Error): void {
  for (const { trace } of enqueued) trace.fail(error);
}

function notEnqueued(outcome: Outcome["kind"]): Error {
  return new Error(`The attempt that deferred this task ended as ${outcome}`);
}

function notSettled(answer: "stale" | "unknown"): Error {
  return answer === "stale"
    ? new LeaseLostError("The task before this one was settled too late")
    : new BrokerError(
      "unavailable",
      "The settlement of the task before this one was not answered",
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
