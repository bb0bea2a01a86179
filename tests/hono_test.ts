import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { diag, propagation, trace } from "@opentelemetry/api";
import { Hono } from "hono";
import { defineTask } from "../src/core/task.ts";
import type { DrainReport } from "../src/queue/drain.ts";
import { Queue } from "../src/queue/queue.ts";
import {
  type BatonVariables,
  consumer,
  type ConsumerOptions,
  tracing,
  type TracingOptions,
} from "../src/hono/mod.ts";
import { execution, tracedApp } from "./support/app.ts";
import { wire } from "./support/otlp.ts";
import { test } from "./support/suite.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const PARENT_ID = "b7ad6b7169203331";
const asCaller = {
  traceparent: `00-${TRACE_ID}-${PARENT_ID}-03`,
  tracestate: "vendor=a,other=b",
  baggage: "tenant=acme",
};

test("tracing() refuses an option that it does not know, and a Telemetry in their place", () => {
  const telemetry = wire().telemetry;
  for (const options of [{ telemtry: telemetry }, telemetry]) {
    assertThrows(
      () => tracing(options as TracingOptions),
      TypeError,
      "of tracing(): the options are telemetry, queue,",
    );
  }
});

test("tracing() makes a SERVER span by the HTTP conventions", async () => {
  const { app, ask, span } = tracedApp();
  app.get("/users/:id", (c) => c.text("hello"));
  await ask("https://shop.example:8443/users/7?token=secret", {
    headers: { "user-agent": "curl/8" },
  });
  const { name, kind, attributes, status, parentSpanId, links } = span();
  assertEquals(
    { name, kind, attributes, status, parentSpanId, links },
    {
      name: "GET /users/:id",
      kind: "SERVER",
      attributes: {
        "http.request.method": "GET",
        "url.path": "/users/7",
        "url.scheme": "https",
        "server.address": "shop.example",
        "server.port": 8443,
        "user_agent.original": "curl/8",
        "http.route": "/users/:id",
        "http.response.status_code": 200,
      },
      status: { code: "UNSET" },
      parentSpanId: undefined,
      links: [],
    },
  );
});

test("tracing() continues the caller's trace, its tracestate and its random flag", async () => {
  const { app, ask, span } = tracedApp();
  let baggage: string | undefined;
  app.get("/", (c) => {
    baggage = propagation.getBaggage(c.var.otel)?.getEntry("tenant")?.value;
    return c.body(null, 204);
  });
  await ask("/", { headers: asCaller });
  const received = span();
  assertEquals(received.traceId, TRACE_ID);
  assertEquals(received.parentSpanId, PARENT_ID);
  assertEquals(received.traceState, "vendor=a,other=b");
  assertEquals(received.flags & 0xff, 0x03);
  assertEquals(baggage, "acme");
});

test("tracing() begins a linked trace, without baggage, when the caller is not trusted", async () => {
  for (const trust of [false, () => false]) {
    const { app, ask, span } = tracedApp({ trust });
    let baggage: unknown;
    app.get("/", (c) => {
      baggage = propagation.getBaggage(c.var.otel);
      return c.body(null, 204);
    });
    await ask("/", { headers: asCaller });
    const { traceId, parentSpanId, links, traceState } = span();
    assert(traceId !== TRACE_ID);
    assertEquals([parentSpanId, traceState, baggage], [
      undefined,
      undefined,
      undefined,
    ]);
    assertEquals(links.map(({ traceId, spanId }) => [traceId, spanId]), [
      [TRACE_ID, PARENT_ID],
    ]);
  }
});

test("tracing() asks trust with the request when it is a function", async () => {
  const { app, ask, span } = tracedApp({
    trust: (c) => c.req.header("x-gateway") === "ours",
  });
  app.get("/", (c) => c.body(null, 204));
  await ask("/", { headers: { ...asCaller, "x-gateway": "ours" } });
  assertEquals(span().traceId, TRACE_ID);
});

test("tracing() neither trusts nor skips where it cannot be told to", async () => {
  const fails = (): never => {
    throw new Error("no such header");
  };
  const later = (() => Promise.resolve(true)) as unknown as () => boolean;
  for (const say of [fails, later]) {
    const { app, ask, span } = tracedApp({ trust: say, skip: say });
    app.get("/", (c) => c.text("fine"));
    const response = await ask("/", { headers: asCaller });
    assertEquals([response.status, await response.text()], [200, "fine"]);
    const { traceId, links } = span();
    assert(traceId !== TRACE_ID);
    assertEquals(links.map(({ traceId }) => traceId), [TRACE_ID]);
  }
});

