import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  diag,
  type DiagLogger,
  DiagLogLevel,
  ValueType,
} from "@opentelemetry/api";
import type { EdgeMeter, TelemetryOptions } from "../src/otlp/mod.ts";
import { MAX_SETS, MAX_STEPS } from "../src/otlp/bounds.ts";
import { makeSets } from "../src/otlp/sets.ts";
import {
  Collector,
  type ReceivedMetric,
  type ReceivedPoint,
} from "./support/collector.ts";
import { wire } from "./support/otlp.ts";
import { test } from "./support/suite.ts";

const START = Date.UTC(2026, 0, 2);

function metered(
  status: () => number = () => 200,
  options: TelemetryOptions = {},
) {
  const wired = wire();
  const { collector } = wired;
  const { telemetry, clock } = wire({
    fetch: (input, init) =>
      status() === 200
        ? collector.handle(new Request(input, init))
        : Promise.resolve(new Response("", { status: status() })),
    ...options,
  });
  const meter: EdgeMeter = telemetry.meterProvider.getMeter("lib", "1.0");
  return {
    telemetry,
    clock,
    meter,
    collector,
    /** What one flush brings. */
    async flushAll(): Promise<readonly ReceivedMetric[]> {
      collector.clear();
      await telemetry.flush();
      return [...collector.metrics];
    },
    /** What one flush brings, by name. */
    async flush(): Promise<Record<string, ReceivedMetric>> {
      collector.clear();
      await telemetry.flush();
      return Object.fromEntries(collector.metrics.map((m) => [m.name, m]));
    },
  };
}

function values(metric: ReceivedMetric | undefined): unknown[] {
  return metric?.points.map(({ attributes, value }) => [attributes, value]) ??
    [];
}

test("a counter adds up by attributes, in any order of theirs, and exports deltas", async () => {
  const { meter, clock, flush } = metered();
  const counter = meter.createCounter("c", { unit: "{x}", description: "d" });
  await clock.advance(100);
  counter.add(1, { a: 1, b: "x" });
  counter.add(2, { b: "x", a: 1 });
  counter.add(4, { a: "1", b: "x" });
  counter.add(8, { a: 1, b: "x", none: undefined, nil: null });
  counter.add(16);
  counter.add(-1);
  counter.add(NaN);
  counter.add(Infinity);
  await clock.advance(100);
  const { c } = await flush();
  assertEquals(values(c), [
    [{ a: 1, b: "x" }, 11],
    [{ a: "1", b: "x" }, 4],
    [{}, 16],
  ]);
  const { name, unit, description, kind, monotonic, temporality } = c!;
  assertEquals(
    { name, unit, description, kind, monotonic, temporality },
    {
      name: "c",
      unit: "{x}",
      description: "d",
      kind: "sum",
      monotonic: true,
      temporality: "delta",
    },
  );
  const times = ({ startAt, at }: ReceivedPoint) => [startAt, at];
  assertEquals(c?.points.map(times), Array(3).fill([START + 100, START + 200]));
  assertEquals(await flush(), {});
  await clock.advance(50);
  counter.add(1);
  const next = await flush();
  assertEquals(next.c?.points.map(times), [[START + 200, START + 250]]);
});

test("a counter's change begins at the flush before, though that had nothing of it", async () => {
  const { meter, clock, flush } = metered();
  const counter = meter.createCounter("c");
  counter.add(1);
  await flush();
  await clock.advance(100);
  assertEquals(await flush(), {});
  await clock.advance(50);
  counter.add(1);
  const { c } = await flush();
  assertEquals(c?.points.map(({ startAt, at }) => [startAt, at]), [
    [START + 100, START + 150],
  ]);
});

test("a counter tells attributes apart that are one record, changed, and knows those that are frozen", async () => {
  const { meter, flush } = metered();
  const counter = meter.createCounter("c");
  const changed = { a: 1 };
  const frozen = Object.freeze({ a: 3 });
  for (const a of [1, 1, 1, 2, 2]) {
    changed.a = a;
    counter.add(1, changed);
  }
  for (const attributes of [frozen, frozen, frozen, changed, frozen]) {
    counter.add(1, attributes);
  }
  const expected = [[{ a: 1 }, 3], [{ a: 2 }, 3], [{ a: 3 }, 4]];
  const { c } = await flush();
  assertEquals(values(c), expected);
  for (let i = 0; i < 3; i++) counter.add(1, frozen);
  const { c: next } = await flush();
  assertEquals(values(next), [[{ a: 3 }, 3]]);
});

