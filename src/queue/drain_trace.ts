import { type Context, SpanKind, trace } from "@opentelemetry/api";
import type { Counted } from "../broker/broker.ts";
import { BrokerError } from "../core/error.ts";
import {
  batchAttributes,
  drainAttributes,
  drainedAttributes,
  errorTypeOf,
  leaseExpiredAttributes,
  operationAttributes,
  spanName,
} from "./conventions.ts";
import type { DrainTrace, Instrumentation, StepTrace } from "./instrument.ts";
import { linksTo, type SafeSpan, spanContextIn, startSpan } from "./spans.ts";
import { secondsBetween, startWatch, type Stopwatch } from "./stopwatch.ts";

/** How many expired leases of one step are shown. */
const MAX_EXPIRED = 32;

/**
 * Opens the scope of a drain, whose `drain {queue}` INTERNAL span is the root of a trace of its own, linked to whatever span is current.
 * The span is made with the first step that moves something, and begins when the drain did: an idle tick leaves none.
 */
export function startDrain(
  shared: Instrumentation,
  outer: Context,
): DrainTrace {
  const { metrics, providers } = shared;
  const scope = providers.openScope(trace.deleteSpan(outer));
  const watch = startWatch(shared.clock);
  let span: SafeSpan | undefined;
  let context = scope;
  const begin = (): SafeSpan => {
    if (span !== undefined) return span;
    span = startSpan(shared, spanName("drain", shared), {
      kind: SpanKind.INTERNAL,
      startTime: watch.startAt,
      attributes: drainAttributes(shared),
      links: linksTo(spanContextIn(outer)),
    }, scope);
    context = trace.setSpan(scope, span.raw);
    return span;
  };
  return {
    get context() {
      return context;
    },
    startStep(settling) {
      const startAt = watch.now();
      return (reply) => {
        metrics.spent("step", costOf(reply));
        metrics.expired(reply.reaped);
        for (const delivery of reply.deliveries ?? []) {
          metrics.consumed(delivery, reply.now);
        }
        const moved = operationsOf(reply, settling);
        if (moved.length === 0 && reply.reaped === 0) return;
        begin();
        showStep(shared, context, moved, reply, startAt, watch);
      };
    },
    end(moved, error) {
      if (error !== undefined) begin().fail(error, errorTypeOf(error));
      span?.set(drainedAttributes(moved));
      span?.end(watch.now());
    },
  };
}

/** What a step cost; of a failed one, how often it was sent. */
function costOf({ error, requests, commands }: StepTrace): Counted {
  return error instanceof BrokerError
    ? { requests: error.attempts, commands: 0 }
    : { requests, commands };
}

/** A request that claims and settles is two operations. */
interface Moved {
  readonly operation: "receive" | "settle";
  readonly count: number;
}

/** What a step did; a failed one what it was for, and an empty poll nothing. */
function operationsOf(
  { received, settled, error }: StepTrace,
  settling: number,
): readonly Moved[] {
  if (error !== undefined) {
    return settling > 0
      ? [{ operation: "settle", count: settling }]
      : [{ operation: "receive", count: 0 }];
  }
  const moved: Moved[] = [];
  if (received > 0) moved.push({ operation: "receive", count: received });
  if (settled > 0) moved.push({ operation: "settle", count: settled });
  return moved;
}

/** The spans of a step, all of them as long as its request, and one sample of its duration. */
function showStep(
  shared: Instrumentation,
  context: Context,
  moved: readonly Moved[],
  { error, reapedIds = [] }: StepTrace,
  startAt: number,
  watch: Stopwatch,
): void {
  const endAt = watch.now();
  const errorType = error === undefined ? undefined : errorTypeOf(error);
  const [first] = moved;
  if (first !== undefined) {
    const seconds = secondsBetween(startAt, endAt);
    shared.metrics.operated(first.operation, seconds, errorType);
  }
  for (const { operation, count } of moved) {
    const span = startSpan(shared, spanName(operation, shared), {
      kind: SpanKind.CLIENT,
      startTime: startAt,
      attributes: {
        ...operationAttributes(operation, shared),
        ...batchAttributes(count),
      },
    }, context);
    if (errorType !== undefined) span.fail(error, errorType);
    span.end(endAt);
  }
  for (const id of reapedIds.slice(0, MAX_EXPIRED)) {
    const span = startSpan(shared, spanName("lease expired", shared), {
      kind: SpanKind.INTERNAL,
      startTime: startAt,
      attributes: leaseExpiredAttributes(id, shared),
    }, context);
    span.fail(
      "The lease ended unsettled: the consumer died or was too slow",
      "lease_expired",
    );
    span.end(endAt);
  }
}
