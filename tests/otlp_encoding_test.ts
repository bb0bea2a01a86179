import { assert, assertEquals } from "@std/assert";
import {
  type Attributes as ApiAttributes,
  createTraceState,
  ROOT_CONTEXT,
  type SpanContext,
  type SpanStatusCode,
  trace,
  ValueType,
} from "@opentelemetry/api";
import { activeContext } from "../src/otlp/active.ts";
import { attributeList } from "../src/otlp/attributes.ts";
import { SpanBuffer } from "../src/otlp/buffer.ts";
import { encodingOf, type Protocol } from "../src/otlp/encoding.ts";
import { DEFAULT_LIMITS } from "../src/otlp/limits.ts";
import { Metrics } from "../src/otlp/meter.ts";
import type { Metric } from "../src/otlp/metric.ts";
import { alwaysOn } from "../src/otlp/mod.ts";
import type { EdgeSpan } from "../src/otlp/span.ts";
import { EdgeTracerProvider } from "../src/otlp/tracer.ts";
import { EdgeContextManager } from "../src/w3c/mod.ts";
import { Collector } from "./support/collector.ts";
import { ManualClock } from "./support/manual_clock.ts";
import { test } from "./support/suite.ts";

const PROTOCOLS: readonly Protocol[] = ["http/protobuf", "http/json"];
const resource = attributeList({ "service.name": "é", list: [1, "a"] });

