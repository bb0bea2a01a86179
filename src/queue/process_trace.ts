import {
  type Context,
  type Link,
  type SpanContext,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import type { Delivery } from "../broker/broker.ts";
import type { Envelope } from "../codec/envelope.ts";
import { BrokerError, LeaseLostError } from "../core/error.ts";
import { formatTraceparent, parseTraceparent } from "../w3c/traceparent.ts";
import {
  cutAttributes,
  endAttributes,
  errorTypeOf,
  operationAttributes,
  spanName,
  taskAttributes,
} from "./conventions.ts";
import type {
  Instrumentation,
  ProcessEnd,
  ProcessOptions,
  ProcessTrace,
} from "./instrument.ts";
import { extract } from "./propagation.ts";
import { safely } from "./providers.ts";
import { linksTo, type SafeSpan, spanContextIn, startSpan } from "./spans.ts";
import { secondsBetween, startWatch, type Stopwatch } from "./stopwatch.ts";

/** A task that is deeper than this in its trace begins another: no trace is endless. */
const MAX_DEPTH = 100;

/** A task that was delayed for longer begins another trace: backends cut them by time. */
const MAX_DELAY_MS = 3_600_000;

/** Opens the `process {queue}` CONSUMER span of a delivery: a child of the enqueue that the task carries, or linked to it. */
export function startProcess(
  shared: Instrumentation,
  delivery: Delivery,
  envelope: Envelope | undefined,
  ambient: Context,
  worker: string,
  { sync }: ProcessOptions = {},
): ProcessTrace {
  const place = placeOf(shared, delivery, envelope, ambient);
  const watch = startWatch(shared.clock);
  const span = startSpan(shared, spanName("process", shared), {
    kind: SpanKind.CONSUMER,
    startTime: watch.startAt,
    attributes: {
      ...operationAttributes("process", shared),
      ...taskAttributes({
        id: delivery.id,
        name: delivery.name,
        label: envelope?.label,
        timeoutMs: envelope?.timeoutMs,
        attempt: delivery.attempt,
        worker,
        sync,
      }),
      ...cutAttributes(place.cut),
    },
    links: place.links,
  }, place.context);
  const context = trace.setSpan(place.context, span.raw);
  return {
    span: span.raw,
    context,
    traceparent: safely(() => formatTraceparent(span.context), ""),
    depth: place.depth,
    run: (callback) => shared.providers.runIn(context, callback),
    ...ending(shared, delivery.name, span, watch),
  };
}

/** Where in which trace a task is processed. */
interface Place {
  /** The drain's scope, the task's baggage, and the parent where there is one. */
  readonly context: Context;
  readonly links: Link[];
  readonly depth: number;
  /** Why the task begins a trace of its own, where that is not how it always is. */
  readonly cut: "delay" | "depth" | undefined;
}

function placeOf(
  { providers, tracing }: Instrumentation,
  delivery: Delivery,
  envelope: Envelope | undefined,
  ambient: Context,
): Place {
  const carrier = envelope?.carrier ?? {};
  const carried = extract(providers.propagator(), ambient, carrier);
  const creation = spanContextIn(carried);
  const around = spanContextIn(ambient);
  const previous = previousAttempt(delivery);
  const cut = cutReason(delivery, envelope);
  if (tracing.correlation === "link" || cut !== undefined) {
    return {
      context: trace.deleteSpan(carried),
      links: linksTo(creation, around, previous),
      depth: 0,
      cut: creation && cut,
    };
  }
  const isShown = around?.traceId === creation?.traceId;
  return {
    context: carried,
    links: linksTo(isShown ? undefined : around, previous),
    depth: envelope?.depth ?? 0,
    cut: undefined,
  };
}

/** The two ends of an attempt: the handler's, which the span is as long as, and the broker's answer to its settlement. */
function ending(
  { metrics }: Instrumentation,
  name: string,
  span: SafeSpan,
  watch: Stopwatch,
): Pick<ProcessTrace, "finish" | "settled"> {
  const taskName = metrics.labelOf(name);
  let endAt: number | undefined;
  let state: ProcessEnd["state"] | undefined;
  let hasFailed = false;
  const fail = (error: unknown, errorType: string) => {
    if (!hasFailed) span.fail(error, errorType);
    hasFailed = true;
  };
  return {
    finish(ended) {
      if (endAt !== undefined) return;
      endAt = watch.now();
      state = ended.state;
      const { error } = ended;
      const errorType = ended.errorType ??
        (error === undefined ? undefined : errorTypeOf(error));
      span.set(endAttributes(state));
      if (errorType !== undefined) fail(error, errorType);
      if (error !== undefined) span.addExceptions(error, endAt);
      const seconds = secondsBetween(watch.startAt, endAt);
      metrics.processed(seconds, taskName, state, errorType);
    },
    settled(answer) {
      if (answer === "accepted") {
        if (state !== undefined) metrics.settled(taskName, state);
      } else {
        const error = unsettled(answer);
        span.set(endAttributes(answer));
        fail(error, errorTypeOf(error));
      }
      span.end(endAt);
    },
  };
}

/** Why a task begins a trace of its own, if it is to. */
function cutReason(
  { enqueuedAt, dueAt }: Delivery,
  envelope: Envelope | undefined,
): "delay" | "depth" | undefined {
  if (dueAt !== undefined && dueAt - enqueuedAt > MAX_DELAY_MS) return "delay";
  return envelope && envelope.depth > MAX_DEPTH ? "depth" : undefined;
}

function previousAttempt({ previousSpan }: Delivery): SpanContext | undefined {
  return previousSpan === undefined
    ? undefined
    : safely(() => parseTraceparent(previousSpan), undefined);
}

function unsettled(answer: "stale" | "unknown"): Error {
  return answer === "stale"
    ? new LeaseLostError("The lease had ended when the attempt was settled")
    : new BrokerError("unavailable", "The settlement was not answered");
}
