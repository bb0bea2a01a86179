import {
  assert,
  assertEquals,
  assertFalse,
  assertMatch,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  context,
  diag,
  metrics,
  propagation,
  ROOT_CONTEXT,
  trace,
} from "@opentelemetry/api";
import {
  EdgeContextManager,
  Telemetry,
  type TelemetryOptions,
} from "../src/otlp/mod.ts";
import { wire } from "./support/otlp.ts";
import { test } from "./support/suite.ts";

const SLOT = Symbol.for("opentelemetry.js.api.1");
const slot = () =>
  (globalThis as { [SLOT]?: Record<string | symbol, unknown> })[SLOT];

/** Where a telemetry sends one span, and with what. */
async function sent(make: (options: TelemetryOptions) => Telemetry) {
  const requests: { url: string; headers: Headers; body: string }[] = [];
  const telemetry = make({
    fetch: async (input, init) => {
      const { url, headers } = new Request(input, init);
      const body = await new Response(init?.body as BodyInit).text();
      requests.push({ url, headers, body });
      return new Response();
    },
  });
  telemetry.tracerProvider.getTracer("t").startSpan("a").end();
  telemetry.meterProvider.getMeter("m").createCounter("c").add(1);
  const report = await telemetry.flush();
  const [traces, metrics] = requests;
  return { requests, traces, metrics, report };
}

const fromEnv = (env: object) =>
  sent((options) => Telemetry.fromEnv(env, options));

test("Telemetry() asks nothing of the host before it is used", () => {
  const forbid = (): never => {
    throw new Error("asked at construction");
  };
  const clock = { now: forbid, monotonic: forbid, after: forbid };
  const telemetry = new Telemetry({ clock, random: forbid, fetch: forbid });
  telemetry.tracerProvider.getTracer("t");
  const meter = telemetry.meterProvider.getMeter("m");
  meter.createCounter("c");
  meter.createObservableGauge("g").addCallback(forbid);
  assert(telemetry.propagator && telemetry.contextManager);
});

test("Telemetry() throws when an option cannot be used, and does not repeat the endpoint", () => {
  for (const endpoint of ["secret", "ftp://secret", ""]) {
    const error = assertThrows(
      () => new Telemetry({ endpoint }),
      TypeError,
      "expected an http(s) URL",
    );
    assertFalse(error.message.includes("secret"));
  }
  for (
    const options of [
      { timeoutMs: -1 },
      { timeoutMs: NaN },
      { flushWaitMs: Infinity },
      { metrics: { timeoutMs: -5 } },
      { protocol: "grpc" as never },
      { timeoutMs: 2 ** 31 },
      { metricsEveryMs: -1 },
      { maxSpans: NaN },
    ]
  ) assertThrows(() => new Telemetry(options), RangeError);
});

test("Telemetry() refuses an option that it does not know, and tells which there are", () => {
  const options: TelemetryOptions = { servicename: "shop" } as never;
  for (
    const make of [
      () => new Telemetry(options),
      () => Telemetry.fromEnv({}, options),
    ]
  ) {
    assertThrows(
      make,
      TypeError,
      "Unknown option 'servicename' of a Telemetry: the options are serviceName,",
    );
  }
  assertThrows(() => new Telemetry("x" as never), TypeError, "an object");
});

test("Telemetry() sends each signal where its options say", async () => {
  const { traces, metrics } = await sent((options) =>
    new Telemetry({
      ...options,
      endpoint: "http://base.test",
      headers: { a: "1", b: "1" },
      traces: { url: "http://own.test/x", headers: { b: "2" } },
      metrics: { protocol: "http/json" },
    })
  );
  assertEquals(traces?.url, "http://own.test/x");
  assertEquals([traces?.headers.get("a"), traces?.headers.get("b")], [
    "1",
    "2",
  ]);
  assertEquals(metrics?.url, "http://base.test/v1/metrics");
  assertEquals(metrics?.headers.get("content-type"), "application/json");
});

