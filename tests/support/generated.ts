/** Spans and metrics made of the values that encoders get wrong, the same in every run. */
import {
  type Attributes,
  createTraceState,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
  ValueType,
} from "@opentelemetry/api";
import type { ActiveContext } from "../../src/otlp/active.ts";
import type { Instant } from "../../src/otlp/clock.ts";
import {
  makeMetrics,
  type Metrics,
  type MetricsParts,
} from "../../src/otlp/meter.ts";
import type { Metric, Temporality } from "../../src/otlp/metric.ts";
import type { Library } from "../../src/otlp/resource.ts";
import type { ExportedSpan } from "../../src/otlp/write_traces.ts";
import { exportedSpan, type SpanParts } from "./exported_span.ts";
import { ManualClock } from "./manual_clock.ts";
import type { Random } from "./model/random.ts";

export const STRINGS: readonly string[] = [
  "",
  "plain",
  'quote " and \\ backslash',
  "line\nbreak\ttab\u0000\u001f\u007f",
  "é, 漢字, 🎈",
  "lone \ud800 surrogate \udc00",
  "\udfff",
  "x".repeat(63),
  "x".repeat(64),
  "x".repeat(100),
  "x".repeat(101),
  "é".repeat(50),
  "é".repeat(130),
  "x".repeat(20_000),
  "é".repeat(300_000),
  "123",
  "9223372036854775808",
  "__proto__",
  "{",
  "[",
];

export const NUMBERS: readonly number[] = [
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
  2 ** 64,
  1e21,
  0.1,
  -1.5e-9,
  5e-324,
  1.7976931348623157e308,
  NaN,
  Infinity,
  -Infinity,
];

const BIGINTS = [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, 2n ** 64n];

/** Long ones are rare, so that most batches stay small. */
const SHORT = STRINGS.filter(({ length }) => length < 1_000);
const LONG = STRINGS.filter(({ length }) => length === 20_000);

export function pick<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)]!;
}

function text(random: Random): string {
  return pick(random, random() < 0.002 ? LONG : SHORT);
}

/** Any value of an attribute. */
export function generatedValue(random: Random, depth = 0): unknown {
  switch (Math.floor(random() * (depth > 2 ? 5 : 7))) {
    case 0:
      return text(random);
    case 1:
      return pick(random, NUMBERS);
    case 2:
      return random() < 0.5;
    case 3:
      return pick(random, BIGINTS);
    case 4:
      return new Uint8Array(Math.floor(random() * 200)).fill(random() * 256);
    case 5:
      return Array.from(
        { length: Math.floor(random() * 4) },
        () => random() < 0.1 ? null : generatedValue(random, depth + 1),
      );
    default:
      return generatedAttributes(random, Math.floor(random() * 4), depth + 1);
  }
}

/** So many attributes. */
export function generatedAttributes(
  random: Random,
  count: number,
  depth = 0,
): Attributes {
  return Object.fromEntries(
    Array.from(
      { length: count },
      (
        _,
        i,
      ) => [
        `key.${i % 7 === 3 ? "é" : ""}${i}`,
        generatedValue(random, depth),
      ],
    ),
  ) as Attributes;
}

function hex(random: Random, digits: number): string {
  return Array.from(
    { length: digits },
    () => Math.floor(random() * 16).toString(16),
  ).join("");
}

/** A span's identity, with or without a state, of here or from afar. */
export function generatedContext(random: Random): SpanContext {
  return {
    traceId: hex(random, 32),
    spanId: hex(random, 16),
    traceFlags: Math.floor(random() * 4),
    ...(random() < 0.5 ? {} : { isRemote: random() < 0.5 }),
    ...(random() < 0.7 ? {} : { traceState: createTraceState("a=1,b=2") }),
  };
}

function generatedTime(random: Random): Instant {
  const seconds = 1_600_000_000 + Math.floor(random() * 4e8);
  if (random() < 0.3) return seconds * 1_000 + random() * 1_000;
  return [seconds, random() < 0.1 ? 0 : Math.floor(random() * 1e9)];
}

const LIBRARIES: readonly Library[] = [
  { name: "a", version: undefined, schemaUrl: undefined },
  { name: "é", version: "1.0", schemaUrl: "https://schema.test" },
  { name: "", version: "", schemaUrl: undefined },
];

