import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import {
  defaultTextMapGetter,
  diag,
  propagation,
  ROOT_CONTEXT,
  trace,
} from "@opentelemetry/api";
import { readEnv } from "../src/otlp/env.ts";
import { Telemetry, type TelemetryOptions } from "../src/otlp/mod.ts";
import { test } from "./support/suite.ts";

/** The time that stands for no limit. */
const LONGEST = 2 ** 31 - 1;

/** A text, and what it makes of the options: samplers by their description, otherwise as they are. */
type Good = readonly [text: string, options: Record<string, unknown>];

interface Row {
  readonly good: readonly Good[];
  readonly bad: readonly string[];
}

function integer(option: (value: number) => Record<string, unknown>): Row {
  return {
    good: [
      ["7", option(7)],
      ["0", option(0)],
      [" 12 ", option(12)],
      ["99999999999999999999", option(LONGEST)],
    ],
    bad: ["-1", "1.5", "1e3", "0x10", "many", "Infinity"],
  };
}

function timeout(option: (value: number) => Record<string, unknown>): Row {
  return {
    good: [["1500", option(1_500)], ["0", option(LONGEST)]],
    bad: ["-1", "1.5", "1s"],
  };
}

function words(
  known: readonly string[],
  option: (value: string) => Record<string, unknown>,
): Row {
  return {
    good: known.flatMap((word): Good[] => [
      [word, option(word)],
      [word.toUpperCase(), option(word)],
    ]),
    bad: ["other", `${known[0]}x`, `${known.join("|")}`],
  };
}

/** An endpoint's row. */
function url(option: (value: string) => Record<string, unknown>): Row {
  return {
    good: [
      ["http://a.test", option("http://a.test/")],
      ["https://a.test:9/b/?c=d", option("https://a.test:9/b/?c=d")],
    ],
    bad: ["a.test:4318", "grpc://a.test", "/v1/traces"],
  };
}

function pairs(
  option: (value: Record<string, string>) => Record<string, unknown>,
): Row {
  return {
    good: [
      ["a=1,b=2", option({ a: "1", b: "2" })],
      [" a = 1 ,, b=x%2Cy%3Dz=", option({ a: "1", b: "x,y=z=" })],
      ["a%3D=", option({ "a=": "" })],
    ],
    bad: ["a", "=1", " =1", "a=1,b", "a=%E0%A4%A"],
  };
}

const signal = (name: "traces" | "metrics") => (option: string) => {
  return <T>(value: T) => ({ [name]: { [option]: value } });
};
const all = (option: string) => <T>(value: T) => ({ [option]: value });
const limit = (option: string) =>
  integer((value) => ({ limits: { [option]: value } }));
const [traces, metrics] = [signal("traces"), signal("metrics")];

const EXPORTERS = ["otlp", "console", "none"];
const PROTOCOLS = ["http/protobuf", "http/json"];
const COMPRESSIONS = ["none", "gzip"];
const OTLP = "OTEL_EXPORTER_OTLP_";

