import {
  assert,
  assertEquals,
  assertMatch,
  assertStrictEquals,
} from "@std/assert";
import {
  type Context,
  createTraceState,
  diag,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { TelemetryOptions } from "../src/otlp/mod.ts";
import { newSpanId, newTraceId } from "../src/otlp/ids.ts";
import { suppressTracing } from "../src/w3c/suppression.ts";
import type { ReceivedSpan } from "./support/collector.ts";
import { wire } from "./support/otlp.ts";
import { test } from "./support/suite.ts";

const REMOTE: SpanContext = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  traceFlags: 1,
  isRemote: true,
};

function tracer(options: TelemetryOptions = {}) {
  const wired = wire(options);
  const { telemetry, collector } = wired;
  return {
    ...wired,
    tracer: telemetry.tracerProvider.getTracer("lib", "1.0", {
      schemaUrl: "https://example.test/schema",
    }),
    async received(): Promise<ReceivedSpan[]> {
      await telemetry.flush();
      return collector.spans;
    },
  };
}

function under(parent: SpanContext | Span): Context {
  return "traceId" in parent
    ? trace.setSpanContext(ROOT_CONTEXT, parent)
    : trace.setSpan(ROOT_CONTEXT, parent);
}

test("newTraceId() and newSpanId() give distinct hexadecimal ids over many refills", () => {
  const traces = new Set(Array.from({ length: 1000 }, newTraceId));
  const spans = new Set(Array.from({ length: 1000 }, newSpanId));
  assertEquals([traces.size, spans.size], [1000, 1000]);
  for (const id of traces) assertMatch(id, /^[0-9a-f]{32}$/);
  for (const id of spans) assertMatch(id, /^[0-9a-f]{16}$/);
});

test("startSpan() records name, kind, times, attributes, library and resource", async () => {
  const { tracer: t, clock, received } = tracer({
    serviceVersion: "2.0",
    resource: { "deployment.environment.name": "test" },
    instanceId: "one",
  });
  const span = t.startSpan("work", {
    kind: SpanKind.PRODUCER,
    attributes: { a: 1 },
  });
  assert(span.isRecording());
  await clock.advance(12.5);
  span.setAttribute("b", "x").updateName("better").end();
  assert(!span.isRecording());
  const [one] = await received();
  assertEquals(one?.name, "better");
  assertEquals(one?.kind, "PRODUCER");
  assertEquals(one?.attributes, { a: 1, b: "x" });
  assertEquals(one?.endNanos! - one?.startNanos!, 12_500_000n);
  assertEquals(one?.startAt, Date.UTC(2026, 0, 2));
  assertEquals(one?.parentSpanId, undefined);
  assertEquals(one?.library, {
    name: "lib",
    version: "1.0",
    schemaUrl: "https://example.test/schema",
  });
  assertEquals(one?.resource, {
    "service.name": "test",
    "service.version": "2.0",
    "service.instance.id": "one",
    "telemetry.sdk.name": "@baton/queue",
    "telemetry.sdk.language": "webjs",
    "telemetry.sdk.version": "0.1.0",
    "deployment.environment.name": "test",
  });
});

test("startSpan() makes roots sampled and random, and children of what the context holds", async () => {
  const { tracer: t, received } = tracer();
  const root = t.startSpan("root");
  const child = t.startSpan("child", {}, under(root));
  const other = t.startSpan("other", { root: true }, under(root));
  for (const span of [child, root, other]) span.end();
  const [c, r, o] = await received();
  assertEquals(c?.traceId, r?.traceId);
  assertEquals(c?.parentSpanId, r?.spanId);
  assertEquals([r?.flags, c?.flags], [0x103, 0x103]);
  assert(o?.traceId !== r?.traceId);
  assertEquals(o?.parentSpanId, undefined);
});