function some<T>(random: Random, most: number, make: () => T): T[] {
  return Array.from({ length: Math.floor(random() * (most + 1)) }, make);
}

function counted(random: Random, most: number) {
  const dropped = random() < 0.2 ? Math.floor(random() * 1_000) : 0;
  const many = random() < 0.02 ? 300 : Math.floor(random() * most);
  return { attributes: generatedAttributes(random, many), dropped };
}

/** A batch of spans. */
export function generatedSpans(random: Random): ExportedSpan[] {
  return generatedParts(random).map(exportedSpan);
}

/** What a batch of spans is made of. */
export function generatedParts(random: Random): SpanParts[] {
  return Array.from({ length: 1 + Math.floor(random() * 4) }, () => ({
    ...counted(random, 9),
    name: text(random),
    library: pick(random, LIBRARIES),
    kind: Math.floor(random() * 5),
    context: generatedContext(random),
    parent: random() < 0.5 ? undefined : generatedContext(random),
    startAt: generatedTime(random),
    endAt: generatedTime(random),
    status: pick(random, [
      { code: 0 },
      { code: 1 },
      { code: 2 },
      { code: 2, message: text(random) },
    ]),
    events: some(random, 2, () => ({
      ...counted(random, 3),
      name: text(random),
      at: generatedTime(random),
    })),
    droppedEvents: random() < 0.2 ? 200 : 0,
    links: some(random, 2, () => ({
      ...counted(random, 3),
      context: generatedContext(random),
    })),
    droppedLinks: random() < 0.2 ? 20_000 : 0,
  }));
}

export const TEMPORALITIES: readonly Temporality[] = [
  "delta",
  "cumulative",
  "lowmemory",
];

const nowhere: ActiveContext = {
  active: () => ROOT_CONTEXT,
  with: (_, callback) => callback(),
};

/** What a meter is made with, but for its clock. */
export const PARTS: Omit<MetricsParts, "clock"> = {
  enabled: true,
  temporality: "delta",
  exemplars: "trace_based",
  context: nowhere,
  // of several examples the last
  random: () => 0,
};

/** What one export would bring. */
export async function collect(metrics: Metrics): Promise<Metric[]> {
  await metrics.observe();
  return metrics.collect();
}

/** A batch of metrics of every kind, with examples where a measurement was made within a span. */
export async function generatedMetrics(
  random: Random,
  temporality: Temporality,
): Promise<Metric[]> {
  const clock = new ManualClock(1_600_000_000_000 + random() * 4e11);
  const metrics = makeMetrics({ ...PARTS, temporality, clock });
  const { name, version, schemaUrl } = pick(random, LIBRARIES);
  const meter = metrics.getMeter(
    name,
    version,
    schemaUrl === undefined ? {} : { schemaUrl },
  );
  const integer = { valueType: ValueType.INT };
  const advice = { explicitBucketBoundaries: pick(random, BOUNDARIES) };
  const described = { description: text(random), unit: text(random) };
  const counter = meter.createCounter("counter", described);
  const whole = meter.createCounter("whole", integer);
  const upDown = meter.createUpDownCounter("", { ...integer, ...described });
  const gauge = meter.createGauge("gauge");
  const histogram = meter.createHistogram("histogram", { unit: "s", advice });
  const observed = meter.createObservableCounter("observed");
  const level = meter.createObservableGauge("level");
  for (let i = 0; i < 4; i++) {
    const attributes = generatedAttributes(random, Math.floor(random() * 3));
    const context = random() < 0.5
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, generatedContext(random));
    const number = pick(random, NUMBERS);
    counter.add(Math.abs(number), attributes, context);
    whole.add(random() * 1e18, attributes, context);
    upDown.add(number, attributes, context);
    gauge.record(number, attributes, context);
    histogram.record(random() * 12_000, attributes, context);
    observed.addCallback((result) => result.observe(random(), attributes));
    level.addCallback((result) => result.observe(number, attributes));
  }
  return await collect(metrics);
}

const BOUNDARIES: readonly number[][] = [[], [0], [0.1, 1e3], [-1, 0, 1e21]];
