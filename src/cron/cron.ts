import { defined } from "../core/defined.ts";
import { type PerEnv, perEnv } from "../core/per_env.ts";
import { drainLimits, type DrainOptions } from "../queue/drain_options.ts";
import type { Queue } from "../queue/queue.ts";

/** Leaves room before the next minute's run for what runs out and for the flush. */
const CRON: DrainOptions = { budgetMs: 50_000 };

/** Leaves ten of the 50 requests that Cloudflare's free plan allows a run, for repeats, handlers and telemetry. */
const SCHEDULED: DrainOptions = { budgetMs: 25_000, maxRequests: 40 };

/**
 * A handler for `Deno.cron("drain", "* * * * *", cron(queue))`: each run is a drain, with a trace of its own that is sent at its end.
 * It rejects when the broker fails, so that the host shows it and its backoff applies.
 *
 * @param queue The queue, or a function that makes it at the first run.
 * @param options Those of a drain. @default {{ budgetMs: 50_000 }}
 * @throws {TypeError} If an option is unknown or of another type, at once.
 * @throws {RangeError} If an option is out of its range, at once.
 */
export function cron(
  queue: PerEnv<void, Queue>,
  options: DrainOptions = {},
): () => Promise<void> {
  const told = over(CRON, options, "of cron()");
  const queueOf = perEnv(queue);
  return async function drain() {
    await queueOf().drain(told);
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
 * @param queue The queue, or a function of the worker's environment, which is called once for each environment object.
 * @param options Those of a drain. @default {{ budgetMs: 25_000, maxRequests: 40 }}
 * @throws {TypeError} If an option is unknown or of another type, at once.
 * @throws {RangeError} If an option is out of its range, at once.
 */
export function scheduled<Env = unknown>(
  queue: PerEnv<Env, Queue>,
  options: DrainOptions = {},
): ScheduledHandler<Env> {
  const told = over(SCHEDULED, options, "of scheduled()");
  const queueOf = perEnv(queue);
  return async function drain(_controller, env, ctx) {
    const run = queueOf(env).drain(told);
    ctx.waitUntil(run);
    await run;
  };
}

/** What is given over the host's defaults, checked when the handler is made: a first run may be a night away. */
function over(
  defaults: DrainOptions,
  given: DrainOptions,
  where: string,
): DrainOptions {
  drainLimits(given, where);
  return { ...defaults, ...defined(given) };
}
