/** The propagator: what it reads of a carrier and writes into one, trace context and baggage together. */
import {
  createTraceState,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  trace,
} from "@opentelemetry/api";
import {
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
} from "@std/assert";
import { TraceState, W3CPropagator } from "../src/w3c/mod.ts";
import { suppressTracing } from "../src/w3c/suppression.ts";
import { lines } from "./support/header.ts";
import { test } from "./support/suite.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const HEADER = `00-${TRACE}-${SPAN}-01`;

function extract(
  carrier: Record<string, string | string[]>,
  propagator = new W3CPropagator(),
) {
  return propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
}

function inject(context = ROOT_CONTEXT, propagator = new W3CPropagator()) {
  const carrier: Record<string, string> = {};
  propagator.inject(context, carrier, defaultTextMapSetter);
  return carrier;
}

test("W3CPropagator hands on what it extracted, the random flag and foreign entries included", () => {
  const carrier = {
    traceparent: `00-${TRACE}-${SPAN}-03`,
    tracestate: "foo=1,bar@x=2",
    baggage: "user=a%20b;secret",
  };
  assertEquals(inject(extract(carrier)), carrier);
  assertEquals(trace.getSpanContext(extract(carrier))?.isRemote, true);
});

test("W3CPropagator.extract() ignores an invalid traceparent and its tracestate, not the baggage", () => {
  const rest = { tracestate: "foo=1", baggage: "a=1" };
  for (const bad of ["", "nonsense", [], [HEADER, HEADER]]) {
    const context = extract({ traceparent: bad, ...rest });
    assertEquals(trace.getSpanContext(context), undefined);
    assertEquals(propagation.getBaggage(context)?.getEntry("a")?.value, "1");
  }
  assertStrictEquals(extract({}), ROOT_CONTEXT);
});

test("W3CPropagator.extract() leaves traceparent alone when tracestate is invalid", () => {
  const span = trace.getSpanContext(
    extract({ traceparent: [HEADER], tracestate: ["a=1", "A=2"] }),
  );
  assertEquals(span?.traceId, TRACE);
  assertEquals(span?.traceState, undefined);
  const joined = trace.getSpanContext(
    extract({ traceparent: HEADER, tracestate: ["a=1", "b=2"] }),
  );
  assertInstanceOf(joined?.traceState, TraceState);
  assertEquals(joined.traceState.serialize(), "a=1,b=2");
});

test("W3CPropagator carries no baggage when told so", () => {
  const silent = new W3CPropagator({ baggage: false });
  const context = extract({ traceparent: HEADER, baggage: "a=1" }, silent);
  assertEquals(propagation.getBaggage(context), undefined);
  const full = extract({ traceparent: HEADER, baggage: "a=1" });
  assertEquals(inject(full, silent), { traceparent: HEADER });
  assertEquals(silent.fields(), ["traceparent", "tracestate"]);
  assertEquals(new W3CPropagator().fields().at(-1), "baggage");
});

test("W3CPropagator.inject() writes no trace that is invalid, and no empty tracestate", () => {
  const span = (traceId: string, spanId: string) =>
    trace.setSpanContext(ROOT_CONTEXT, {
      traceId,
      spanId,
      traceFlags: 1,
      traceState: createTraceState(),
    });
  assertEquals(inject(span(TRACE, SPAN)), { traceparent: HEADER });
  for (
    const [traceId, spanId] of [
      ["0".repeat(32), SPAN],
      [TRACE, "0".repeat(16)],
      [TRACE, "xyz"],
      [TRACE, `${SPAN}0`],
      [TRACE.slice(1), SPAN],
      [TRACE.toUpperCase(), SPAN],
      ["", ""],
    ] as const
  ) assertEquals(inject(span(traceId, spanId)), {}, `${traceId} ${spanId}`);
  assertEquals(inject(), {});
});

test("W3CPropagator.inject() writes nothing where tracing is suppressed", () => {
  const context = extract({ traceparent: HEADER, baggage: "a=1" });
  assertEquals(inject(context), { traceparent: HEADER, baggage: "a=1" });
  assertEquals(inject(suppressTracing(context)), {});
});

test("W3CPropagator combines header lines of tracestate and baggage, in their order", () => {
  const context = extract({
    traceparent: [HEADER],
    tracestate: ["a=1, b=2", "", "c=3"],
    baggage: ["x=1", "", "y=2;p , z=3"],
  });
  assertEquals(inject(context), {
    traceparent: HEADER,
    tracestate: "a=1,b=2,c=3",
    baggage: "x=1,y=2;p,z=3",
  });
});

test("W3CPropagator.extract() bounds what it reads of each header", () => {
  const context = extract({
    traceparent: HEADER,
    tracestate: lines("a=1", 4_113),
    baggage: lines("b=1", 2_049),
  });
  assertEquals(trace.getSpanContext(context)?.traceState, undefined);
  assertEquals(inject(context), { traceparent: HEADER, baggage: "b=1" });
});