test("a counter sees that a list within frozen attributes changed", async () => {
  const { meter, flush } = metered();
  const counter = meter.createCounter("c");
  const list = ["x"];
  const frozen = Object.freeze({ list });
  for (let i = 0; i < 3; i++) counter.add(1, frozen);
  list.push("y");
  for (let i = 0; i < 3; i++) counter.add(1, frozen);
  assertEquals(values((await flush()).c), [
    [{ list: ["x"] }, 3],
    [{ list: ["x", "y"] }, 3],
  ]);
});

test("a counter of whole numbers exports integers", async () => {
  const { meter, flush } = metered();
  const options = { valueType: ValueType.INT };
  const counter = meter.createCounter("c", options);
  counter.add(1.9);
  counter.add(2);
  assertEquals(values((await flush()).c), [[{}, 3]]);
});

test("an up-down counter exports its total each time, since the first value", async () => {
  const { meter, clock, flush } = metered();
  const counter = meter.createUpDownCounter("u");
  counter.add(5, { q: "a" });
  counter.add(-2, { q: "a" });
  const first = await flush();
  assertEquals(values(first.u), [[{ q: "a" }, 3]]);
  assertEquals(first.u?.temporality, "cumulative");
  assertEquals(first.u?.monotonic, false);
  await clock.advance(10);
  counter.add(1, { q: "b" });
  await clock.advance(10);
  const second = await flush();
  assertEquals(values(second.u), [[{ q: "a" }, 3], [{ q: "b" }, 1]]);
  assertEquals(second.u?.points.map(({ startAt, at }) => [startAt, at]), [
    [START, START + 20],
    [START + 10, START + 20],
  ]);
  assertEquals(values((await flush()).u), values(second.u));
});

test("a gauge exports its last value, once", async () => {
  const { meter, flush } = metered();
  const gauge = meter.createGauge("g");
  gauge.record(5);
  gauge.record(-3);
  const { g } = await flush();
  assertEquals([g?.kind, g?.temporality], ["gauge", "none"]);
  assertEquals(values(g), [[{}, -3]]);
  assertEquals(g?.points[0]?.startAt, undefined);
  assertEquals(await flush(), {});
});

test("a histogram counts into the advised buckets, whose bounds belong to them", async () => {
  const { meter, flush } = metered();
  const advice = { explicitBucketBoundaries: [1, 2.5, 5] };
  const histogram = meter.createHistogram("h", { unit: "s", advice });
  for (const value of [0, 1, 1.1, 2.5, 5, 5.1, 100]) histogram.record(value);
  histogram.record(-1);
  histogram.record(NaN);
  const { h } = await flush();
  const [point] = h!.points;
  assertEquals(h?.temporality, "delta");
  assertEquals(point?.bounds, [1, 2.5, 5]);
  assertEquals(point?.buckets, [2, 2, 1, 2]);
  assertEquals([point?.count, point?.min, point?.max], [7, 0, 100]);
  assertAlmostEquals(point!.sum!, 114.7);
});

test("a histogram takes OpenTelemetry's boundaries when none or senseless ones are advised", async () => {
  const { meter, flush } = metered();
  meter.createHistogram("a").record(1);
  for (const [name, bounds] of [["b", [2, 1]], ["c", [1, NaN]]] as const) {
    const advice = { explicitBucketBoundaries: [...bounds] };
    meter.createHistogram(name, { advice }).record(1);
  }
  for (const metric of Object.values(await flush())) {
    assertEquals(metric.points[0]?.bounds?.length, 15);
    assertEquals(metric.points[0]?.buckets?.[1], 1);
  }
});

