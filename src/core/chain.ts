import type { Context } from "@opentelemetry/api";
import type { Hook } from "./options.ts";
import type { CancelStatus, ResultOptions, TaskResult } from "./state.ts";
import type { ChainLink } from "./link.ts";

/** How a chain goes on and ends. */
export interface ChainOptions {
  /** The chain's id, of which its links' are made: the same id again is no second chain. Give another chain the same one only when this one has been forgotten, an hour after its last link has ended. @default {a new one} */
  readonly id?: string;
  /** `stop`: a dead or expired link ends the chain. `continue`: the next one runs all the same, and reads why. A cancelled link ends it in any case. @default {"stop"} */
  readonly onFailure?: "stop" | "continue";
  /** Enqueued once, when the chain ends, however it does: with what came of the link that ended it. */
  readonly onSettled?: Hook;
  /** The OpenTelemetry Context whose trace the chain continues. @default {that of `within`, else the active one} */
  readonly context?: Context;
}

/**
 * What names a chain: it survives JSON, and `queue.chainOf()` makes a {@link Chain} of it again.
 *
 * @typeParam Output What the last link's handler returns.
 */
export interface ChainRef<Output = unknown> {
  /** The chain's id; on the spans of its links, the conversation's. */
  readonly id: string;
  /** The ids of its links, in order. That of a map is its group's, too, for `queue.group(id)`. */
  readonly ids: readonly string[];
  /** Only a type: what the last link's handler returns. */
  readonly "~output"?: Output;
}

/**
 * A chain: tasks of which each is enqueued when the one before it ends.
 *
 * @typeParam Output What the last link's handler returns.
 */
export interface Chain<Output = unknown> extends ChainRef<Output> {
  /**
   * What came of the chain: the result of its last link, or of the one that ended it before.
   * While a link before the last one waits or runs, `waiting`; with `waitMs`, as soon as the chain has ended or the time is over.
   */
  result(options?: ResultOptions): Promise<TaskResult<Output>>;
  /** How many links are where. */
  counts(): Promise<ChainCounts>;
  /**
   * Cancels the link that waits or runs, of a map its elements with it; what comes after it is never enqueued.
   * A link that runs hears of it with the next heartbeat, within 15 s. One that ends before that has ended in vain: it is delivered once more, not run, and ends as cancelled. Only the last link may still complete.
   * `ended` if there was nothing to cancel.
   */
  cancel(): Promise<CancelStatus>;
  /** Forgets the links that have ended, and their results, before their time, of a map those of its elements, too; one that waits or runs is left alone. */
  delete(): Promise<void>;
}

/** How many links of a chain are where. They add up to `total`. */
export interface ChainCounts {
  /** How many links there are. */
  readonly total: number;
  /** How many have completed. */
  readonly completed: number;
  /** How many are dead. */
  readonly dead: number;
  /** How many were cancelled. */
  readonly cancelled: number;
  /** How many were not started in time. */
  readonly expired: number;
  /** How many are scheduled, ready or leased: one, while the chain is under way. */
  readonly pending: number;
  /** How many are still to come. */
  readonly waiting: number;
  /** How many never came, since the chain had ended, or are forgotten. */
  readonly missing: number;
}

/** What comes of the last of a list of links: what its handler returns, or what came of each of its elements. */
export type LastOutput<Links extends readonly ChainLink[]> = Links extends
  readonly [...unknown[], { readonly "~output"?: infer Output }] ? Output
  : Links extends readonly { readonly "~output"?: infer Output }[] ? Output
  : unknown;
