import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  type Context,
  ROOT_CONTEXT,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import {
  alwaysOff,
  Telemetry,
  type TelemetryOptions,
} from "../src/otlp/mod.ts";
import type { Collector } from "./support/collector.ts";
import { wire } from "./support/otlp.ts";
import { test } from "./support/suite.ts";

function names(collector: Collector): Record<number, string[]> {
  const byRequest: Record<number, string[]> = {};
  for (const { request, name } of collector.spans) {
    (byRequest[request] ??= []).push(name);
  }
  return byRequest;
}

function wired() {
  const { telemetry, collector, clock } = wire();
  const tracer = telemetry.tracerProvider.getTracer("t");
  const start = (name: string, context: Context = ROOT_CONTEXT) =>
    tracer.startSpan(name, {}, context);
  return { telemetry, collector, clock, start };
}

test("openScope() opens a scope once, and per Telemetry", () => {
  const { telemetry } = wired();
  const scope = telemetry.openScope(ROOT_CONTEXT);
  assert(scope !== ROOT_CONTEXT);
  assertStrictEquals(telemetry.openScope(scope), scope);
  const inner = scope.setValue(Symbol.for("x"), 1);
  assertStrictEquals(telemetry.openScope(inner), inner);
  assert(new Telemetry().openScope(scope) !== scope);
});

test("openScope() opens another where the one that is there is over: flushed, and with no span open", async () => {
  const { telemetry, collector, start } = wired();
  const first = telemetry.openScope(ROOT_CONTEXT);
  const root = start("root", first);
  await telemetry.flush();
  assertStrictEquals(telemetry.openScope(first), first);
  root.end();
  assertStrictEquals(telemetry.openScope(first), first);
  await telemetry.flush(first);
  const second = telemetry.openScope(first);
  assert(second !== first);
  start("next", second).end();
  assertEquals((await telemetry.flush(second)).spans, 1);
  assertEquals(names(collector), { 1: ["root"], 2: ["next"] });
});

test("flush() of a scope sends that scope only, whatever runs beside it", async () => {
  const { telemetry, collector, start } = wired();
  const [a, b] = [ROOT_CONTEXT, ROOT_CONTEXT].map((root) =>
    telemetry.openScope(root)
  ) as [Context, Context];
  const rootA = start("a", a);
  const rootB = start("b", b);
  start("a1", trace.setSpan(a, rootA)).end();
  start("b1", trace.setSpan(b, rootB)).end();
  rootA.end();
  assertEquals((await telemetry.flush(a)).spans, 2);
  start("b2", trace.setSpan(b, rootB)).end();
  rootB.end();
  const { bytes, ...report } = await telemetry.flush(b);
  assertEquals(report, {
    spans: 3,
    points: 0,
    dropped: 0,
    late: 0,
    requests: 1,
  });
  assert(bytes > 100);
  assertEquals(names(collector), { 1: ["a1", "a"], 2: ["b1", "b2", "b"] });
});

test("flush() of a scope waits for its open spans and leaves no timer behind", async () => {
  const { telemetry, collector, clock, start } = wired();
  const scope = telemetry.openScope(ROOT_CONTEXT);
  const spans = ["a", "b"].map((name) => start(name, scope));
  const other = start("other", telemetry.openScope(ROOT_CONTEXT));
  const flushed = telemetry.flush(scope);
  await clock.advance(500);
  spans[0]?.end();
  await clock.advance(500);
  assertEquals(collector.requests, 0);
  spans[1]?.end();
  assertEquals((await flushed).spans, 2);
  assertEquals(clock.pending, 0);
  other.end();
});

