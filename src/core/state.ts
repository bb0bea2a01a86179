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
}

/** No such task: never enqueued, or forgotten after its time. */
export interface MissingResult {
  /** Nothing is known of it. */
  readonly status: "missing";
}
