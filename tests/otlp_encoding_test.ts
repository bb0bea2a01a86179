import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  createTraceState,
  type SpanContext,
  ValueType,
} from "@opentelemetry/api";
import { attributeList } from "../src/otlp/attributes.ts";
import { encodingOf, type Protocol } from "../src/otlp/encoding.ts";
import { makeMetrics } from "../src/otlp/meter.ts";
import type { ExportedSpan } from "../src/otlp/write_traces.ts";
import { Collector } from "./support/collector.ts";
import { exportedSpan } from "./support/exported_span.ts";
import {
  collect,
  generatedMetrics,
  generatedSpans,
  NUMBERS,
  PARTS,
  STRINGS,
  TEMPORALITIES,
} from "./support/generated.ts";
import { ManualClock } from "./support/manual_clock.ts";
import { generator } from "./support/model/random.ts";
import { test } from "./support/suite.ts";

const PROTOCOLS: readonly Protocol[] = ["http/protobuf", "http/json"];
const resource = attributeList({ "service.name": "é", list: [1, "a"] });

async function receive(
  signal: "traces" | "metrics",
  protocol: Protocol,
  body: Uint8Array<ArrayBuffer>,
): Promise<Collector> {
  const collector = new Collector();
  const response = await collector.handle(
    new Request(`http://collector.test/v1/${signal}`, {
      method: "POST",
      headers: { "content-type": encodingOf("traces", protocol).contentType },
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

async function assertSameSpans(spans: readonly ExportedSpan[]) {
  const [protobuf, json] = await Promise.all(
    PROTOCOLS.map((protocol) =>
      receive(
        "traces",
        protocol,
        encodingOf("traces", protocol).encode(resource, spans),
      )
    ),
  );
  assertEquals(protobuf?.spans.length, spans.length);
  assertEquals(json?.spans, protobuf?.spans);
  return protobuf!.spans;
}

test("both encodings of generated spans decode to the same spans", async () => {
  const random = generator(7);
  for (let batch = 0; batch < 60; batch++) {
    await assertSameSpans(generatedSpans(random));
  }
});

test("both encodings keep every string and number exact", async () => {
  const numbers = Object.fromEntries(NUMBERS.map((n, i) => [`n${i}`, n]));
  const strings = Object.fromEntries(STRINGS.map((s, i) => [`s${i}`, s]));
  const attributes = { ...numbers, ...strings };
  const [one] = await assertSameSpans([exportedSpan({ attributes })]);
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
  const times: [number, number][] = [
    [0, 0],
    [0, 1],
    [1, 0],
    [65_535, 999_999_999],
    [65_536, 0],
    [1_700_000_000, 123_456_789],
    [1_700_000_000, 999_999_999],
    [4_294_967_296, 999_999_999],
    [9_000_000_000, 1],
  ];
  const spans = await assertSameSpans(
    times.map((time) => exportedSpan({ startAt: time, endAt: time })),
  );
  assertEquals(
    spans.map(({ startNanos }) => startNanos),
    times.map(([s, ns]) => BigInt(s) * 1_000_000_000n + BigInt(ns)),
  );
});

test("both encodings tell spans apart that share traces, parents and links by turns", async () => {
  const id = (digit: number, length: number) => `${digit}`.repeat(length);
  const context = (digit: number, traceFlags = 1): SpanContext => ({
    traceId: id(digit, 32),
    spanId: id(digit, 16),
    traceFlags,
  });
  const { links: [first, second] } = exportedSpan({
    links: [
      { context: context(1, 0) },
      { context: context(2), attributes: { a: 1 }, dropped: 2 },
    ],
  });
  const turns = [[first!], [first!], [second!], [second!, first!], [first!]];
  const spans = turns.map((links, i) => ({
    ...exportedSpan({
      context: { ...context(i + 1), traceId: id(1 + (i >> 1), 32) },
      parent: context(8 - (i >> 1)),
    }),
    links,
  }));
  for (let round = 0; round < 2; round++) {
    const received = await assertSameSpans(spans);
    assertEquals(
      received.map((span) => [span.traceId, span.spanId, span.parentSpanId]),
      spans.map(({ start }) => [
        start.context.traceId,
        start.context.spanId,
        start.parent?.spanId,
      ]),
    );
    assertEquals(
      received.map(({ links }) => links.map(({ spanId }) => spanId)),
      turns.map((links) => links.map(({ context }) => context.spanId)),
    );
  }
});

test("a span is written beside others as it is alone, whatever they have in common", async () => {
  const context: SpanContext = { ...REMOTE, isRemote: false };
  const links = exportedSpan({ links: [{ context: REMOTE }] }).links;
  const one: ExportedSpan = {
    ...exportedSpan({ context, parent: REMOTE, attributes: { a: 1 } }),
    links,
  };
  const started = (start: Partial<ExportedSpan["start"]>): ExportedSpan => ({
    ...one,
    start: { ...one.start, ...start },
  });
  const others: readonly ExportedSpan[] = [
    { ...one, name: "another" },
    { ...one, traceFlags: 0 },
    { ...one, links: [...links, ...links] },
    { ...one, endAt: 1_700_000_009_000 },
    { ...one, attributes: attributeList({ a: 2 }) },
    { ...one, status: { code: 2, message: "failed" } },
    { ...one, droppedEvents: 3 },
    started({ kind: 3 }),
    started({ parent: undefined }),
    started({ parent: { ...REMOTE, isRemote: false } }),
    started({ context: { ...context, spanId: "00f067aa0ba902b7" } }),
    started({
      context: { ...context, traceId: "4bf92f3577b34da6a3ce929d0e0e4736" },
    }),
    started({ context: { ...context, traceState: createTraceState("c=3") } }),
  ];
  const [alone] = await assertSameSpans([one]);
  for (const other of others) {
    const [otherAlone] = await assertSameSpans([other]);
    assertNotEquals(otherAlone, alone);
    const turns = [one, one, one, other, other, other, one, other, one, one];
    assertEquals(
      await assertSameSpans(turns),
      turns.map((span) => span === one ? alone! : otherAlone!),
    );
  }
});

test("both encodings take attributes of thousands of values, and long lists and maps", async () => {
  const spans = Array.from({ length: 500 }, (_, i) =>
    exportedSpan({
      attributes: {
        id: `order-${i}`,
        total: i / 7,
        kind: i % 3,
        list: new Array(i).fill(i),
        map: { id: `order-${i}`, [`key${i}`]: null },
      },
    }));
  const received = await assertSameSpans(spans);
  assertEquals(received[499]?.attributes.id, "order-499");
  assertEquals(received[499]?.attributes.total, 499 / 7);
});

test("encoding the same attributes again gives the same bytes", () => {
  const attributes = { a: "x", b: 1, c: true, d: 1.5, e: ["y"], f: "é" };
  const spans = [exportedSpan({ attributes })];
  for (const protocol of PROTOCOLS) {
    const encode = encodingOf("traces", protocol).encode;
    assertEquals(encode(resource, spans), encode(resource, spans));
  }
});

test("JSON follows OTLP: hexadecimal ids, integers as strings, enumerations as numbers", () => {
  const context = exportedSpan().start.context;
  const span = exportedSpan({
    attributes: { n: 1, nan: NaN, bytes: new Uint8Array([1]), none: [null] },
    dropped: 2,
    context: { ...context, traceState: createTraceState("a=1,b=2") },
    parent: REMOTE,
    startAt: [1, 5],
    endAt: [2, 0],
    status: { code: 2, message: "m" },
    events: [{ name: "e", at: [0, 7], dropped: 3 }],
    droppedEvents: 4,
    links: [{ context: { ...REMOTE, isRemote: false }, dropped: 5 }],
    droppedLinks: 6,
  });
  const bytes = encodingOf("traces", "http/json").encode(resource, [span]);
  assertEquals(JSON.parse(new TextDecoder().decode(bytes)), {
    resourceSpans: [{
      resource: {
        attributes: [
          { key: "service.name", value: { stringValue: "é" } },
          {
            key: "list",
            value: {
              arrayValue: { values: [{ intValue: "1" }, { stringValue: "a" }] },
            },
          },
        ],
      },
      scopeSpans: [{
        scope: { name: "lib", version: "1.0" },
        spans: [{
          traceId: context.traceId,
          spanId: context.spanId,
          traceState: "a=1,b=2",
          parentSpanId: REMOTE.spanId,
          name: "span",
          kind: 1,
          startTimeUnixNano: "1000000005",
          endTimeUnixNano: "2000000000",
          attributes: [
            { key: "n", value: { intValue: "1" } },
            { key: "nan", value: { doubleValue: "NaN" } },
            { key: "bytes", value: { bytesValue: "AQ==" } },
            { key: "none", value: { arrayValue: { values: [{}] } } },
          ],
          droppedAttributesCount: 2,
          events: [
            { timeUnixNano: "7", name: "e", droppedAttributesCount: 3 },
          ],
          droppedEventsCount: 4,
          links: [{
            traceId: REMOTE.traceId,
            spanId: REMOTE.spanId,
            traceState: "a=1,b=2",
            droppedAttributesCount: 5,
            flags: 0x103,
          }],
          droppedLinksCount: 6,
          status: { message: "m", code: 2 },
          flags: 0x303,
        }],
      }],
    }],
  });
});

test("both encodings of metrics decode to the same metrics", async () => {
  const random = generator(3);
  for (const temporality of TEMPORALITIES) {
    const metrics = await generatedMetrics(random, temporality);
    const [protobuf, json] = await Promise.all(
      PROTOCOLS.map((protocol) =>
        receive(
          "metrics",
          protocol,
          encodingOf("metrics", protocol).encode(resource, metrics),
        )
      ),
    );
    assertEquals(protobuf?.metrics.length, metrics.length);
    assertEquals(json?.metrics, protobuf?.metrics);
  }
});

test("a whole number that 64 bits cannot hold is written as a double", async () => {
  const metrics = makeMetrics({ ...PARTS, clock: new ManualClock() });
  const options = { valueType: ValueType.INT };
  const counter = metrics.getMeter("m").createCounter("c", options);
  counter.add(1e300);
  const all = await collect(metrics);
  for (const protocol of PROTOCOLS) {
    const body = encodingOf("metrics", protocol).encode(resource, all);
    const { metrics: [c] } = await receive("metrics", protocol, body);
    assertEquals(c?.points[0]?.value, 1e300);
  }
});
