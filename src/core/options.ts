import type { Context } from "@opentelemetry/api";
import type { Backoff } from "./backoff.ts";
import type { Settled } from "./state.ts";
import type { Call, Task } from "./task.ts";

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
  /** How long after it was enqueued a task may still be started, in milliseconds; one that was not is never run, and ends as expired. @default {it may always be} */
  readonly expiresInMs?: number;
  /** Enqueued when the task ends, however it does: in the same commit, once, as a task with its own spans and retries. */
  readonly onSettled?: Hook;
  /** Enqueued when the task completes. */
  readonly onSuccess?: Hook;
  /** Enqueued when the task ends without a result: dead, cancelled or expired; not before its last attempt. */
  readonly onFailure?: Hook;
}

/**
 * A task to enqueue when another one ends: a definition, which is given how that task ended as its input (if it takes one at all), or a call with an input of its own.
 * Either can read how it ended as `ctx.previous`. Its options are resolved when the other task is enqueued, and travel with that.
 */
export type Hook = HookTask | Task<void> | Call;

/** A definition whose input is how another task ended: `defineTask<Settled>("audit")`. */
export interface HookTask {
  /** The task's name. */
  readonly name: string;
  /** What the definition says of each of its tasks. */
  readonly options: TaskOptions;
  /** The task with its input. */
  with(input: Settled): Call;
}

/** How one task is enqueued. */
export interface EnqueueOptions extends TaskOptions {
  /** The task's id, 200 bytes at most: enqueueing the same id again is no second task, until the first has ended and the queue's `idTtlMs` (or its `resultTtlMs`, if that is longer) has passed. A dead task keeps its id until it is redriven, purged or forgotten. @default {a new one} */
  readonly id?: string;
  /** Due this many milliseconds after the broker has it. Not together with `runAt`. */
  readonly delayMs?: number;
  /** Due at this instant: a Date or milliseconds since the epoch, by the broker's clock. Not together with `delayMs`. */
  readonly runAt?: Date | number;
  /** −10 … 10: counts as enqueued so many minutes earlier. @default {0} */
  readonly priority?: number;
  /** A word of yours for people who read traces: on spans and as `ctx.label`, never on metrics. */
  readonly label?: string;
  /** A word shared by tasks that belong together: on their spans, also as the id of their conversation, and as `ctx.group`. Nothing is counted by it: for that, see `queue.map` and `queue.enqueueGroup`. */
  readonly group?: string;
  /** At most one task per key. */
  readonly dedupe?: Dedupe;
  /** At most so many tasks of a key at a time. */
  readonly concurrency?: Concurrency;
  /** At most so many tasks of a key in a span of time. Where `concurrency` is given too, both name the same key. */
  readonly rate?: RateOfKey;
  /** Refuse with a `QueueFullError` when this many tasks wait: ready, scheduled, for their key or for a paused name. Costs three commands. @default {unchecked; the queue's in `enqueueMany`} */
  readonly maxBacklog?: number;
  /** The OpenTelemetry Context whose trace the task continues. @default {that of `within`, else the active one} */
  readonly context?: Context;
}

/**
 * At most `limit` tasks of one key hold a valid lease at a time, by whichever consumers; the others wait, and take turns with tasks of other keys and of none.
 * While both wait, tasks with a key and tasks without one are given out alternately, and the keys take turns among themselves, but for those at their limit. So with `n` keys each gets one in `2n` of the tasks that are given out, and those without a key get half, whatever the backlogs. Priorities count within a key, and among the tasks without one.
 */
export interface Concurrency {
  /** What the tasks have in common, such as a tenant; 200 bytes at most. */
  readonly key: string;
  /** How many at a time, 1 … 1,000; the last one given holds for all tasks of the key. */
  readonly limit: number;
}

/**
 * At most `limit` tasks in `perMs`, on average: evenly spaced, not all at the beginning. What counts is that a consumer is given a task: another attempt and a task that was handed back count again.
 * After an idle time one task starts at once and the next follow at their distance; while tasks wait, a consumer that comes late makes good what was missed, up to one `perMs`.
 */
export interface Rate {
  /** How many, 1 … 1,000,000. */
  readonly limit: number;
  /** In how many milliseconds, 1 … 2,678,400,000, which is 31 days. */
  readonly perMs: number;
}

/** A bound on how often tasks of one key start, by whichever consumers; the last one given holds for all tasks of the key. Tasks of a key take turns with those of other keys and of none, as {@linkcode Concurrency} says. */
export interface RateOfKey extends Rate {
  /** What the tasks have in common, such as a tenant; 200 bytes at most. */
  readonly key: string;
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
