import { assertEquals } from "@std/assert";
import {
  ROOT_CONTEXT,
  type SpanContext,
  trace,
  ValueType,
} from "@opentelemetry/api";
import type { ActiveContext } from "../src/otlp/active.ts";
import { attributeList } from "../src/otlp/attributes.ts";
import { encodingOf, type Protocol } from "../src/otlp/encoding.ts";
import type { ExemplarFilter } from "../src/otlp/exemplar.ts";
import { makeMetrics } from "../src/otlp/meter.ts";
import type { Temporality } from "../src/otlp/mod.ts";
import { Collector, type ReceivedExemplar } from "./support/collector.ts";
import { PARTS } from "./support/generated.ts";
import { ManualClock } from "./support/manual_clock.ts";
import { wire } from "./support/otlp.ts";
import { test } from "./support/suite.ts";

const START = Date.UTC(2026, 0, 2);

function spanContext(digit: string, traceFlags: number): SpanContext {
  return { traceId: digit.repeat(32), spanId: digit.repeat(16), traceFlags };
}

const SAMPLED = spanContext("a", 1);
const UNSAMPLED = spanContext("b", 2);
const sampled = trace.setSpanContext(ROOT_CONTEXT, SAMPLED);
const other = trace.setSpanContext(ROOT_CONTEXT, spanContext("c", 3));
const unsampled = trace.setSpanContext(ROOT_CONTEXT, UNSAMPLED);

interface Settings {
  readonly exemplars?: ExemplarFilter;
  readonly temporality?: Temporality;
  readonly protocol?: Protocol;
}

/** A meter, the context that its measurements are made in, and what each export has. */
function measured({ protocol = "http/protobuf", ...settings }: Settings = {}) {
  const clock = new ManualClock();
  const now = { context: ROOT_CONTEXT };
  const context: ActiveContext = {
    active: () => now.context,
    with: (_, callback) => callback(),
  };
  const metrics = makeMetrics({ ...PARTS, clock, context, ...settings });
  const { contentType, encode } = encodingOf("metrics", protocol);
  const collect = async () => {
    await metrics.observe();
    return metrics.collect();
  };
  return {
    clock,
    now,
    meter: metrics.getMeter("m"),
    collect,
    /** The examples of every point of an export. */
    async exemplars(): Promise<(readonly ReceivedExemplar[] | undefined)[]> {
      const collected = await collect();
      const collector = new Collector();
      const response = await collector.handle(
        new Request("http://collector.test/v1/metrics", {
          method: "POST",
          headers: { "content-type": contentType },
          body: encode(attributeList({}), collected),
        }),
      );
      assertEquals(response.status, 200);
      return collector.metrics.flatMap(({ points }) => points)
        .map(({ exemplars }) => exemplars);
    },
  };
}

function example(value: number, span: SpanContext = SAMPLED, at = START) {
  return { value, at, traceId: span.traceId, spanId: span.spanId };
}

for (const protocol of ["http/protobuf", "http/json"] as const) {
  test(`a counter exports its last measurement within a sampled span, by ${protocol}`, async () => {
    const { meter, clock, now, exemplars } = measured({ protocol });
    const counter = meter.createCounter("c");
    now.context = sampled;
    counter.add(1);
    await clock.advance(1.5);
    counter.add(2.5);
    now.context = ROOT_CONTEXT;
    counter.add(4);
    now.context = unsampled;
    counter.add(8);
    assertEquals(await exemplars(), [[example(2.5, SAMPLED, START + 1.5)]]);
  });

  test(`a histogram exports an example of each bucket, by ${protocol}`, async () => {
    const { meter, exemplars } = measured({ protocol });
    const advice = { explicitBucketBoundaries: [1, 2, 3] };
    const histogram = meter.createHistogram("h", { advice });
    histogram.record(5, {}, sampled);
    histogram.record(0.25, {}, sampled);
    histogram.record(0.5, {}, other);
    histogram.record(0.75, {}, unsampled);
    histogram.record(2.5);
    assertEquals(await exemplars(), [[
      example(0.5, spanContext("c", 3)),
      example(5),
    ]]);
  });
}