test("Telemetry() leaves out a signal that is switched off", async () => {
  for (const off of ["traces", "metrics"] as const) {
    const { requests, report } = await sent((options) =>
      new Telemetry({ ...options, [off]: false })
    );
    const other = off === "traces" ? "metrics" : "traces";
    assertEquals(requests.map(({ url }) => url), [
      `http://localhost:4318/v1/${other}`,
    ]);
    assertEquals(report.spans + report.points, 1);
  }
});

test("fromEnv() reads OpenTelemetry's variables", async () => {
  const { traces, metrics } = await fromEnv({
    OTEL_SERVICE_NAME: "shop",
    OTEL_RESOURCE_ATTRIBUTES: "service.name=no,team=a%2Cb, region = eu ",
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://base.test/otlp/",
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20x,a=1",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://metrics.test",
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: "a=2",
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "HTTP/PROTOBUF",
    BINDING: { fetch() {} },
  });
  assertEquals(traces?.url, "http://base.test/otlp/v1/traces");
  assertEquals(traces?.headers.get("authorization"), "Bearer x");
  assertEquals(traces?.headers.get("a"), "1");
  const [{ resource }] = JSON.parse(traces!.body).resourceSpans;
  const attributes = Object.fromEntries(
    resource.attributes.map((a: { key: string; value: unknown }) => [
      a.key,
      Object.values(a.value as object)[0],
    ]),
  );
  assertEquals(attributes["service.name"], "shop");
  assertEquals(attributes.team, "a,b");
  assertEquals(attributes.region, "eu");
  assertMatch(attributes["service.instance.id"], /^[0-9a-f-]{36}$/);
  assertEquals(metrics?.url, "http://metrics.test/");
  assertEquals(metrics?.headers.get("a"), "2");
  assertEquals(
    metrics?.headers.get("content-type"),
    "application/x-protobuf",
  );
});

test("fromEnv() takes what is empty as unset and lets options win", async () => {
  const { traces } = await fromEnv({
    OTEL_EXPORTER_OTLP_ENDPOINT: "  ",
    OTEL_EXPORTER_OTLP_PROTOCOL: "",
    OTEL_EXPORTER_OTLP_HEADERS: "",
    OTEL_TRACES_SAMPLER: "",
  });
  assertEquals(traces?.url, "http://localhost:4318/v1/traces");
  const won = await sent((options) =>
    Telemetry.fromEnv({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://env.test",
      OTEL_SERVICE_NAME: "env",
      OTEL_RESOURCE_ATTRIBUTES: "a=env,b=env",
    }, {
      ...options,
      endpoint: "http://code.test",
      serviceName: "code",
      resource: { a: "code" },
      protocol: "http/json",
    })
  );
  assertEquals(won.traces?.url, "http://code.test/v1/traces");
  for (const text of ["code", '"b","value":{"stringValue":"env"}']) {
    assert(won.traces?.body.includes(text));
  }
  assertFalse(won.traces?.body.includes('"a","value":{"stringValue":"env"}'));
});

test("register() serves the API, also tracers that were taken before, and unregister() takes it back", async () => {
  const { telemetry, collector } = wire();
  const early = trace.getTracer("early");
  assert(telemetry.register());
  try {
    assert(telemetry.register());
    assertEquals(slot()?.version, "1.999.999");
    assertFalse(new Telemetry().register());
    assertFalse(new Telemetry().unregister());
    early.startSpan("a").end();
    trace.getTracer("late").startSpan("b").end();
    metrics.getMeter("m").createCounter("c").add(1);
    const carrier = {};
    propagation.inject(ROOT_CONTEXT, carrier);
    assertEquals(propagation.fields(), [
      "traceparent",
      "tracestate",
      "baggage",
    ]);
    const { spans, points } = await telemetry.flush();
    assertEquals([spans, points], [2, 1]);
    assertEquals(collector.spans.map(({ name }) => name), ["a", "b"]);
  } finally {
    assert(telemetry.unregister());
  }
  assertEquals(slot(), undefined);
  assertFalse(telemetry.unregister());
  assertFalse(trace.getTracer("late").startSpan("c").isRecording());
});

