/**
 * What we write, read by the official definitions and beside the official serializers.
 *
 * `@opentelemetry/otlp-transformer` holds a decoder that is generated from opentelemetry-proto. It ignores what it
 * does not know and takes JSON as leniently as protobuf.js does, so JSON goes through a strict reader of our own first.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { attributeList } from "../../src/otlp/attributes.ts";
import { encodingOf, type Protocol } from "../../src/otlp/encoding.ts";
import type { Metric } from "../../src/otlp/metric.ts";
import { exportedSpan, type SpanParts } from "../support/exported_span.ts";
import {
  generatedMetrics,
  generatedParts,
  pick,
  TEMPORALITIES,
} from "../support/generated.ts";
import { generator } from "../support/model/random.ts";
import {
  assertSame,
  canonical,
  type Definition,
  MetricsRequest,
  official,
  Traces,
} from "../support/oracle/definitions.ts";
import { DIFFERENCES } from "../support/oracle/differences.ts";
import { ofMetrics, ofSpans, RESOURCE } from "../support/oracle/expected.ts";
import {
  readable,
  readLeniently,
  resourceMetrics,
  tameMetric,
  tameSpan,
} from "../support/oracle/peer.ts";
import { readMetrics, readTraces } from "../support/otlp_json.ts";
import type { Message } from "../support/otlp_wire.ts";
import { test } from "../support/suite.ts";

const BATCHES = 1_000;

const json = encoders("http/json");
const protobuf = encoders("http/protobuf");

const resource = attributeList(RESOURCE);

test("spans of 1,000 generated batches are what was put in, by either encoding, in the official decoder", () => {
  const random = generator(1);
  for (let batch = 0; batch < BATCHES; batch++) {
    const parts = generatedParts(random);
    const spans = parts.map(exportedSpan);
    const expected = ofSpans(parts);
    const bytes = protobuf.traces(resource, spans);
    assertSame(Traces, Traces.decode(bytes), expected);
    const read = readTraces(json.traces(resource, spans));
    assertSame(Traces, Traces.fromObject(read), expected);
  }
});

test("messages of a length that takes one byte more are what was put in", () => {
  const around = (length: number, by: number) =>
    Array.from({ length: 2 * by + 1 }, (_, i) => length - by + i);
  for (
    const length of [
      ...around(2 ** 7, 60),
      ...around(2 ** 14, 60),
      ...around(2 ** 21, 1),
    ]
  ) {
    const parts: SpanParts[] = [{ attributes: { text: "x".repeat(length) } }];
    const bytes = protobuf.traces(resource, parts.map(exportedSpan));
    assertSame(Traces, Traces.decode(bytes), ofSpans(parts));
  }
});

test("metrics of 1,000 generated batches are what was put in, by either encoding, in the official decoder", async () => {
  const random = generator(2);
  for (let batch = 0; batch < BATCHES; batch++) {
    const temporality = pick(random, TEMPORALITIES);
    const metrics = await generatedMetrics(random, temporality);
    const expected = ofMetrics(metrics);
    const bytes = protobuf.metrics(resource, metrics);
    assertSame(MetricsRequest, MetricsRequest.decode(bytes), expected);
    const read = readMetrics(json.metrics(resource, metrics));
    assertSame(MetricsRequest, MetricsRequest.fromObject(read), expected);
  }
});

for (const writesBytes of [true, false]) {
  const encoding = writesBytes ? "protobuf" : "JSON";
  const decodes = (type: Definition, bytes: Uint8Array) =>
    writesBytes ? type.decode(bytes) : type.fromObject(readLeniently(bytes));

  test(`spans of 1,000 generated batches agree with the official ${encoding}, but for the differences listed`, () => {
    const random = generator(3);
    const from = { attributes: RESOURCE };
    const serializer = writesBytes
      ? official.ProtobufTraceSerializer
      : official.JsonTraceSerializer;
    for (let batch = 0; batch < BATCHES; batch++) {
      const parts = generatedParts(random)
        .map((parts) => tameSpan(parts, writesBytes));
      const theirs = serializer.serializeRequest(
        parts.map((parts) => readable(parts, from)),
      );
      assertSame(Traces, decodes(Traces, theirs), ofSpans(parts));
    }
  });

  test(`metrics of 1,000 generated batches agree with the official ${encoding}, but for the differences listed`, async () => {
    const random = generator(4);
    const serializer = writesBytes
      ? official.ProtobufMetricsSerializer
      : official.JsonMetricsSerializer;
    for (let batch = 0; batch < BATCHES; batch++) {
      const temporality = pick(random, TEMPORALITIES);
      const metrics = (await generatedMetrics(random, temporality))
        .map((metric) => tameMetric(metric, writesBytes));
      const theirs = serializer.serializeRequest(resourceMetrics(metrics));
      assertSame(
        MetricsRequest,
        decodes(MetricsRequest, theirs),
        ofMetrics(metrics),
      );
    }
  });
}

for (const difference of DIFFERENCES) {
  test(`an attribute differs from the official one when it is ${difference.name}`, () => {
    const { value, ours, json: theirJson = ours } = difference;
    const parts: SpanParts = { attributes: { value } };
    const spans = [exportedSpan(parts)];
    const readables = [readable(parts, { attributes: RESOURCE })];
    const {
      JsonTraceSerializer: { serializeRequest: toJson },
      ProtobufTraceSerializer: { serializeRequest: toProtobuf },
    } = official;
    assertEquals(
      [json.traces(resource, spans), toJson(readables)].map(jsonValue),
      [ours, theirJson],
    );
    const theirProtobuf = "protobuf" in difference ? difference.protobuf : ours;
    assertEquals(
      [protobuf.traces(resource, spans), toProtobuf(readables)]
        .map(protobufValue),
      [ours, theirProtobuf],
    );
  });
}

interface Request {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly Message[] }[];
  }[];
}

/** The only span of a request. */
function onlySpan(request: unknown): Message {
  return (request as Request).resourceSpans[0]!.scopeSpans[0]!.spans[0]!;
}

