/** Where a task that has not ended stands. */
export type PendingState = "waiting" | "scheduled" | "ready" | "leased";

/** How a task ended. */
export type EndedState = "completed" | "dead" | "cancelled" | "expired";

/** An error as it is kept with a task: of a dead one, or of the attempt before. */
export interface StoredError {
  /** The error's name. */
  readonly name: string;
  /** Its message, 4 KB at most. */
  readonly message: string;
  /** Its stack, 8 KB at most; not kept between attempts. */
  readonly stack?: string;
  /** What caused it, 8 deep at most. */
  readonly cause?: StoredError;
}

/** How `queue.result` asks. */
export interface ResultOptions {
  /** How long to wait for the task's end, in milliseconds, 10 min at most. The broker is asked after 100 ms, then ever less often, down to every 2 s. @default {0} */
  readonly waitMs?: number;
  /** Gives up waiting: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What became of a task that was to be cancelled. `cancelled`: it will not run. `cancelling`: it runs and was asked to stop, or the next consumer ends it. `ended`: it had ended before. `missing`: there is no such task. */
export type CancelStatus = "cancelled" | "cancelling" | "ended" | "missing";

/** What `queue.result(id)` answers. */
export type TaskResult<Output = unknown> =
  | CompletedResult<Output>
  | FailedResult
  | PendingResult
  | MissingResult;

/** The task completed. */
export interface CompletedResult<Output> {
  /** How it stands. */
  readonly status: "completed";
  /** What the handler returned; `undefined` where nothing is kept. */
  readonly value: Output;
  /** Whether the value was kept: not with `resultTtlMs: 0`, past its time, over the limit, or in a full database. */
  readonly saved: boolean;
  /** Why a value that was kept is not told: it was changed after it was sealed, or is sealed under a key that this queue does not have. */
  readonly unopened?: string;
  /** How many attempts it took. */
  readonly attempt: number;
}

/** The task ended without a result. */
export interface FailedResult {
  /** How it ended. */
  readonly status: "dead" | "cancelled" | "expired";
  /** Why. */
  readonly error: StoredError;
  /** How many attempts were made. */
  readonly attempt: number;
}

/**
 * How a task ended, for what is enqueued at its end: its hooks and the next link of its chain.
 *
 * @typeParam Output What the task's handler returned.
 */
export type Settled<Output = unknown> =
  | SettledSuccess<Output>
  | SettledFailure;

/** What a task is known by when it has ended. */
export interface SettledTask {
  /** The task's id. */
  readonly id: string;
  /** The task's name. */
  readonly name: string;
  /** How many attempts it took. */
  readonly attempt: number;
  /** The id of the chain that it is a link of. */
  readonly chain?: string;
}

/** It completed. */
export interface SettledSuccess<Output> extends SettledTask {
  /** How it ended. */
  readonly status: "completed";
  /** What its handler returned, whatever its `resultTtlMs` says; absent where that was `undefined`, over `maxResultBytes` or not JSON. */
  readonly value?: Output;
}

/** It ended without a result. */
export interface SettledFailure extends SettledTask {
  /** How it ended. */
  readonly status: "dead" | "cancelled" | "expired";
  /** Why. */
  readonly error: StoredError;
}

/** The task has not ended. */
export interface PendingResult {
  /** Where it stands. */
  readonly status: PendingState;
  /** How many attempts have begun. */
  readonly attempt: number;
  /** When it is due, in milliseconds since the epoch; only while `scheduled`. */
  readonly dueAt?: number;
  /** What the attempt before failed with. */
  readonly lastError?: StoredError;
  /** What the handler told last by `ctx.progress()`; only while `leased`. */
  readonly progress?: unknown;
}

/** No such task: never enqueued, or forgotten after its time. */
export interface MissingResult {
  /** Nothing is known of it. */
  readonly status: "missing";
}
