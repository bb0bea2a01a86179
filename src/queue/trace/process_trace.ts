import {
  type Context,
  type Span,
  type SpanContext,
  SpanKind,
  trace,
} from "@opentelemetry/api";
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
import { type Place, placeOf } from "./place.ts";
import { type SafeSpan, startSpan } from "./spans.ts";
import { secondsBetween, Stopwatch } from "./stopwatch.ts";
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
  const watch = new Stopwatch(shared.clock);
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
  return new Processing({
    shared,
    delivery,
    sync,
    place,
    ambient,
    span,
    watch,
  });
}

/** What an attempt's trace is made of. */
interface Source {
  readonly shared: ConsumerInstrumentation;
  readonly delivery: Delivery;
  readonly sync: boolean;
  readonly place: Place;
  /** What is around the attempt. */
  readonly ambient: Context;
  readonly span: SafeSpan;
  readonly watch: Stopwatch;
}

/**
 * An attempt under way. It has two ends: the handler's, which the span is as long as, and the broker's answer to its settlement.
 *
 * A class: what V8 has compiled of closures is lost when a collection finds none of them.
 */
class Processing implements ProcessTrace {
  readonly span: Span;
  readonly context: Context;
  readonly creation: SpanContext | undefined;
  readonly depth: number;
  readonly #source: Source;
  #hasFailed = false;
  #endAt: number | undefined;
  #state: ProcessEnd["state"] | undefined;

  constructor(source: Source) {
    const { shared, place, span } = source;
    this.#source = source;
    this.span = span.raw;
    // what else begins in the context is no kin
    this.context = listening(trace.setSpan(place.context, span.raw));
    this.creation = place.creation;
    this.depth = place.depth;
    shared.contexts.enter();
  }

  traceparent(): string {
    const { spanContext } = this.#source.span;
    return safely(() => formatTraceparent(spanContext), "");
  }

  run<T>(callback: () => T): T {
    return this.#source.shared.providers.runIn(this.context, callback);
  }

  finish(ended: ProcessEnd): void {
    if (this.#endAt !== undefined) return;
    const { shared, delivery: { name }, span, sync, watch } = this.#source;
    const { state, error, thrown = error } = ended;
    shared.contexts.leave();
    this.#endAt = watch.now();
    this.#state = state;
    const errorType = ended.errorType ??
      (thrown === undefined ? undefined : errorTypeOf(thrown, error));
    span.set(shared.dialect.ended(state, sync));
    if (errorType !== undefined) this.#fail(error, errorType, thrown);
    const seconds = secondsBetween(watch.startAt, this.#endAt);
    shared.metrics.processed({ name, state, errorType }, seconds, this.context);
  }

  settled(answer: "accepted" | "stale" | "unknown"): void {
    const { shared, delivery: { name }, span, sync } = this.#source;
    const { dialect, metrics } = shared;
    if (answer === "accepted") {
      if (this.#state) metrics.settled(name, this.#state, this.context);
    } else if (!dialect.isBare) {
      const error = unsettled(answer);
      span.set(dialect.ended(answer, sync));
      this.#fail(error, errorTypeOf(error));
    }
    span.end(this.#endAt);
  }

  #fail(error: unknown, errorType: string, thrown: unknown = error): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const { shared, span, sync, ambient } = this.#source;
    const told = toldWithin(this.context, error, thrown);
    const failure = shared.dialect
      .processFailed({ error, errorType, sync, told });
    if (failure === undefined) return;
    span.fail(failure, this.#endAt);
    // whoever runs a task inline gets the error it threw
    if (sync) noteTold(ambient, thrown, failure.message);
  }
}

function unsettled(answer: "stale" | "unknown"): Error {
  return answer === "stale"
    ? new LeaseLostError("The lease had ended when the attempt was settled")
    : new BrokerError("unavailable", "The settlement was not answered");
}
