import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  type Context,
  diag,
  ROOT_CONTEXT,
  SamplingDecision,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import {
  alwaysOff,
  keepFailed,
  keepSlow,
  parentBased,
  ratio,
  type TailRule,
  type TailSpan,
  type TelemetryOptions,
} from "../src/otlp/mod.ts";
import { wire } from "./support/otlp.ts";
import { test } from "./support/suite.ts";

const FAILED = { code: SpanStatusCode.ERROR };

function wired(options: TelemetryOptions = {}) {
  const parts = wire({
    sampler: parentBased(alwaysOff),
    tail: [keepFailed, keepSlow(1_000)],
    ...options,
  });
  const { telemetry } = parts;
  const tracer = telemetry.tracerProvider.getTracer("t");
  return {
    ...parts,
    start: (name: string, context: Context = ROOT_CONTEXT) =>
      tracer.startSpan(name, {}, context),
    open: () => telemetry.openScope(ROOT_CONTEXT),
  };
}

const inside = trace.setSpan;

test("a tail rule keeps the whole trace that failed, and lets the others of its scope go", async () => {
  const { telemetry, collector, start, open } = wired();
  const scope = open();
  const good = start("good", scope);
  start("good child", inside(scope, good)).end();
  const bad = start("bad", scope);
  start("bad child", inside(scope, bad)).setStatus(FAILED).end();
  start("bad sibling", inside(scope, bad)).end();
  bad.end();
  good.end();
  const { spans, dropped, late } = await telemetry.flush(scope);
  assertEquals([spans, dropped, late], [3, 0, 0]);
  assertEquals(collector.spans.map(({ name }) => name), [
    "bad child",
    "bad sibling",
    "bad",
  ]);
  for (const { attributes, flags } of collector.spans) {
    assertEquals(attributes["baton.sampled_by"], "failed");
    assertEquals(flags & 0xff, 3);
  }
  assertEquals((await telemetry.flush()).spans, 0);
});

test("a tail rule changes nothing of what is propagated", async () => {
  const { telemetry, start, open } = wired();
  const scope = open();
  const span = start("a", scope);
  const context = span.spanContext();
  assertEquals(context.traceFlags, 2);
  assert(span.isRecording());
  span.setStatus(FAILED).end();
  assertEquals((await telemetry.flush(scope)).spans, 1);
  assertEquals(context.traceFlags, 2);
  assertStrictEquals(span.spanContext(), context);
  assertEquals(
    start("late", inside(scope, span)).spanContext().traceFlags,
    2,
  );
});

test("keepSlow() keeps a trace by how long a local root took, not by its other spans", async () => {
  const { telemetry, collector, clock, start, open } = wired();
  const scope = open();
  const root = start("root", scope);
  const child = start("child", inside(scope, root));
  await clock.advance(999);
  root.end();
  await clock.advance(5_000);
  child.end();
  const remote = trace.setSpanContext(scope, {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    traceFlags: 0,
    isRemote: true,
  });
  const slow = start("slow", remote);
  await clock.advance(1_000);
  slow.end();
  assertEquals((await telemetry.flush(scope)).spans, 1);
  const [{ name, attributes, flags }] = collector.spans as [
    typeof collector.spans[0],
  ];
  assertEquals([name, attributes["baton.sampled_by"]], ["slow", "slow"]);
  assertEquals(flags, 0x301);
});

test("a rule sees what a span is, and the first that keeps a trace names it", async () => {
  const seen: unknown[] = [];
  const rule = (name: string, keeps: (span: TailSpan) => boolean): TailRule => {
    return { name, keeps: (spans) => spans.some(keeps) };
  };
  const { telemetry, collector, clock, start, open } = wired({
    tail: [
      rule("never", (span) => {
        const { name, kind, status, durationMs, isLocalRoot } = span;
        seen.push([
          ...[name, kind, status.code, durationMs, isLocalRoot],
          span.attribute("tenant"),
          span.attribute("none"),
        ]);
        return false;
      }),
      rule("gold", (span) => span.attribute("tenant") === "gold"),
      rule("all", () => true),
    ],
  });
  const scope = open();
  const root = start("root", scope).setAttribute("tenant", "gold");
  await clock.advance(2.5);
  start("child", inside(scope, root)).setStatus(FAILED).end();
  root.end();
  await telemetry.flush(scope);
  const { INTERNAL } = SpanKind;
  const { ERROR, UNSET } = SpanStatusCode;
  assertEquals(seen, [
    ["child", INTERNAL, ERROR, 0, false, undefined, undefined],
    ["root", INTERNAL, UNSET, 2.5, true, "gold", undefined],
  ]);
  for (const { attributes } of collector.spans) {
    assertEquals(attributes["baton.sampled_by"], "gold");
  }
});