test("startSpan() keeps a remote parent's random flag and tracestate, and says that it is remote", async () => {
  const { tracer: t, received } = tracer();
  const traceState = createTraceState("foo=1,bar=2");
  t.startSpan("a", {}, under({ ...REMOTE, traceState })).end();
  const random = t.startSpan("b", {}, under({ ...REMOTE, traceFlags: 3 }));
  random.end();
  assertEquals(random.spanContext().traceFlags, 3);
  const [a, b] = await received();
  assertEquals(a?.traceId, REMOTE.traceId);
  assertEquals(a?.parentSpanId, REMOTE.spanId);
  assertEquals(a?.traceState, "foo=1,bar=2");
  assertEquals([a?.flags, b?.flags], [0x301, 0x303]);
});

test("startSpan() begins a new trace when the parent is invalid", async () => {
  const { tracer: t, received } = tracer();
  t.startSpan("a", {}, under({ ...REMOTE, spanId: "0".repeat(16) })).end();
  const [a] = await received();
  assert(a?.traceId !== REMOTE.traceId);
  assertEquals(a?.parentSpanId, undefined);
});

test("startSpan() records nothing where tracing is suppressed, and keeps the parent's context", async () => {
  const { tracer: t, received } = tracer();
  const span = t.startSpan("a", {}, suppressTracing(under(REMOTE)));
  assert(!span.isRecording());
  assertEquals(span.spanContext(), REMOTE);
  span.end();
  assertEquals(await received(), []);
});

test("startActiveSpan() takes its arguments in all three forms and returns what the callback returns", async () => {
  const { tracer: t, received } = tracer();
  const run = (span: Span) => {
    span.end();
    return span.spanContext().traceId;
  };
  t.startActiveSpan("a", run);
  t.startActiveSpan("b", { kind: SpanKind.CLIENT }, run);
  assertEquals(t.startActiveSpan("c", {}, under(REMOTE), run), REMOTE.traceId);
  const spans = await received();
  assertEquals(spans.map(({ name }) => name), ["a", "b", "c"]);
  assertEquals(spans[1]?.kind, "CLIENT");
});

test("span times are exact in every form that the API has", async () => {
  const { tracer: t, clock, received } = tracer();
  const started = 1_700_000_000_123;
  await clock.advance(5_000);
  const span = (startTime: number | Date | [number, number]) =>
    t.startSpan("a", { startTime });
  span(started).end(started + 1);
  span(new Date(started)).end(new Date(started + 1));
  span([1_700_000_000, 123_456_789]).end([1_700_000_000, 123_456_790]);
  span(4_000).end(4_500.25);
  span(started).addEvent("e", started + 5).end(started - 1);
  const [ms, date, hr, monotonic, backwards] = await received();
  for (const one of [ms, date]) {
    assertEquals(one?.startNanos, 1_700_000_000_123_000_000n);
    assertEquals(one?.endNanos, 1_700_000_000_124_000_000n);
  }
  assertEquals(hr?.startNanos, 1_700_000_000_123_456_789n);
  assertEquals(hr?.endNanos, 1_700_000_000_123_456_790n);
  assertEquals(monotonic?.startAt, clock.now() - 1_000);
  assertEquals(monotonic?.endAt, clock.now() - 499.75);
  assertEquals(backwards?.endNanos, backwards?.startNanos);
  assertEquals(backwards?.events[0]?.at, started + 5);
});

test("times that are none are taken as now or repaired", async () => {
  const { tracer: t, clock, received } = tracer();
  const now = clock.now();
  for (
    const startTime of [
      NaN,
      Infinity,
      new Date(NaN),
      [NaN, 0] as [number, number],
    ]
  ) t.startSpan("a", { startTime }).end();
  t.startSpan("b", { startTime: [1_700_000_000.5, 0] }).end();
  t.startSpan("c", { startTime: [1_700_000_000, 1e9] }).end();
  assertEquals((await received()).map(({ startAt }) => startAt), [
    ...[now, now, now, now],
    1_700_000_000_500,
    1_700_000_001_000,
  ]);
});