const TABLE: Readonly<Record<string, Row>> = {
  OTEL_SDK_DISABLED: {
    good: [
      ["true", { disabled: true }],
      ["TRUE", { disabled: true }],
      ["false", { disabled: false }],
    ],
    bad: ["1", "yes"],
  },
  OTEL_SERVICE_NAME: { good: [["shop", { serviceName: "shop" }]], bad: [] },
  OTEL_RESOURCE_ATTRIBUTES: pairs(all("resource")),
  OTEL_PROPAGATORS: {
    good: [
      ["tracecontext,baggage", { propagators: ["tracecontext", "baggage"] }],
      ["baggage", { propagators: ["baggage"] }],
      ["TraceContext , baggage", { propagators: ["tracecontext", "baggage"] }],
      ["none", { propagators: ["none"] }],
    ],
    bad: [],
  },
  OTEL_TRACES_SAMPLER: {
    good: [
      ["always_on", { sampler: "AlwaysOnSampler" }],
      ["ALWAYS_OFF", { sampler: "AlwaysOffSampler" }],
      ["traceidratio", { sampler: "TraceIdRatioBased{1}" }],
      ...[
        ["always_on", "AlwaysOnSampler"],
        ["always_off", "AlwaysOffSampler"],
        ["traceidratio", "TraceIdRatioBased{1}"],
      ].map(([name, root]): Good => [`parentbased_${name}`, {
        sampler:
          `ParentBased{root=${root}, remoteSampled=AlwaysOnSampler, remoteNotSampled=AlwaysOffSampler, localSampled=AlwaysOnSampler, localNotSampled=AlwaysOffSampler}`,
      }]),
    ],
    bad: ["jaeger_remote", "on", "parentbased_"],
  },
  OTEL_TRACES_SAMPLER_ARG: {
    good: [["0.25", {}], ["0", {}], ["1", {}]],
    bad: ["1.1", "-0.1", "half"],
  },
  OTEL_TRACES_EXPORTER: words(EXPORTERS, traces("exporter")),
  OTEL_METRICS_EXPORTER: words(EXPORTERS, metrics("exporter")),
  OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: limit("valueLength"),
  OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: limit("valueLength"),
  OTEL_ATTRIBUTE_COUNT_LIMIT: limit("attributes"),
  OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: limit("attributes"),
  OTEL_SPAN_EVENT_COUNT_LIMIT: limit("events"),
  OTEL_SPAN_LINK_COUNT_LIMIT: limit("links"),
  OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: limit("eventAttributes"),
  OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: limit("linkAttributes"),
  OTEL_BSP_MAX_QUEUE_SIZE: integer(all("maxSpans")),
  OTEL_BSP_EXPORT_TIMEOUT: timeout(traces("timeoutMs")),
  OTEL_METRIC_EXPORT_TIMEOUT: timeout(metrics("timeoutMs")),
  OTEL_METRIC_EXPORT_INTERVAL: integer(all("metricsEveryMs")),
  OTEL_METRICS_EXEMPLAR_FILTER: words(
    ["trace_based", "always_on", "always_off"],
    all("exemplars"),
  ),
  [`${OTLP}METRICS_TEMPORALITY_PREFERENCE`]: words(
    ["delta", "cumulative", "lowmemory"],
    all("temporality"),
  ),
  [`${OTLP}METRICS_DEFAULT_HISTOGRAM_AGGREGATION`]: {
    good: [["explicit_bucket_histogram", {}]],
    bad: ["base2_exponential_bucket_histogram"],
  },
  [`${OTLP}ENDPOINT`]: url(all("endpoint")),
  [`${OTLP}TRACES_ENDPOINT`]: url(traces("url")),
  [`${OTLP}METRICS_ENDPOINT`]: url(metrics("url")),
  [`${OTLP}HEADERS`]: pairs(all("headers")),
  [`${OTLP}TRACES_HEADERS`]: pairs(traces("headers")),
  [`${OTLP}METRICS_HEADERS`]: pairs(metrics("headers")),
  [`${OTLP}PROTOCOL`]: words(PROTOCOLS, all("protocol")),
  [`${OTLP}TRACES_PROTOCOL`]: words(PROTOCOLS, traces("protocol")),
  [`${OTLP}METRICS_PROTOCOL`]: words(PROTOCOLS, metrics("protocol")),
  [`${OTLP}COMPRESSION`]: words(COMPRESSIONS, all("compression")),
  [`${OTLP}TRACES_COMPRESSION`]: words(COMPRESSIONS, traces("compression")),
  [`${OTLP}METRICS_COMPRESSION`]: words(COMPRESSIONS, metrics("compression")),
  [`${OTLP}TIMEOUT`]: timeout(all("timeoutMs")),
  [`${OTLP}TRACES_TIMEOUT`]: timeout(traces("timeoutMs")),
  [`${OTLP}METRICS_TIMEOUT`]: timeout(metrics("timeoutMs")),
};

