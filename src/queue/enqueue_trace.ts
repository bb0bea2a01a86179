import { type Context, SpanKind, trace } from "@opentelemetry/api";
import {
  batchAttributes,
  enqueuedAttributes,
  errorTypeOf,
  operationAttributes,
  spanName,
  taskAttributes,
} from "./conventions.ts";
import type { EnqueueTrace, Instrumentation, SentTask } from "./instrument.ts";
import { inject } from "./propagation.ts";
import { startSpan } from "./spans.ts";
import { secondsBetween, startWatch } from "./stopwatch.ts";

/** Opens the `enqueue {queue}` PRODUCER span of a call. */
export function startEnqueue(
  shared: Instrumentation,
  context: Context,
  tasks: readonly SentTask[],
  batch: boolean,
): EnqueueTrace {
  const { clock, providers, metrics } = shared;
  const watch = startWatch(clock);
  const span = startSpan(shared, spanName("enqueue", shared), {
    kind: SpanKind.PRODUCER,
    attributes: {
      ...operationAttributes("enqueue", shared),
      ...taskAttributes(batch ? inCommon(tasks) : tasks[0]!),
      ...(batch ? batchAttributes(tasks.length) : {}),
    },
  }, context);
  const end = (errorType?: string) => {
    metrics.operated(
      "enqueue",
      secondsBetween(watch.startAt, watch.now()),
      errorType,
    );
    for (const [name, count] of byLabel(tasks, shared)) {
      metrics.sent(count, name, errorType);
    }
    span.end();
  };
  return {
    carrier: inject(
      providers.propagator(),
      trace.setSpan(context, span.raw),
    ),
    succeed(sent) {
      span.set(enqueuedAttributes(tasks.length - sent));
      end();
    },
    fail(error) {
      const errorType = errorTypeOf(error);
      span.fail(error, errorType);
      end(errorType);
    },
  };
}

/** What a batch's span may say of all its tasks. */
function inCommon(tasks: readonly SentTask[]): Partial<SentTask> {
  const [first] = tasks;
  if (first === undefined) return {};
  const { name, label } = first;
  return {
    ...(tasks.every((task) => task.name === name) ? { name } : {}),
    ...(tasks.every((task) => task.label === label) ? { label } : {}),
  };
}

function byLabel(
  tasks: readonly SentTask[],
  { metrics }: Instrumentation,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { name, defined } of tasks) {
    const label = metrics.labelOf(name, defined);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return counts;
}
