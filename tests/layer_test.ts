/** Contexts that share what is below them. */
import {
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  trace,
} from "@opentelemetry/api";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { Layer } from "../src/queue/trace/layer.ts";
import { test } from "./support/suite.ts";

const A = createContextKey("layer test a");
const B = createContextKey("layer test b");

test("Layer has its own value and those below it, of its own kind and of the API's", () => {
  const below = ROOT_CONTEXT.setValue(A, 1);
  const layer = new Layer(below, B, 2).setValue(A, 3);
  assertEquals([layer.getValue(A), layer.getValue(B)], [3, 2]);
  assertEquals(new Layer(below, B, 2).getValue(A), 1);
  assertEquals(below.getValue(B), undefined);
});

test("Layer.setValue() and deleteValue() leave the context as it is when they give another", () => {
  const layer = new Layer(ROOT_CONTEXT.setValue(A, 1), B, 2);
  const changed = layer.setValue(B, 3);
  const without = layer.deleteValue(A).deleteValue(B);
  assertEquals([layer.getValue(A), layer.getValue(B)], [1, 2]);
  assertEquals([changed.getValue(A), changed.getValue(B)], [1, 3]);
  assertEquals([without.getValue(A), without.getValue(B)], [
    undefined,
    undefined,
  ]);
});

test("Layer serves the API's functions", () => {
  const span = trace.wrapSpanContext({
    traceId: "a".repeat(32),
    spanId: "b".repeat(16),
    traceFlags: 1,
  });
  const baggage = propagation.createBaggage({ k: { value: "v" } });
  const context = propagation.setBaggage(
    trace.setSpan(new Layer(ROOT_CONTEXT, A, 1), span),
    baggage,
  );
  assertStrictEquals(trace.getSpan(context), span);
  assertStrictEquals(propagation.getBaggage(context), baggage);
  assertEquals(trace.getSpan(trace.deleteSpan(context)), undefined);
});

test("Layer.getValue() finds what lies under very many others", () => {
  let context = new Layer(ROOT_CONTEXT, A, "deep").setValue(B, 0);
  for (let i = 0; i < 100_000; i++) context = context.setValue(Symbol(), i);
  assertEquals(context.getValue(A), "deep");
});
