import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Context,
  createTraceState,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Sampler,
  SamplingDecision,
  type SpanContext,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import { alwaysOff, alwaysOn, parentBased, ratio } from "../src/otlp/mod.ts";
import { newTraceId } from "../src/otlp/ids.ts";
import { wire } from "./support/otlp.ts";
import { test } from "./support/suite.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";

function samples(
  sampler: Sampler,
  traceId: string = TRACE,
  context: Context = ROOT_CONTEXT,
): boolean {
  const { decision } = sampler.shouldSample(
    context,
    traceId,
    "name",
    SpanKind.INTERNAL,
    {},
    [],
  );
  return decision === SamplingDecision.RECORD_AND_SAMPLED;
}

function parent(traceFlags: number, isRemote: boolean): Context {
  const span: SpanContext = {
    traceId: TRACE,
    spanId: "b7ad6b7169203331",
    traceFlags,
    isRemote,
  };
  return trace.setSpanContext(ROOT_CONTEXT, span);
}

test("alwaysOn and alwaysOff decide without looking", () => {
  assert(samples(alwaysOn));
  assert(!samples(alwaysOff));
  assertEquals(String(alwaysOn), "AlwaysOnSampler");
  assertEquals(String(alwaysOff), "AlwaysOffSampler");
});

test("ratio() decides by the trace id's random part, the same for equal shares and nested for others", () => {
  assert(samples(ratio(1), "1" + "0".repeat(31)));
  assert(!samples(ratio(0), "f".repeat(32)));
  const half = "0".repeat(18);
  assert(samples(ratio(0.5), half + "80000000000000"));
  assert(!samples(ratio(0.5), half + "7fffffffffffff"));
  const ids = Array.from({ length: 4000 }, newTraceId);
  const kept = (share: number) => ids.filter((id) => samples(ratio(share), id));
  const [tenth, quarter] = [kept(0.1), kept(0.25)];
  assert(Math.abs(quarter.length / ids.length - 0.25) < 0.04);
  assert(tenth.every((id) => quarter.includes(id)));
  assertEquals(String(ratio(0.1)), "TraceIdRatioBased{0.1}");
});

test("ratio() throws when the share is not between 0 and 1", () => {
  for (const share of [-0.1, 1.1, NaN]) {
    assertThrows(() => ratio(share), RangeError, String(share));
  }
});

test("parentBased() follows a valid parent and asks its root sampler otherwise", () => {
  for (const isRemote of [true, false]) {
    assert(samples(parentBased(alwaysOff), TRACE, parent(1, isRemote)));
    assert(!samples(parentBased(alwaysOn), TRACE, parent(2, isRemote)));
  }
  assert(samples(parentBased(alwaysOn)));
  assert(!samples(parentBased(alwaysOff)));
  const invalid = trace.setSpanContext(ROOT_CONTEXT, {
    traceId: "0".repeat(32),
    spanId: "0".repeat(16),
    traceFlags: 0,
  });
  assert(samples(parentBased(alwaysOn), TRACE, invalid));
  assertEquals(
    String(parentBased(ratio(0.5))),
    "ParentBased{root=TraceIdRatioBased{0.5}, remoteSampled=AlwaysOnSampler, remoteNotSampled=AlwaysOffSampler, localSampled=AlwaysOnSampler, localNotSampled=AlwaysOffSampler}",
  );
});

test("parentBased() asks the sampler of its branch, and no other", () => {
  const names = [
    "localNotSampled",
    "localSampled",
    "remoteNotSampled",
    "remoteSampled",
  ] as const;
  const asked: string[] = [];
  const asking = (name: string): Sampler => ({
    shouldSample(...call) {
      asked.push(name);
      assertEquals(call.slice(1), [TRACE, "name", SpanKind.INTERNAL, {}, []]);
      return { decision: SamplingDecision.RECORD };
    },
    toString: () => name,
  });
  const sampler = parentBased(
    asking("root"),
    Object.fromEntries(names.map((name) => [name, asking(name)])),
  );
  for (const isRemote of [false, true]) {
    for (const flags of [2, 1]) {
      samples(sampler, TRACE, parent(flags, isRemote));
    }
  }
  samples(sampler);
  assertEquals(asked, [...names, "root"]);
  assertEquals(
    String(parentBased(alwaysOn, { remoteSampled: alwaysOff })),
    "ParentBased{root=AlwaysOnSampler, remoteSampled=AlwaysOffSampler, remoteNotSampled=AlwaysOffSampler, localSampled=AlwaysOnSampler, localNotSampled=AlwaysOffSampler}",
  );
});

