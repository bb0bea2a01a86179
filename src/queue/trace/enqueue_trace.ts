import { type Context, type Link, SpanKind } from "@opentelemetry/api";
import { enqueuedAttributes, type TaskFacts } from "./conventions.ts";
import type { EnqueueTrace, Instrumentation, SentTask } from "./instrument.ts";
import { inject } from "./propagation.ts";
import { failOperation, linksTo, type SafeSpan, startSpan } from "./spans.ts";
import { secondsBetween, Stopwatch } from "./stopwatch.ts";

/** Opens the PRODUCER span of a call, or of each of its tasks. */
export function startEnqueue(
  shared: Instrumentation,
  context: Context,
  tasks: readonly SentTask[],
  isBatch: boolean,
  links: readonly Link[] = [],
): EnqueueTrace {
  const { bracketsInline, isPerTask } = shared.dialect;
  const sends = isPerTask
    ? tasks.map((task) => startSend(shared, context, [task], false, links))
    : [startSend(shared, context, tasks, isBatch, links)];
  const succeed = (sent: number) => {
    for (const send of sends) send.succeed(sent);
  };
  return {
    context: sends[0]?.context ?? context,
    carrierOf: (index) =>
      sends.length === 1
        ? sends[0]!.carrierOf(index)
        : sends[index]!.carrierOf(0),
    handOver() {
      if (!bracketsInline) succeed(1);
    },
    succeed,
    fail(error) {
      for (const send of sends) send.fail(error);
    },
  };
}

/** The span of tasks that are sent together, and of each of them where that is asked for. */
function startSend(
  shared: Instrumentation,
  context: Context,
  tasks: readonly SentTask[],
  isBatch: boolean,
  links: readonly Link[],
): Omit<EnqueueTrace, "handOver"> {
  const { clock, dialect, metrics, providers, tracing } = shared;
  const watch = new Stopwatch(clock);
  const creations = isBatch && tracing.createSpans === true
    ? tasks.map((task) => create(shared, context, task))
    : [];
  const { name, attributes } = isBatch
    ? dialect.span("enqueue", inCommon(tasks), tasks.length)
    : dialect.span("enqueue", tasks[0]!);
  const span = startSpan(shared, name, {
    kind: creations.length > 0 ? SpanKind.CLIENT : SpanKind.PRODUCER,
    attributes,
    links: [
      ...links,
      ...linksTo(...creations.map(({ spanContext }) => spanContext)),
    ],
  }, context);
  const carry = (from: SafeSpan) =>
    inject(providers.propagator(), from.context);
  const carriers = (creations.length > 0 ? creations : [span]).map(carry);
  let isOpen = true;
  const end = (tell: () => string | undefined) => {
    if (!isOpen) return;
    isOpen = false;
    const errorType = tell();
    const seconds = secondsBetween(watch.startAt, watch.now());
    metrics.enqueued(tasks, seconds, errorType, span.context);
    span.end();
  };
  return {
    context: span.context,
    carrierOf: (index) => carriers[index] ?? carriers[0]!,
    succeed: (sent) =>
      end(() => {
        if (!dialect.isBare) span.set(enqueuedAttributes(tasks.length - sent));
        return undefined;
      }),
    fail: (error) => end(() => failOperation(shared, span, error)),
  };
}

/** The span of one task of a batch, which ends before the batch is sent. */
function create(
  shared: Instrumentation,
  context: Context,
  task: SentTask,
): SafeSpan {
  const { name, attributes } = shared.dialect.span("create", task);
  const options = { kind: SpanKind.PRODUCER, attributes };
  const span = startSpan(shared, name, options, context);
  span.end();
  return span;
}

/** What a batch's span may say of all its tasks. */
function inCommon([first, ...others]: readonly SentTask[]): TaskFacts {
  return Object.fromEntries(
    Object.entries(first ?? {}).filter(([key, value]) =>
      key !== "id" &&
      others.every((other) => other[key as keyof SentTask] === value)
    ),
  );
}