test("register() leaves another SDK's registration alone, and keeps a logger", () => {
  const manager = new EdgeContextManager();
  assert(context.setGlobalContextManager(manager));
  const version = slot()?.version;
  assertFalse(new Telemetry().register());
  assertEquals(slot()?.version, version);
  context.disable();

  const messages: unknown[] = [];
  const log = (message: string) => void messages.push(message);
  diag.setLogger({
    error: log,
    warn: log,
    info: log,
    debug: log,
    verbose: log,
  });
  try {
    const telemetry = new Telemetry();
    assert(telemetry.register());
    messages.length = 0;
    diag.info("one");
    assertEquals(messages, ["one"]);
    assert(telemetry.unregister());
    diag.info("two");
    assertEquals(messages.at(-1), "two");
    assert(context.setGlobalContextManager(manager));
  } finally {
    context.disable();
    diag.disable();
  }
});

test("spans follow the current context: the registered manager's, else the telemetry's own", async () => {
  const { telemetry, collector } = wire();
  const tracer = telemetry.tracerProvider.getTracer("t");
  const run = () =>
    tracer.startActiveSpan("parent", async (parent) => {
      await Promise.resolve();
      tracer.startSpan("child").end();
      parent.end();
    });
  const { available } = telemetry.contextManager;
  await run();
  assertStrictEquals(context.active(), ROOT_CONTEXT);
  assert(telemetry.register());
  try {
    await run();
  } finally {
    telemetry.unregister();
  }
  const other = new EdgeContextManager();
  context.setGlobalContextManager(other);
  try {
    await run();
  } finally {
    context.disable();
  }
  await telemetry.flush();
  assertEquals(collector.spans.length, 6);
  for (let i = 0; i < 6; i += 2) {
    const [child, parent] = collector.spans.slice(i, i + 2);
    const expected = available ? parent?.spanId : undefined;
    assertEquals(child?.parentSpanId, expected);
  }
});

test("a hundred interleaved handlers keep their spans' parents, by explicit contexts everywhere", async () => {
  const { telemetry, collector } = wire();
  const tracer = telemetry.tracerProvider.getTracer("t");
  await Promise.all(Array.from({ length: 100 }, async (_, i) => {
    const scope = telemetry.openScope(ROOT_CONTEXT);
    const root = tracer.startSpan(`root ${i}`, {}, scope);
    const inside = trace.setSpan(scope, root);
    await new Promise((resolve) => setTimeout(resolve, i % 5));
    await { then: (resolve: () => void) => resolve() };
    tracer.startSpan(`child ${i}`, {}, inside).end();
    root.end();
    assertEquals((await telemetry.flush(inside)).spans, 2);
  }));
  for (const child of collector.spans) {
    if (!child.name.startsWith("child")) continue;
    const parent = collector.spans.find((s) => s.spanId === child.parentSpanId);
    assertEquals(parent?.name, child.name.replace("child", "root"));
    assertEquals(parent?.request, child.request);
  }
});

test("disposing unregisters and sends what is left", async () => {
  const { telemetry, collector } = wire();
  {
    await using owned = telemetry;
    assert(owned.register());
    trace.getTracer("t").startSpan("a").end();
  }
  assertEquals(collector.spans.length, 1);
  assertEquals(slot(), undefined);
});

test("Telemetry() writes a signal as OTLP's JSON to the console where it is told to", async () => {
  const lines: string[] = [];
  const own = globalThis.console;
  globalThis.console = { ...own, log: (line: string) => lines.push(line) };
  try {
    const { requests, report } = await sent((options) =>
      new Telemetry({
        ...options,
        compression: "gzip",
        resource: { long: "x".repeat(2_000) },
        traces: { exporter: "console", protocol: "http/protobuf" },
        metrics: { exporter: "none" },
      })
    );
    assertEquals([requests.length, report.spans, report.points], [0, 1, 0]);
  } finally {
    globalThis.console = own;
  }
  const [line] = lines as [string];
  assertEquals(lines.length, 1);
  const [{ scopeSpans }] = JSON.parse(line).resourceSpans;
  assertEquals(scopeSpans[0].spans[0].name, "a");
});