/** Numbers from 0 to 1 that are the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

async function receive(
  signal: "traces" | "metrics",
  protocol: Protocol,
  body: Uint8Array<ArrayBuffer>,
): Promise<Collector> {
  const collector = new Collector();
  const response = await collector.handle(
    new Request(`http://collector.test/v1/${signal}`, {
      method: "POST",
      headers: { "content-type": encodingOf(protocol).contentType },
      body,
    }),
  );
  assertEquals([response.status, await response.text()], [
    200,
    protocol === "http/json" ? "{}" : "",
  ]);
  return collector;
}

const REMOTE: SpanContext = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  traceFlags: 3,
  isRemote: true,
  traceState: createTraceState("a=1,b=2"),
};

const STRINGS = [
  "",
  "plain",
  'quote " and \\ backslash',
  "line\nbreak\ttab\u0000\u001f\u007f",
  "é, 漢字, 🎈",
  "lone \ud800 surrogate \udc00",
  "x".repeat(63),
  "x".repeat(64),
  "x".repeat(65),
  "x".repeat(101),
  "é".repeat(50),
  "é".repeat(130),
  "x".repeat(20_000),
  "é".repeat(3_000_000),
  "123",
  "__proto__",
];

const NUMBERS = [
  0,
  -0,
  1,
  -1,
  127,
  128,
  16_383,
  16_384,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53),
  2 ** 62,
  2 ** 63,
  -(2 ** 63),
  1e21,
  0.1,
  -1.5e-9,
  5e-324,
  NaN,
  Infinity,
  -Infinity,
];

function value(random: () => number, depth = 0): unknown {
  const pick = <T>(list: readonly T[]): T =>
    list[Math.floor(random() * list.length)]!;
  switch (Math.floor(random() * (depth > 2 ? 5 : 7))) {
    case 0:
      return pick(STRINGS.filter(({ length }) => length < 30_000));
    case 1:
      return pick(NUMBERS);
    case 2:
      return random() < 0.5;
    case 3:
      return pick([0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n]);
    case 4:
      return new Uint8Array(Math.floor(random() * 200)).fill(random() * 256);
    case 5:
      return Array.from(
        { length: Math.floor(random() * 4) },
        () => value(random, depth + 1),
      );
    default:
      return attributesOf(random, Math.floor(random() * 4), depth + 1);
  }
}

function attributesOf(
  random: () => number,
  count: number,
  depth = 0,
): ApiAttributes {
  return Object.fromEntries(
    Array.from(
      { length: count },
      (_, i) => [`key.${i % 7 === 3 ? "é" : ""}${i}`, value(random, depth)],
    ),
  ) as ApiAttributes;
}

function tracing() {
  const clock = new ManualClock();
  const buffer = new SpanBuffer(clock);
  const provider = new EdgeTracerProvider({
    enabled: true,
    buffer,
    sampler: alwaysOn,
    limits: DEFAULT_LIMITS,
    clock,
    context: activeContext(new EdgeContextManager()),
  });
  return { buffer, provider };
}

async function assertSameSpans(spans: readonly EdgeSpan[]) {
  const [protobuf, json] = await Promise.all(
    PROTOCOLS.map((protocol) =>
      receive(
        "traces",
        protocol,
        encodingOf(protocol).encode.traces(resource, spans),
      )
    ),
  );
  assertEquals(protobuf?.spans.length, spans.length);
  assertEquals(json?.spans, protobuf?.spans);
  return protobuf!.spans;
}

test("both encodings of generated spans decode to the same spans", async () => {
  const random = seeded(7);
  for (let batch = 0; batch < 60; batch++) {
    const { buffer, provider } = tracing();
    const count = 1 + Math.floor(random() * 12);
    for (let i = 0; i < count; i++) {
      const tracer = provider.getTracer(
        random() < 0.5 ? "a" : "é",
        random() < 0.5 ? undefined : "1.0",
        random() < 0.5 ? {} : { schemaUrl: "https://schema.test" },
      );
      const span = tracer.startSpan(
        STRINGS[Math.floor(random() * 13)]!,
        {
          kind: Math.floor(random() * 5),
          attributes: attributesOf(random, random() < 0.1 ? 300 : 12),
          startTime: [1_700_000_000 + i, Math.floor(random() * 1e9)],
        },
        random() < 0.5
          ? ROOT_CONTEXT
          : trace.setSpanContext(ROOT_CONTEXT, REMOTE),
      );
      for (let n = random() * 4; n > 1; n--) {
        span.addEvent("event", attributesOf(random, 3), n * 1e12);
        span.addLink({ context: REMOTE, attributes: attributesOf(random, 2) });
      }
      span.setStatus({
        code: Math.floor(random() * 3) as SpanStatusCode,
        message: STRINGS[Math.floor(random() * 5)]!,
      });
      span.end([1_800_000_000, Math.floor(random() * 1e9)]);
    }
    await assertSameSpans(buffer.take(undefined).spans);
  }
});

test("both encodings keep every string and number exact", async () => {
  const { buffer, provider } = tracing();
  const span = provider.getTracer("t").startSpan("a");
  const numbers = Object.fromEntries(NUMBERS.map((n, i) => [`n${i}`, n]));
  const strings = Object.fromEntries(STRINGS.map((s, i) => [`s${i}`, s]));
  span.setAttributes(numbers).setAttributes(strings).end();
  const [one] = await assertSameSpans(buffer.take(undefined).spans);
  STRINGS.forEach((text, i) =>
    assertEquals(one?.attributes[`s${i}`], text.toWellFormed())
  );
  NUMBERS.forEach((number, i) => {
    const received = one?.attributes[`n${i}`];
    if (typeof received === "bigint") assertEquals(received, BigInt(number));
    else {assert(
        Object.is(received, number) || received === number,
        `${number}`,
      );}
  });
});

test("both encodings keep instants to the nanosecond", async () => {
  const { buffer, provider } = tracing();
  const times: [number, number][] = [
    [0, 0],
    [0, 1],
    [1, 0],
    [65_535, 999_999_999],
    [65_536, 0],
    [1_700_000_000, 123_456_789],
    [4_294_967_296, 999_999_999],
    [9_000_000_000, 1],
  ];
  for (const time of times) {
    provider.getTracer("t").startSpan("a", { startTime: time }).end(time);
  }
  const spans = await assertSameSpans(buffer.take(undefined).spans);
  assertEquals(
    spans.map(({ startNanos }) => startNanos),
    times.map(([s, ns]) => BigInt(s) * 1_000_000_000n + BigInt(ns)),
  );
});

test("encoding the same attributes again gives the same bytes", () => {
  for (const protocol of PROTOCOLS) {
    const { buffer, provider } = tracing();
    const attributes = { a: "x", b: 1, c: true, d: 1.5, e: ["y"], f: "é" };
    provider.getTracer("t").startSpan("a", { attributes }).end();
    const { spans } = buffer.take(undefined);
    const encode = encodingOf(protocol).encode.traces;
    assertEquals(encode(resource, spans), encode(resource, spans));
  }
});

test("JSON follows OTLP: hexadecimal ids, integers as strings, enumerations as numbers", () => {
  const { buffer, provider } = tracing();
  provider.getTracer("t").startSpan("a", {
    attributes: { n: 1, nan: NaN, bytes: new Uint8Array([1]) } as never,
    startTime: [1, 5],
  }, trace.setSpanContext(ROOT_CONTEXT, REMOTE)).setStatus({ code: 2 })
    .end([2, 0]);
  const { spans } = buffer.take(undefined);
  const bytes = encodingOf("http/json").encode.traces(resource, spans);
  const request = JSON.parse(new TextDecoder().decode(bytes));
  const { spanId, ...span } = request.resourceSpans[0].scopeSpans[0].spans[0];
  assert(/^[0-9a-f]{16}$/.test(spanId));
  assertEquals(span, {
    traceId: REMOTE.traceId,
    parentSpanId: REMOTE.spanId,
    traceState: "a=1,b=2",
    flags: 0x303,
    name: "a",
    kind: 1,
    startTimeUnixNano: "1000000005",
    endTimeUnixNano: "2000000000",
    attributes: [
      { key: "n", value: { intValue: "1" } },
      { key: "nan", value: { doubleValue: "NaN" } },
      { key: "bytes", value: { bytesValue: "AQ==" } },
    ],
    status: { code: 2 },
  });
});

test("both encodings of metrics decode to the same metrics", async () => {
  const random = seeded(3);
  const clock = new ManualClock();
  const metrics = new Metrics(true, clock);
  for (const name of ["a", "é"]) {
    const meter = metrics.getMeter(name, "1.0", {
      schemaUrl: "https://s.test",
    });
    const counter = meter.createCounter("counter", { description: "é" });
    const whole = meter.createCounter("whole", { valueType: ValueType.INT });
    const upDown = meter.createUpDownCounter("updown", { unit: "{item}" });
    const gauge = meter.createGauge("gauge");
    const histogram = meter.createHistogram("histogram", { unit: "s" });
    const bare = meter.createHistogram("bare", {
      advice: { explicitBucketBoundaries: [] },
    });
    for (let i = 0; i < 40; i++) {
      const attributes = attributesOf(random, Math.floor(random() * 3));
      counter.add(random() * 1e6, attributes);
      whole.add(random() * 1e18, attributes);
      upDown.add(random() - 0.5, attributes);
      gauge.record(-random(), attributes);
      histogram.record(random() * 12_000, attributes);
      bare.record(random(), attributes);
    }
  }
  await clock.advance(1_234);
  const collected = await metrics.collect(new AbortController().signal);
  const all: Metric[] = collected.map(({ metric }) => metric);
  const [protobuf, json] = await Promise.all(
    PROTOCOLS.map((protocol) =>
      receive(
        "metrics",
        protocol,
        encodingOf(protocol).encode.metrics(resource, all),
      )
    ),
  );
  assertEquals(protobuf?.metrics.length, 12);
  assertEquals(json?.metrics, protobuf?.metrics);
});
