import type { PendingState } from "../core/state.ts";
import type { Counted } from "./broker.ts";

export interface CancelRequest {
  readonly operation: string;
  readonly id: string;
  /** Why, as an ended task keeps it. */
  readonly error: string;
  readonly keepMs: number;
}

export interface CancelReply extends Counted {
  readonly status: "cancelled" | "cancelling" | "ended" | "missing";
}

export type ResultReply = Counted & TaskStanding;

/** Where a task stands. */
export type TaskStanding =
  | { readonly status: "missing" }
  | {
    readonly status: PendingState;
    readonly attempt: number;
    readonly dueAt: number | undefined;
    readonly lastError: string | undefined;
  }
  | {
    readonly status: "completed";
    readonly attempt: number;
    readonly endedAt: number;
    /** The result, while it is kept. */
    readonly payload: string | undefined;
  }
  | {
    readonly status: "dead" | "cancelled" | "expired";
    readonly attempt: number;
    readonly endedAt: number;
    readonly error: string;
  };

/** The states that can be listed. */
export type ListedState = "ready" | "scheduled" | "leased" | "dead";

export interface ListRequest {
  readonly state: ListedState;
  readonly limit: number;
  /** Where the page before ended. */
  readonly cursor: string | undefined;
}

export interface ListReply extends Counted {
  readonly tasks: readonly ListedTask[];
  /** Where the next page begins; absent on the last. */
  readonly cursor: string | undefined;
}

export interface ListedTask {
  readonly id: string;
  readonly name: string;
  readonly state: ListedState;
  readonly attempt: number;
  readonly enqueuedAt: number;
  /** When it is due (`scheduled`), its lease ends (`leased`) or it died (`dead`). */
  readonly at: number | undefined;
  /** Why it is dead, or what the attempt before failed with. */
  readonly error: string | undefined;
}

export interface StatsReply extends Counted {
  readonly now: number;
  readonly ready: number;
  readonly scheduled: number;
  readonly leased: number;
  readonly dead: number;
  readonly paused: boolean;
  /** Since when the first ready task counts; its priority included. */
  readonly oldestAt: number | undefined;
  /** Keys that lost their canary: the database evicted, or fell back to an older copy. */
  readonly evicted: readonly string[];
}

export interface PauseRequest {
  readonly operation: string;
  readonly paused: boolean;
}

export interface PurgeRequest {
  readonly operation: string;
  /** Ended only if accepted at that very instant. */
  readonly tasks: readonly {
    readonly id: string;
    readonly enqueuedAt: number;
  }[];
  readonly error: string;
  readonly keepMs: number;
}

export interface RedriveRequest {
  readonly operation: string;
  /** Revived only if dead since that very instant. */
  readonly tasks: readonly { readonly id: string; readonly diedAt: number }[];
}

export interface ChangedReply extends Counted {
  /** How many tasks were changed. */
  readonly changed: number;
}

export interface InspectRequest {
  /** Whether to put right what is found. */
  readonly repair: boolean;
  /** Where the check before ended; absent begins. */
  readonly cursor: string | undefined;
}

export interface InspectReply extends Counted {
  /** How many entries were looked at. */
  readonly checked: number;
  readonly problems: readonly Problem[];
  /** Where to go on; absent when all was looked at. */
  readonly cursor: string | undefined;
}

/** Something in the books that does not agree. */
export interface Problem {
  /**
   * `unindexed`: a live task in no line. `ghost`: an entry in a line without a task. `orphan`: a small record of no live task.
   * `unswept`: an ended task that nothing will forget. `doubled`: a task in two lines. `marker`: a marker that is missing or too many.
   */
  readonly kind:
    | "unindexed"
    | "ghost"
    | "orphan"
    | "unswept"
    | "doubled"
    | "marker";
  /** The task, or the entry. */
  readonly id: string;
}
