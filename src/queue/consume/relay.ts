import type { StepReply } from "../../broker/broker.ts";
import { Attendance } from "./attendance.ts";
import { Bell } from "./bell.ts";
import type { Course, RelayEnd, StoppedBy } from "./course.ts";
import { Lanes } from "./lanes.ts";
import type { Lease } from "./lease.ts";
import { Line } from "./line.ts";
import { ASKING_NOTHING, memberOf } from "./member.ts";
import {
  isIdle,
  isShort,
  roomFor,
  type Standing,
  stepDueAt,
  wouldJoin,
} from "./pace.ts";
import { Session, type Stepped } from "./session.ts";
import { standingOf } from "./standing.ts";
import { Stop, stopped } from "./stop.ts";
import type { Tally } from "./tally.ts";
import type { QueueParts } from "../parts.ts";
import type { DrainTrace } from "../trace/instrument.ts";

/** One consumer at work: it steps when a step is due, runs what it claimed, and stops in good order. */
export class Relay {
  readonly #parts: QueueParts;
  readonly #course: Course;
  readonly #tally: Tally;
  readonly #bell = new Bell();
  readonly #session: Session;
  readonly #lanes: Lanes;
  readonly #line = new Line();
  readonly #attendance: Attendance;
  #trace: DrainTrace | undefined;
  #isStepping = false;
  #asking = ASKING_NOTHING;
  #lowSince = Infinity;
  #retryAt = -Infinity;
  #failures = 0;
  #failure: { readonly error: unknown } | undefined;
  #stop: Stop | undefined;
  #end: StoppedBy | undefined;
  #bug: { readonly error: unknown } | undefined;
  #lastReply: StepReply | undefined;

