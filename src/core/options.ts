import type { Context } from "@opentelemetry/api";
import type { Backoff } from "./backoff.ts";

/** What a definition says of each of its tasks. Resolved when a task is enqueued, and carried by it: a consumer's other definition changes nothing. */
export interface TaskOptions {
  /** How often a task may be claimed before it is dead: crashes, time-outs and stops of its consumer count. @default {5} */
  readonly maxAttempts?: number;
  /** How long to wait after a failed attempt. @default {exponential()} */
  readonly backoff?: Backoff;
  /** How long one attempt may take, in milliseconds; then `ctx.signal` aborts and the attempt has failed. A drain that ends sooner, by its `budgetMs` and `graceMs`, ends the attempt sooner, and that spends it too. @default {30000} */
  readonly timeoutMs?: number;
  /** How long the result is kept, in milliseconds; 0 keeps none. @default {3600000} */
  readonly resultTtlMs?: number;
  /** A task not started this long after it was enqueued is not run at all, in milliseconds. @default {never} */
  readonly expiresInMs?: number;
}

/** How one task is enqueued. */
export interface EnqueueOptions extends TaskOptions {
  /** The task's id: enqueueing the same id again is no second task, until an hour after the first has ended. @default {a new one} */
  readonly id?: string;
  /** Due this many milliseconds after the broker has it. Not together with `runAt`. */
  readonly delayMs?: number;
  /** Due at this instant: a Date or milliseconds since the epoch, by the broker's clock. Not together with `delayMs`. */
  readonly runAt?: Date | number;
  /** −10 … 10: counts as enqueued so many minutes earlier. @default {0} */
  readonly priority?: number;
  /** A word of yours for people who read traces and lists; on spans, never on metrics. */
  readonly label?: string;
  /** At most one task per key. */
  readonly dedupe?: Dedupe;
  /** Refuse with a `QueueFullError` when this many tasks wait. Costs two commands. @default {the queue's} */
  readonly maxBacklog?: number;
  /** The OpenTelemetry Context whose trace the task continues. @default {that of `within`, else the active one} */
  readonly context?: Context;
}

/** At most one task per key: a second one answers with the first one's id and `deduplicated: true`. */
export interface Dedupe {
  /** What the tasks have in common; 200 bytes at most. */
  readonly key: string;
  /** `ended`: until the first task has ended, `ttlMs` at most. `expired`: for `ttlMs`, whatever becomes of it. @default {"ended"} */
  readonly until?: "ended" | "expired";
  /** How long the key holds, in milliseconds. @default {86400000} */
  readonly ttlMs?: number;
}
