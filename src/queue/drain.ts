import type { Context } from "@opentelemetry/api";
import type { StepReply } from "../broker/broker.ts";
import { Allowance } from "./consume/allowance.ts";
import { Budget } from "./consume/budget.ts";
import type { Course, RelayEnd, StoppedBy } from "./consume/course.ts";
import { Forecast } from "./consume/forecast.ts";
import { countingRequests } from "./consume/outgoing.ts";
import { Relay } from "./consume/relay.ts";
import { nextDueInMs, pauseAfter } from "./consume/rest.ts";
import type { Share } from "./consume/share.ts";
import { type ConsumeReport, Tally } from "./consume/tally.ts";
import {
  type DrainLimits,
  drainLimits,
  type DrainOptions,
} from "./drain_options.ts";
import type { QueueParts } from "./parts.ts";
import { reporting } from "./reporters.ts";
import type { DrainTrace } from "./trace/instrument.ts";
import type { RungBy } from "./wake/wake.ts";
import { wakingFrom } from "./wake/waker.ts";

/** What a drain did, and why it stopped. */
export interface DrainReport extends ConsumeReport {
  /** Requests that handlers sent through `ctx`: to the broker, retries included, and with `ctx.fetch`. They count against `maxRequests`, too. */
  readonly handlerRequests: number;
  /** `empty`: nothing was left to claim. `budget`: no time was left, or less than tasks were seen to take. `requests`: likewise for `maxRequests`. `signal`: its signal aborted. `paused`: the queue is paused. `answered`: it came for a ring that another consumer had already answered, so it did nothing. */
  readonly stoppedBy: StoppedBy;
  /** Whether tasks are left, or may be, that could be claimed right away. */
  readonly more: boolean;
  /** Milliseconds until the next task is due or the next lease ends; absent where neither is known of. */
  readonly nextDueInMs?: number;
}

/** How many steps that claimed nothing are followed by another at once, where they said that there is more to do: ended tasks to forget, say. */
const MAX_BARREN = 200;
/** The longest pause before it asks again for tasks that have to be alone. */
const MAX_SHY_MS = 500;
/** The longest pause before it asks again for what is due and was not to be had. */
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
  active: Context = parts.instrument.activeContext(),
): Promise<DrainReport> {
  const limits = drainLimits(options);
  const context = options.context ?? active;
  const budget = new Budget(limits.maxRequests);
  budget.keep(parts.instrument.signals);
  const { signal, rung } = options;
  return await drainOne(parts, { limits, context, budget, signal, rung });
}

/** How one queue is drained. */
export interface Drain {
  readonly limits: DrainLimits;
  /** What the drain's span is linked to, and its flush scope is opened in. */
  readonly context: Context;
  readonly budget: Budget;
  readonly signal: AbortSignal | undefined;
  /** The ring that brought it. */
  readonly rung?: RungBy | undefined;
  /** Its part, where several are drained at once. */
  readonly share?: Share;
}

/** As {@linkcode drain}, of options that hold. */
export async function drainOne(
  parts: QueueParts,
  how: Drain,
): Promise<DrainReport> {
  const { instrument } = parts;
  const { parts: reporters, reported } = reporting(parts);
  const hop = how.rung === undefined ? 0 : how.rung.hop ?? 1;
  const { parts: ringing, called } = wakingFrom(reporters, hop);
  const forecast = new Forecast();
  const own = countingRequests(ringing, (requests) => {
    how.budget.spend(requests);
    forecast.sent(requests);
  });
  const trace = instrument.startDrain(how.context);
  const tally = new Tally((requests) => how.budget.spend(requests));
  let failure: RelayEnd["failure"];
  try {
    const course = courseOf(parts, how, { trace, forecast });
    const end = await new Relay(own, tally, course).run();
    if (end.failure !== undefined) throw end.failure.error;
    return reportOf(end, tally, forecast);
  } catch (error) {
    failure = { error };
    throw error;
  } finally {
    trace.end(tally.moved, failure?.error);
    await called();
    await Promise.all([instrument.flush(trace.context), reported()]);
  }
}

function courseOf(
  { clock }: QueueParts,
  { limits, budget, signal, rung, share }: Drain,
  { trace, forecast }: {
    readonly trace: DrainTrace;
    readonly forecast: Forecast;
  },
): Course {
  const endAt = clock.now() + limits.budgetMs;
  const allowance = new Allowance({
    clock,
    budget,
    forecast,
    endAt: endAt - limits.reserveMs,
    settlements: () => share?.open ?? 1,
  });
  let empties = 0;
  let barren = 0;
  const restOrEnd = (reply: StepReply, found: number, isQuiet: boolean) => {
    empties = found > 0 ? 0 : empties + 1;
    const dueInMs = nextDueInMs(reply) ?? Infinity;
    const pauseMs = Math.max(dueInMs, pauseAfter(empties, MAX_PAUSE_MS));
    if (!isQuiet) return reply.paused ? Infinity : pauseMs;
    if (reply.paused) return "paused";
    // beside other queues, tasks that have to be alone are passed over at first
    if (reply.suspects) {
      return clock.stands ? 0 : pauseAfter(empties, MAX_SHY_MS);
    }
    // by a clock that stands no pause ends: what is due is asked for again at once
    const hasMore = reply.sweeping || clock.stands && dueInMs === 0;
    if (hasMore && barren++ < MAX_BARREN) return 0;
    const isSoon = !clock.stands && dueInMs <= limits.lingerMs &&
      clock.now() + pauseMs < allowance.endAt;
    return isSoon ? pauseMs : "empty";
  };
  return {
    ...limits,
    get pace() {
      return allowance.pace(share?.pace ?? limits);
    },
    endAt,
    allowance,
    signal,
    rung,
    share,
    trace: () => trace,
    rest(...answer) {
      const found = restOrEnd(...answer);
      return share?.restOrEnd(found) ?? found;
    },
    failed: () => undefined,
  };
}

function reportOf(
  { stoppedBy, isDry, lastReply }: RelayEnd,
  tally: Tally,
  forecast: Forecast,
): DrainReport {
  const counts = tally.report();
  const isDone = stoppedBy === "empty" || stoppedBy === "paused" ||
    stoppedBy === "answered";
  const dueInMs = lastReply && nextDueInMs(lastReply);
  return {
    ...counts,
    handlerRequests: forecast.requests,
    stoppedBy,
    more: isDone
      ? lastReply?.sweeping === true
      : !isDry || tally.returned > 0 || counts.abandoned > 0,
    ...(dueInMs === undefined ? {} : { nextDueInMs: dueInMs }),
  };
}