test("Telemetry() hands temporality and exemplars on", async () => {
  const { telemetry, collector } = wire({
    temporality: "cumulative",
    exemplars: "always_on",
  });
  const counter = telemetry.meterProvider.getMeter("m").createCounter("c");
  for (let i = 0; i < 2; i++) {
    counter.add(1);
    await telemetry.flush();
  }
  const points = collector.metrics.flatMap(({ points }) => points);
  assertEquals(points.map(({ value }) => Number(value)), [1, 2]);
  assertEquals(points.map(({ exemplars }) => exemplars?.length), [1, 1]);
});

/** What a traced fetch of a telemetry sends to a server of its own. */
async function fetched(
  options: TelemetryOptions,
  call: (telemetry: Telemetry) => Promise<unknown>,
) {
  const { telemetry, collector } = wire(options);
  const requests: Request[] = [];
  const own = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    requests.push(new Request(input, init));
    return Promise.resolve(new Response("ok"));
  };
  try {
    await call(telemetry);
  } finally {
    globalThis.fetch = own;
  }
  await telemetry.flush();
  return { headers: requests[0]?.headers, spans: collector.spans };
}

const PARENT = trace.setSpanContext(ROOT_CONTEXT, {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  traceFlags: 1,
});
const WITH_BAGGAGE = propagation.setBaggage(
  PARENT,
  propagation.createBaggage({ a: { value: "1" } }),
);

test("fetchIn() sends the host's fetch as a CLIENT span of the given context, and fetch one of the current", async () => {
  const given = await fetched(
    {},
    (telemetry) => telemetry.fetchIn(PARENT)("http://api.test/x"),
  );
  const [span] = given.spans;
  assertEquals([span?.kind, span?.name], ["CLIENT", "GET"]);
  assertEquals(span?.parentSpanId, "b7ad6b7169203331");
  assertEquals(span?.library.name, "@baton/queue");
  assertEquals(
    given.headers?.get("traceparent"),
    `00-0af7651916cd43dd8448eb211c80319c-${span?.spanId}-01`,
  );
  const current = await fetched(
    {},
    (telemetry) =>
      telemetry.contextManager.with(
        PARENT,
        () => telemetry.fetch("http://api.test/x"),
      ),
  );
  const { available } = new EdgeContextManager();
  assertEquals(
    current.spans[0]?.parentSpanId,
    available ? "b7ad6b7169203331" : undefined,
  );
});

test("fetchIn() makes no span and no header with clientSpans: false, and none of a trace when disabled", async () => {
  const call = (telemetry: Telemetry) =>
    telemetry.fetchIn(PARENT)("http://api.test/x");
  const off = await fetched({ clientSpans: false }, call);
  assertEquals([off.spans.length, off.headers?.get("traceparent")], [0, null]);
  const disabled = await fetched({ disabled: true }, call);
  assertEquals(disabled.spans.length, 0);
  assertEquals(
    disabled.headers?.get("traceparent"),
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  );
});

test("fetchIn() sends what propagateTo says, and only what the propagators carry", async () => {
  const sends = async (options: TelemetryOptions) => {
    const { headers } = await fetched(
      options,
      (telemetry) => telemetry.fetchIn(WITH_BAGGAGE)("http://api.test/x"),
    );
    return ["traceparent", "baggage"].filter((name) => headers?.has(name));
  };
  assertEquals(await sends({}), ["traceparent"]);
  assertEquals(await sends({ propagateTo: () => "all" }), [
    "traceparent",
    "baggage",
  ]);
  assertEquals(
    await sends({ propagateTo: () => "all", propagators: ["baggage"] }),
    ["baggage"],
  );
  assertEquals(await sends({ propagators: [] }), []);
});
