/** Whether the demo showed what it claims. */
import type { Collector, ReceivedSpan } from "../../tests/support/collector.ts";
import { total } from "./numbers.ts";
import { CASCADE } from "./shop.ts";
import { attemptOf, stateOf, treesOf } from "./trace.ts";

/** What is looked at. */
export interface Evidence {
  readonly collector: Collector;
  /** The signup's trace. */
  readonly trace: readonly ReceivedSpan[];
  /** What the drain emitted beside it. */
  readonly drain: readonly ReceivedSpan[];
  readonly queue: string;
}

/** What is not as it should be, in words. */
export function doubts({ collector, trace, drain, queue }: Evidence): string[] {
  const count = (kind: ReceivedSpan["kind"]): number =>
    trace.filter((span) => span.kind === kind).length;
  const attempts = trace.filter(({ kind }) => kind === "CONSUMER");
  const retried = attempts.filter((span) => stateOf(span) === "retry");
  const claims: readonly (readonly [boolean, string])[] = [
    [treesOf(trace).length === 1, "the trace is one tree"],
    [count("SERVER") === 1, "it has one SERVER span"],
    [count("PRODUCER") === CASCADE.tasks, "it has a PRODUCER span a task"],
    [count("CONSUMER") === CASCADE.attempts, "and a CONSUMER span an attempt"],
    [retried.length === 1, "one attempt failed and was retried"],
    [
      attempts.some((span) =>
        attemptOf(span) === "#2" &&
        span.links.some(({ spanId }) => spanId === retried[0]?.spanId)
      ),
      "the second attempt links to the first",
    ],
    [treesOf(drain).length === 1, "the drain is a trace of its own"],
    [
      attempts.every(({ links }) =>
        links.some(({ traceId }) => traceId === drain[0]?.traceId)
      ),
      "every attempt links to the drain",
    ],
    [
      total({ collector, queue, metric: "baton.task.retries" }) === 1,
      "the metrics count one retry",
    ],
  ];
  return claims.flatMap(([holds, claim]) => holds ? [] : [claim]);
}
