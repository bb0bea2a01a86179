import type { Context } from "@opentelemetry/api";
import { checkInteger } from "../core/check.ts";
import {
  checkConsumer,
  checkRanges,
  type ConsumerOptions,
  MAX_WAIT_MS,
} from "./consumer_options.ts";
import { nextDueInMs } from "./drain.ts";
import type { DrainTrace } from "./instrument.ts";
import type { QueueParts } from "./parts.ts";
import { type Course, Relay } from "./relay.ts";
import { type ConsumeReport, Tally } from "./tally.ts";

/** How a worker works. */
export interface WorkOptions {
  /** How many handlers run at once, 1 … 1000. @default {10} */
  readonly concurrency?: number;
  /** How many tasks it holds at most, 1 … 250. @default {50} */
  readonly batchSize?: number;
  /** How long a claimed task is its own without a heartbeat, in milliseconds: after a crash the task waits so long. @default {30000} */
  readonly leaseMs?: number;
  /** How long a finished task waits at most for others to be settled with, in milliseconds. @default {1000} */
  readonly settleMs?: number;
  /** How many bytes of tasks one request claims, from 1 KB to 8 MB; one task always is. @default {4000000} */
  readonly maxBytes?: number;
  /** How long it leaves an empty queue alone: `min` at first, then twice as long each time up to `max`, and never past the next due task it knows of. @default {{ min: 100, max: 5000 }} */
  readonly pollMs?: PollMs;
  /** How often spans are sent while it works, in milliseconds. @default {5000} */
  readonly flushEveryMs?: number;
  /** How long `stop()` lets running handlers go on before their signals abort, in milliseconds. @default {10000} */
  readonly graceMs?: number;
  /** Stops it as `stop()` does. */
  readonly signal?: AbortSignal;
  /** The OpenTelemetry Context that its own spans are linked to. @default {the active one} */
  readonly context?: Context;
  /** Hears of every failed step; the worker goes on by itself. Must not throw. */
  readonly onError?: (error: unknown) => void;
}

/** The bounds of a worker's polls, in milliseconds. */
export interface PollMs {
  /** After the first empty poll. */
  readonly min: number;
  /** The longest. */
  readonly max: number;
}

/** A consumer at work, until it is stopped. */
export interface Worker extends AsyncDisposable {
  /** What it did, when it has stopped. */
  readonly done: Promise<ConsumeReport>;
  /** Claims nothing more, gives back what it has not started, waits for what runs, settles, and sends the last spans. */
  stop(): Promise<ConsumeReport>;
  /** As {@linkcode stop}. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The longest pause between two attempts to reach a broker that fails. */
const MAX_RETRY_MS = 5_000;

/**
 * Starts a consumer that works until it is stopped. It goes on when the broker fails: the step that failed is sent again, and tasks whose leases ran out meanwhile are left to others.
 *
 * @throws {TypeError} If an option is unknown or of another type.
 * @throws {RangeError} If an option is out of its range.
 */
export function work(parts: QueueParts, options: WorkOptions = {}): Worker {
  const limits = limitsOf(options);
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  const { signal } = options;
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  const tally = new Tally();
  const ticks = new Ticks(
    parts,
    tally,
    options.context ?? parts.instrument.activeContext(),
    limits.flushEveryMs,
  );
  const course = courseOf(limits, ticks, stopping.signal, options.onError);
  const done = (async () => {
    try {
      await new Relay(parts, tally, course).run();
    } finally {
      signal?.removeEventListener("abort", stop);
      await ticks.end();
    }
    return tally.report();
  })();
  // whoever awaits `done` sees it fail; nobody has to
  done.catch(() => {});
  return {
    done,
    stop() {
      stop();
      return done;
    },
    async [Symbol.asyncDispose]() {
      stop();
      await done;
    },
  };
}

interface Limits extends ConsumerOptions {
  readonly pollMs: PollMs;
  readonly flushEveryMs: number;
}

function courseOf(
  limits: Limits,
  ticks: Ticks,
  signal: AbortSignal,
  onError: WorkOptions["onError"],
): Course {
  const { min, max } = limits.pollMs;
  let empties = 0;
  return {
    ...limits,
    pace: limits,
    endAt: Infinity,
    maxSteps: Infinity,
    signal,
    trace: () => ticks.current(),
    rest(reply, found) {
      empties = found > 0 ? 0 : empties + 1;
      const longest = Math.min(max, min * 2 ** Math.max(0, empties - 1));
      if (reply.sweeping) return Math.min(min, longest);
      const dueInMs = nextDueInMs(reply);
      if (dueInMs === undefined || reply.paused) return longest;
      // what is due and yet not claimed is asked for less and less often
      const shortest = empties <= 1 ? 1 : Math.min(longest, 10 * 2 ** empties);
      return Math.min(Math.max(dueInMs, shortest), longest);
    },
    failed(error, failures) {
      try {
        onError?.(error);
      } catch { /* the worker goes on */ }
      return Math.min(MAX_RETRY_MS, 100 * 2 ** Math.min(failures, 10));
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

function limitsOf(options: WorkOptions): Limits {
  checkConsumer(options, OPTIONS, "of work()");
  const { pollMs = { min: 100, max: 5_000 }, flushEveryMs = 5_000 } = options;
  if (typeof pollMs !== "object" || pollMs === null) {
    throw new TypeError("pollMs must be an object with 'min' and 'max'");
  }
  checkInteger("pollMs.min", pollMs.min, 1, MAX_WAIT_MS);
  checkInteger("pollMs.max", pollMs.max, pollMs.min, MAX_WAIT_MS);
  checkInteger("flushEveryMs", flushEveryMs, 1, MAX_WAIT_MS);
  const { onError } = options;
  if (onError !== undefined && typeof onError !== "function") {
    throw new TypeError("The option 'onError' must be a function");
  }
  const shared = checkRanges({
    batchSize: options.batchSize ?? 50,
    concurrency: options.concurrency ?? 10,
    settleMs: options.settleMs ?? 1_000,
    leaseMs: options.leaseMs ?? 30_000,
    maxBytes: options.maxBytes ?? 4_000_000,
    graceMs: options.graceMs ?? 10_000,
  });
  return { ...shared, pollMs, flushEveryMs };
}

const OPTIONS: readonly (keyof WorkOptions)[] = [
  "concurrency",
  "batchSize",
  "leaseMs",
  "settleMs",
  "maxBytes",
  "pollMs",
  "flushEveryMs",
  "graceMs",
  "signal",
  "context",
  "onError",
];
