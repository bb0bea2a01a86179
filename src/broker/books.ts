import type { PendingState } from "../core/state.ts";
import type { Counted } from "./broker.ts";

/** What `cancel` takes. */
export interface CancelRequest {
  /** Names this call: a repeat is answered the same. */
  readonly operation: string;
  /** The task. */
  readonly id: string;
  /** Why, as an ended task keeps it. */
  readonly error: string;
  /** How long its id stays taken. */
  readonly keepMs: number;
}

/** What `cancel` answers. */
export interface CancelReply extends Counted {
  /** Ended now, asked to stop or to be delivered as cancelled, ended before, or unknown. A schedule is unknown: `unschedule` it. */
  readonly status: "cancelled" | "cancelling" | "ended" | "missing";
  /** The task's name, where this request is the one that ended it. */
  readonly name?: string;
}

/** What `result` answers. */
export type ResultReply = Counted & TaskStanding;

/** Where a task stands. */
export type TaskStanding =
  | { readonly status: "missing" }
  | {
    readonly status: PendingState;
    readonly attempt: number;
    readonly dueAt: number | undefined;
    readonly lastError: string | undefined;
    /** What its handler last told; only while it is leased. */
    readonly progress?: string | undefined;
  }
  | {
    readonly status: "completed";
    readonly attempt: number;
    readonly endedAt: number;
    /** The result, while it is kept. */
    readonly payload: string | undefined;
    /** Why the result is not to be trusted; no broker says so, but who opens its seal. */
    readonly unopened?: string | undefined;
  }
  | {
    readonly status: "dead" | "cancelled" | "expired";
    readonly attempt: number;
    readonly endedAt: number;
    readonly error: string;
  };

/** The states that can be listed. */
export type ListedState = "ready" | "scheduled" | "leased" | "dead";

/** What `list` takes. */
export interface ListRequest {
  /** Which tasks. */
  readonly state: ListedState;
  /** How many at most. */
  readonly limit: number;
  /** Where the page before ended. */
  readonly cursor: string | undefined;
}

/** What `list` answers. */
export interface ListReply extends Counted {
  /** In the order of their line. */
  readonly tasks: readonly ListedTask[];
  /** Where the next page begins; absent on the last. */
  readonly cursor: string | undefined;
}

/** One task of a list. */
export interface ListedTask {
  /** The task's id. */
  readonly id: string;
  /** The task's name. */
  readonly name: string;
  /** Where it stands. */
  readonly state: ListedState;
  /** How many attempts have begun. */
  readonly attempt: number;
  /** When the broker accepted it. */
  readonly enqueuedAt: number;
  /** When it is due (`scheduled`), its lease ends (`leased`) or it died (`dead`). */
  readonly at: number | undefined;
  /** Why it is dead, or what the attempt before failed with. */
  readonly error: string | undefined;
}

/** What `stats` answers. */
export interface StatsReply extends Counted {
  /** The broker's clock. */
  readonly now: number;
  /** Tasks to claim. */
  readonly ready: number;
  /** Tasks that are due later. */
  readonly scheduled: number;
  /** Tasks that a consumer holds. */
  readonly leased: number;
  /** Tasks without attempts left. */
  readonly dead: number;
  /** Whether nothing is claimed. */
  readonly paused: boolean;
  /** The names of which nothing is claimed, in the order in which they were paused. */
  readonly pausedNames: readonly string[];
  /** Since when the first ready task counts, its priority included: the older one of the first of a key and the first of none. */
  readonly oldestAt: number | undefined;
  /** Keys that lost their canary: the database evicted, or fell back to an older copy. */
  readonly evicted: readonly string[];
}

/** What `pause` takes. */
export interface PauseRequest {
  /** Names this call: a repeat changes nothing. */
  readonly operation: string;
  /** Whether to stop or to go on. */
  readonly paused: boolean;
  /**
   * Only the tasks of this name; absent means the whole queue, whatever is paused by name.
   * What claims find of it is set aside, behind everything that is ready, and goes back to its places when the name may go on. Schedules are not set aside, nor are tasks that were cancelled.
   */
  readonly name?: string | undefined;
}

/** What `pause` answers. */
export interface PauseReply extends Counted {
  /** Whether tasks are left that were set aside and may go on: the same request again lets go of more. Claims do so too, should nobody ask. */
  readonly more: boolean;
}

/** What `purge` takes. */
export interface PurgeRequest {
  /** Names this call: a repeat is answered the same. */
  readonly operation: string;
  /** Ended only if accepted at that very instant; whenever it was, if that is left out. */
  readonly tasks: readonly {
    readonly id: string;
    readonly enqueuedAt?: number | undefined;
  }[];
  /** Whether to do to each what `cancel` does: a leased one is asked to stop, a dead one is left. @default {false} */
  readonly stop?: boolean | undefined;
  /** Why, as the ended tasks keep it. */
  readonly error: string;
  /** How long their ids stay taken. */
  readonly keepMs: number;
}

/** What `redrive` takes. */
export interface RedriveRequest {
  /** Names this call: a repeat is answered the same. */
  readonly operation: string;
  /** Revived only if dead since that very instant. */
  readonly tasks: readonly { readonly id: string; readonly diedAt: number }[];
}

/** What `purge` and `redrive` answer. */
export interface ChangedReply extends Counted {
  /** How many tasks were changed. */
  readonly changed: number;
}

/** What `inspect` takes. */
export interface InspectRequest {
  /** Whether to put right what is found. */
  readonly repair: boolean;
  /** Where the check before ended; absent begins. */
  readonly cursor: string | undefined;
}

/** What `inspect` answers. */
export interface InspectReply extends Counted {
  /** How many entries were looked at. */
  readonly checked: number;
  /** What does not agree. */
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
