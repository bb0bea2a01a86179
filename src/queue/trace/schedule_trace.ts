import { type Context, propagation, SpanKind, trace } from "@opentelemetry/api";
import type { Carrier } from "../../codec/envelope.ts";
import {
  scheduleAttributes,
  scheduledAttributes,
} from "./consumer_conventions.ts";
import { spanName } from "./conventions.ts";
import { startEnqueue } from "./enqueue_trace.ts";
import type { EnqueueTrace, Instrumentation, SentTask } from "./instrument.ts";
import { inject } from "./propagation.ts";
import { failOperation, linksTo, spanContextOf, startSpan } from "./spans.ts";

/** The open span of one `queue.schedule`. Only the first end counts. */
export interface ScheduleTrace {
  /** What travels with the schedule, for the traces of its slots to be linked to. */
  readonly carrier: Carrier;
  /** Ends the span. */
  succeed(status: string): void;
  /** Ends the span as failed. */
  fail(error: unknown): void;
}

/** Opens the `schedule {queue}` CLIENT span of an upsert. By other conventions there is none, and what travels is the span around it. */
export function startSchedule(
  shared: Instrumentation,
  context: Context,
  schedule: string,
  taskName: string,
): ScheduleTrace {
  const { dialect, providers } = shared;
  const carry = (from: Context) =>
    inject(providers.propagator(), withoutBaggage(from));
  if (dialect.isBare) {
    return { carrier: carry(context), succeed() {}, fail() {} };
  }
  const span = startSpan(shared, spanName("schedule", shared), {
    kind: SpanKind.CLIENT,
    attributes: scheduleAttributes(schedule, taskName, shared),
  }, context);
  return {
    carrier: carry(span.context),
    succeed(status) {
      span.set(scheduledAttributes(status));
      span.end();
    },
    fail(error) {
      failOperation(shared, span, error);
      span.end();
    },
  };
}

/** Opens the PRODUCER span of a slot's task: the root of a new trace, in the drain's scope, linked to the creation of its schedule. */
export function startFiring(
  shared: Instrumentation,
  ambient: Context,
  { traceparent }: Carrier,
  task: SentTask,
): EnqueueTrace {
  const root = trace.deleteSpan(withoutBaggage(ambient));
  const links = shared.dialect.isBare
    ? []
    : linksTo(spanContextOf(traceparent));
  return startEnqueue(shared, root, [task], false, links);
}

/** Baggage is of one request, and a schedule outlives it. */
function withoutBaggage(context: Context): Context {
  return propagation.getBaggage(context)
    ? propagation.deleteBaggage(context)
    : context;
}
