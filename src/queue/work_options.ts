import type { Context } from "@opentelemetry/api";
import { checkInteger } from "../core/check.ts";
import {
  checkConsumer,
  type ConsumerLimits,
  limitsOf,
  MAX_WAIT_MS,
} from "./consumer_options.ts";
import type { Listen } from "./wake/listen.ts";

/** How a worker works. */
export interface WorkOptions {
  /** How many handlers run at once, 1 … 250. @default {10, or batchSize if that is less} */
  readonly concurrency?: number;
  /** How many tasks it holds at most, running or not, 1 … 250; not fewer than `concurrency`. @default {50, or concurrency if that is more} */
  readonly batchSize?: number;
  /** How long a claimed task stays its own unless the lease is extended, in milliseconds: after a crash the task waits so long. @default {30000} */
  readonly leaseMs?: number;
  /** How long a finished task waits at most, so that others are settled with it in one request, in milliseconds. @default {1000} */
  readonly settleMs?: number;
  /** How many bytes of tasks one request claims at most, from 1 KB to 8 MB; a single task that is larger is claimed all the same. @default {4000000} */
  readonly maxBytes?: number;
  /** How long it leaves an empty queue alone: `min` at first, then twice as long each time up to `max`, and never past the next due task it knows of. @default {{ min: 100, max: 5000 }} */
  readonly pollMs?: PollMs;
  /** Listens for rings instead of polling: `subscribe({ url, token })` of `@baton/queue/upstash`. While it is connected, an empty queue is polled every `listenMs`; while it is not, as `pollMs` says. */
  readonly listen?: Listen;
  /** While it listens: how often an empty queue is polled all the same, in milliseconds, since nobody rings for some tasks, such as another consumer's retries. @default {30000} */
  readonly listenMs?: number;
  /** How often spans are sent while it works, in milliseconds: with the first step after that time. @default {5000} */
  readonly flushEveryMs?: number;
  /** How long `stop()` lets running handlers go on before their signals abort, in milliseconds. A task that is aborted has spent its attempt: it can be claimed again at once, or is dead if that was its last. @default {10000} */
  readonly graceMs?: number;
  /** Stops the worker when it aborts, as `stop()` does. */
  readonly signal?: AbortSignal;
  /** The OpenTelemetry Context that its own spans are linked to. @default {the active one} */
  readonly context?: Context;
  /** Is told of every failed step, and of what ends the worker. With it, nobody needs to await `done`; without it, a worker that fails is an unhandled rejection. What it throws or rejects with is dropped. */
  readonly onError?: (error: unknown) => void;
}

/** The bounds of a worker's polls, in milliseconds. */
export interface PollMs {
  /** After the first empty poll. */
  readonly min: number;
  /** The longest. */
  readonly max: number;
}

/** The same, as it holds. */
export interface WorkLimits extends ConsumerLimits {
  readonly pollMs: PollMs;
  readonly listenMs: number;
  readonly flushEveryMs: number;
}

/**
 * The options of a worker, checked, over the defaults; `where` says whose they are.
 *
 * @throws {TypeError} If one is unknown or of another type.
 * @throws {RangeError} If one is out of its range.
 */
export function workLimits(
  options: WorkOptions,
  where: string = "of work()",
): WorkLimits {
  checkConsumer(where, options, OPTIONS);
  const {
    pollMs = { min: 100, max: 5_000 },
    flushEveryMs = 5_000,
    listen,
    listenMs = 30_000,
    onError,
  } = options;
  if (typeof pollMs !== "object" || pollMs === null) {
    throw new TypeError("pollMs must be an object with 'min' and 'max'");
  }
  checkInteger("pollMs.min", pollMs.min, 1, MAX_WAIT_MS);
  checkInteger("pollMs.max", pollMs.max, pollMs.min, MAX_WAIT_MS);
  checkInteger("flushEveryMs", flushEveryMs, 1, MAX_WAIT_MS);
  checkInteger("listenMs", listenMs, 1, MAX_WAIT_MS);
  if (listen !== undefined && typeof listen !== "function") {
    throw new TypeError("The option 'listen' must be a function");
  }
  if (onError !== undefined && typeof onError !== "function") {
    throw new TypeError("The option 'onError' must be a function");
  }
  const shared = limitsOf(options, { leaseMs: 30_000, graceMs: 10_000 });
  return { ...shared, pollMs, listenMs, flushEveryMs };
}

const OPTIONS: readonly (keyof WorkOptions)[] = [
  "concurrency",
  "batchSize",
  "leaseMs",
  "settleMs",
  "maxBytes",
  "pollMs",
  "flushEveryMs",
  "listen",
  "listenMs",
  "graceMs",
  "signal",
  "context",
  "onError",
];