/** What has no meaning here: batches, logs, declarative configuration. */
const MEANINGLESS = [
  "OTEL_CONFIG_FILE",
  "OTEL_BSP_SCHEDULE_DELAY",
  "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
  "OTEL_BLRP_SCHEDULE_DELAY",
  "OTEL_LOGS_EXPORTER",
  `${OTLP}LOGS_ENDPOINT`,
];

/** Reads variables, and what was said about them. */
function told(env: object) {
  const warnings: string[] = [];
  const quiet = () => {};
  const warn = (message: string) => void warnings.push(message);
  diag.setLogger(
    { error: quiet, warn, info: quiet, debug: quiet, verbose: quiet },
  );
  try {
    new Telemetry(readEnv(env));
    warnings.length = 0;
    const { sampler, ...options } = readEnv(env);
    const named = sampler === undefined ? {} : { sampler: String(sampler) };
    return { options: { ...options, ...named }, warnings };
  } finally {
    diag.disable();
  }
}

const NOTHING = { disabled: false };

for (const [name, { good, bad }] of Object.entries(TABLE)) {
  test(`readEnv() reads ${name}`, () => {
    for (const [text, options] of good) {
      assertEquals(told({ [name]: text }), {
        options: { ...NOTHING, ...options },
        warnings: [],
      });
    }
    for (const empty of ["", "  ", undefined, 7, { fetch() {} }]) {
      assertEquals(told({ [name]: empty }), { options: NOTHING, warnings: [] });
    }
    for (const text of bad) {
      const { options, warnings } = told({ [name]: text });
      assertEquals(options, NOTHING, text);
      assertEquals(warnings.length, 1, text);
      assert(warnings[0]?.startsWith(`Ignored ${name}: expected `));
    }
  });
}

test("readEnv() warns of each OTEL_ variable that has no meaning here, once and without its value", () => {
  for (const name of MEANINGLESS) {
    assertEquals(told({ [name]: "secret", OTHER: "x" }), {
      options: NOTHING,
      warnings: [`Ignored ${name}: unsupported`],
    });
    assertEquals(told({ [name]: "" }).warnings, []);
  }
});

test("readEnv() keeps the propagators that it knows, and warns of the others", () => {
  for (
    const [text, propagators] of [
      ["tracecontext,b3", ["tracecontext"]],
      ["b3multi", []],
    ] as const
  ) {
    const { options, warnings } = told({ OTEL_PROPAGATORS: text });
    assertEquals(options, { ...NOTHING, propagators });
    assertEquals(warnings, ["Ignored a propagator: unsupported"]);
  }
});

test("readEnv() lets what is said of spans go before what is said of all, in whatever order it is set", () => {
  const { options } = told({
    OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: "1",
    OTEL_ATTRIBUTE_COUNT_LIMIT: "2",
    OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: "3",
    OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: "4",
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "5",
    OTEL_BSP_EXPORT_TIMEOUT: "6",
    OTEL_EXPORTER_OTLP_TIMEOUT: "7",
    OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "8",
    OTEL_METRIC_EXPORT_TIMEOUT: "9",
    OTEL_TRACES_SAMPLER: "traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0.25",
  });
  assertEquals(options, {
    ...NOTHING,
    limits: { attributes: 1, valueLength: 3 },
    traces: { timeoutMs: 5 },
    metrics: { timeoutMs: 8 },
    timeoutMs: 7,
    sampler: "TraceIdRatioBased{0.25}",
  });
});

test("readEnv() reads an environment that only iterates its own names", () => {
  class Env {
    readonly OTEL_SERVICE_NAME = "own";
    get other(): never {
      throw new Error("not asked for");
    }
  }
  assertEquals(readEnv(new Env()), { ...NOTHING, serviceName: "own" });
});

