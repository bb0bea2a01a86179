import { defined } from "../core/defined.ts";
import { type PerEnv, perEnv } from "../core/per_env.ts";
import type { Consumer } from "../queue/consumer.ts";
import { drainLimits, type DrainOptions } from "../queue/drain_options.ts";
import type { Queue } from "../queue/queue.ts";
import { hasWork } from "../queue/wake/peek.ts";

/** Leaves room before the next minute's run for what runs out and for the flush. */
const CRON: DrainOptions = { budgetMs: 50_000 };

/** Leaves five of the 50 requests that Cloudflare's free plan allows a run, for repeats of the last ones. */
const SCHEDULED: DrainOptions = { budgetMs: 25_000, maxRequests: 45 };

/** For how long a drain waits for what is due soon, if it does not say. */
const LINGER_MS = 5_000;

/** How a host's clock drains. */
export interface CronRunOptions extends Omit<DrainOptions, "rung"> {
  /**
   * Whether a run first looks, with two plain commands in one request (three in a process that has just started, and every ten minutes), whether anything is due within `lingerMs`; if nothing is, that was all of it: no step, no span, no export. Of a `Consumer` each queue is looked at, and all are drained if one has anything due.
   * It pays where most runs find nothing: such a run is two commands instead of four, one that finds something two more. Brokers that cannot look are drained.
   *
   * @default {false}
   */
  readonly peek?: boolean;
}

/**
 * A handler for `Deno.cron("drain", "* * * * *", cron(queue))`: each run is a drain, with a trace of its own that is sent at its end.
 * It rejects when the broker fails, so that the host shows it and its backoff applies.
 *
 * @param queue The queue, or a `Consumer` of several, or a function that makes it at the first run.
 * @param options Those of a drain, and whether it looks first. @default {{ budgetMs: 50_000 }}
 * @throws {TypeError} If an option is unknown or of another type, at once.
 * @throws {RangeError} If an option is out of its range, at once.
 */
export function cron(
  queue: PerEnv<void, Queue | Consumer>,
  options: CronRunOptions = {},
): () => Promise<void> {
  const run = runOf(CRON, options, "of cron()");
  const queueOf = perEnv(queue);
  return async function drain() {
    await run(queueOf());
  };
}

/** What Cloudflare hands to a handler to hold its run open. */
export interface ScheduledContext {
  /** Holds the run open until the promise has settled. */
  waitUntil(work: Promise<unknown>): void;
}

/** The `scheduled` handler of a Cloudflare Worker. */
export type ScheduledHandler<Env> = (
  controller: unknown,
  env: Env,
  ctx: ScheduledContext,
) => Promise<void>;

/**
 * A handler for Cloudflare's cron triggers, `export default { fetch, scheduled: scheduled(makeQueue) }`: each run is a drain,
 * with a trace of its own that is sent at its end. It rejects when the broker fails, so that the run is shown as failed.
 *
 * @param queue The queue, or a `Consumer` of several, or a function of the worker's environment, which is called once for each environment object.
 * @param options Those of a drain, and whether it looks first. @default {{ budgetMs: 25_000, maxRequests: 45 }}
 * @throws {TypeError} If an option is unknown or of another type, at once.
 * @throws {RangeError} If an option is out of its range, at once.
 */
export function scheduled<Env = unknown>(
  queue: PerEnv<Env, Queue | Consumer>,
  options: CronRunOptions = {},
): ScheduledHandler<Env> {
  const run = runOf(SCHEDULED, options, "of scheduled()");
  const queueOf = perEnv(queue);
  return async function drain(_controller, env, ctx) {
    const running = run(queueOf(env));
    ctx.waitUntil(running);
    await running;
  };
}

/** One run, by what is given over the host's defaults, checked when the handler is made: a first run may be a night away. */
function runOf(
  defaults: DrainOptions,
  options: CronRunOptions,
  where: string,
): (queue: Queue | Consumer) => Promise<void> {
  const { peek = false, ...given } = options ?? {};
  if (typeof peek !== "boolean") {
    throw new TypeError(`The option 'peek' must be a boolean: it is ${peek}`);
  }
  drainLimits(options, where, ["peek"]);
  const told = { ...defaults, ...defined(given) };
  const { lingerMs = LINGER_MS } = told;
  return async function run(queue) {
    if (peek && !(await hasWork(queue, lingerMs))) return;
    await queue.drain(told);
  };
}