for (
  const [temporality, deltas] of [
    ["delta", ["counter", "histogram", "observed"]],
    ["cumulative", []],
    ["lowmemory", ["counter", "histogram"]],
  ] as const
) {
  test(`instruments export changes or totals as "${temporality}" has it`, async () => {
    const { meter, clock, flush } = metered(() => 200, { temporality });
    const counter = meter.createCounter("counter");
    const upDown = meter.createUpDownCounter("updown");
    const histogram = meter.createHistogram("histogram");
    meter.createObservableCounter("observed").addCallback((result) => {
      result.observe(total, { k: 1 });
    });
    meter.createObservableUpDownCounter("level").addCallback((result) => {
      result.observe(total, { k: 1 });
    });
    let total = 0;
    const measure = async (value: number) => {
      total += value;
      for (const sum of [counter, upDown]) sum.add(value, { k: 1 });
      histogram.record(value, { k: 1 });
      await clock.advance(100);
      return await flush();
    };
    const all = ["counter", "updown", "histogram", "observed", "level"];
    const told = (metrics: Record<string, ReceivedMetric>) =>
      Object.fromEntries(all.map((name) => {
        const { temporality, points: [point] } = metrics[name]!;
        const { startAt, at, value, sum } = point!;
        return [name, [temporality, value ?? sum, startAt, at]];
      }));
    await measure(5);
    const second = told(await measure(3));
    const third = told(await measure(2));
    const since = (name: string) => START + (/^o|^l/.test(name) ? 100 : 0);
    for (const name of all) {
      const isDelta = deltas.some((delta) => delta === name);
      assertEquals(
        [second[name], third[name]],
        isDelta
          ? [
            ["delta", 3, START + 100, START + 200],
            ["delta", 2, START + 200, START + 300],
          ]
          : [
            ["cumulative", 8, since(name), START + 200],
            ["cumulative", 10, since(name), START + 300],
          ],
        name,
      );
    }
  });
}

test("a gauge goes on exporting its last value where totals are told", async () => {
  const { meter, flush } = metered(() => 200, { temporality: "cumulative" });
  meter.createGauge("g").record(5);
  assertEquals(values((await flush()).g), [[{}, 5]]);
  assertEquals(values((await flush()).g), [[{}, 5]]);
});

test("an observed total exports what is new of each set, all of it after it fell", async () => {
  const { meter, flush } = metered();
  let totals: Record<string, number> = { a: 10, b: 1 };
  meter.createObservableCounter("o").addCallback((result) => {
    for (const [k, total] of Object.entries(totals)) {
      result.observe(total, { k });
    }
  });
  assertEquals(values((await flush()).o), [[{ k: "a" }, 10], [{ k: "b" }, 1]]);
  totals = { a: 12 };
  assertEquals(values((await flush()).o), [[{ k: "a" }, 2]]);
  totals = { a: 3, b: 5 };
  assertEquals(values((await flush()).o), [[{ k: "a" }, 3], [{ k: "b" }, 4]]);
  totals = { a: 3 };
  assertEquals(values((await flush()).o), [[{ k: "a" }, 0]]);
});

test("what is new of an observed total arrives with the next flush when an export failed", async () => {
  let status = 500;
  const { telemetry, meter, clock, flush } = metered(() => status);
  let total = 10;
  const observed = meter.createObservableCounter("o");
  observed.addCallback((result) => result.observe(total));
  assertEquals((await telemetry.flush()).points, 0);
  status = 200;
  total = 13;
  await clock.advance(1_000);
  const { o } = await flush();
  assertEquals(values(o), [[{}, 13]]);
  assertEquals(o?.points[0]?.startAt, START);
  total = 14;
  assertEquals(values((await flush()).o), [[{}, 1]]);
});

test("what many observed sets have beyond the limit adds up", async () => {
  const { meter, flush } = metered();
  meter.createObservableCounter("o").addCallback((result) => {
    for (let i = 0; i < 3_000; i++) result.observe(2, { i });
  });
  const { o } = await flush();
  assertEquals(o?.points.length, 2_000);
  assertEquals(o?.points.at(-1)?.value, 2 * (3_000 - 1_999));
  assertEquals((await flush()).o?.points.at(-1)?.value, 0);
});

test("a total counter keeps its first sets, and what came too late stays together", async () => {
  const options: TelemetryOptions = { temporality: "cumulative" };
  const { meter, flush } = metered(() => 200, options);
  const counter = meter.createCounter("c");
  for (let i = 0; i < 2_500; i++) counter.add(1, { i });
  await flush();
  counter.add(1, { i: 0 });
  counter.add(1, { i: 2_400 });
  const { c } = await flush();
  assertEquals(c?.points.length, 2_000);
  assertEquals(c?.points[0]?.value, 2);
  assertEquals(c?.points.at(-1)?.value, 2_500 - 1_999 + 1);
});

test("what is merged back beyond the limit of sets is counted together", async () => {
  let status = 500;
  const { telemetry, meter, clock, flush } = metered(() => status);
  const counter = meter.createCounter("c");
  for (let i = 0; i < 1_500; i++) counter.add(1, { i });
  await telemetry.flush();
  for (let i = 1_000; i < 2_500; i++) counter.add(1, { i });
  status = 200;
  await clock.advance(1_000);
  const { c } = await flush();
  const sum = c!.points.reduce((sum, { value }) => sum + value!, 0);
  assertEquals([c?.points.length, sum], [2_000, 3_000]);
});

