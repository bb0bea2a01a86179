import { type Context, propagation, trace } from "@opentelemetry/api";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Hono } from "hono";
import {
  tracing,
  type TracingOptions,
  type TracingVariables,
} from "../src/hono/mod.ts";
import { originIn } from "../src/http/origin.ts";
import type { QueueTelemetry } from "../src/queue/trace/providers.ts";
import type { Collector } from "./support/collector.ts";
import { execution } from "./support/app.ts";
import { wire } from "./support/otlp.ts";
import { test } from "./support/suite.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const asCaller = {
  traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01`,
  baggage: "tenant=acme",
};

interface Asked {
  /** What arrived at the other end. */
  readonly headers: Headers;
  readonly text: string;
  readonly collector: Collector;
}

/** Calls `to` from within a request to the shop, by a telemetry of providers alone. */
async function call(
  to: string,
  options: TracingOptions = {},
  more: Partial<QueueTelemetry> = {},
): Promise<Asked> {
  const { telemetry, collector } = wire();
  const { tracerProvider, propagator, contextManager } = telemetry;
  const app = new Hono<{ Variables: TracingVariables }>();
  app.use(tracing({
    telemetry: { tracerProvider, propagator, contextManager, ...more },
    ...options,
  }));
  app.get("/", async (c) => {
    await new Promise((resolve) => setTimeout(resolve, 0));
    return await c.var.fetch(to);
  });
  const host = globalThis as { fetch: unknown };
  const before = host.fetch;
  let arrived: Request | undefined;
  host.fetch = (...call: Parameters<typeof fetch>) => {
    arrived = new Request(...call);
    return Promise.resolve(new Response("from there"));
  };
  try {
    const init = { headers: asCaller };
    const url = "https://shop.example/";
    const response = await app.request(url, init, {}, execution([]));
    const text = await response.text();
    await telemetry.flush();
    return { headers: arrived?.headers ?? new Headers(), text, collector };
  } finally {
    host.fetch = before;
  }
}

test("c.var.fetch makes CLIENT spans of the request, current or not", async () => {
  const { headers, text, collector } = await call("https://other.example/");
  const server = collector.spans.find(({ kind }) => kind === "SERVER");
  const client = collector.spans.find(({ kind }) => kind === "CLIENT");
  assertEquals(text, "from there");
  assertEquals(client?.parentSpanId, server?.spanId);
  assertEquals([client?.name, client?.traceId], ["GET", TRACE_ID]);
  assertEquals(
    headers.get("traceparent"),
    `00-${TRACE_ID}-${client?.spanId}-01`,
  );
});

test("c.var.fetch sends baggage back to the request's own origin only, unless it is told otherwise", async () => {
  const cases: readonly (readonly [
    string,
    TracingOptions["propagateTo"],
    readonly [boolean, boolean],
  ])[] = [
    ["https://shop.example/next", undefined, [true, true]],
    ["https://other.example/", undefined, [true, false]],
    ["http://shop.example/", undefined, [true, false]],
    ["https://other.example/", () => "all", [true, true]],
    ["https://shop.example/", () => "none", [false, false]],
  ];
  for (const [to, propagateTo, sent] of cases) {
    const { headers } = await call(to, propagateTo && { propagateTo });
    assertEquals(
      [headers.has("traceparent"), headers.has("baggage")],
      sent,
      to,
    );
  }
});

test("c.var.fetch does nothing but send where client spans are switched off", async () => {
  const { headers, collector } = await call("https://other.example/", {
    clientSpans: false,
  });
  assertEquals(headers.has("traceparent"), false);
  assertEquals(collector.spans.map(({ kind }) => kind), ["SERVER"]);
});

test("c.var.fetch continues the caller's trace in a request that is skipped", async () => {
  const { headers } = await call("https://other.example/", {
    skip: () => true,
  });
  assertEquals(headers.get("traceparent")?.slice(3, 35), TRACE_ID);
});

test("c.var.fetch sends nothing of a caller that is not trusted", async () => {
  const { headers } = await call("https://shop.example/", { trust: false });
  const traceparent = headers.get("traceparent");
  assert(traceparent !== null && !traceparent.includes(TRACE_ID));
  assertEquals(headers.get("baggage"), null);
});

test("c.var.fetch is the telemetry's own, where it has one, in the request's context", async () => {
  const contexts: Context[] = [];
  const own = () => Promise.resolve(new Response("own"));
  const { text, collector } = await call("https://other.example/", {}, {
    fetchIn(context) {
      contexts.push(context);
      return own;
    },
  });
  const [context] = contexts;
  assertEquals([text, contexts.length], ["own", 1]);
  assert(context !== undefined);
  assertEquals(
    trace.getSpanContext(context)?.spanId,
    collector.spans[0]?.spanId,
  );
  assertEquals(originIn(context), "https://shop.example");
  assertStrictEquals(
    propagation.getBaggage(context)?.getEntry("tenant")?.value,
    "acme",
  );
});

test("c.var.fetch works though the telemetry cannot make one", async () => {
  const { text } = await call("https://other.example/", {}, {
    fetchIn() {
      throw new Error("telemetry is broken");
    },
  });
  assertEquals(text, "from there");
});