test("a span that is not sampled is not recorded, has an id of its own, and keeps its children unsampled", async () => {
  const { telemetry, collector } = wire({ sampler: parentBased(alwaysOff) });
  const tracer = telemetry.tracerProvider.getTracer("t");
  const root = tracer.startSpan("root");
  const child = tracer.startSpan("c", {}, trace.setSpan(ROOT_CONTEXT, root));
  assert(!root.isRecording());
  assertEquals(root.spanContext().traceFlags, 2);
  assertEquals(child.spanContext().traceId, root.spanContext().traceId);
  assert(child.spanContext().spanId !== root.spanContext().spanId);
  child.end();
  root.end();
  assertEquals((await telemetry.flush()).spans, 0);
  assertEquals(collector.requests, 0);
});

test("a sampler's own attributes and tracestate are recorded, and what it only records is not sent", async () => {
  const traceState = createTraceState("s=1");
  const seen: unknown[] = [];
  const sampler: Sampler = {
    shouldSample(_context, traceId, name, kind, attributes, links) {
      seen.push([traceId.length, name, kind, attributes, links]);
      const decision = name === "sent"
        ? SamplingDecision.RECORD_AND_SAMPLED
        : SamplingDecision.RECORD;
      return { decision, attributes: { sampled: true }, traceState };
    },
    toString: () => "own",
  };
  const { telemetry, collector } = wire({ sampler });
  const tracer = telemetry.tracerProvider.getTracer("t");
  tracer.startSpan("sent", { attributes: { a: 1 } }).end();
  const kept = tracer.startSpan("recorded");
  assert(kept.isRecording());
  kept.end();
  await telemetry.flush();
  assertEquals(seen[0], [32, "sent", SpanKind.INTERNAL, { a: 1 }, []]);
  assertEquals(collector.spans.map(({ name }) => name), ["sent"]);
  assertEquals(collector.spans[0]?.attributes, { a: 1, sampled: true });
  assertEquals(collector.spans[0]?.traceState, "s=1");
});

test("a sampler's tracestate takes the place of the parent's, and an empty one clears it", async () => {
  const states = new Map([
    ["cleared", createTraceState()],
    ["replaced", createTraceState("s=1")],
  ]);
  const { telemetry, collector } = wire({
    sampler: {
      shouldSample(_context, _traceId, name) {
        const traceState = states.get(name);
        const decision = SamplingDecision.RECORD_AND_SAMPLED;
        return traceState ? { decision, traceState } : { decision };
      },
      toString: () => "own",
    },
  });
  const tracer = telemetry.tracerProvider.getTracer("t");
  const above = trace.setSpanContext(ROOT_CONTEXT, {
    traceId: TRACE,
    spanId: "b7ad6b7169203331",
    traceFlags: 1,
    traceState: createTraceState("p=1"),
  });
  const carried = ["cleared", "replaced", "kept"].map((name) => {
    const span = tracer.startSpan(name, {}, above);
    span.end();
    const carrier: Record<string, string> = {};
    const context = trace.setSpan(ROOT_CONTEXT, span);
    telemetry.propagator.inject(context, carrier, defaultTextMapSetter);
    return carrier.tracestate;
  });
  assertEquals(carried, [undefined, "s=1", "p=1"]);
  await telemetry.flush();
  assertEquals(
    collector.spans.map(({ traceState }) => traceState),
    [undefined, "s=1", "p=1"],
  );
});

test("a sampler that throws fails no work: its span is not recorded, and its parent's trace goes on", () => {
  const { telemetry } = wire({
    sampler: {
      shouldSample() {
        throw new Error("no");
      },
      toString: () => "broken",
    },
  });
  const tracer = telemetry.tracerProvider.getTracer("t");
  const span = tracer.startSpan("a", {}, parent(1, true));
  assert(!span.isRecording());
  assertEquals(span.spanContext().traceId, TRACE);
  assertEquals(span.spanContext().traceFlags, 0);
});
