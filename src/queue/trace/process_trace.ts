import { type Context, SpanKind, trace } from "@opentelemetry/api";
import type { Delivery } from "../../broker/broker.ts";
import type { Envelope } from "../../codec/envelope.ts";
import { BrokerError, LeaseLostError } from "../../core/error.ts";
import { safely } from "../../core/safely.ts";
import { withSampledKin } from "../../w3c/kinship.ts";
import { formatTraceparent } from "../../w3c/traceparent.ts";
import type { ConsumerInstrumentation } from "./consumer_half.ts";
import { errorTypeOf } from "./conventions.ts";
import { factsOf } from "./facts.ts";
import type { ProcessEnd, ProcessOptions, ProcessTrace } from "./instrument.ts";
import { placeOf } from "./place.ts";
import { type SafeSpan, startSpan } from "./spans.ts";
import { secondsBetween, startWatch, type Stopwatch } from "./stopwatch.ts";
import { listening, noteTold, toldWithin } from "./told.ts";

/** Opens the CONSUMER span of a delivery: a child of the enqueue that the task carries, or linked to it. */
export function startProcess(
  shared: ConsumerInstrumentation,
  delivery: Delivery,
  envelope: Envelope | undefined,
  ambient: Context,
  worker: string,
  { sync = false }: ProcessOptions = {},
): ProcessTrace {
  const place = placeOf(shared, delivery, envelope, ambient);
  const watch = startWatch(shared.clock);
  const { name, attributes } = shared.dialect.span("process", {
    id: delivery.id,
    name: delivery.name,
    label: envelope?.label,
    timeoutMs: envelope?.timeoutMs,
    attempt: sync ? undefined : delivery.attempt,
    worker,
    sync,
    cut: place.cut,
    ...(envelope && factsOf(envelope)),
  });
  const span = startSpan(shared, name, {
    kind: SpanKind.CONSUMER,
    startTime: watch.startAt,
    attributes,
    links: place.links,
  }, place.isKin ? withSampledKin(place.context) : place.context);
  // what else begins in the context is no kin
  const context = listening(trace.setSpan(place.context, span.raw));
  let leave = () => {};
  const attempt = { name: delivery.name, sync, span, watch, context, ambient };
  const { finish, settled } = ending(shared, attempt);
  return {
    span: span.raw,
    context,
    creation: place.creation,
    traceparent: () => safely(() => formatTraceparent(span.spanContext), ""),
    depth: place.depth,
    run(callback) {
      leave = shared.contexts.enter();
      return shared.providers.runIn(context, callback);
    },
    finish(end) {
      leave();
      finish(end);
    },
    settled,
  };
}

/** An attempt under way. */
interface Attempt {
  readonly name: string;
  readonly sync: boolean;
  readonly span: SafeSpan;
  readonly watch: Stopwatch;
  readonly context: Context;
  /** What is around it. */
  readonly ambient: Context;
}

/** The two ends of an attempt: the handler's, which the span is as long as, and the broker's answer to its settlement. */
function ending(
  { dialect, metrics }: ConsumerInstrumentation,
  { name, sync, span, watch, context, ambient }: Attempt,
): Pick<ProcessTrace, "finish" | "settled"> {
  let endAt: number | undefined;
  let state: ProcessEnd["state"] | undefined;
  let hasFailed = false;
  const fail = (error: unknown, errorType: string, thrown = error) => {
    if (hasFailed) return;
    hasFailed = true;
    const told = toldWithin(context, error, thrown);
    const failure = dialect.processFailed({ error, errorType, sync, told });
    if (failure === undefined) return;
    span.fail(failure, endAt);
    // whoever runs a task inline gets the error it threw
    if (sync) noteTold(ambient, thrown, failure.message);
  };
  return {
    finish({ error, thrown = error, ...ended }) {
      if (endAt !== undefined) return;
      endAt = watch.now();
      state = ended.state;
      const errorType = ended.errorType ??
        (thrown === undefined ? undefined : errorTypeOf(thrown, error));
      span.set(dialect.ended(state, sync));
      if (errorType !== undefined) fail(error, errorType, thrown);
      const seconds = secondsBetween(watch.startAt, endAt);
      metrics.processed({ name, state, errorType }, seconds, context);
    },
    settled(answer) {
      if (answer === "accepted") {
        if (state !== undefined) metrics.settled(name, state, context);
      } else if (!dialect.isBare) {
        const error = unsettled(answer);
        span.set(dialect.ended(answer, sync));
        fail(error, errorTypeOf(error));
      }
      span.end(endAt);
    },
  };
}

function unsettled(answer: "stale" | "unknown"): Error {
  return answer === "stale"
    ? new LeaseLostError("The lease had ended when the attempt was settled")
    : new BrokerError("unavailable", "The settlement was not answered");
}
