import type { Context } from "@opentelemetry/api";
import type { DrainReport } from "../drain.ts";
import type { DrainOptions } from "../drain_options.ts";

/** Why somebody is to be woken, and what is needed for it. */
export interface WakeHint {
  /** The queue's name. */
  readonly queue: string;
  /** The broker's mark of this ring: whoever drains because of it brings it along, and it is good once. */
  readonly mark: string;
  /** Which ring this would be, from 1, in a chain of rings that led from one to the next. */
  readonly hop: number;
  /** Who asks. `producer`: whoever enqueued, resumed or redrove. `consumer`: one that leaves tasks behind, or whose handler enqueued. */
  readonly from: "producer" | "consumer";
  /** The OpenTelemetry Context of the call. */
  readonly context: Context;
  /** Drains the queue here, if the ring still stands by then; absent where the queue has no handlers. */
  readonly drain?: (options?: DrainOptions) => Promise<DrainReport>;
}

/**
 * Wakes a consumer: {@linkcode ring}, {@linkcode inline}, or a function of your own. It is called when a task was enqueued that is due and nobody is there to run it: not for each task, and at most once in five seconds while nobody comes. `resume()`, `redrive()` and `resumeSchedule()` call it, too, once each, if they leave anything to do.
 * The host waits for what it returns, `enqueue` never does, and a consumer that ends does for a minute at most. What it throws or rejects with goes to `onError`, and the task is left to the next ring or to cron.
 */
export interface Wake {
  (hint: WakeHint): unknown;
  /** Whether it works within the invocation that enqueued: then it is not called for what a consumer leaves behind. @default {false} */
  readonly isLocal?: boolean;
}

/** The ring that a drain answers; for routes of your own that receive rings. */
export interface RungBy {
  /** The mark that the ring brought. If another drain has answered that ring already, this one does nothing. */
  readonly mark: string;
  /** Which ring it was, from 1, in a chain of rings that led from one to the next. @default {1} */
  readonly hop?: number;
  /** Called once, when the broker has said whether the ring still stands. What it throws is dropped. */
  readonly heard?: (stands: boolean) => void;
}