test("makeSets().tidy() forgets sets without numbers once there are many", () => {
  const sets = makeSets(() => true);
  const first = sets.find({ i: 0 });
  sets.tidy();
  assertEquals(sets.find({ i: 0 }) === first, true);
  for (let i = 1; i < MAX_SETS; i++) sets.find({ i });
  sets.tidy();
  assertEquals(sets.find({ i: 0 }) === first, false);
});

test("makeSets().find() tells apart what is spelt alike, and knows each in whatever order", () => {
  const sets = makeSets(() => true);
  const different: Record<string, unknown>[] = [
    {},
    { "": "", a: "" },
    { a: 1 },
    { a: "1" },
    { a: true },
    { a: "true" },
    { a: NaN },
    { a: "NaN" },
    { a: Infinity },
    { a: "b=c" },
    { a: 1, b: 2 },
    { b: 1, a: 2 },
    { a: "1,b:2" },
    { a: "1", b: "2" },
    { a: '1","b":"2' },
    { ab: "c" },
    { a: "bc" },
    { a: [1] },
    { a: ["1"] },
    { a: "1", b: [1] },
    { a: { b: 1 } },
    { a: { b: "1" } },
  ];
  const known = different.map((attributes) => sets.find(attributes));
  assertEquals(new Set(known).size, different.length);
  different.forEach((attributes, i) => {
    const reversed = Object.fromEntries(Object.entries(attributes).reverse());
    for (let round = 0; round < 3; round++) {
      for (const same of [{ ...attributes }, reversed]) {
        assertEquals(sets.find(same) === known[i], true);
        assertEquals(
          sets.find({ none: undefined, ...same }) === known[i],
          true,
        );
      }
    }
  });
});

test("a counter without room for new sets knows its own after more of them than it remembers", async () => {
  const { meter, flush } = metered();
  const counter = meter.createCounter("c");
  for (let i = 0; i < MAX_SETS; i++) counter.add(1, { i, own: true });
  for (let i = 0; i < 2 * MAX_STEPS; i++) {
    counter.add(1, { i, own: false });
    if (i % 100 === 0) counter.add(1, { own: true, i: 0 });
  }
  const { c } = await flush();
  assertEquals(c?.points.length, MAX_SETS);
  assertEquals(c?.points[0]?.value, 1 + 2 * MAX_STEPS / 100);
  assertEquals(c?.points.at(-1)?.value, 1 + 2 * MAX_STEPS);
  counter.add(1, { i: 0, own: false });
  const expected = [[{ i: 0, own: false }, 1]];
  assertEquals(values((await flush()).c), expected);
});

test("a flush of many other sets forgets nothing that is measured again", async () => {
  const { meter, flush } = metered();
  const counter = meter.createCounter("c");
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 1_500; i++) counter.add(1, { i: round * 1_000 + i });
    const { c } = await flush();
    assertEquals(c?.points.length, 1_500);
    assertEquals(c?.points.every(({ value }) => value === 1), true);
  }
});

test("different instruments of one name are told apart, and warned of once", async () => {
  const warnings: string[] = [];
  const { meter, flushAll } = metered();
  const quiet = () => {};
  const logger: DiagLogger = {
    error: quiet,
    warn: (message) => warnings.push(message),
    info: quiet,
    debug: quiet,
    verbose: quiet,
  };
  diag.setLogger(logger, {
    logLevel: DiagLogLevel.WARN,
    suppressOverrideMessage: true,
  });
  try {
    for (let i = 0; i < 2; i++) {
      meter.createCounter("n").add(1);
      meter.createCounter("N", { description: "other" }).add(2);
      meter.createCounter("n", { unit: "s" }).add(4);
      meter.createHistogram("n").record(8);
      meter.createObservableCounter("n");
    }
  } finally {
    diag.disable();
  }
  assertEquals(warnings.length, 1);
  const points = (await flushAll()).map(({ kind, unit, points: [point] }) => [
    kind,
    unit,
    point?.value ?? point?.sum,
  ]);
  assertEquals(points, [["sum", "", 6], ["sum", "s", 8], [
    "histogram",
    "",
    16,
  ]]);
});

