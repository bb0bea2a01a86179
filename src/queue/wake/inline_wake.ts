import type { DrainOptions } from "../drain_options.ts";
import { drainLimits } from "../drain_options.ts";
import type { Wake } from "./wake.ts";

/** Fits into what Cloudflare lets a request leave behind, with room for what runs out and for the flush. */
const BUDGET_MS = 20_000;

/**
 * Drains the queue in the request that enqueued, behind its answer: `new Queue({ …, wake: inline() })`. For one deployment that has the handlers too, on hosts that refuse to call themselves.
 *
 * The host must keep the request open meanwhile. `tracing()` and `queue.within(context, ctx)` see to that on Cloudflare, and so does the queue's option `waitUntil`; on Deno and Bun nothing is needed.
 * What is left at the end of the budget is left to the next enqueue, or to cron.
 *
 * @param options Those of a drain. @default {{ budgetMs: 20_000, lingerMs: 0 }}
 * @throws {TypeError} If an option is unknown or of another type, at once.
 * @throws {RangeError} If an option is out of its range, at once.
 */
export function inline(options: DrainOptions = {}): Wake {
  drainLimits(options, "of inline()");
  const told = { budgetMs: BUDGET_MS, lingerMs: 0, ...options };
  const wake: Wake = async ({ drain, from, queue }) => {
    // a consumer looks again by itself
    if (from === "consumer") return;
    if (drain === undefined) {
      throw new TypeError(
        `Queue '${queue}' cannot drain inline: it has no handlers. Give it those of its tasks, or ring for a deployment that has them`,
      );
    }
    await drain(told);
  };
  return Object.assign(wake, { isLocal: true });
}