test("spans of a local root share its clock, and the next root reads the wall clock again", async () => {
  const { tracer: t, clock, received } = tracer();
  const root = t.startSpan("root");
  await clock.advance(10);
  clock.set(clock.now() + 3_600_000);
  const child = t.startSpan("child", {}, under(root));
  await clock.advance(10);
  child.end();
  root.end();
  t.startSpan("next").end();
  const [c, r, next] = await received();
  assertEquals(c!.startAt - r!.startAt, 10);
  assertEquals(r!.endAt - r!.startAt, 20);
  assertEquals(next!.startAt, clock.now());
});

test("attributes keep every kind of value and leave out what is none", async () => {
  const { tracer: t, received } = tracer();
  const cycle: Record<string, unknown> = { a: 1 };
  cycle.self = cycle;
  const list = ["x"];
  const span = t.startSpan("a", {
    attributes: {
      string: "é🎈",
      empty: "",
      zero: 0,
      negative: -7,
      float: 1.5,
      huge: 1e21,
      nan: NaN,
      infinite: -Infinity,
      large: 2 ** 60,
      big: 2n ** 62n,
      over: 2n ** 70n,
      yes: true,
      no: false,
      list,
      mixed: [1, "a", null, undefined, [true]],
      none: [],
      map: { a: { b: 1 } },
      cycle,
      bytes: new Uint8Array([1, 2, 255]),
      null: null,
      undefined: undefined,
      function: () => {},
      symbol: Symbol(),
    } as never,
  });
  list.push("later");
  span.setAttribute("", 1).setAttribute("zero", 1).end();
  span.setAttribute("late", 1);
  const [one] = await received();
  assertEquals(one?.attributes, {
    string: "é🎈",
    empty: "",
    zero: 1,
    negative: -7,
    float: 1.5,
    huge: 1e21,
    nan: NaN,
    infinite: -Infinity,
    large: 2n ** 60n,
    big: 2n ** 62n,
    over: "1180591620717411303424",
    yes: true,
    no: false,
    list: ["x"],
    mixed: [1, "a", null, null, [true]],
    none: [],
    map: { a: { b: 1 } },
    cycle: { a: 1, self: null },
    bytes: { base64: "AQL/" },
  });
});

test("limits leave out what exceeds them and count it", async () => {
  const { tracer: t, received } = tracer({ limits: { valueLength: 5 } });
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
  const span = t.startSpan("a", { attributes: many(130) });
  span.setAttribute("k0", "replaced").setAttribute("new", 1);
  for (let i = 0; i < 130; i++) {
    span.addEvent("e", i === 0 ? many(129) : undefined);
    span.addLink({ context: REMOTE, attributes: i === 0 ? many(131) : {} });
  }
  span.end();
  const [one] = await received();
  assertEquals(Object.keys(one!.attributes).length, 128);
  assertEquals(one?.attributes.k0, "repla");
  assertEquals(one?.droppedAttributes, 3);
  assertEquals([one?.events.length, one?.droppedEvents], [128, 2]);
  assertEquals([one?.links.length, one?.droppedLinks], [128, 2]);
  assertEquals(one?.events[0]?.droppedAttributes, 1);
  assertEquals(one?.links[0]?.droppedAttributes, 3);
});

test("limits are named once in the log for a span that reached one, and cut values are not", async () => {
  const warnings: string[] = [];
  const quiet = () => {};
  const warn = (message: string) => void warnings.push(message);
  diag.setLogger(
    { error: quiet, warn, info: quiet, debug: quiet, verbose: quiet },
  );
  try {
    const { tracer: t, received } = tracer({
      limits: {
        attributes: 1,
        events: 1,
        links: 1,
        eventAttributes: 1,
        linkAttributes: 1,
        valueLength: 1,
      },
    });
    const two = { a: "long", b: 1 };
    const whole = t.startSpan("a", { attributes: { a: "long" } });
    whole.addEvent("e", { a: 1 }).addLink({ context: REMOTE }).end();
    assertEquals(warnings, []);
    const links = [{ context: REMOTE, attributes: two }, { context: REMOTE }];
    const span = t.startSpan("b", { attributes: two, links });
    span.addEvent("e", two).addEvent("f").end();
    span.end();
    assertEquals(warnings, [
      "Left 5 parts out of a span at its limits",
    ]);
    const b = (await received())[1];
    assertEquals(b?.attributes, { a: "l" });
  } finally {
    diag.disable();
  }
});

