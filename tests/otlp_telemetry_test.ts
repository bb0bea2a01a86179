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
  defaultTextMapGetter,
  diag,
  type DiagLogger,
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
      "absolute http or https URL",
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
    ]
  ) assertThrows(() => new Telemetry(options), RangeError);
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

test("fromEnv() reports what it cannot understand, without its value, and ignores it", async () => {
  const warnings: string[] = [];
  const logger = Object.fromEntries(
    ["error", "info", "debug", "verbose"].map((level) => [level, () => {}]),
  );
  diag.setLogger({
    ...logger,
    warn: (message: string) => void warnings.push(message),
  } as unknown as DiagLogger);
  try {
    const bad = "secret%";
    const { traces } = await fromEnv({
      OTEL_RESOURCE_ATTRIBUTES: `a=${bad}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: bad,
      OTEL_EXPORTER_OTLP_HEADERS: bad,
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc-secret",
      OTEL_EXPORTER_OTLP_TIMEOUT: bad,
      OTEL_TRACES_SAMPLER: bad,
      OTEL_TRACES_EXPORTER: bad,
    });
    assertEquals(traces?.url, "http://localhost:4318/v1/traces");
    assertEquals(warnings.length, 7);
    for (const warning of warnings) assertFalse(warning.includes("secret"));
  } finally {
    diag.disable();
  }
});

test("fromEnv() ignores an endpoint that is no http or https URL, and says so", async () => {
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  const quiet = () => {};
  diag.setLogger(
    { error: quiet, warn, info: quiet, debug: quiet, verbose: quiet },
  );
  try {
    for (const endpoint of ["localhost:4318", "grpc://localhost:4317", "x"]) {
      warnings.length = 0;
      const { traces, metrics } = await fromEnv({
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: endpoint,
      });
      assertEquals(traces?.url, "http://localhost:4318/v1/traces");
      assertEquals(metrics?.url, "http://localhost:4318/v1/metrics");
      assertEquals(warnings, [
        "Ignored OTEL_EXPORTER_OTLP_ENDPOINT: expected an absolute http or https URL",
        "Ignored OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: expected an absolute http or https URL",
      ]);
    }
  } finally {
    diag.disable();
  }
});

test("fromEnv() makes the sampler that the variables name", async () => {
  const spans = async (name: string, arg?: string) =>
    (await fromEnv({
      OTEL_TRACES_SAMPLER: name,
      OTEL_TRACES_SAMPLER_ARG: arg,
    })).report.spans;
  assertEquals(await spans("always_on"), 1);
  assertEquals(await spans("ALWAYS_OFF"), 0);
  assertEquals(await spans("traceidratio", "0"), 0);
  assertEquals(await spans("traceidratio", "1"), 1);
  assertEquals(await spans("traceidratio", "2"), 1);
  assertEquals(await spans("parentbased_always_on"), 1);
  assertEquals(await spans("parentbased_always_off"), 0);
  assertEquals(await spans("parentbased_traceidratio", "0"), 0);
});

test("fromEnv() switches signals off, and with OTEL_SDK_DISABLED everything but the propagator", async () => {
  const none = await fromEnv({ OTEL_METRICS_EXPORTER: "none" });
  assertEquals(none.requests.length, 1);
  const telemetry = Telemetry.fromEnv({ OTEL_SDK_DISABLED: "True" });
  const remote = {
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  };
  const parent = telemetry.propagator.extract(
    ROOT_CONTEXT,
    remote,
    defaultTextMapGetter,
  );
  const tracer = telemetry.tracerProvider.getTracer("t");
  const span = tracer.startSpan("a", {}, parent);
  assertFalse(span.isRecording());
  assertEquals(span.spanContext(), trace.getSpanContext(parent));
  telemetry.meterProvider.getMeter("m").createCounter("c").add(1);
  span.end();
  assertEquals(await telemetry.flush(), {
    spans: 0,
    points: 0,
    dropped: 0,
    late: 0,
  });
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