test("of several measurements in a bucket each is as likely its example, and the first is one", () => {
  const draws = [0.49, 0.34, 0.24, 0.99];
  const metrics = makeMetrics({
    ...PARTS,
    clock: new ManualClock(),
    random: () => draws.shift()!,
  });
  const { record } = metrics.getMeter("m").createHistogram("h", {
    advice: { explicitBucketBoundaries: [10] },
  });
  for (const value of [1, 2, 3, 4, 5]) record(value, {}, sampled);
  record(20, {}, unsampled);
  record(30, {}, sampled);
  const [collected] = metrics.collect();
  const examples = collected!.series[0]!.exemplars.map(({ value }) => value);
  // the second by 0.49 < 1/2, not the third by 0.34 > 1/3, the fourth by 0.24 < 1/4
  assertEquals(examples, [4, 30]);
  assertEquals(draws, []);
});

test("the context of a measurement goes before the active one", async () => {
  const { meter, now, exemplars } = measured();
  now.context = sampled;
  meter.createGauge("g").record(1, {}, ROOT_CONTEXT);
  meter.createUpDownCounter("u").add(2, {}, other);
  assertEquals(await exemplars(), [
    undefined,
    [example(2, spanContext("c", 3))],
  ]);
});

test("an instrument of whole numbers has examples of whole numbers", async () => {
  const { meter, collect } = measured();
  const options = { valueType: ValueType.INT };
  meter.createHistogram("h", options).record(2.9, {}, sampled);
  const [collected] = await collect();
  const body = encodingOf("metrics", "http/json").encode(attributeList({}), [
    collected!,
  ]);
  const { resourceMetrics: [{ scopeMetrics: [{ metrics: [h] }] }] } = JSON
    .parse(new TextDecoder().decode(body));
  assertEquals(h.histogram.dataPoints[0].exemplars, [{
    timeUnixNano: `${START}000000`,
    asInt: "2",
    spanId: SAMPLED.spanId,
    traceId: SAMPLED.traceId,
  }]);
});

test(`"always_on" keeps examples of measurements outside of spans, and of observed values`, async () => {
  const { meter, exemplars } = measured({ exemplars: "always_on" });
  meter.createCounter("c").add(1);
  meter.createCounter("d").add(2, {}, unsampled);
  meter.createObservableGauge("g").addCallback((r) => r.observe(3));
  assertEquals(await exemplars(), [
    [{ value: 1, at: START }],
    [example(2, UNSAMPLED)],
    [{ value: 3, at: START }],
  ]);
});

test(`"always_off" keeps none`, async () => {
  const { meter, exemplars } = measured({ exemplars: "always_off" });
  meter.createCounter("c").add(1, {}, sampled);
  assertEquals(await exemplars(), [undefined]);
});

test("examples go with changes, and stay with totals", async () => {
  for (const temporality of ["delta", "cumulative"] as const) {
    const { meter, exemplars } = measured({ temporality });
    const counter = meter.createCounter("c");
    counter.add(1, {}, sampled);
    assertEquals(await exemplars(), [[example(1)]]);
    counter.add(2);
    const kept = temporality === "delta" ? undefined : [example(1)];
    assertEquals(await exemplars(), [kept]);
  }
});

test("examples are merged back after a failed export, unless there are later ones", async () => {
  const { meter, collect, exemplars } = measured();
  const advice = { explicitBucketBoundaries: [1] };
  const histogram = meter.createHistogram("h", { advice });
  histogram.record(0, {}, sampled);
  histogram.record(2, {}, sampled);
  const [failed] = await collect();
  histogram.record(1, {}, other);
  failed!.restore();
  assertEquals(await exemplars(), [[
    example(1, spanContext("c", 3)),
    example(2),
  ]]);
});

test("a measurement within an active span of a telemetry has that span in its example", async () => {
  const { telemetry, collector } = wire();
  const { tracerProvider, meterProvider, contextManager } = telemetry;
  const span = tracerProvider.getTracer("t").startSpan("a");
  const counter = meterProvider.getMeter("m").createCounter("c");
  const context = trace.setSpan(ROOT_CONTEXT, span);
  if (contextManager.available) {
    contextManager.with(context, () => counter.add(1));
  } else counter.add(1, {}, context);
  span.end();
  await telemetry.flush();
  const { traceId, spanId } = span.spanContext();
  const [point] = collector.points("c");
  assertEquals(
    point?.exemplars?.map(({ traceId, spanId }) => [traceId, spanId]),
    [
      [traceId, spanId],
    ],
  );
});
