import type { Context } from "@opentelemetry/api";
import type { StepReply } from "../broker/broker.ts";
import { checkInteger } from "../core/check.ts";
import {
  checkConsumer,
  checkRanges,
  type ConsumerOptions,
  MAX_WAIT_MS,
} from "./consumer_options.ts";
import type { DrainTrace } from "./instrument.ts";
import type { QueueParts } from "./parts.ts";
import { type Course, Relay, type RelayEnd, type StoppedBy } from "./relay.ts";
import { type ConsumeReport, Tally } from "./tally.ts";

/** How long a drain may take, and how much it may do. */
export interface DrainOptions {
  /** How long it claims and runs, in milliseconds. Then it gives back what it has not started, and waits `graceMs` and half a second for what runs. @default {25000} */
  readonly budgetMs?: number;
  /** How many tasks it holds at most, 1 … 250. @default {50} */
  readonly batchSize?: number;
  /** How many handlers run at once, 1 … 1000. @default {10} */
  readonly concurrency?: number;
  /** How long a finished task waits at most for others to be settled with, in milliseconds. @default {1000} */
  readonly settleMs?: number;
  /** How long it waits for what is due soon, when nothing is due now, in milliseconds. @default {5000} */
  readonly lingerMs?: number;
  /** How long a claimed task is its own without a heartbeat, in milliseconds. @default {budgetMs + 10000} */
  readonly leaseMs?: number;
  /** How many step requests it sends at most, from 2: the last one settles. A handler's `ctx.extend()` asks for one more, as do settlements over 4 MB. @default {no limit} */
  readonly maxRequests?: number;
  /** How many bytes of tasks one request claims, from 1 KB to 8 MB; one task always is. @default {4000000} */
  readonly maxBytes?: number;
  /** How long running handlers may go on after the end of the budget before their signals abort, in milliseconds. @default {2000} */
  readonly graceMs?: number;
  /** Ends it as the end of the budget does. */
  readonly signal?: AbortSignal;
  /** The OpenTelemetry Context that the drain's own span is linked to. @default {the active one} */
  readonly context?: Context;
}

/** What a drain did, and why it stopped. */
export interface DrainReport extends ConsumeReport {
  /** `empty`: nothing was left to claim. `requests`: `maxRequests` was reached. `paused`: the queue is. */
  readonly stoppedBy: StoppedBy;
  /** Whether tasks are, or may be, left that could be claimed at once. */
  readonly more: boolean;
  /** In how many milliseconds the next task is due or the next lease ends, if any is known of. */
  readonly nextDueInMs?: number;
}

/** How many steps in a row only forget what is past its time. */
const MAX_SWEEPS = 200;
/** How long a drain waits for an end of the pauses that it makes up itself. */
const MAX_PAUSE_MS = 5_000;

/**
 * Works until nothing is left that is due, or `budgetMs` is over.
 *
 * @throws {TypeError} If an option is unknown or of another type.
 * @throws {RangeError} If an option is out of its range.
 * @throws {BrokerError} If a step fails. What ran was let end, and settled as far as possible; leases that the broker could not be told of run out.
 */
export async function drain(
  parts: QueueParts,
  options: DrainOptions = {},
): Promise<DrainReport> {
  const limits = limitsOf(options);
  const { instrument } = parts;
  const trace = instrument.startDrain(
    options.context ?? instrument.activeContext(),
  );
  const tally = new Tally();
  let failure: RelayEnd["failure"];
  try {
    const course = courseOf(parts, limits, options.signal, trace);
    const end = await new Relay(parts, tally, course).run();
    if (end.failure !== undefined) throw end.failure.error;
    return reportOf(end, tally.report());
  } catch (error) {
    failure = { error };
    throw error;
  } finally {
    trace.end(tally.moved, failure?.error);
    await instrument.flush(trace.context);
  }
}

interface Limits extends ConsumerOptions {
  readonly budgetMs: number;
  readonly lingerMs: number;
  readonly maxRequests: number;
}

function courseOf(
  { clock }: QueueParts,
  limits: Limits,
  signal: AbortSignal | undefined,
  trace: DrainTrace,
): Course {
  const { lingerMs } = limits;
  const endAt = clock.now() + limits.budgetMs;
  let empties = 0;
  let sweeps = 0;
  return {
    ...limits,
    pace: limits,
    endAt,
    maxSteps: limits.maxRequests,
    signal,
    trace: () => trace,
    rest(reply, found, isQuiet) {
      empties = found > 0 ? 0 : empties + 1;
      const dueInMs = nextDueInMs(reply) ?? Infinity;
      const pauseMs = Math.max(dueInMs, pauseAfter(empties));
      if (!isQuiet) return reply.paused ? Infinity : pauseMs;
      if (reply.paused) return "paused";
      if (reply.sweeping && sweeps++ < MAX_SWEEPS) return 0;
      const isSoon = dueInMs <= lingerMs && clock.now() + pauseMs < endAt;
      return isSoon ? pauseMs : "empty";
    },
    failed: () => undefined,
  };
}

/** What is due and yet not claimed is asked for less and less often. */
function pauseAfter(empties: number): number {
  return empties <= 1 ? 1 : Math.min(10 * 2 ** empties, MAX_PAUSE_MS);
}

function reportOf(
  { stoppedBy, isDry, lastReply }: RelayEnd,
  counts: ConsumeReport,
): DrainReport {
  const isDone = stoppedBy === "empty" || stoppedBy === "paused";
  const dueInMs = lastReply && nextDueInMs(lastReply);
  return {
    ...counts,
    stoppedBy,
    more: isDone
      ? lastReply?.sweeping === true
      : !isDry || counts.released > 0 || counts.abandoned > 0,
    ...(dueInMs === undefined ? {} : { nextDueInMs: dueInMs }),
  };
}

/** How long until then, both by the broker's clock. */
export function nextDueInMs({ nextDueAt, now }: StepReply): number | undefined {
  return nextDueAt === undefined ? undefined : Math.max(0, nextDueAt - now);
}

function limitsOf(options: DrainOptions): Limits {
  checkConsumer(options, OPTIONS, "of drain()");
  const { budgetMs = 25_000, lingerMs = 5_000, maxRequests } = options;
  checkInteger("budgetMs", budgetMs, 1, MAX_WAIT_MS - 10_000);
  checkInteger("lingerMs", lingerMs, 0, MAX_WAIT_MS);
  if (maxRequests !== undefined) checkInteger("maxRequests", maxRequests, 2);
  const shared = checkRanges({
    batchSize: options.batchSize ?? 50,
    concurrency: options.concurrency ?? 10,
    settleMs: options.settleMs ?? 1_000,
    leaseMs: options.leaseMs ?? budgetMs + 10_000,
    maxBytes: options.maxBytes ?? 4_000_000,
    graceMs: options.graceMs ?? 2_000,
  });
  return {
    ...shared,
    budgetMs,
    lingerMs,
    maxRequests: maxRequests ?? Infinity,
  };
}

const OPTIONS: readonly (keyof DrainOptions)[] = [
  "budgetMs",
  "batchSize",
  "concurrency",
  "settleMs",
  "lingerMs",
  "leaseMs",
  "maxRequests",
  "maxBytes",
  "graceMs",
  "signal",
  "context",
];
