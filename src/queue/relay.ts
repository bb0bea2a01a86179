import type { StepReply } from "../broker/broker.ts";
import { ConsumerStoppedError } from "../core/error.ts";
import { Bell } from "./bell.ts";
import type { Course, RelayEnd, StoppedBy } from "./course.ts";
import { Lanes } from "./lanes.ts";
import type { Lease } from "./lease.ts";
import {
  isIdle,
  isLow,
  isShort,
  roomFor,
  type Standing,
  stepDueAt,
  yielding,
} from "./pace.ts";
import type { QueueParts } from "./parts.ts";
import { NO_REST, type Rest } from "./rest.ts";
import { Session, type Stepped } from "./session.ts";
import { handBack } from "./settlement.ts";
import { Stop } from "./stop.ts";
import type { Tally } from "./tally.ts";

/** One consumer at work: it steps when a step is due, runs what it claimed, and stops in good order. */
export class Relay {
  readonly #parts: QueueParts;
  readonly #course: Course;
  readonly #tally: Tally;
  readonly #bell = new Bell();
  readonly #session: Session;
  readonly #lanes: Lanes;
  #isStepping = false;
  #rest: Rest = NO_REST;
  #lowSince = Infinity;
  #retryAt = -Infinity;
  #passingOverSince: number | undefined;
  #failures = 0;
  #failure: { readonly error: unknown } | undefined;
  #stop: Stop | undefined;
  #end: StoppedBy | undefined;
  #bug: { readonly error: unknown } | undefined;
  #lastReply: StepReply | undefined;