  constructor(parts: QueueParts, tally: Tally, course: Course) {
    const ring = () => this.#bell.ring();
    const { leaseMs, maxBytes, share, rung, allowance } = course;
    const { pace: { concurrency } } = course;
    this.#parts = parts;
    this.#course = course;
    this.#tally = tally;
    const context = () => (this.#trace ??= course.trace()).context;
    this.#attendance = new Attendance(parts, rung, context);
    const asking = { leaseMs, maxBytes, ring, step: share?.step };
    this.#session = new Session(parts, tally, asking);
    this.#lanes = new Lanes(parts, this.#session, {
      concurrency,
      isOpen: () => !this.#isClosing && this.#now < course.endAt,
      ambient: context,
      ring,
      fill: share?.fill,
      allowance,
      giveBack: (leases) => this.#handBack(leases),
    });
    share?.enter(memberOf({
      lanes: this.#lanes,
      line: this.#line,
      session: this.#session,
      now: () => this.#now,
      asking: () => this.#asking,
      ring,
      join: () => this.#join(),
      finish: (by) => this.#finish(by),
    }));
  }

  /** Works until it ends by itself, is stopped, or the broker fails it. */
  async run(): Promise<RelayEnd> {
    const { signal, listen } = this.#course;
    const stop = () => {
      this.#stopWhenDue();
      this.#bell.ring();
    };
    signal?.addEventListener("abort", stop);
    const hush = listen?.(() => {
      this.#attendance.call(this.#isStepping);
      this.#line.stir();
      this.#bell.ring();
    });
    try {
      for (;;) {
        const wakeAt = this.#act();
        if (this.#end !== undefined) return this.#ended(this.#end);
        await this.#bell.wait(this.#parts.clock, wakeAt - this.#now);
        if (this.#bug !== undefined) throw this.#bug.error;
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      hush?.();
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
      (this.#course.allowance?.isFrugal ?? false);
  }

  /** Whether running handlers are not waited for any more. */
  get #gaveUp(): boolean {
    return this.#stop?.isOver(this.#now) ?? false;
  }

  /** Whether it holds nothing, and has nothing to settle. */
  get #isQuiet(): boolean {
    return isIdle(this.#lanes) && this.#session.unsettled === 0;
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
    this.#step(standing);
    return this.#watchAt();
  }

  /** How it stands; notes since when a refill is worthwhile. */
  #look(): Standing {
    const { pace, share } = this.#course;
    const standing = standingOf({
      lanes: this.#lanes,
      session: this.#session,
      line: this.#line,
      attendance: this.#attendance,
      now: this.#now,
      pace,
      lowSince: this.#lowSince,
      isClosing: this.#isClosing || this.#isFrugal ||
        share?.barredMs !== undefined,
    });
    this.#lowSince = standing.lowSince;
    return standing;
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
    const { endAt, share, allowance = { endAt } } = this.#course;
    const stopAt = this.#stop?.nextAt(this.#now) ??
      (allowance.endAt > this.#now ? allowance.endAt : endAt);
    const changesInMs = Math.min(
      this.#line.yielding(this.#now)?.changesInMs ?? Infinity,
      share?.barredMs ?? Infinity,
    );
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
    if (standing.unsettled > 0 || this.#session.hasUnanswered) return undefined;
    if (!isIdle(standing) && !this.#gaveUp) return undefined;
    return this.#stop?.by ?? this.#course.allowance?.overBy ??
      (this.#failure && "empty");
  }

  #step(standing: Standing): void {
    const { share, pace } = this.#course;
    const room = Math.max(0, roomFor(standing, pace));
    const alone = share === undefined ||
      (this.#line.hasSuspects && share.mayBeAlone);
    this.#isStepping = true;
    this.#asking = { room, alone: alone && room > 0 };
    const isOver = this.#course.allowance?.overBy !== undefined;
    const wake = this.#attendance.asks(this.#isClosing || isOver);
    // taken anew only here, so that none ends while its step is under way
    this.#trace = this.#course.trace();
    this.#session.step({ room, alone, wake }, this.#trace)
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
    this.#asking = ASKING_NOTHING;
    this.#lastReply = reply;
    if (!this.#attendance.hears(reply)) return void (this.#end = "answered");
    if (this.#isClosing) return this.#handBack(leases);
    this.#lanes.add(leases);
    if (limit === 0) return;
    this.#line.claimed(reply, this.#now);
    if (!isShort(reply.deliveries, limit, this.#course.maxBytes)) {
      return this.#line.stir();
    }
    const isQuiet = this.#isQuiet;
    // what a repeat is told of the line may be as old as its step: it looks again
    const rest = reply.status === "replay"
      ? 0
      : this.#course.rest(reply, leases.length, isQuiet);
    if (typeof rest === "number") {
      const [since, ms] = [this.#now, this.#attendance.restMs(reply, rest)];
      this.#line.rest({ since, until: since + ms, isQuiet });
    } else if (isQuiet) this.#end = rest;
  }

  #onFailure(error: unknown): void {
    this.#failures++;
    this.#asking = ASKING_NOTHING;
    const isLast = this.#gaveUp || this.#failure !== undefined;
    const pauseMs = this.#course.failed(error, this.#failures);
    if (isLast) {
      this.#failure ??= { error };
      this.#end = this.#stop?.by ?? "empty";
      return;
    }
    if (pauseMs !== undefined) {
      return void (this.#retryAt = this.#now + pauseMs);
    }
    this.#failure = { error };
    this.#handBack(this.#lanes.empty());
    const isOwed = this.#session.hasUnansweredSettlements;
    if (this.#isQuiet && !isOwed) this.#end = "empty";
  }

  /** Gives back what was not started, at once. */
  #handBack(leases: readonly Lease[]): void {
    if (leases.length > 0) this.#line.stir();
    for (const lease of leases) this.#session.release(lease);
  }

  #ended(stoppedBy: StoppedBy): RelayEnd {
    return {
      stoppedBy,
      isDry: this.#line.isDry,
      lastReply: this.#lastReply,
      failure: this.#failure,
    };
  }

  #close(): void {
    const reason = stopped();
    // or a handler that returns after this would make way for the next task
    this.#failure ??= { error: reason };
    this.#lanes.abort(reason);
    this.#tally.abandoned(this.#lanes.abandon(reason));
    this.#session.close(reason);
    this.#course.share?.leave();
  }

  /** Ends, since no queue has anything left. */
  #finish(by: StoppedBy): void {
    if (this.#isStepping || !this.#isQuiet) return;
    this.#end ??= by;
    this.#bell.ring();
  }

  /** Steps, if a step is so nearly due that it may go with one of another queue. */
  #join(): void {
    const isBusy = this.#isStepping || this.#session.hasUnanswered;
    if (isBusy || this.#isClosing || this.#isFrugal || this.#end) return;
    const standing = this.#look();
    const isHalfRested = this.#line.isHalfRested(this.#now);
    if (wouldJoin(standing, this.#course.pace, this.#now, isHalfRested)) {
      this.#step(standing);
    }
  }
}
