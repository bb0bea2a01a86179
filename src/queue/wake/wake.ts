import type { Context } from "@opentelemetry/api";
import type { DrainReport } from "../drain.ts";
import type { DrainOptions } from "../drain_options.ts";

/** Why somebody is to be woken, and what is needed for it. */
export interface WakeHint {
  /** The queue's name. */
  readonly queue: string;
  /** What the broker gave with the order: whoever drains brings it, and it is good once. */
  readonly mark: string;
  /** The how manyth ring this would be in a row that led from one to the next, from 1. */
  readonly hop: number;
  /** Who asks: one that enqueued, resumed or redrove, or a consumer that leaves tasks behind or whose handler enqueued. */
  readonly from: "producer" | "consumer";
  /** The OpenTelemetry Context of the call. */
  readonly context: Context;
  /** Drains the queue here, if the ring still stands by then; absent where the queue has no handlers. */
  readonly drain?: (options?: DrainOptions) => Promise<DrainReport>;
}

/**
 * Wakes a consumer: {@linkcode ring}, {@linkcode inline}, or a function of your own. It is called when a task was enqueued, is due and nobody is there to run it: not for each task, and at most once in five seconds while nobody comes. So it is by `resume()`, `redrive()` and `resumeSchedule()`, once each, if they leave anything to do.
 * What it returns is waited for by the host, never by `enqueue`, and for a minute at most by a consumer that ends; what it throws or rejects with goes to `onError`, and the task is left to the next ring or to cron.
 */
export interface Wake {
  (hint: WakeHint): unknown;
  /** Whether it works within the invocation that enqueued: then a consumer that leaves tasks behind asks it nothing. @default {false} */
  readonly isLocal?: boolean;
}

/** How a drain was rung for; for routes of your own that hear rings. */
export interface RungBy {
  /** The mark that the ring brought. A drain whose ring was answered by another does nothing. */
  readonly mark: string;
  /** Which ring it was in a row. @default {1} */
  readonly hop?: number;
  /** Called once, when the broker has said whether the ring still stands. */
  readonly heard?: (stands: boolean) => void;
}
