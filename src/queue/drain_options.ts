import type { Context } from "@opentelemetry/api";
import { checkInteger } from "../core/check.ts";
import {
  checkConsumer,
  type ConsumerLimits,
  limitsOf,
  MAX_WAIT_MS,
} from "./consumer_options.ts";
import type { RungBy } from "./wake/wake.ts";

/** How long a drain may take, and how much it may do. */
export interface DrainOptions {
  /**
   * How long it claims and runs tasks, in milliseconds. Then it gives back what it has not started, and waits for what still runs: `graceMs` and half a second at most.
   * A task that is not expected to end in time is not started, and is left to the next drain with its attempts untouched. One that takes longer all the same is aborted, and its attempt is spent: a task that never fits ends as dead, and its error says so.
   *
   * @default {25000}
   */
  readonly budgetMs?: number;
  /** How many tasks it holds at most, running or not, 1 … 250; not fewer than `concurrency`. @default {50, or concurrency if that is more} */
  readonly batchSize?: number;
  /** How many handlers run at once, 1 … 250. @default {10, or batchSize if that is less} */
  readonly concurrency?: number;
  /** How long a finished task waits at most, so that others are settled with it in one request, in milliseconds. @default {1000} */
  readonly settleMs?: number;
  /** When nothing is due now: how soon a task has to be due for the drain to wait for it, in milliseconds. @default {5000} */
  readonly lingerMs?: number;
  /** How long a claimed task stays its own unless the lease is extended, in milliseconds: after a crash the task waits so long. @default {budgetMs + 10000} */
  readonly leaseMs?: number;
  /** How much of `budgetMs` is kept for settling and for sending telemetry, in milliseconds: nothing is started that is not expected to have ended by then, going by how long tasks of its name took in this drain. @default {1000, or a tenth of budgetMs if that is less} */
  readonly reserveMs?: number;
  /**
   * How many requests it sends at most, 2 or more: its own steps, retries included, and what handlers send through `ctx`, as far as that can be known.
   * One is kept back for the last settlement and, of more than two, one for each signal (traces, metrics) of a telemetry that it flushes. What handlers send without `ctx` is not counted, and what the first run of a handler will send cannot be foreseen; `ctx.extend()` takes one step more, and so do settlements of over 4 MB.
   *
   * @default {no limit}
   */
  readonly maxRequests?: number;
  /** How many bytes of tasks one request claims at most, from 1 KB to 8 MB; a single task that is larger is claimed all the same. @default {4000000} */
  readonly maxBytes?: number;
  /** How long running handlers may go on after the end of the budget before their signals abort, in milliseconds. A task that is aborted has spent its attempt: it can be claimed again at once, or is dead if that was its last. @default {2000} */
  readonly graceMs?: number;
  /** Ends the drain when it aborts, as the end of the budget does. */
  readonly signal?: AbortSignal;
  /** The OpenTelemetry Context that the drain's own span is linked to. @default {the active one} */
  readonly context?: Context;
  /** The ring that asked for this drain; for routes of your own that receive rings. */
  readonly rung?: RungBy;
}

/** The same, as it holds. */
export interface DrainLimits extends ConsumerLimits {
  readonly budgetMs: number;
  readonly lingerMs: number;
  readonly reserveMs: number;
  readonly maxRequests: number;
}

/**
 * The options of a drain, checked, over the defaults; `where` says whose they are, and `others` what stands among them.
 *
 * @throws {TypeError} If one is unknown or of another type.
 * @throws {RangeError} If one is out of its range.
 */
export function drainLimits(
  options: DrainOptions,
  where: string = "of drain()",
  others: readonly string[] = ["rung"],
): DrainLimits {
  checkConsumer(where, options, [...OPTIONS, ...others]);
  const { budgetMs = 25_000, lingerMs = 5_000, maxRequests, rung } = options;
  if (rung !== undefined && !/^\d{1,15}$/.test(rung?.mark)) {
    throw new TypeError(
      "The option 'rung' must have the 'mark' that the ring brought",
    );
  }
  if (rung?.hop !== undefined) checkInteger("rung.hop", rung.hop, 1);
  checkInteger("budgetMs", budgetMs, 1, MAX_WAIT_MS - 10_000);
  checkInteger("lingerMs", lingerMs, 0, MAX_WAIT_MS);
  const { reserveMs = Math.min(1_000, Math.floor(budgetMs / 10)) } = options;
  checkInteger("reserveMs", reserveMs, 0, budgetMs - 1);
  if (maxRequests !== undefined) checkInteger("maxRequests", maxRequests, 2);
  const leaseMs = budgetMs + 10_000;
  return {
    ...limitsOf(options, { leaseMs, graceMs: 2_000 }),
    budgetMs,
    lingerMs,
    reserveMs,
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
  "reserveMs",
  "maxRequests",
  "maxBytes",
  "graceMs",
  "signal",
  "context",
];