  constructor(parts: QueueParts, tally: Tally, course: Course) {
    const ring = () => this.#bell.ring();
    const { leaseMs, maxBytes, pace: { concurrency } } = course;
    this.#parts = parts;
    this.#course = course;
    this.#tally = tally;
    this.#session = new Session(parts, tally, { leaseMs, maxBytes, ring });
    this.#lanes = new Lanes(parts, this.#session, {
      concurrency,
      isOpen: () => !this.#isClosing && this.#now < course.endAt,
      ambient: () => course.trace().context,
      ring,
    });
  }

  /** Works until it ends by itself, is stopped, or the broker fails it. */
  async run(): Promise<RelayEnd> {
    const { signal } = this.#course;
    const stop = () => {
      this.#stopWhenDue();
      this.#bell.ring();
    };
    signal?.addEventListener("abort", stop);
    try {
      for (;;) {
        const wakeAt = this.#act();
        if (this.#end !== undefined) return this.#ended(this.#end);
        await this.#bell.wait(this.#parts.clock, wakeAt - this.#now);
        if (this.#bug !== undefined) throw this.#bug.error;
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#close();
    }
  }

  get #now(): number {
    return this.#parts.clock.now();
  }

  /** Whether nothing more is claimed or started. */
  get #isClosing(): boolean {
    return this.#stop !== undefined || this.#failure !== undefined;
  }

  /** Whether the next step is the last one, which has to settle everything. */
  get #isFrugal(): boolean {
    return this.#failure !== undefined ||
      this.#session.steps >= this.#course.maxSteps - 1;
  }

  /** Whether running handlers are not waited for any more. */
  get #gaveUp(): boolean {
    return this.#stop?.isOver(this.#now) ?? false;
  }

  get #standing(): Standing {
    const { waiting, running, clogged, hasSuspect } = this.#lanes;
    const { unsettled, unsettledSince, urgentSince, extendAt } = this.#session;
    const isQuiet = waiting + running + unsettled === 0;
    const restUntil = isQuiet && !this.#rest.isQuiet
      ? -Infinity
      : this.#rest.until;
    return {
      waiting,
      running,
      clogged,
      hasSuspect,
      unsettled,
      unsettledSince,
      urgentSince,
      lowSince: this.#lowSince,
      extendAt,
      restUntil,
      isYielding: this.#yielding?.now ?? false,
      isClosing: this.#isClosing || this.#isFrugal,
    };
  }

  /** Whether the lanes run empty for suspects. */
  get #yielding(): ReturnType<typeof yielding> | undefined {
    const since = this.#passingOverSince;
    return since === undefined ? undefined : yielding(this.#now - since);
  }

  /** Does what is due, and says when to look again. */
  #act(): number {
    this.#session.expire();
    this.#lanes.fill();
    this.#stopWhenDue();
    if (this.#failure) this.#session.refuseExtensions(this.#failure.error);
    if (this.#isStepping) return this.#watchAt();
    const standing = this.#look();
    this.#end ??= this.#endOf(standing);
    if (this.#end !== undefined) return Infinity;
    const dueAt = this.#dueAt(standing);
    if (dueAt > this.#now) return Math.min(dueAt, this.#watchAt());
    this.#step(roomFor(standing, this.#course.pace));
    return this.#watchAt();
  }

  /** How it stands; notes since when a refill is worthwhile. */
  #look(): Standing {
    const standing = this.#standing;
    const low = isLow(standing, this.#course.pace);
    this.#lowSince = low ? Math.min(this.#lowSince, this.#now) : Infinity;
    return { ...standing, lowSince: this.#lowSince };
  }

  #stopWhenDue(): void {
    const { signal, endAt, graceMs } = this.#course;
    const by = signal?.aborted
      ? "signal"
      : this.#now >= endAt
      ? "budget"
      : undefined;
    if (this.#stop === undefined && by !== undefined) {
      this.#stop = new Stop(by, this.#now, graceMs);
      this.#handBack(this.#lanes.empty());
    }
    if (this.#stop?.isTimeToAbort(this.#now)) this.#lanes.abort(stopped());
  }

  /** When to look, whatever happens. */
  #watchAt(): number {
    const stopAt = this.#stop?.nextAt(this.#now) ?? this.#course.endAt;
    const changesInMs = this.#yielding?.changesInMs ?? Infinity;
    return Math.min(stopAt, this.#session.nextEndAt, this.#now + changesInMs);
  }

  /** When the next step is due: a step that failed goes first, and the last one waits for everything. */
  #dueAt(standing: Standing): number {
    const { hasUnanswered } = this.#session;
    const isOwed = hasUnanswered || standing.unsettled > 0;
    if (this.#gaveUp && isOwed) return -Infinity;
    if (hasUnanswered && this.#failure === undefined) return this.#retryAt;
    if (this.#session.isAsked) return -Infinity;
    if (this.#isFrugal) {
      return isOwed && isIdle(standing) ? -Infinity : Infinity;
    }
    return stepDueAt(standing, this.#course.pace);
  }

  /** Why this is the end, if it is: a consumer that stops has nothing left to tell. */
  #endOf(standing: Standing): StoppedBy | undefined {
    const { hasUnanswered } = this.#session;
    if (standing.unsettled > 0 || hasUnanswered) return undefined;
    if (!isIdle(standing) && !this.#gaveUp) return undefined;
    return this.#stop?.by ?? (this.#isFrugal ? "requests" : undefined);
  }

  #step(room: number): void {
    this.#isStepping = true;
    this.#session.step(room, this.#course.trace())
      .then(
        (stepped) => this.#onAnswer(stepped),
        (error) => this.#onFailure(error),
      )
      .catch((error) => void (this.#bug = { error }))
      .then(() => {
        this.#isStepping = false;
        this.#bell.ring();
      });
  }

  #onAnswer({ reply, leases, limit }: Stepped): void {
    this.#failures = 0;
    this.#lastReply = reply;
    if (this.#isClosing) return this.#handBack(leases);
    this.#lanes.add(leases);
    const standing = this.#standing;
    const isQuiet = isIdle(standing) && standing.unsettled === 0;
    if (limit === 0) return;
    this.#passingOverSince = reply.suspects
      ? this.#passingOverSince ?? this.#now
      : undefined;
    if (!isShort(reply.deliveries, limit, this.#course.maxBytes)) {
      this.#rest = NO_REST;
      return;
    }
    const rest = this.#course.rest(reply, leases.length, isQuiet);
    if (typeof rest === "number") {
      this.#rest = { until: this.#now + rest, isQuiet };
    } else if (isQuiet) this.#end = rest;
  }

  #onFailure(error: unknown): void {
    this.#failures++;
    const isLast = this.#gaveUp || this.#failure !== undefined;
    const pauseMs = this.#course.failed(error, this.#failures);
    if (isLast) {
      this.#failure ??= { error };
      this.#end = this.#stop?.by ?? "empty";
      return;
    }
    if (pauseMs !== undefined) {
      this.#retryAt = this.#now + pauseMs;
      return;
    }
    this.#failure = { error };
    this.#handBack(this.#lanes.empty());
    const { unsettled, hasUnansweredSettlements } = this.#session;
    const isOwed = unsettled > 0 || hasUnansweredSettlements;
    if (!isOwed && isIdle(this.#standing)) this.#end = "empty";
  }

  /** Gives back what was not started, at once. */
  #handBack(leases: readonly Lease[]): void {
    if (leases.length > 0) this.#rest = NO_REST;
    for (const lease of leases) {
      this.#session.settle(lease, {
        outcome: "released",
        settlement: handBack(lease.delivery),
        unsaved: false,
        answered() {},
      }, true);
    }
  }

  #ended(stoppedBy: StoppedBy): RelayEnd {
    return {
      stoppedBy,
      isDry: this.#rest.until > -Infinity,
      lastReply: this.#lastReply,
      failure: this.#failure,
    };
  }

  #close(): void {
    const reason = stopped();
    this.#lanes.abort(reason);
    this.#tally.abandoned(this.#lanes.abandon(reason));
    this.#session.close(reason);
  }
}

function stopped(): ConsumerStoppedError {
  return new ConsumerStoppedError(
    "The consumer stopped before the attempt had ended",
  );
}
