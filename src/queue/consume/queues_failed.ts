import type { ConsumerReport } from "./consumer_report.ts";

/** Some queues of a `Consumer` failed, each for the reason of its own in `errors`; the others were consumed to their end all the same. */
export class QueuesFailedError extends AggregateError {
  /** The class's own name, which survives minification. */
  override readonly name = "QueuesFailedError";
  /** The names of the queues that failed, in the order of `errors`. */
  readonly queues: readonly string[];
  /** What the others did. */
  readonly report: ConsumerReport;

  /**
   * A failure of some queues.
   *
   * @param failures Which failed, and why.
   * @param report What the others did.
   */
  constructor(failures: readonly QueueFailure[], report: ConsumerReport) {
    const queues = failures.map(({ queue }) => queue);
    const names = queues.map((name) => `'${name}'`).join(", ");
    super(
      failures.map(({ error }) => error),
      `${queues.length} of ${
        queues.length + report.queues.length
      } queues failed: ${names}. ${messageOf(failures[0]?.error)}`,
      { cause: failures[0]?.error },
    );
    this.queues = queues;
    this.report = report;
  }
}

/** A queue that failed. */
export interface QueueFailure {
  /** Its name. */
  readonly queue: string;
  /** Why. */
  readonly error: unknown;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