test("a counter and an observed one of the same name do not mix", async () => {
  const { meter, flushAll } = metered();
  meter.createCounter("n").add(1);
  meter.createObservableCounter("n").addCallback((r) => r.observe(5));
  assertEquals((await flushAll()).map(values), [[[{}, 1]], [[{}, 5]]]);
});

test("nothing is measured when metrics are switched off", async () => {
  const { telemetry, meter } = metered(() => 200, { metrics: false });
  meter.createCounter("c").add(1);
  meter.createHistogram("h").record(1);
  const { points, error } = await telemetry.flush();
  assertEquals([points, error], [0, undefined]);
});

test("the same name, kind and unit give the same instrument, whatever its case", async () => {
  const { telemetry, meter, flush } = metered();
  meter.createCounter("Requests").add(1);
  const same = telemetry.meterProvider.getMeter("lib", "1.0");
  same.createCounter("requests").add(2);
  telemetry.meterProvider.getMeter("other").createCounter("requests").add(4);
  const sent = await flush();
  assertEquals(values(sent.Requests), [[{}, 3]]);
  assertEquals(values(sent.requests), [[{}, 4]]);
  assertEquals(sent.requests?.library, { name: "other" });
});

test("an instrument keeps 1,999 sets of attributes and counts the rest together", async () => {
  const { meter, flush } = metered();
  const counter = meter.createCounter("c");
  for (let i = 0; i < 5_000; i++) counter.add(1, { i });
  for (let i = 0; i < 5_000; i++) counter.add(1, { i });
  const { c } = await flush();
  assertEquals(c?.points.length, 2_000);
  assertEquals(c?.points[0]?.value, 2);
  assertEquals(c?.points.at(-1), {
    ...c!.points.at(-1)!,
    attributes: { "otel.metric.overflow": true },
    value: 2 * (5_000 - 1_999),
  });
  counter.add(1, { i: 4_999 });
  assertEquals(values((await flush()).c), [[{ i: 4_999 }, 1]]);
});

test("attributes that are lists or maps make sets of their own", async () => {
  const { meter, flush } = metered();
  const counter = meter.createCounter("c");
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  for (const a of [["x", "y"], "x,y", ["x", "y"], { x: 1 }, cycle, 1n]) {
    counter.add(1, { a });
  }
  assertEquals(values((await flush()).c), [
    [{ a: ["x", "y"] }, 2],
    [{ a: "x,y" }, 1],
    [{ a: { x: 1 } }, 1],
    [{ a: { self: null } }, 1],
    [{ a: 1 }, 1],
  ]);
});

test("what could not be exported is merged back and arrives with the next flush", async () => {
  let status = 500;
  const { telemetry, meter, clock, flush } = metered(() => status);
  const advice = { explicitBucketBoundaries: [1, 2] };
  const counter = meter.createCounter("c");
  const upDown = meter.createUpDownCounter("u");
  const histogram = meter.createHistogram("h", { advice });
  const last = [{ g: "x" }, { g: "y" }];
  const gauge = meter.createGauge("g");
  const measure = (n: number) => {
    counter.add(n, { a: 1 });
    upDown.add(n);
    histogram.record(n);
    gauge.record(n, last[n % 2]);
  };
  measure(1);
  const report = await telemetry.flush();
  assertEquals([report.points, report.dropped], [0, 0]);
  await clock.advance(999);
  measure(2);
  assertEquals((await telemetry.flush()).points, 0);
  status = 200;
  await clock.advance(1);
  const { c, u, h, g } = await flush();
  assertEquals(values(c), [[{ a: 1 }, 3]]);
  assertEquals(c?.points[0]?.startAt, START);
  assertEquals(values(u), [[{}, 3]]);
  assertEquals(values(g), [[{ g: "y" }, 1], [{ g: "x" }, 2]]);
  const { count, sum, min, max, buckets } = h!.points[0]!;
  assertEquals([count, sum, min, max, buckets], [2, 3, 1, 2, [1, 1, 0]]);
  assertEquals(Object.keys(await flush()), ["u"]);
});

