import {
  type Context,
  propagation,
  type SpanContext,
  type TextMapGetter,
  type TextMapPropagator,
  trace,
} from "@opentelemetry/api";
import type { Carrier } from "../../codec/envelope.ts";
import { safely } from "../../core/safely.ts";
import { spanContextIn } from "./spans.ts";

const READ: TextMapGetter<Carrier> = {
  get: (carrier, key) => carrier[key as keyof Carrier],
  keys: (carrier) => Object.keys(carrier),
};

/** A context with a carrier's trace and baggage in place of its own. */
export interface Carried {
  readonly context: Context;
  /** The span that the carrier names, if there is one. */
  readonly span: SpanContext | undefined;
  /** The context's own span, if there is one. */
  readonly around: SpanContext | undefined;
  /** It, unless the carrier's span is of the same trace. */
  readonly apart: SpanContext | undefined;
}

/** What was extracted last into a context, and what that is without a trace and baggage of its own. */
interface Extraction {
  readonly propagator: TextMapPropagator;
  readonly bare: Context;
  readonly around: SpanContext | undefined;
  carrier: Carrier;
  carried: Carried;
}

/** The tasks of a batch carry the same, and a drain hands out many one after another. */
const extractions = /* @__PURE__ */ new WeakMap<Context, Extraction>();

/** `context` with the trace and baggage of the carrier in place of its own. */
export function extract(
  propagator: TextMapPropagator,
  context: Context,
  carrier: Carrier,
): Carried {
  const last = extractions.get(context);
  if (last === undefined || last.propagator !== propagator) {
    const bare = withoutOwn(context);
    const around = spanContextIn(context);
    const carried = carriedBy({ propagator, bare, around }, carrier);
    extractions.set(context, { propagator, bare, around, carrier, carried });
    return carried;
  }
  if (!isSame(last.carrier, carrier)) {
    last.carried = carriedBy(last, carrier);
    last.carrier = carrier;
  }
  return last.carried;
}

function withoutOwn(context: Context): Context {
  // the span last, for it is what is put in its place
  return trace.deleteSpan(
    propagation.getBaggage(context)
      ? propagation.deleteBaggage(context)
      : context,
  );
}

function carriedBy(
  { propagator, bare, around }: Pick<
    Extraction,
    "propagator" | "bare" | "around"
  >,
  carrier: Carrier,
): Carried {
  const context = safely(() => propagator.extract(bare, carrier, READ), bare);
  const span = spanContextIn(context);
  const isOne = around?.traceId === span?.traceId;
  return { context, span, around, apart: isOne ? undefined : around };
}

function isSame(a: Carrier, b: Carrier): boolean {
  return a.traceparent === b.traceparent && a.tracestate === b.tracestate &&
    a.baggage === b.baggage;
}
