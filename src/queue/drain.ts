import type { Context } from "@opentelemetry/api";
import type { StepReply } from "../broker/broker.ts";
import { Allowance } from "./consume/allowance.ts";
import { Budget } from "./consume/budget.ts";
import type { Course, RelayEnd, StoppedBy } from "./consume/course.ts";
import { Forecast } from "./consume/forecast.ts";
import { countingRequests } from "./consume/outgoing.ts";
import { Relay } from "./consume/relay.ts";
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
  /** Requests that handlers sent through `ctx`: to the broker, repeats included, and with `ctx.fetch`. Those count against `maxRequests`, too. */
  readonly handlerRequests: number;
  /** `empty`: nothing was left to claim. `budget`: no time was left, or not enough for what tasks were seen to take. `requests`: the same of `maxRequests`. `paused`: the queue is. `answered`: the ring that brought it was answered by another, so it did nothing. */
  readonly stoppedBy: StoppedBy;
  /** Whether tasks are, or may be, left that could be claimed at once. */
  readonly more: boolean;
  /** In how many milliseconds the next task is due or the next lease ends, if any is known of. */
  readonly nextDueInMs?: number;
}

/** How many steps in a row only forget what is past its time. */
const MAX_SWEEPS = 200;
/** How often it asks at least for tasks that have to be alone. */
const MAX_SHY_MS = 500;
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
  const { parts: ringing, called } = wakingFrom(reporters, how.rung?.hop ?? 0);
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
  const lingerMs = clock.stands ? 0 : limits.lingerMs;
  const endAt = clock.now() + limits.budgetMs;
  const allowance = new Allowance({
    clock,
    budget,
    forecast,
    endAt: endAt - limits.reserveMs,
    settlements: () => share?.open ?? 1,
  });
  let empties = 0;
  let sweeps = 0;
  const rest = (reply: StepReply, found: number, isQuiet: boolean) => {
    empties = found > 0 ? 0 : empties + 1;
    const dueInMs = nextDueInMs(reply) ?? Infinity;
    const pauseMs = Math.max(dueInMs, pauseAfter(empties));
    if (!isQuiet) return reply.paused ? Infinity : pauseMs;
    if (reply.paused) return "paused";
    // beside other queues, tasks that have to be alone are passed over at first
    if (reply.suspects) return Math.min(pauseAfter(empties), MAX_SHY_MS);
    if (reply.sweeping && sweeps++ < MAX_SWEEPS) return 0;
    const isSoon = dueInMs <= lingerMs &&
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
    rest(reply, found, isQuiet) {
      const end = rest(reply, found, isQuiet);
      if (share === undefined) return end;
      return typeof end === "number" ? share.goesOn(end) : share.endOrRest(end);
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

/** How long until then, both by the broker's clock. */
export function nextDueInMs({ nextDueAt, now }: StepReply): number | undefined {
  return nextDueAt === undefined ? undefined : Math.max(0, nextDueAt - now);
}
