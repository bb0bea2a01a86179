import {
  type Context,
  type MeterProvider,
  ROOT_CONTEXT,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { Hono } from "hono";
import { type BatonVariables, tracing } from "../src/hono/mod.ts";
import type { TelemetryOptions } from "../src/otlp/mod.ts";
import { alwaysOff } from "../src/otlp/sampler.ts";
import { execution } from "./support/app.ts";
import { wire } from "./support/otlp.ts";
import { test } from "./support/suite.ts";

const DURATION = "http.server.request.duration";
const asCaller = {
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
};

/** An app in whose requests `current` is current, before `tracing()`. */
function within(current: Context, options: TelemetryOptions = {}) {
  const wired = wire(options);
  const app = new Hono<{ Variables: BatonVariables }>();
  app.use(async (c, next) => {
    c.set("otel", current);
    await next();
  });
  app.use(tracing({ telemetry: wired.telemetry }));
  return {
    ...wired,
    app,
    async ask(path: string): Promise<Response> {
      const work: Promise<unknown>[] = [];
      const init = { headers: asCaller };
      const response = await app.request(path, init, {}, execution(work));
      await Promise.all(work);
      return response;
    },
  };
}

/** A span of whoever traces the request already. */
function begun(kind: SpanKind) {
  const { telemetry, collector } = wire();
  const tracer = telemetry.tracerProvider.getTracer("host");
  const span = tracer.startSpan("host", { kind }, ROOT_CONTEXT);
  return { telemetry, collector, span };
}

test("tracing() completes the local SERVER span that is current: name, route, status, and no metric", async () => {
  const host = begun(SpanKind.SERVER);
  const { app, ask, collector } = within(
    trace.setSpan(ROOT_CONTEXT, host.span),
  );
  app.onError((_, c) => c.text("sorry", 500));
  app.get("/fails/:id", (c) => {
    assertStrictEquals(c.var.span, host.span);
    throw new RangeError("too much");
  });
  assertEquals((await ask("/fails/1")).status, 500);
  assertEquals(host.span.isRecording(), true, "its owner ends it");
  host.span.end();
  await host.telemetry.flush();
  const [{ name, attributes, status, events } = {}] = host.collector.spans;
  assertEquals(
    { name, attributes, status, events: events?.length },
    {
      name: "GET /fails/:id",
      attributes: {
        "http.route": "/fails/:id",
        "http.response.status_code": 500,
        "error.type": "RangeError",
      },
      status: { code: "ERROR", message: "too much" },
      events: 1,
    },
  );
  assertEquals(collector.spans, []);
  assertEquals(collector.points(DURATION), []);
});

test("tracing() completes a span that does not say its kind, as Deno's does not", async () => {
  const host = begun(SpanKind.SERVER);
  const kindless = Object.create(host.span, { kind: { value: undefined } });
  for (
    const method of [
      ...["isRecording", "spanContext", "setAttributes", "updateName"],
      ...["setAttribute", "setStatus"],
    ]
  ) {
    const call = Reflect.get(host.span, method).bind(host.span);
    Object.defineProperty(kindless, method, { value: call });
  }
  const { app, ask, collector } = within(trace.setSpan(ROOT_CONTEXT, kindless));
  app.get("/", (c) => c.text("fine"));
  await ask("/");
  assertEquals(collector.spans, []);
  host.span.end();
  await host.telemetry.flush();
  assertEquals(host.collector.spans.map(({ name }) => name), ["GET /"]);
});

test("tracing() makes a span of its own beside one that is no server's, not recorded, not local or over", async () => {
  const { span: internal } = begun(SpanKind.INTERNAL);
  const { span: consumer } = begun(SpanKind.CONSUMER);
  const { span: over } = begun(SpanKind.SERVER);
  over.end();
  const remote = trace.wrapSpanContext({
    ...over.spanContext(),
    isRemote: true,
  });
  const relayed = Object.assign(
    trace.wrapSpanContext(remote.spanContext()),
    { isRecording: () => true },
  );
  for (const current of [internal, consumer, over, remote, relayed]) {
    const { app, ask, collector } = within(
      trace.setSpan(ROOT_CONTEXT, current),
    );
    app.get("/", (c) => c.text("fine"));
    await ask("/");
    const [{ name, kind, parentSpanId } = {}, ...others] = collector.spans;
    assertEquals(
      { name, kind, parentSpanId, others },
      {
        name: "GET /",
        kind: "SERVER",
        parentSpanId: "b7ad6b7169203331",
        others: [],
      },
    );
    assertEquals(collector.points(DURATION).length, 1);
  }
  assertEquals(internal.isRecording() && consumer.isRecording(), true);
});

test("tracing() within tracing() makes one span and one measurement, sampled or not", async () => {
  for (const sampler of [undefined, alwaysOff]) {
    const { app, ask, collector } = within(
      ROOT_CONTEXT,
      sampler && { sampler },
    );
    const inner = wire();
    app.use("/twice/*", tracing({ telemetry: inner.telemetry }));
    app.get("/twice/:id", (c) => c.text("once"));
    await ask("/twice/1");
    assertEquals(
      collector.spans.map(({ name }) => name),
      sampler ? [] : ["GET /twice/:id"],
    );
    assertEquals(
      collector.points(DURATION).map(({ count }) => count),
      [1],
    );
    await inner.telemetry.flush();
    assertEquals(inner.collector.spans, []);
    assertEquals(inner.collector.points(DURATION), []);
  }
});

test("tracing() makes the span of a request that a tracing() further out skipped", async () => {
  const { telemetry, collector } = wire();
  const app = new Hono();
  app.use(tracing({ telemetry, skip: () => true }));
  app.use(tracing({ telemetry }));
  app.get("/", (c) => c.text("fine"));
  for (const headers of [asCaller, {}]) {
    const work: Promise<unknown>[] = [];
    await app.request("/", { headers }, {}, execution(work));
    await Promise.all(work);
  }
  assertEquals(collector.spans.map(({ name }) => name), ["GET /", "GET /"]);
});

test("tracing() answers, and traces, though the meter fails", async () => {
  const fails = (): never => {
    throw new Error("no numbers");
  };
  const { telemetry, collector } = wire();
  const { tracerProvider, propagator } = telemetry;
  const meterProvider: MeterProvider = { getMeter: fails };
  const app = new Hono();
  app.use(
    tracing({ telemetry: { tracerProvider, propagator, meterProvider } }),
  );
  app.get("/", (c) => c.text("fine"));
  assertEquals(await (await app.request("/")).text(), "fine");
  await telemetry.flush();
  assertEquals(collector.spans.length, 1);
});
