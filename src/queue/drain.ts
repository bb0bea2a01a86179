import type { StepReply } from "../broker/broker.ts";
import {
  type DrainLimits,
  drainLimits,
  type DrainOptions,
} from "./drain_options.ts";
import type { DrainTrace } from "./instrument.ts";
import type { QueueParts } from "./parts.ts";
import type { Course, RelayEnd, StoppedBy } from "./course.ts";
import { Relay } from "./relay.ts";
import { reporting } from "./reporters.ts";
import { type ConsumeReport, Tally } from "./tally.ts";

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
 * An attempt that it aborts at its end is spent, and its error says that the consumer stopped; one that it had not started is not.
 *
 * @throws {TypeError} If an option is unknown or of another type.
 * @throws {RangeError} If an option is out of its range.
 * @throws {BrokerError} If a step fails. What ran was let end, and settled as far as possible; leases that the broker could not be told of run out.
 */
export async function drain(
  parts: QueueParts,
  options: DrainOptions = {},
): Promise<DrainReport> {
  const limits = drainLimits(options);
  const { instrument } = parts;
  const { parts: own, reported } = reporting(parts);
  const trace = instrument.startDrain(
    options.context ?? instrument.activeContext(),
  );
  const tally = new Tally();
  let failure: RelayEnd["failure"];
  try {
    const course = courseOf(parts, limits, options.signal, trace);
    const end = await new Relay(own, tally, course).run();
    if (end.failure !== undefined) throw end.failure.error;
    return reportOf(end, tally);
  } catch (error) {
    failure = { error };
    throw error;
  } finally {
    trace.end(tally.moved, failure?.error);
    await Promise.all([instrument.flush(trace.context), reported()]);
  }
}

function courseOf(
  { clock }: QueueParts,
  limits: DrainLimits,
  signal: AbortSignal | undefined,
  trace: DrainTrace,
): Course {
  const lingerMs = clock.stands ? 0 : limits.lingerMs;
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
  tally: Tally,
): DrainReport {
  const counts = tally.report();
  const isDone = stoppedBy === "empty" || stoppedBy === "paused";
  const dueInMs = lastReply && nextDueInMs(lastReply);
  return {
    ...counts,
    stoppedBy,
    more: isDone
      ? lastReply?.sweeping === true
      : !isDry || tally.returned > 0 || counts.abandoned > 0,
    ...(dueInMs === undefined ? {} : { nextDueInMs: dueInMs }),
  };
}

/** How long until then, both by the broker's clock. */
export function nextDueInMs({ nextDueAt, now }: StepReply): number | undefined {
  return nextDueAt === undefined ? undefined : Math.max(0, nextDueAt - now);
}