test("flush() of a scope waits two seconds at most; what ends later goes with the next flush of any scope", async () => {
  const { telemetry, collector, clock, start } = wired();
  const scope = telemetry.openScope(ROOT_CONTEXT);
  const slow = start("slow", scope);
  start("quick", scope).end();
  const flushed = telemetry.flush(scope);
  await clock.advance(1_999);
  assertEquals(collector.requests, 0);
  await clock.advance(1);
  assertEquals((await flushed).spans, 1);
  slow.end();
  start("after", scope).end();
  const next = telemetry.openScope(ROOT_CONTEXT);
  start("next", next).end();
  const { spans, late } = await telemetry.flush(next);
  assertEquals([spans, late], [3, 2]);
  assertEquals(names(collector), {
    1: ["quick"],
    2: ["slow", "after", "next"],
  });
});

test("flush() of the same scope again counts as late only what was open at the first", async () => {
  const { telemetry, clock, start } = wired();
  const scope = telemetry.openScope(ROOT_CONTEXT);
  const slow = start("slow", scope);
  const flushed = telemetry.flush(scope);
  await clock.advance(2_000);
  await flushed;
  slow.end();
  start("new", scope).end();
  const { spans, late } = await telemetry.flush(scope);
  assertEquals([spans, late], [2, 1]);
});

for (
  const options of [{ timeoutMs: 1_000 }, { traces: { timeoutMs: 1_000 } }]
) {
  test(`flush() waits half of its time at most with ${JSON.stringify(options)}, the other half is for sending`, () =>
    waitsHalf(options));
}

async function waitsHalf(options: TelemetryOptions) {
  const { telemetry, collector, clock } = wire(options);
  const scope = telemetry.openScope(ROOT_CONTEXT);
  const tracer = telemetry.tracerProvider.getTracer("t");
  tracer.startSpan("open", {}, scope);
  tracer.startSpan("ended", {}, scope).end();
  const flushed = telemetry.flush(scope);
  await clock.advance(500);
  assertEquals((await flushed).spans, 1);
  assertEquals(collector.spans.length, 1);
}

test("flush() without a scope takes what has ended everywhere and waits for nothing", async () => {
  const { telemetry, collector, start } = wired();
  const scopes = [1, 2].map(() => telemetry.openScope(ROOT_CONTEXT));
  const open = scopes.map((scope, i) => {
    start(`ended${i}`, scope).end();
    return start(`open${i}`, scope);
  });
  start("unscoped").end();
  assertEquals((await telemetry.flush()).spans, 3);
  assertEquals((await telemetry.flush(ROOT_CONTEXT)).spans, 0);
  for (const span of open) span.end();
  const { spans, late } = await telemetry.flush(scopes[0]);
  assertEquals([spans, late], [1, 0]);
  assertEquals((await telemetry.flush()).spans, 1);
  assertEquals(collector.spans.length, 5);
});

test("flush() of a scope takes spans without a scope along, and those of one that was abandoned", async () => {
  const { telemetry, collector, clock, start } = wired();
  start("unscoped").end();
  start("abandoned", telemetry.openScope(ROOT_CONTEXT)).end();
  await clock.advance(30_000);
  start("waiting", telemetry.openScope(ROOT_CONTEXT)).end();
  await clock.advance(30_001);
  const scope = telemetry.openScope(ROOT_CONTEXT);
  assertEquals((await telemetry.flush(scope)).spans, 2);
  assertEquals(names(collector), { 1: ["unscoped", "abandoned"] });
});

test("flush() of several scopes at once sends each span once", async () => {
  const { telemetry, collector, start } = wired();
  const scopes = Array.from(
    { length: 50 },
    () => telemetry.openScope(ROOT_CONTEXT),
  );
  await Promise.all(scopes.map(async (scope, i) => {
    const root = start(`${i}`, scope);
    await Promise.resolve();
    start(`${i}`, trace.setSpan(scope, root)).end();
    root.end();
    assertEquals((await telemetry.flush(scope)).spans, 2);
  }));
  assertEquals(collector.requests, 50);
  for (const group of Object.values(names(collector))) {
    assertEquals(new Set(group).size, 1);
  }
  assertEquals(new Set(collector.spans.map((s) => s.spanId)).size, 100);
});