test("tracing() answers when its telemetry cannot be made, and says so once for each environment", async () => {
  const said: string[] = [];
  const quiet = () => {};
  const error = (message: string) => void said.push(message);
  diag.setLogger(
    { error, warn: quiet, info: quiet, debug: quiet, verbose: quiet },
  );
  try {
    const app = new Hono<{ Variables: BatonVariables }>();
    app.use(tracing({
      telemetry: () => {
        throw new RangeError("the token is secret");
      },
      queue: Queue.inMemory(),
    }));
    app.get("/", (c) => c.text(c.var.queue.name));
    const env = {};
    for (let i = 0; i < 2; i++) {
      const response = await app.request("/", {}, env, execution([]));
      assertEquals([response.status, await response.text()], [200, "default"]);
    }
    assertEquals(said, [
      "tracing() goes without its telemetry: making it threw RangeError",
    ]);
  } finally {
    diag.disable();
  }
});

test("tracing() ignores a traceparent that cannot be read", async () => {
  const { app, ask, span } = tracedApp();
  app.get("/", (c) => c.body(null, 204));
  await ask("/", {
    headers: { traceparent: "00-zz-zz-01", tracestate: "a=b" },
  });
  const { parentSpanId, traceState, links } = span();
  assertEquals([parentSpanId, traceState, links.length], [
    undefined,
    undefined,
    0,
  ]);
});

test("tracing() sets the context, the span and the queue, within the request's trace", async () => {
  const queue = Queue.inMemory();
  const { app, ask, collector } = tracedApp({ queue });
  app.get("/", async (c) => {
    assertEquals(trace.getSpan(c.var.otel), c.var.span);
    assertEquals(c.var.queue.name, "default");
    await Promise.resolve();
    return c.body(null, 204);
  });
  assertEquals((await ask("/")).status, 204);
  assertEquals(collector.spans.length, 1);
});

test("tracing() makes a queue and a telemetry once for each environment", async () => {
  const made: unknown[] = [];
  const wired = tracedApp();
  const app = new Hono<{ Variables: BatonVariables }>();
  app.use(tracing({
    telemetry(env: { readonly name: string }) {
      made.push(["telemetry", env.name]);
      return wired.telemetry;
    },
    queue(env: { readonly name: string }) {
      made.push(["queue", env.name]);
      return Queue.inMemory({ name: env.name });
    },
  }));
  app.get("/", (c) => c.text(c.var.queue.name));
  const work: Promise<unknown>[] = [];
  const [a, b] = [{ name: "a" }, { name: "b" }];
  for (const env of [a, b, a]) {
    const response = await app.request("/", {}, env, execution(work));
    assertEquals(await response.text(), env.name);
  }
  await Promise.all(work);
  assertEquals(made, [
    ["telemetry", "a"],
    ["queue", "a"],
    ["telemetry", "b"],
    ["queue", "b"],
  ]);
  assertEquals(wired.collector.spans.length, 3);
});

test("tracing() leaves out what skip names, and sets its variables all the same", async () => {
  const { app, ask, collector, telemetry } = tracedApp({
    skip: (c) => c.req.path === "/health",
  });
  app.get("/health", (c) => {
    const span = trace.getSpanContext(c.var.otel);
    assertEquals(c.var.span.isRecording(), false);
    return c.text(span?.traceId ?? "none");
  });
  const response = await ask("/health", { headers: asCaller });
  assertEquals(await response.text(), TRACE_ID);
  await telemetry.flush();
  assertEquals(collector.requests, 0);
});

test("tracing() flushes in waitUntil, after the answer", async () => {
  const { app, telemetry, collector } = tracedApp();
  let ended: (() => void) | undefined;
  app.get("/", (c) => {
    const late = telemetry.tracerProvider.getTracer("app")
      .startSpan("late", {}, c.var.otel);
    ended = () => late.end();
    return c.text("now");
  });
  const work: Promise<unknown>[] = [];
  const response = await app.request("/", {}, {}, execution(work));
  assertEquals(await response.text(), "now");
  assertEquals([work.length, collector.spans.length], [1, 0]);
  ended?.();
  await Promise.all(work);
  assertEquals(collector.spans.map(({ name }) => name).sort(), [
    "GET /",
    "late",
  ]);
  assertEquals(collector.requests, 2, "one export for each signal");
});