test("numbers measured while an export is under way are neither lost nor doubled when it fails", async () => {
  const called = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  const collector = new Collector();
  let requests = 0;
  const { telemetry, clock } = wire({
    fetch: (input, init) => {
      if (++requests > 1) return collector.handle(new Request(input, init));
      called.resolve();
      return answer.promise;
    },
  });
  const meter = telemetry.meterProvider.getMeter("m");
  const counter = meter.createCounter("c");
  const gauge = meter.createGauge("g");
  counter.add(1);
  gauge.record(1);
  const failing = telemetry.flush();
  await called.promise;
  counter.add(2);
  assertEquals((await telemetry.flush()).points, 1);
  counter.add(4);
  gauge.record(9);
  answer.resolve(new Response("", { status: 404 }));
  assertEquals((await failing).points, 0);
  await clock.advance(1_000);
  await telemetry.flush();
  assertEquals(collector.points("c").map(({ value }) => value), [2, 5]);
  assertEquals(collector.points("g").map(({ value }) => value), [9]);
});

test("what the receiver will never take is dropped and counted", async () => {
  let status = 400;
  const { telemetry, meter, flush } = metered(() => status);
  meter.createCounter("c").add(1);
  assertEquals((await telemetry.flush()).dropped, 1);
  status = 200;
  assertEquals(await flush(), {});
});

test("observable instruments are asked at each flush, alone or together", async () => {
  const { meter, flush } = metered();
  let depth = 3;
  const gauge = meter.createObservableGauge("depth");
  const total = meter.createObservableCounter("total");
  const upDown = meter.createObservableUpDownCounter("updown");
  gauge.addCallback(async (result) => {
    await Promise.resolve();
    result.observe(99, { q: "a" });
    result.observe(depth, { q: "a" });
  });
  const both = (result: {
    observe(instrument: object, value: number): void;
  }) => {
    result.observe(total, depth * 10);
    result.observe(upDown, -depth);
    result.observe(gauge, 1_000);
  };
  meter.addBatchObservableCallback(both, [total, upDown]);
  gauge.addCallback(() => {
    throw new Error("its own fault");
  });
  const first = await flush();
  assertEquals(values(first.depth), [[{ q: "a" }, 3]]);
  assertEquals(values(first.total), [[{}, 30]]);
  assertEquals(values(first.updown), [[{}, -3]]);
  depth = 4;
  assertEquals(values((await flush()).updown), [[{}, -4]]);
  meter.removeBatchObservableCallback(both, [total, upDown]);
  assertEquals(Object.keys(await flush()), ["depth"]);
});

test("an observable instrument that never answers does not hold up the spans", async () => {
  const { telemetry, collector, clock } = wire();
  const gauge = telemetry.meterProvider.getMeter("m").createObservableGauge(
    "g",
  );
  gauge.addCallback(() => new Promise(() => {}));
  telemetry.tracerProvider.getTracer("t").startSpan("a").end();
  const flushed = telemetry.flush();
  await clock.advance(1);
  assertEquals(collector.spans.length, 1);
  await clock.advance(4_999);
  const { spans, error } = await flushed;
  assertEquals([spans, error], [1, "An observable instrument took too long"]);
});

test("an observable instrument that never answers does not hold up the other metrics", async () => {
  const { telemetry, collector, clock } = wire();
  const meter = telemetry.meterProvider.getMeter("m");
  const gauge = meter.createObservableGauge("g");
  gauge.addCallback(() => new Promise(() => {}));
  gauge.addCallback((result) => result.observe(7, { own: true }));
  for (let i = 1; i <= 2; i++) {
    meter.createCounter("c").add(i);
    const flushed = telemetry.flush();
    await clock.advance(2_499);
    assertEquals(collector.metrics, []);
    await clock.advance(1);
    const { points, error } = await flushed;
    assertEquals([points, error], [
      2,
      "An observable instrument took too long",
    ]);
    assertEquals(
      collector.metrics.map(({ name, points: [point] }) => [name, point?.value])
        .sort(),
      [["c", i], ["g", 7]],
    );
    collector.clear();
  }
  assertEquals(clock.pending, 0);
});

test("an observable instrument that fails does not hold up the other metrics, though the logger fails as well", async () => {
  const { telemetry, meter, collector } = metered();
  const fail = () => {
    throw new Error("its own fault");
  };
  const logger: DiagLogger = {
    error: fail,
    warn: fail,
    info: fail,
    debug: fail,
    verbose: fail,
  };
  meter.createObservableGauge("g").addCallback(fail);
  meter.createCounter("c").add(1);
  diag.setLogger(logger, {
    logLevel: DiagLogLevel.ERROR,
    suppressOverrideMessage: true,
  });
  try {
    const { points, error } = await telemetry.flush();
    assertEquals([points, error], [1, undefined]);
  } finally {
    diag.disable();
  }
  assertEquals(collector.metrics.map(({ name }) => name), ["c"]);
});