test("fromEnv() refuses an environment that has to be asked for its variables", () => {
  const env = { get: () => "shop", toObject: () => ({}) };
  assertThrows(
    () => Telemetry.fromEnv(env),
    TypeError,
    "Cannot use env: expected env.toObject()",
  );
});

/** The headers that a telemetry of an environment sends along with its own request. */
function carried(env: object, options?: TelemetryOptions) {
  const telemetry = Telemetry.fromEnv(env, options);
  const carrier: Record<string, string> = {
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    baggage: "a=1",
  };
  const context = telemetry.propagator.extract(
    ROOT_CONTEXT,
    carrier,
    defaultTextMapGetter,
  );
  const tracer = telemetry.tracerProvider.getTracer("t");
  const span = tracer.startSpan("a", {}, context);
  const out: Record<string, string> = {};
  telemetry.propagator.inject(trace.setSpan(context, span), out, {
    set: (_, name, value) => void (out[name] = value),
  });
  return {
    traceparent: out.traceparent,
    baggage: out.baggage,
    found: propagation.getBaggage(context)?.getEntry("a")?.value,
    fields: telemetry.propagator.fields(),
    isRecording: span.isRecording(),
  };
}

test("fromEnv() carries what OTEL_PROPAGATORS names, and nothing else", () => {
  const only = carried({ OTEL_PROPAGATORS: "tracecontext" });
  assert(only.traceparent?.includes("0af7651916cd43dd8448eb211c80319c"));
  assertEquals([only.baggage, only.found], [undefined, undefined]);
  assertEquals(only.fields, ["traceparent", "tracestate"]);
  const baggage = carried({ OTEL_PROPAGATORS: "baggage" });
  assertFalse(
    `${baggage.traceparent}`.includes("0af7651916cd43dd8448eb211c80319c"),
  );
  assertEquals([baggage.traceparent, baggage.baggage], [undefined, "a=1"]);
  assertEquals(baggage.fields, ["baggage"]);
  const none = carried({ OTEL_PROPAGATORS: "none" });
  assertEquals([none.traceparent, none.baggage, none.found], [
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals(none.fields, []);
});

test("fromEnv() with OTEL_SDK_DISABLED records nothing and carries everything on", () => {
  assertEquals(carried({ OTEL_SDK_DISABLED: "true" }), {
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    baggage: "a=1",
    found: "1",
    fields: ["traceparent", "tracestate", "baggage"],
    isRecording: false,
  });
});

test("fromEnv() lets options win over variables, in their records one by one", async () => {
  const requests: Request[] = [];
  const telemetry = Telemetry.fromEnv({
    OTEL_EXPORTER_OTLP_HEADERS: "a=env,b=env",
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://env.test/own",
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: "c=env",
    OTEL_SPAN_EVENT_COUNT_LIMIT: "0",
    OTEL_SPAN_LINK_COUNT_LIMIT: "0",
    OTEL_METRICS_EXPORTER: "none",
  }, {
    headers: { a: "code" },
    traces: { headers: { d: "code" } },
    limits: { events: 1 },
    fetch: (input, init) => {
      requests.push(new Request(input, init));
      return Promise.resolve(new Response());
    },
  });
  const span = telemetry.tracerProvider.getTracer("t").startSpan("a");
  span.addEvent("e").addLink({ context: span.spanContext() }).end();
  const { events, links } = span as unknown as Record<string, unknown[]>;
  assertEquals([events?.length, links?.length], [1, 0]);
  await telemetry.flush();
  const [{ url, headers }] = requests as [Request];
  assertEquals(url, "http://env.test/own");
  assertEquals(
    ["a", "b", "c", "d"].map((name) => headers.get(name)),
    ["code", "env", null, "code"],
  );
  const off = Telemetry.fromEnv(
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://env.test" },
    { traces: false },
  );
  assertFalse(
    off.tracerProvider.getTracer("t").startSpan("a").isRecording(),
  );
});