test("tracing() flushes on its own where the host has no waitUntil", async () => {
  const { app, collector } = tracedApp();
  app.get("/", (c) => c.text("now"));
  const response = await app.request("/");
  assertEquals(await response.text(), "now");
  await collector.waitFor(({ spans }) => spans.length === 1);
});

test("tracing() answers, and rejects nothing, when the telemetry fails in every way", async () => {
  const fails = (): never => {
    throw new Error("telemetry is broken");
  };
  const span = {
    ...{ spanContext: fails, setAttribute: fails, setAttributes: fails },
    ...{ addEvent: fails, addLink: fails, addLinks: fails, setStatus: fails },
    ...{ updateName: fails, end: fails, isRecording: fails },
    recordException: fails,
  };
  const work: Promise<unknown>[] = [];
  const broken = [
    { tracerProvider: { getTracer: fails }, openScope: fails, flush: fails },
    {
      tracerProvider: {
        getTracer: () => ({ startSpan: () => span, startActiveSpan: fails }),
      },
      flush: () => Promise.reject(new Error("never arrives")),
    },
  ];
  for (const telemetry of broken) {
    const app = new Hono();
    app.use(tracing({ telemetry, requestId: true }));
    app.get("/", (c) => c.text("fine"));
    const response = await app.request("/", {}, {}, execution(work));
    assertEquals(await response.text(), "fine");
  }
  const settled = await Promise.allSettled(work);
  assert(settled.length > 0);
  assert(settled.every(({ status }) => status === "fulfilled"));
});

test("tracing() answers while an export hangs", async () => {
  const { telemetry } = wire({ fetch: () => new Promise(() => {}) });
  const app = new Hono();
  app.use(tracing({ telemetry }));
  app.get("/", (c) => c.text("now"));
  const response = await app.request("/");
  assertEquals(await response.text(), "now");
});

test("tracing() makes the request's context current, where the host keeps one", async () => {
  const { app, ask, telemetry: { contextManager } } = tracedApp();
  let isCurrent: boolean | undefined;
  app.get("/", async (c) => {
    await new Promise((resolve) => setTimeout(resolve, 0));
    isCurrent = trace.getSpan(contextManager.active()) === c.var.span;
    return c.body(null, 204);
  });
  await ask("/");
  assertEquals(isCurrent, contextManager.available);
});

test("tracing() continues in what the request enqueues, current or not", async () => {
  const wired = wire();
  const queue = Queue.inMemory({ telemetry: wired.telemetry });
  const app = new Hono<{ Variables: BatonVariables }>();
  app.use(tracing({ telemetry: wired.telemetry, queue }));
  app.post("/", async (c) => {
    await new Promise((resolve) => setTimeout(resolve, 0));
    await c.var.queue.enqueueNamed("later");
    return c.body(null, 202);
  });
  const work: Promise<unknown>[] = [];
  await app.request("/", { method: "POST" }, {}, execution(work));
  await Promise.all(work);
  const { spans, requests } = wired.collector;
  const server = spans.find(({ kind }) => kind === "SERVER");
  const producer = spans.find(({ kind }) => kind === "PRODUCER");
  assertEquals(producer?.parentSpanId, server?.spanId);
  assertEquals([spans.length, requests], [2, 2], "one export for each signal");
});

test("tracing() names the request by the caller's id where it is harmless, else by the trace", async () => {
  const { app, ask, collector } = tracedApp({ requestId: true });
  app.get("/", (c) => c.text("ok"));
  app.get("/other", () => new Response("raw"));
  const given = await ask("/", { headers: { "x-request-id": "abc-1" } });
  const odd = await ask("/", { headers: { "x-request-id": "a b<script>" } });
  const raw = await ask("/other");
  const [, second, third] = collector.spans;
  assertEquals(given.headers.get("x-request-id"), "abc-1");
  assertEquals(odd.headers.get("x-request-id"), second?.traceId);
  assertEquals(raw.headers.get("x-request-id"), third?.traceId);
  assertEquals(third?.attributes["http.response.header.x-request-id"], [
    third?.traceId,
  ]);
});