test("values are cut where they stand, in lists, maps and bytes, and a status is not", async () => {
  const { tracer: t, received } = tracer({ limits: { valueLength: 2 } });
  const attributes = {
    list: ["abc", { deep: ["abc"] }],
    bytes: new Uint8Array([1, 2, 3]),
  } as never;
  t.startSpan("a", { attributes })
    .setStatus({ code: SpanStatusCode.ERROR, message: "abc" }).end();
  const [one] = await received();
  assertEquals(one?.attributes, {
    list: ["ab", { deep: ["ab"] }],
    bytes: { base64: "AQI=" },
  });
  assertEquals(one?.status, { code: "ERROR", message: "abc" });
});

test("values are kept to a depth of 64", async () => {
  const { tracer: t, received } = tracer();
  const nested = (depth: number): unknown =>
    depth === 0 ? "x" : [nested(depth - 1)];
  const depthOf = (value: unknown): number =>
    Array.isArray(value) ? 1 + depthOf(value[0]) : 0;
  const bottom = (value: unknown): unknown =>
    Array.isArray(value) ? bottom(value[0]) : value;
  t.startSpan("a", {
    attributes: { fits: nested(64), deep: nested(65) } as never,
  }).end();
  const [one] = await received();
  assertEquals(depthOf(one?.attributes.fits), 64);
  assertEquals(bottom(one?.attributes.fits), "x");
  assertEquals(depthOf(one?.attributes.deep), 64);
  assertEquals(bottom(one?.attributes.deep), null);
});

test("names, keys and messages that are no text cost no other span of the export", async () => {
  const { tracer: t, received } = tracer();
  const odd = (value: unknown) => value as never;
  t.startSpan(odd(undefined)).end();
  const span = t.startSpan("a");
  span.updateName(odd(12)).setAttribute(odd(7), 1).addEvent(odd(null))
    .setStatus({ code: SpanStatusCode.ERROR, message: odd(new Error("no")) })
    .end();
  t.startSpan("whole").end();
  const [unnamed, first, whole] = await received();
  assertEquals(unnamed?.name, "undefined");
  assertEquals(whole?.name, "whole");
  assertEquals([first?.name, first?.attributes], ["12", { 7: 1 }]);
  assertEquals(first?.events[0]?.name, "null");
  assertEquals(first?.status, { code: "ERROR", message: "Error: no" });
});

test("getTracer() gives one tracer for each library, and takes a missing name as empty", async () => {
  const { telemetry, collector } = wire();
  const { tracerProvider: of } = telemetry;
  assertStrictEquals(of.getTracer("a", "1"), of.getTracer("a", "1"));
  assert(of.getTracer("a", "1") !== of.getTracer("a", "2"));
  of.getTracer(undefined as never).startSpan("a").end();
  await telemetry.flush();
  assertEquals(collector.spans[0]?.library.name ?? "", "");
});

test("addEvent() takes attributes, a time, or both", async () => {
  const { tracer: t, clock, received } = tracer();
  const span = t.startSpan("a");
  await clock.advance(3);
  const at = clock.now() + 100;
  span.addEvent("now").addEvent("then", at).addEvent("both", { a: 1 }, at);
  span.end();
  span.addEvent("late");
  const [one] = await received();
  assertEquals(
    one?.events.map(({ name, at, attributes }) => [name, at, attributes]),
    [
      ["now", clock.now(), {}],
      ["then", at, {}],
      ["both", at, { a: 1 }],
    ],
  );
});

test("addLink() keeps an invalid context of which only the limit left no attributes", async () => {
  const { tracer: t, received } = tracer({ limits: { linkAttributes: 0 } });
  const context = { traceId: "", spanId: "", traceFlags: 0 };
  t.startSpan("a").addLink({ context, attributes: { n: 1 } }).end();
  const [one] = await received();
  assertEquals(one?.links.map((link) => link.droppedAttributes), [1]);
});

