import type { StoppedBy } from "./course.ts";
import { type QueueFailure, QueuesFailedError } from "./queues_failed.ts";
import { type ConsumeReport, nothing } from "./tally.ts";
import type { DrainReport } from "../drain.ts";

/** What a consumer of several queues did: in all, and of each. A request that several queues shared is counted with one of them, so that the sum is what was sent. */
export interface ConsumerReport extends ConsumeReport {
  /** Of each queue, in the order in which they were given. */
  readonly queues: readonly QueueReport[];
}

/** What it did of one queue. */
export interface QueueReport extends ConsumeReport {
  /** The queue's name. */
  readonly queue: string;
}

/** What a drain of several queues did, and why it stopped. */
export interface ConsumerDrainReport extends ConsumerReport {
  /** The most pressing of the reasons for which its queues stopped, in this order: `budget`, `signal`, `requests`, `paused`, `empty`. */
  readonly stoppedBy: StoppedBy;
  /** Requests that handlers sent through `ctx`. */
  readonly handlerRequests: number;
  /** Whether tasks are left in any queue, or may be, that could be claimed right away. */
  readonly more: boolean;
  /** Milliseconds until the next task of any queue is due or the next lease ends; absent where neither is known of. */
  readonly nextDueInMs?: number;
  /** Of each queue, in the order in which they were given. */
  readonly queues: readonly QueueDrainReport[];
}

/** What a drain did of one queue. */
export interface QueueDrainReport extends DrainReport {
  /** The queue's name. */
  readonly queue: string;
}

/** How the consumer of one queue ended. */
export interface Ended<Report> {
  readonly queue: string;
  readonly result: PromiseSettledResult<Report>;
}

/** Those that did not fail, with what they did; and those that did. */
function sorted<Report>(ended: readonly Ended<Report>[]): {
  readonly queues: readonly (Report & { readonly queue: string })[];
  readonly failures: readonly QueueFailure[];
} {
  const queues: (Report & { readonly queue: string })[] = [];
  const failures: QueueFailure[] = [];
  for (const { queue, result } of ended) {
    if (result.status === "fulfilled") queues.push({ queue, ...result.value });
    else failures.push({ queue, error: result.reason });
  }
  return { queues, failures };
}

/**
 * What a consumer did that worked.
 *
 * @throws {QueuesFailedError} If a queue failed.
 */
export function workedReport(
  ended: readonly Ended<ConsumeReport>[],
): ConsumerReport {
  const { queues, failures } = sorted(ended);
  const report = { ...totalOf(queues), queues };
  if (failures.length > 0) throw new QueuesFailedError(failures, report);
  return report;
}

/**
 * What a consumer did that drained.
 *
 * @throws {QueuesFailedError} If a queue failed.
 */
export function drainedReport(
  ended: readonly Ended<DrainReport>[],
): ConsumerDrainReport {
  const { queues, failures } = sorted(ended);
  const report = { ...totalOf(queues), ...endOf(queues), queues };
  if (failures.length > 0) throw new QueuesFailedError(failures, report);
  return report;
}

function endOf(
  queues: readonly QueueDrainReport[],
): Pick<
  ConsumerDrainReport,
  "stoppedBy" | "handlerRequests" | "more" | "nextDueInMs"
> {
  const stoppedBy =
    PRESSING.find((by) => queues.some((queue) => queue.stoppedBy === by)) ??
      "empty";
  const nextDueInMs = Math.min(
    ...queues.map(({ nextDueInMs = Infinity }) => nextDueInMs),
  );
  return {
    stoppedBy,
    handlerRequests: queues.reduce((sum, one) => sum + one.handlerRequests, 0),
    more: queues.some(({ more }) => more),
    ...(nextDueInMs === Infinity ? {} : { nextDueInMs }),
  };
}

const PRESSING: readonly StoppedBy[] = [
  "budget",
  "signal",
  "requests",
  "paused",
];

function totalOf(queues: readonly ConsumeReport[]): ConsumeReport {
  const total = nothing();
  for (const queue of queues) {
    for (const key of Object.keys(total) as (keyof ConsumeReport)[]) {
      total[key] += queue[key];
    }
  }
  return total;
}