test("tracing() refuses a request id header that is none", () => {
  for (const requestId of ["", "x y", "x:y", "x\r\ny"]) {
    assertThrows(() => tracing({ requestId }), TypeError, "requestId");
  }
});

test("consumer() refuses whoever does not bring the secret", async () => {
  let drains = 0;
  const app = new Hono();
  const queue = Queue.inMemory();
  app.all(
    "/drain",
    consumer(() => {
      drains++;
      return queue;
    }, { secret: "open sesame".replace(" ", "-") }),
  );
  for (
    const authorization of [
      undefined,
      "open-sesame",
      "Bearer",
      "Bearer open",
      "Bearer open-sesame1",
      "Basic open-sesame",
    ]
  ) {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await app.request("/drain", { method: "POST", headers });
    assertEquals(response.status, 401);
    assertEquals(response.headers.get("www-authenticate"), "Bearer");
    await response.body?.cancel();
  }
  assertEquals(drains, 0);
  const response = await app.request("/drain", {
    headers: { authorization: "Bearer open-sesame" },
  });
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("cache-control"), "no-store");
  assertEquals((await response.json()).claimed, 0);
});

test("consumer() drains in a trace of its own, linked to the request that asked and sent with it", async () => {
  const wired = wire();
  const { telemetry, collector } = wired;
  const note = defineTask("note", { run: () => {} });
  const queue = Queue.inMemory({ telemetry, handlers: [note] });
  await queue.enqueue(note);
  await telemetry.flush();
  const app = new Hono();
  app.use(tracing({ telemetry }));
  app.post("/drain", consumer(queue));
  const work: Promise<unknown>[] = [];
  const asked = await app.request(
    "/drain",
    { method: "POST" },
    {},
    execution(work),
  );
  const report: DrainReport = await asked.json();
  await Promise.all(work);
  assertEquals([report.completed, report.stoppedBy], [1, "empty"]);
  const server = collector.spans.find(({ kind }) => kind === "SERVER");
  const drain = collector.spans.find(({ name }) => name === "drain default");
  assert(drain !== undefined && drain.traceId !== server?.traceId);
  assertEquals(drain.links.map(({ spanId }) => spanId), [server?.spanId]);
  assertEquals(drain.request, server?.request, "one export for both");
});

test("consumer() refuses what no drain may be told, when the route is made", () => {
  const queue = Queue.inMemory();
  const bad: readonly (readonly [unknown, string])[] = [
    [{ budgetMs: 0 }, "budgetMs"],
    [{ secrets: "s" }, "'secrets' of consumer()"],
    [{ qstsh: {} }, "context, secret, qstash"],
    [{ secret: 7 }, "secret"],
    [{ secret: null }, "secret"],
  ];
  for (const [options, says] of bad) {
    const route = () => consumer(queue, options as ConsumerOptions);
    assertThrows(route, Error, says);
  }
  consumer(queue, { budgetMs: undefined } as unknown as ConsumerOptions);
});

test("consumer() stays shut when its secret is empty, or not set", async () => {
  const queue = Queue.inMemory();
  const unset = { secret: undefined } as unknown as ConsumerOptions;
  const unkeyed = { qstash: undefined } as unknown as ConsumerOptions;
  assertThrows(() => consumer(queue, { secret: "" }), TypeError, "secret");
  assertThrows(() => consumer(queue, unset), TypeError, "empty secret");
  assertThrows(() => consumer(queue, unkeyed), TypeError, "signing key");
  assertThrows(
    () => consumer(queue, { secret: "pass phrase" }),
    TypeError,
    "header cannot carry",
  );
  const app = new Hono();
  app.onError((error, c) => c.text(error.message, 500));
  const secret = (env: { readonly SECRET?: string }) => env.SECRET;
  app.post("/drain", consumer(queue, { secret }));
  const response = await app.request("/drain", {
    method: "POST",
    headers: { authorization: "Bearer undefined" },
  }, {});
  assertEquals(response.status, 500);
  assert((await response.text()).includes("empty secret"));
});

test("consumer() throws what the drain fails with", async () => {
  const app = new Hono();
  app.post(
    "/drain",
    consumer(() => {
      throw new RangeError("no broker here");
    }),
  );
  app.onError((error) => {
    throw error;
  });
  await assertRejects(
    async () => await app.request("/drain", { method: "POST" }),
    RangeError,
    "no broker here",
  );
});