test("recordException() writes an exception event and leaves the status alone", async () => {
  const { tracer: t, received } = tracer();
  const span = t.startSpan("a");
  span.recordException(new TypeError("no"));
  span.recordException("text");
  span.recordException({ code: 12, message: "coded" });
  span.end();
  const [one] = await received();
  const [error, text, coded] = one!.events.map((event) => event.attributes);
  assertEquals(error?.["exception.type"], "TypeError");
  assertEquals(error?.["exception.message"], "no");
  assertMatch(String(error?.["exception.stacktrace"]), /no/);
  assertEquals(text, { "exception.message": "text" });
  assertEquals(coded, {
    "exception.type": "12",
    "exception.message": "coded",
  });
  assertEquals(one?.status, { code: "UNSET" });
});

test("recordException() takes whatever was thrown", async () => {
  const { tracer: t, received } = tracer();
  const span = t.startSpan("a");
  for (const thrown of [undefined, null, 7, {}]) {
    span.recordException(thrown as never);
  }
  span.end();
  const [one] = await received();
  assertEquals(one?.events.map(({ attributes }) => attributes), [
    { "exception.message": "undefined" },
    { "exception.message": "null" },
    { "exception.message": "7" },
    { "exception.message": "[object Object]" },
  ]);
});

test("setStatus() lets Ok win over Error and Error over Unset", async () => {
  const { tracer: t, received } = tracer();
  const { OK, ERROR, UNSET } = SpanStatusCode;
  for (
    const codes of [
      [ERROR, UNSET],
      [ERROR, OK, ERROR],
      [ERROR, ERROR],
      [UNSET],
    ]
  ) {
    const span = t.startSpan("a");
    codes.forEach((code, i) => span.setStatus({ code, message: `m${i}` }));
    span.end();
    span.setStatus({ code: OK });
  }
  assertEquals((await received()).map(({ status }) => status), [
    { code: "ERROR", message: "m0" },
    { code: "OK" },
    { code: "ERROR", message: "m1" },
    { code: "UNSET" },
  ]);
});

test("addLink() keeps order, flags and state, and an invalid context only with something to say", async () => {
  const { tracer: t, received } = tracer();
  const invalid = { traceId: "", spanId: "", traceFlags: 0 };
  const traceState = createTraceState("a=1");
  const span = t.startSpan("a", {
    links: [{ context: { ...REMOTE, traceState }, attributes: { n: 1 } }],
  });
  span.addLinks([
    { context: invalid },
    { context: invalid, attributes: { n: 2 } },
    { context: { ...REMOTE, isRemote: false }, droppedAttributesCount: 4 },
    { context: { ...invalid, traceState: createTraceState() } },
    { context: { ...invalid, traceState: createTraceState("b=2") } },
  ]);
  span.end();
  const [one] = await received();
  assertEquals(one?.links, [
    {
      traceId: REMOTE.traceId,
      spanId: REMOTE.spanId,
      traceState: "a=1",
      flags: 0x301,
      attributes: { n: 1 },
      droppedAttributes: 0,
    },
    {
      traceId: "0".repeat(32),
      spanId: "0".repeat(16),
      flags: 0x100,
      attributes: { n: 2 },
      droppedAttributes: 0,
    },
    {
      traceId: REMOTE.traceId,
      spanId: REMOTE.spanId,
      flags: 0x101,
      attributes: {},
      droppedAttributes: 4,
    },
    {
      traceId: "0".repeat(32),
      spanId: "0".repeat(16),
      traceState: "b=2",
      flags: 0x100,
      attributes: {},
      droppedAttributes: 0,
    },
  ]);
});

test("end() sends a span once, however often it is called", async () => {
  const { tracer: t, clock, received } = tracer();
  const span = t.startSpan("a");
  span.end();
  await clock.advance(10);
  span.end();
  const spans = await received();
  assertEquals(spans.length, 1);
  assertEquals(spans[0]?.startAt, spans[0]?.endAt);
});