/** What it says of its only attribute. */
function onlyValue(request: unknown): unknown {
  const [attribute] = onlySpan(request).attributes as readonly Message[];
  return attribute?.value;
}

function jsonValue(bytes: Uint8Array): unknown {
  return onlyValue(JSON.parse(new TextDecoder().decode(bytes)));
}

function protobufValue(bytes: Uint8Array): unknown {
  return onlyValue(canonical(Traces, Traces.decode(bytes)));
}

test("a status that is not set is left out; the official serializers write it", () => {
  const from = { attributes: RESOURCE };
  const read = (bytes: Uint8Array) =>
    onlySpan(Traces.toObject(Traces.decode(bytes), {})).status;
  const { serializeRequest } = official.ProtobufTraceSerializer;
  assertEquals([
    read(protobuf.traces(resource, [exportedSpan()])),
    read(serializeRequest([readable({}, from)])),
  ], [undefined, { code: 0 }]);
});

test("examples are exported; the official serializers leave them out", async () => {
  const metrics = await withExamples();
  const { serializeRequest } = official.ProtobufMetricsSerializer;
  const examples = (bytes: Uint8Array) =>
    JSON.stringify(canonical(MetricsRequest, MetricsRequest.decode(bytes)))
      .split('"exemplars"').length - 1;
  assertEquals([
    examples(protobuf.metrics(resource, metrics)) > 0,
    examples(serializeRequest(resourceMetrics(metrics))),
  ], [true, 0]);
});

async function withExamples(): Promise<Metric[]> {
  const random = generator(5);
  for (;;) {
    const metrics = await generatedMetrics(random, "delta");
    const series = metrics.flatMap(({ series }) => series);
    if (series.some(({ exemplars }) => exemplars.length > 0)) return metrics;
  }
}

test("the strict reader of JSON refuses what the official JSON has and OTLP does not", () => {
  const from = { attributes: {} };
  const { serializeRequest } = official.JsonTraceSerializer;
  for (const value of [1, NaN, 1e21, "\ud800", new Uint8Array(1)]) {
    const bytes = serializeRequest([readable({ attributes: { value } }, from)]);
    assertThrows(() => readTraces(bytes), TypeError);
  }
});

/** What writes both signals in a protocol. */
function encoders(protocol: Protocol) {
  return {
    traces: encodingOf("traces", protocol).encode,
    metrics: encodingOf("metrics", protocol).encode,
  };
}