test("the name of the rule that keeps a span takes the place of what was set under its key", async () => {
  const bodies: string[] = [];
  const { telemetry, start, open } = wired({
    protocol: "http/json",
    fetch: async (input, init) => {
      bodies.push(await new Request(input, init).text());
      return new Response();
    },
  });
  const scope = open();
  start("fails", scope)
    .setAttributes({ "baton.sampled_by": "me", tenant: "gold" })
    .setStatus(FAILED).end();
  await telemetry.flush(scope);
  const keys = bodies.join().match(/"key":"(baton|tenant)[^}]*/g);
  assertEquals(keys, [
    '"key":"baton.sampled_by","value":{"stringValue":"failed"',
    '"key":"tenant","value":{"stringValue":"gold"',
  ]);
});

test("traces that the sampler keeps are sent as always, and no rule is asked", async () => {
  const never: TailRule = {
    name: "x",
    keeps() {
      throw new Error("asked");
    },
  };
  const { telemetry, collector, start, open } = wired({
    sampler: ratio(1),
    tail: [never],
  });
  const scope = open();
  start("a", scope).setStatus(FAILED).end();
  assertEquals((await telemetry.flush(scope)).spans, 1);
  assertEquals(collector.spans[0]?.attributes, {});
  assertEquals(collector.spans[0]?.flags, 0x103);
});

test("without rules, or with an empty list, what is not sampled is not recorded", async () => {
  const { telemetry, start } = wired({ tail: [] });
  const span = start("a");
  assert(!span.isRecording());
  span.setStatus(FAILED).end();
  assertEquals((await telemetry.flush()).spans, 0);
});

test("a late span goes with a trace that was kept, and not with one that was let go", async () => {
  const { telemetry, collector, clock, start, open } = wired();
  const scope = open();
  const [kept, gone] = [start("kept", scope), start("gone", scope)];
  start("failed", inside(scope, kept)).setStatus(FAILED).end();
  start("well", inside(scope, gone)).end();
  const flushed = telemetry.flush(scope);
  await clock.advance(2_000);
  assertEquals((await flushed).spans, 1);
  start("new", inside(scope, kept)).end();
  kept.end();
  gone.setStatus(FAILED).end();
  const { spans, late, dropped } = await telemetry.flush();
  assertEquals([spans, late, dropped], [2, 2, 0]);
  assertEquals(collector.spans.map(({ name }) => name), [
    "failed",
    "new",
    "kept",
  ]);
  assertEquals(collector.spans[2]?.attributes, {
    "baton.sampled_by": "failed",
  });
});

test("a trace of which nothing had ended at its scope's flush is decided when all of it has", async () => {
  const { telemetry, clock, start, open } = wired();
  const scope = open();
  const root = start("root", scope);
  const child = start("child", inside(scope, root));
  const flushed = telemetry.flush(scope);
  await clock.advance(2_000);
  assertEquals((await flushed).spans, 0);
  child.end();
  assertEquals((await telemetry.flush()).spans, 0);
  root.setStatus(FAILED).end();
  const { spans, late } = await telemetry.flush();
  assertEquals([spans, late], [2, 2]);
});

test("a flush without a scope leaves traces alone that are not over, and disposing decides about all", async () => {
  const { telemetry, collector, start } = wired();
  const root = start("root");
  start("child", inside(ROOT_CONTEXT, root)).end();
  assertEquals((await telemetry.flush()).spans, 0);
  root.setStatus(FAILED).end();
  assertEquals((await telemetry.flush()).spans, 2);
  const open = start("open");
  start("failed", inside(ROOT_CONTEXT, open)).setStatus(FAILED).end();
  assertEquals((await telemetry.flush()).spans, 0);
  await telemetry[Symbol.asyncDispose]();
  assertEquals(collector.spans.at(-1)?.name, "failed");
});

test("a rule that throws keeps nothing, is reported once, and leaves the others alone", async () => {
  const errors: unknown[] = [];
  const quiet = () => {};
  const error = (message: string) => void errors.push(message);
  diag.setLogger(
    { error, warn: quiet, info: quiet, debug: quiet, verbose: quiet },
  );
  try {
    const broken: TailRule = {
      name: "broken",
      keeps() {
        throw new Error("broken");
      },
    };
    const { telemetry, collector, start, open } = wired({
      tail: [broken, keepFailed],
    });
    for (let i = 0; i < 3; i++) {
      const scope = open();
      start("good", scope).end();
      start("bad", scope).setStatus(FAILED).end();
      assertEquals((await telemetry.flush(scope)).spans, 1);
    }
    assertEquals(collector.spans[2]?.attributes["baton.sampled_by"], "failed");
    assertEquals(errors, ['Tail rule "broken" failed']);
  } finally {
    diag.disable();
  }
});

/** Samples by name, so that both kinds stand in one scope. */
function mixed(options: TelemetryOptions) {
  return wired({
    sampler: {
      shouldSample: (_context, _trace, name) => ({
        decision: name === "sampled" ? 2 : 0,
      }),
      toString: () => "by name",
    },
    ...options,
  });
}

test("in a full scope, spans for tail rules go before sampled ones, and every one is counted", async () => {
  const { telemetry, collector, start, open } = mixed({ maxSpans: 4 });
  const scope = open();
  const many = (count: number, name: string) => {
    for (let i = 0; i < count; i++) start(name, scope).setStatus(FAILED).end();
  };
  many(1, "sampled");
  many(4, "tail");
  many(2, "sampled");
  const { spans, dropped } = await telemetry.flush(scope);
  assertEquals([spans, dropped], [4, 3]);
  assertEquals(
    collector.spans.map(({ name }) => name),
    ["sampled", "sampled", "sampled", "tail"],
  );
  many(6, "sampled");
  many(1, "tail");
  assertEquals((await telemetry.flush()).dropped, 3);
});

test("when all scopes together are full, spans for tail rules go first wherever they are", async () => {
  const { telemetry, start, open } = mixed({ maxSpans: 2 });
  const scopes = Array.from({ length: 4 }, () => {
    const scope = open();
    for (let i = 0; i < 2; i++) start("tail", scope).setStatus(FAILED).end();
    return scope;
  });
  const own = open();
  start("sampled", own).end();
  assertEquals((await telemetry.flush(own)).spans, 1);
  const spans = [];
  for (const scope of scopes) spans.push((await telemetry.flush(scope)).spans);
  assertEquals(spans, [1, 2, 2, 2]);
  start("sampled", own).end();
  assertEquals((await telemetry.flush()).dropped, 0);
});

test("a scope bounds what it remembers of traces, and so does what is outside of any", async () => {
  const { telemetry, collector, start } = wired({ maxSpans: 100_000 });
  const first = start("first");
  for (let i = 0; i < 1_500; i++) start("a").end();
  start("child", inside(ROOT_CONTEXT, first)).setStatus(FAILED).end();
  first.end();
  await telemetry.flush();
  assertEquals(collector.spans.map(({ name }) => name), ["child"]);
});

test("what no rule can keep takes no room", async () => {
  const { telemetry, clock, start, open } = wired({ maxSpans: 1 });
  const scope = open();
  const root = start("root", scope);
  start("child", inside(scope, root)).end();
  const flushed = telemetry.flush(scope);
  await clock.advance(2_000);
  await flushed;
  root.end();
  start("failed", open()).setStatus(FAILED).end();
  const late = start("late", inside(scope, root));
  late.end();
  assertEquals(await telemetry.flush().then(({ dropped }) => dropped), 0);

  const only = wired({
    maxSpans: 1,
    tail: [],
    sampler: {
      shouldSample: () => ({ decision: SamplingDecision.RECORD }),
      toString: () => "records",
    },
  });
  for (let i = 0; i < 3; i++) only.start("a").end();
  const { spans, dropped } = await only.telemetry.flush();
  assertEquals([spans, dropped], [0, 0]);
});
