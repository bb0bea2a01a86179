import type {
  Context,
  TextMapGetter,
  TextMapPropagator,
  TextMapSetter,
} from "@opentelemetry/api";
import { propagation, trace } from "./api.ts";
import { formatBaggage, parseBaggage } from "./baggage.ts";
import { isTracingSuppressed } from "./suppression.ts";
import {
  formatTraceparent,
  parseTraceparent,
  TRACEPARENT,
} from "./traceparent.ts";
import { TraceState } from "./tracestate.ts";

/** What a {@link W3CPropagator} carries. */
export interface W3CPropagatorOptions {
  /**
   * Whether the trace goes along.
   *
   * @default {true}
   */
  readonly trace?: boolean;
  /**
   * Whether baggage goes along with the trace.
   *
   * @default {true}
   */
  readonly baggage?: boolean;
}

/**
 * Carries trace context and baggage in `traceparent`, `tracestate` and `baggage`.
 *
 * An invalid `traceparent` is ignored and its `tracestate` with it; an invalid `tracestate` leaves `traceparent` alone.
 * The random flag of level 2 is kept. Where tracing is suppressed, nothing is sent.
 *
 * @see W3C Trace Context level 2; W3C Baggage
 */
export class W3CPropagator implements TextMapPropagator {
  readonly #trace: boolean;
  readonly #baggage: boolean;

  /**
   * Makes a propagator.
   *
   * @param options What it carries; by default everything.
   */
  constructor(options: W3CPropagatorOptions = {}) {
    this.#trace = options.trace ?? true;
    this.#baggage = options.baggage ?? true;
  }

  /** Writes the context's span and baggage, as far as it has them, into the carrier. */
  inject<Carrier>(
    context: Context,
    carrier: Carrier,
    setter: TextMapSetter<Carrier>,
  ): void {
    if (isTracingSuppressed(context)) return;
    const span = this.#trace && trace.getSpanContext(context);
    const traceparent = span && formatTraceparent(span);
    if (traceparent && TRACEPARENT.test(traceparent)) {
      setter.set(carrier, "traceparent", traceparent);
      const state = span.traceState?.serialize();
      if (state) setter.set(carrier, "tracestate", state);
    }
    const baggage = this.#baggage && propagation.getBaggage(context);
    const header = baggage && formatBaggage(baggage);
    if (header) setter.set(carrier, "baggage", header);
  }

  /** Returns the context with the remote span and the baggage that the carrier holds. */
  extract<Carrier>(
    context: Context,
    carrier: Carrier,
    getter: TextMapGetter<Carrier>,
  ): Context {
    let extracted = context;
    const span = this.#trace &&
      parseTraceparent(`${getter.get(carrier, "traceparent")}`);
    if (span) {
      const header = getter.get(carrier, "tracestate");
      const traceState = header && TraceState.parse(header);
      if (traceState) span.traceState = traceState;
      extracted = trace.setSpanContext(extracted, span);
    }
    const header = this.#baggage && getter.get(carrier, "baggage");
    const baggage = header && parseBaggage(header);
    return baggage ? propagation.setBaggage(extracted, baggage) : extracted;
  }

  /** The names of the fields that {@link W3CPropagator.inject} may set. */
  fields(): string[] {
    return [
      ...this.#trace ? ["traceparent", "tracestate"] : [],
      ...this.#baggage ? ["baggage"] : [],
    ];
  }
}