test("a scope keeps 8,192 spans and counts those it drops", async () => {
  const { telemetry, collector, start } = wired();
  const scope = telemetry.openScope(ROOT_CONTEXT);
  for (let i = 0; i < 8_200; i++) start("a", scope).end();
  const { spans, dropped } = await telemetry.flush(scope);
  assertEquals([spans, dropped], [8_192, 8]);
  assertEquals(collector.spans.length, 8_192);
  start("again", scope).end();
  assertEquals((await telemetry.flush(scope)).dropped, 0);
});

test("a scope keeps as many spans as maxSpans says", async () => {
  const { telemetry } = wire({ maxSpans: 3 });
  const scope = telemetry.openScope(ROOT_CONTEXT);
  const tracer = telemetry.tracerProvider.getTracer("t");
  for (let i = 0; i < 5; i++) tracer.startSpan("a", {}, scope).end();
  const { spans, dropped } = await telemetry.flush(scope);
  assertEquals([spans, dropped], [3, 2]);
});

test("a scope keeps about 8 MB, and all scopes together four times that", async () => {
  const { telemetry, start } = wired();
  const text = "x".repeat(1_000_000);
  const fill = (scope: Context) => {
    for (let i = 0; i < 10; i++) {
      start("a", scope).setAttribute("text", text).end();
    }
    return scope;
  };
  const scopes = Array.from(
    { length: 5 },
    () => fill(telemetry.openScope(ROOT_CONTEXT)),
  );
  const reports = [];
  for (const scope of scopes) reports.push(await telemetry.flush(scope));
  assertEquals(reports.map(({ spans }) => spans), [8, 8, 8, 8, 1]);
  assertEquals(reports[0]?.dropped, 17);
  fill(scopes[4]!);
  assertEquals((await telemetry.flush(scopes[4])).spans, 8);
});

test("metricsEveryMs holds back the metrics of requests' flushes only, and none for longer than that", async () => {
  const { telemetry, collector, clock } = wire({ metricsEveryMs: 10_000 });
  const tracer = telemetry.tracerProvider.getTracer("t");
  const counter = telemetry.meterProvider.getMeter("m").createCounter("c");
  const flush = async (kind?: SpanKind) => {
    counter.add(1);
    const scope = telemetry.openScope(ROOT_CONTEXT);
    if (kind !== undefined) tracer.startSpan("a", { kind }, scope).end();
    const { spans, points, requests } = await telemetry.flush(scope);
    return [spans, points, requests];
  };
  const { SERVER, INTERNAL } = SpanKind;
  assertEquals(await flush(SERVER), [1, 1, 2]);
  await clock.advance(9_999);
  assertEquals(await flush(SERVER), [1, 0, 1]);
  assertEquals(await flush(SERVER), [1, 0, 1]);
  await clock.advance(1);
  assertEquals(await flush(SERVER), [1, 1, 2]);
  assertEquals(await flush(INTERNAL), [1, 1, 2]);
  assertEquals(await flush(), [0, 1, 1]);
  counter.add(1);
  assertEquals((await telemetry.flush()).points, 1);
  assertEquals(await flush(SERVER), [1, 0, 1]);
  const sum = collector.metrics.flatMap(({ points }) => points)
    .reduce((sum, { value }) => sum + Number(value), 0);
  assertEquals(sum, 7);
});

test("metricsEveryMs counts a request whose SERVER span is not sampled", async () => {
  const { telemetry } = wire({ metricsEveryMs: 10, sampler: alwaysOff });
  const tracer = telemetry.tracerProvider.getTracer("t");
  const counter = telemetry.meterProvider.getMeter("m").createCounter("c");
  const points = [];
  for (let i = 0; i < 2; i++) {
    counter.add(1);
    const scope = telemetry.openScope(ROOT_CONTEXT);
    tracer.startSpan("a", { kind: SpanKind.SERVER }, scope).end();
    points.push((await telemetry.flush(scope)).points);
  }
  assertEquals(points, [1, 0]);
});
