/** Thrown by a handler: the task is dead at once, whatever attempts are left. */
export class NonRetryableError extends Error {
  /** The class's own name, which survives minification. */
  override readonly name = "NonRetryableError";
}

/** Thrown by a handler: the attempt failed, and the next one starts after `afterMs` instead of the task's backoff. */
export class RetryAfterError extends Error {
  /** The class's own name, which survives minification. */
  override readonly name = "RetryAfterError";
  /** How long to wait before the next attempt, in milliseconds. */
  readonly afterMs: number;

  /**
   * An attempt to repeat later.
   *
   * @param message What went wrong.
   * @param afterMs How long to wait, in milliseconds, or the instant to wait for.
   * @throws {RangeError} If `afterMs` is not a whole number of milliseconds of at least 0.
   */
  constructor(message: string, afterMs: number | Date, options?: ErrorOptions) {
    super(message, options);
    const ms = typeof afterMs === "number"
      ? afterMs
      : Math.max(0, afterMs.getTime() - Date.now());
    if (!Number.isSafeInteger(ms) || ms < 0) {
      throw new RangeError(
        `Cannot retry after '${ms}': pass whole milliseconds of at least 0, or a valid Date`,
      );
    }
    this.afterMs = ms;
  }
}

/** The reason of `ctx.signal`, and the error of an attempt that ran longer than its `timeoutMs`. */
export class TaskTimeoutError extends Error {
  /** The class's own name, which survives minification. */
  override readonly name = "TaskTimeoutError";
  /** The limit that was passed, in milliseconds. */
  readonly timeoutMs: number;

  /**
   * An attempt that ran too long.
   *
   * @param timeoutMs The limit that was passed, in milliseconds.
   */
  constructor(timeoutMs: number) {
    super(`The handler ran longer than its timeoutMs of ${timeoutMs}`);
    this.timeoutMs = timeoutMs;
  }
}

/** The reason of `ctx.signal` when the task was cancelled while it ran. */
export class TaskCancelledError extends Error {
  /** The class's own name, which survives minification. */
  override readonly name = "TaskCancelledError";
}

/** The reason of `ctx.signal` when the lease was lost: another consumer has, or may have, the task. */
export class LeaseLostError extends Error {
  /** The class's own name, which survives minification. */
  override readonly name = "LeaseLostError";
}

/** The reason of `ctx.signal` when the consumer is stopping and its grace has passed, and the error of an attempt that it ends so. */
export class ConsumerStoppedError extends Error {
  /** The class's own name, which survives minification. */
  override readonly name = "ConsumerStoppedError";
}

/** A payload that cannot be enqueued: refused by the schema, over the limit, or not JSON. Nothing was sent. */
export class PayloadError extends Error {
  /** The class's own name, which survives minification. */
  override readonly name = "PayloadError";
  /** What is wrong and where: in the schema's words where a schema refused the payload, else what JSON cannot carry. Never the values themselves; empty where the payload is only too large. */
  readonly issues: readonly PayloadIssue[];

  /**
   * A payload that was refused.
   *
   * @param message What is wrong with the payload, without its content.
   * @param issues What was found, and where.
   */
  constructor(
    message: string,
    issues: readonly PayloadIssue[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.issues = issues;
  }
}

/** One thing that is wrong with a payload. */
export interface PayloadIssue {
  /** The schema's own words, or what JSON cannot carry, such as `a function`. */
  readonly message: string;
  /** Where in the payload, as in `items.0.url`; empty for the whole of it. */
  readonly path: string;
}

/** The queue holds as many tasks as it may, or the database is full. Nothing was enqueued; try again when consumers have caught up. */
export class QueueFullError extends Error {
  /** The class's own name, which survives minification. */
  override readonly name = "QueueFullError";
  /** The queue that is full. */
  readonly queue: string;

  /**
   * A refusal.
   *
   * @param queue The queue that is full.
   * @param reason Why, in a few words.
   */
  constructor(queue: string, reason: string, options?: ErrorOptions) {
    super(`Queue '${queue}' takes no more tasks: ${reason}`, options);
    this.queue = queue;
  }
}

/**
 * Why a broker could not do what was asked. The first three are worth another try later: `retryable`.
 *
 * - `unavailable`: it could not be reached, or gave no readable answer.
 * - `throttled`: it limits requests.
 * - `timeout`: it did not answer in time.
 * - `unauthorized`: it refused the token.
 * - `wrong_type`: a key of this queue holds something else.
 * - `full`: the database takes no more data. An `enqueue` tells that as a {@linkcode QueueFullError}.
 * - `too_large`: the request is over its size limit.
 * - `rejected`: it refused a script.
 * - `invalid_reply`: what answered is no broker of this version.
 */
export type BrokerFailure =
  | "unavailable"
  | "throttled"
  | "timeout"
  | "unauthorized"
  | "wrong_type"
  | "full"
  | "too_large"
  | "rejected"
  | "invalid_reply";

/** The broker could not be reached, or refused. Its message never holds the command, a payload or a token. */
export class BrokerError extends Error {
  /** The class's own name, which survives minification. */
  override readonly name = "BrokerError";
  /** Why. */
  readonly failure: BrokerFailure;
  /** Whether the same call, with the same id, may succeed later: `unavailable`, `throttled` and `timeout`. */
  readonly retryable: boolean;
  /** How often the request was sent. */
  readonly attempts: number;

  /**
   * A failure of the broker.
   *
   * @param failure Why.
   * @param message What happened and what to do, without the command.
   * @param attempts How often the request was sent.
   */
  constructor(
    failure: BrokerFailure,
    message: string,
    attempts: number = 1,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.failure = failure;
    this.attempts = attempts;
    this.retryable = failure === "unavailable" || failure === "throttled" ||
      failure === "timeout";
  }
}
