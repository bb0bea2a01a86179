import {
  type Attributes,
  type Context,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
  type MetricOptions,
  trace,
} from "@opentelemetry/api";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Hono } from "hono";
import {
  tracing,
  type TracingOptions,
  type TracingVariables,
} from "../src/hono/mod.ts";
import { alwaysOff } from "../src/otlp/sampler.ts";
import { execution, tracedApp } from "./support/app.ts";
import { wire } from "./support/otlp.ts";
import { test } from "./support/suite.ts";

const DURATION = "http.server.request.duration";

test("tracing() records http.server.request.duration in seconds, with the advised buckets", async () => {
  const { app, ask, collector } = tracedApp();
  app.get("/", async (c) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return c.text("fine");
  });
  await ask("/");
  const [{ kind, unit, points, library } = {}] = collector.metrics
    .filter(({ name }) => name === DURATION);
  const [{ count, sum = NaN, bounds } = {}] = points ?? [];
  assertEquals([kind, unit, library?.name, count], [
    "histogram",
    "s",
    "@baton/queue",
    1,
  ]);
  assert(sum >= 0.015 && sum < 5, `${sum} s`);
  assertEquals(bounds, [
    ...[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25],
    ...[0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  ]);
});

test("tracing() labels a measurement by method, scheme, route, status and failure, and by nothing else", async () => {
  const cases: readonly (readonly [string, string, Attributes])[] = [
    ["GET", "https://shop.example/items/7?q=1", {
      "http.request.method": "GET",
      "url.scheme": "https",
      "http.route": "/items/:id",
      "http.response.status_code": 200,
    }],
    ["GET", "http://shop.example/nowhere", {
      "http.request.method": "GET",
      "url.scheme": "http",
      "http.response.status_code": 404,
    }],
    ["PURGE", "http://shop.example/items/7", {
      "http.request.method": "_OTHER",
      "url.scheme": "http",
      "http.response.status_code": 404,
    }],
    ["GET", "http://shop.example/busy", {
      "http.request.method": "GET",
      "url.scheme": "http",
      "http.route": "/busy",
      "http.response.status_code": 503,
      "error.type": "503",
    }],
    ["GET", "http://shop.example/fails", {
      "http.request.method": "GET",
      "url.scheme": "http",
      "http.route": "/fails",
      "http.response.status_code": 500,
      "error.type": "RangeError",
    }],
    ["GET", "http://shop.example/throws", {
      "http.request.method": "GET",
      "url.scheme": "http",
      "http.route": "/throws",
      "error.type": "string",
    }],
  ];
  for (const [method, url, labels] of cases) {
    const { app, ask, collector } = tracedApp({ requestId: true });
    app.onError((_, c) => c.text("sorry", 500));
    app.get("/items/:id", (c) => c.text("item"));
    app.get("/busy", (c) => c.text("busy", 503));
    app.get("/fails", () => {
      throw new RangeError("too much");
    });
    app.get("/throws", () => {
      throw "a text";
    });
    await ask(url, { method, headers: { "user-agent": "curl" } })
      .catch((thrown: unknown) => assertEquals(thrown, "a text"));
    const points = collector.points(DURATION);
    assertEquals(points.map(({ attributes }) => attributes), [labels]);
  }
});

test("tracing() measures what is not sampled, and not what is skipped", async () => {
  for (const [path, measured] of [["/", 1], ["/health", 0]] as const) {
    const { telemetry, collector } = wire({ sampler: alwaysOff });
    const app = new Hono();
    app.use(tracing({ telemetry, skip: (c) => c.req.path === "/health" }));
    app.get("*", (c) => c.text("fine"));
    const work: Promise<unknown>[] = [];
    await app.request(path, {}, {}, execution(work));
    await Promise.all(work);
    await telemetry.flush();
    assertEquals(collector.spans, []);
    assertEquals(collector.points(DURATION).length, measured);
  }
});

/** A meter that keeps the contexts it is told. */
function listening(contexts: (Context | undefined)[]) {
  const made: (readonly [string, MetricOptions | undefined])[] = [];
  const meter: Meter = Object.assign(Object.create(createNoopMeter()), {
    createHistogram(name: string, options?: MetricOptions): Histogram {
      made.push([name, options]);
      return {
        record: (_value, _attributes, context) => void contexts.push(context),
      };
    },
  });
  return { made, meter };
}

test("tracing() measures in the request's context, for exemplars", async () => {
  const contexts: (Context | undefined)[] = [];
  const { telemetry } = wire();
  const { meter } = listening(contexts);
  const app = appWith({
    telemetry: {
      tracerProvider: telemetry.tracerProvider,
      meterProvider: { getMeter: () => meter },
    },
  });
  const response = await app.request("/");
  const [context] = contexts;
  assert(context !== undefined);
  const spanId = trace.getSpanContext(context)?.spanId;
  assertEquals(await response.text(), spanId);
  await telemetry.flush();
});

test("tracing() makes its instrument once for each meter", async () => {
  const contexts: (Context | undefined)[] = [];
  const [first, second] = [listening(contexts), listening(contexts)];
  let current = provides(first.meter);
  const app = appWith({
    telemetry: {
      get meterProvider() {
        return current;
      },
    },
  });
  await app.request("/");
  await app.request("/");
  assertEquals(first.made.map(([name]) => name), [DURATION]);
  assertStrictEquals(first.made[0]?.[1]?.valueType, undefined);
  assertEquals(contexts.length, 2);
  current = provides(second.meter);
  await app.request("/");
  assertEquals(second.made.map(([name]) => name), [DURATION]);
  assertEquals(first.made.length, 1);
});

function provides(meter: Meter): MeterProvider {
  return { getMeter: () => meter };
}

/** An app that answers with the id of its span. */
function appWith(options: TracingOptions) {
  const app = new Hono<{ Variables: TracingVariables }>();
  app.use(tracing(options));
  app.get("/", (c) => c.text(c.var.span.spanContext().spanId));
  return app;
}
