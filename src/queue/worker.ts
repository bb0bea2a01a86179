import type { Context } from "@opentelemetry/api";
import { atMost } from "../core/clock.ts";
import type { Course } from "./consume/course.ts";
import { Relay } from "./consume/relay.ts";
import { nextDueInMs, pauseAfter } from "./consume/rest.ts";
import { Setbacks } from "./consume/setbacks.ts";
import type { Share } from "./consume/share.ts";
import { tell } from "./consume/starting.ts";
import { type ConsumeReport, Tally } from "./consume/tally.ts";
import type { QueueParts } from "./parts.ts";
import { reporting } from "./reporters.ts";
import type { DrainTrace } from "./trace/instrument.ts";
import { Ear } from "./wake/listen.ts";
import { wakingFrom } from "./wake/waker.ts";
import type { WorkLimits, WorkOptions } from "./work_options.ts";

/** How long a worker that ends waits for `listen` to have ended. */
const LISTEN_MS = 5_000;

/**
 * A consumer at work, until it is stopped.
 *
 * @typeParam Report What it says of what it did.
 */
export interface Worker<Report extends ConsumeReport = ConsumeReport>
  extends AsyncDisposable {
  /**
   * What it did, once it has stopped.
   * Rejects when the worker can never work: with the {@linkcode BrokerError} of a broker that refuses it for good (`unauthorized`, `wrong_type`, `rejected`, `too_large`), or with what nobody foresaw, such as a third `invalid_reply` in a row.
   * By then, what ran has had `graceMs` to end and was settled as far as possible. Unless `onError` is given, a rejection that nobody awaits is an unhandled one.
   */
  readonly done: Promise<Report>;
  /** Claims nothing more, gives back what it has not started, waits for what runs, settles, and sends the last spans. Returns {@linkcode done}. */
  stop(): Promise<Report>;
  /** As {@linkcode stop}. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How one queue is worked. */
export interface Work {
  readonly limits: WorkLimits;
  /** Stops it. */
  readonly signal: AbortSignal;
  /** What its spans are linked to. */
  readonly context: Context;
  readonly onError?: WorkOptions["onError"];
  readonly listen?: WorkOptions["listen"];
  /** Its part, where several are worked at once. */
  readonly share?: Share;
}

/**
 * Works one queue until its signal aborts. It goes on when the broker cannot be reached, limits requests or is full: the step that failed is sent again, and tasks whose leases ran out meanwhile are left to others.
 * What no repeat would change stops it, and rejects its `done`.
 */
export function workOne(
  parts: QueueParts,
  how: Work,
): Pick<Worker, "done"> {
  const { limits, onError, share } = how;
  const tally = new Tally();
  const ticks = new Ticks(parts, tally, how.context, limits.flushEveryMs);
  const setbacks = new Setbacks();
  const defeat = new AbortController();
  const { parts: reporters, reported } = reporting(parts);
  const { parts: own, called } = wakingFrom(reporters, 0);
  const failed = (error: unknown) => {
    void tell(onError, error);
    const about = { kind: "consumer", queue: parts.name } as const;
    own.report?.(parts.redact(error), about);
  };
  const ear = new Ear(how.listen, parts.name, failed);
  const course: Course = {
    ...courseOf(limits, ticks, ear),
    listen: (call) => ear.open(call),
    get pace() {
      return share?.pace ?? limits;
    },
    share,
    signal: AbortSignal.any([how.signal, defeat.signal]),
    failed(error, failures) {
      failed(error);
      const pauseMs = setbacks.pauseMs(error, failures);
      if (pauseMs === undefined) defeat.abort();
      return pauseMs;
    },
  };
  const work = async () => {
    try {
      await new Relay(own, tally, course).run();
    } catch (bug) {
      failed(bug);
      throw bug;
    } finally {
      const deaf = atMost(parts.clock, LISTEN_MS, ear.ended);
      await Promise.all([ticks.end(), called(), deaf]);
      await reported();
    }
    if (setbacks.defeat !== undefined) throw setbacks.defeat.error;
    return tally.report();
  };
  return { done: work() };
}

function courseOf(
  limits: WorkLimits,
  ticks: Ticks,
  ear: Ear,
): Omit<Course, "signal" | "failed" | "pace"> {
  const { min, max } = limits.pollMs;
  let empties = 0;
  return {
    ...limits,
    endAt: Infinity,
    trace: () => ticks.current(),
    rest(reply, found) {
      empties = found > 0 ? 0 : empties + 1;
      const polled = Math.min(max, min * 2 ** Math.max(0, empties - 1));
      const isCalled = ear.isConnected && !reply.paused;
      const longest = isCalled ? limits.listenMs : polled;
      if (reply.sweeping) return Math.min(min, longest);
      const dueInMs = nextDueInMs(reply);
      if (dueInMs === undefined || reply.paused) return longest;
      const shortest = pauseAfter(empties, longest);
      return Math.min(Math.max(dueInMs, shortest), longest);
    },
  };
}

/** The drain spans of a worker, one after the other, each sent when the next begins. */
class Ticks {
  readonly #parts: QueueParts;
  readonly #tally: Tally;
  readonly #outer: Context;
  readonly #everyMs: number;
  readonly #flushes = new Set<Promise<void>>();
  #trace: DrainTrace | undefined;
  #beganAt = 0;
  #movedBefore = 0;

  constructor(
    parts: QueueParts,
    tally: Tally,
    outer: Context,
    everyMs: number,
  ) {
    this.#parts = parts;
    this.#tally = tally;
    this.#outer = outer;
    this.#everyMs = everyMs;
  }

  /** The span of now. */
  current(): DrainTrace {
    const now = this.#parts.clock.now();
    if (now - this.#beganAt >= this.#everyMs) this.#finish();
    if (this.#trace === undefined) {
      this.#trace = this.#parts.instrument.startDrain(this.#outer);
      this.#beganAt = now;
      this.#movedBefore = this.#tally.moved;
    }
    return this.#trace;
  }

  /** Ends the last one, and waits for what is being sent. */
  async end(): Promise<void> {
    this.#finish();
    await Promise.all(this.#flushes);
  }

  #finish(): void {
    const trace = this.#trace;
    if (trace === undefined) return;
    this.#trace = undefined;
    trace.end(this.#tally.moved - this.#movedBefore);
    const flush = this.#parts.instrument.flush(trace.context);
    this.#flushes.add(flush);
    flush.finally(() => this.#flushes.delete(flush));
  }
}
