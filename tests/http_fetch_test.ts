import {
  type Context,
  createTraceState,
  INVALID_SPAN_CONTEXT,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type TextMapPropagator,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { createFetch, type FetchParts } from "../src/http/fetch.ts";
import { withOrigin } from "../src/http/origin.ts";
import { API_SLOT } from "../src/http/slot.ts";
import { W3CPropagator } from "../src/w3c/propagator.ts";
import { suppressTracing } from "../src/w3c/suppression.ts";
import { exported, theOnly, type Traced, traced } from "./support/traced.ts";
import { test } from "./support/suite.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID = "b7ad6b7169203331";
const OTHER = "00-11111111111111111111111111111111-2222222222222222-01";
const SHOP = "https://shop.example";

/** The trace and the baggage of a request that came to the shop. */
const INCOMING: Context = propagation.setBaggage(
  withOrigin(
    trace.setSpanContext(ROOT_CONTEXT, {
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      traceFlags: 3,
      isRemote: true,
      traceState: createTraceState("vendor=a,other=b"),
    }),
    SHOP,
  ),
  propagation.createBaggage({ tenant: { value: "acme" } }),
);

type Call = Parameters<typeof fetch>;

interface Client extends Traced {
  readonly fetch: typeof fetch;
  /** What the host's fetch was called with. */
  readonly calls: Call[];
  /** The last call as the host reads it. */
  sent(): Request;
}

/** A traced fetch before a host that answers with `answer`. */
function client(
  parts: Partial<FetchParts> = {},
  context: () => Context = () => INCOMING,
  answer: () => Response | Promise<Response> = () => new Response("fine"),
): Client {
  const wired = traced();
  const calls: Call[] = [];
  return {
    ...wired,
    calls,
    fetch: createFetch({
      tracer: () => wired.telemetry.tracerProvider.getTracer("test"),
      propagator: () => wired.telemetry.propagator,
      fetch: async (...call: Call) => {
        calls.push(call);
        return await answer();
      },
      ...parts,
    }, context),
    sent() {
      const call = calls.at(-1);
      assert(call !== undefined);
      return new Request(...call);
    },
  };
}

/** The members of a request's headers that propagation is about. */
function carried({ headers }: Request): readonly string[] {
  return ["traceparent", "tracestate", "baggage"]
    .filter((name) => headers.has(name));
}

test("createFetch() makes a CLIENT span by the HTTP conventions", async () => {
  const { fetch, ...bench } = client();
  await fetch("https://me:s3cret@api.example:8443/users/7?sig=x&page=2#top", {
    method: "POST",
    body: "payload",
  });
  const { name, kind, attributes, status, traceId, parentSpanId, events } =
    await theOnly(bench);
  assertEquals(
    { name, kind, attributes, status, traceId, parentSpanId, events },
    {
      name: "POST",
      kind: "CLIENT",
      attributes: {
        "http.request.method": "POST",
        "server.address": "api.example",
        "server.port": 8443,
        "url.full":
          "https://REDACTED:REDACTED@api.example:8443/users/7?sig=REDACTED&page=2",
        "http.response.status_code": 200,
      },
      status: { code: "UNSET" },
      traceId: TRACE_ID,
      parentSpanId: SPAN_ID,
      events: [],
    },
  );
});

test("createFetch() calls each 4xx and 5xx an error, and describes none", async () => {
  const cases: readonly (readonly [number, string | undefined])[] = [
    [200, undefined],
    [204, undefined],
    [302, undefined],
    [304, undefined],
    [399, undefined],
    [400, "400"],
    [404, "404"],
    [429, "429"],
    [500, "500"],
    [503, "503"],
  ];
  for (const [status, type] of cases) {
    const { fetch, ...bench } = client(
      {},
      undefined,
      () => new Response(null, { status }),
    );
    assertEquals((await fetch(SHOP)).status, status);
    const span = await theOnly(bench);
    assertEquals(span.attributes["http.response.status_code"], status);
    assertEquals(span.attributes["error.type"], type);
    assertEquals(span.status, { code: type ? "ERROR" : "UNSET" });
  }
});

test("createFetch() tells no status of an answer that has none", async () => {
  const opaque = { status: 0 } as Response;
  const { fetch, ...bench } = client({}, undefined, () => opaque);
  assertEquals(await fetch(SHOP), opaque);
  const { attributes, status } = await theOnly(bench);
  assertEquals(attributes["http.response.status_code"], undefined);
  assertEquals(status, { code: "UNSET" });
});

test("createFetch() names a span by the method that is sent", async () => {
  const post = new Request(SHOP, { method: "POST" });
  const cases: readonly (readonly [Call, string, string])[] = [
    [[SHOP], "GET", "GET"],
    [[SHOP, {}], "GET", "GET"],
    [[SHOP, { method: "put" }], "PUT", "PUT"],
    [[SHOP, { method: "PURGE" }], "HTTP", "_OTHER"],
    [[post], "POST", "POST"],
    [[post, { method: "DELETE" }], "DELETE", "DELETE"],
    [[new URL(SHOP), { method: "HEAD" }], "HEAD", "HEAD"],
    [[SHOP, post], "POST", "POST"],
  ];
  for (const [call, name, method] of cases) {
    const { fetch, ...bench } = client();
    await fetch(...call);
    const span = await theOnly(bench);
    assertEquals(span.name, name);
    assertEquals(span.attributes["http.request.method"], method);
  }
});

test("createFetch() sends the span's own traceparent, with tracestate and flags", async () => {
  const { fetch, sent, ...bench } = client();
  await fetch("https://other.example/");
  const { headers } = sent();
  const { spanId } = await theOnly(bench);
  assertEquals(headers.get("traceparent"), `00-${TRACE_ID}-${spanId}-03`);
  assertEquals(headers.get("tracestate"), "vendor=a,other=b");
});

test("createFetch() makes one span for each attempt of its caller, side by side", async () => {
  const statuses = [503, 503, 200];
  const { fetch, ...bench } = client(
    {},
    undefined,
    () => new Response(null, { status: statuses.shift() ?? 500 }),
  );
  while (!(await fetch(SHOP)).ok);
  const spans = await exported(bench);
  assertEquals(
    spans.map(({ attributes, parentSpanId }) => [
      attributes["http.response.status_code"],
      parentSpanId,
    ]),
    [[503, SPAN_ID], [503, SPAN_ID], [200, SPAN_ID]],
  );
});

test("createFetch() sends the trace to all and baggage to the request's own origin, unless it is told otherwise", async () => {
  const trace = ["traceparent", "tracestate"];
  const all = [...trace, "baggage"];
  const asHeard: (string | undefined)[] = [];
  const cases: readonly {
    readonly to: string;
    readonly rule?: (url: URL) => unknown;
    readonly from?: Context;
    readonly carries: readonly string[];
  }[] = [
    { to: `${SHOP}/orders`, carries: all },
    { to: "https://shop.example:443/", carries: all },
    { to: "https://shop.example:8443/", carries: trace },
    { to: "http://shop.example/", carries: trace },
    { to: "https://api.shop.example/", carries: trace },
    { to: "https://other.example/", carries: trace },
    // outside of any request, as in a task
    {
      to: SHOP,
      from: propagation.setBaggage(
        bare(INCOMING),
        propagation.createBaggage({ tenant: { value: "acme" } }),
      ),
      carries: trace,
    },
    { to: "https://other.example/", rule: () => "all", carries: all },
    { to: SHOP, rule: () => "trace", carries: trace },
    { to: SHOP, rule: () => "none", carries: [] },
    {
      to: "https://other.example/a?b",
      rule: (url) => (asHeard.push(url.href), "all"),
      carries: all,
    },
    {
      to: SHOP,
      rule: () => {
        throw new Error("no such host");
      },
      carries: [],
    },
    { to: SHOP, rule: () => "everything", carries: [] },
    { to: SHOP, rule: () => Promise.resolve("all"), carries: [] },
    { to: SHOP, rule: () => undefined, carries: [] },
  ];
  for (const { to, rule, from = INCOMING, carries } of cases) {
    const propagateTo = rule as FetchParts["propagateTo"];
    const { fetch, sent, ...bench } = client({ propagateTo }, () => from);
    await fetch(to);
    assertEquals(carried(sent()), carries, to);
    await theOnly(bench);
  }
  assertEquals(asHeard, ["https://other.example/a?b"]);
});

/** The same trace, in no request's context. */
function bare(context: Context): Context {
  const span = trace.getSpanContext(context) ?? INVALID_SPAN_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, span);
}

test("createFetch() lets the headers stand that its caller gave, except a traceparent that is invalid or of the same trace", async () => {
  const forwarded = `00-${TRACE_ID}-${SPAN_ID}-01`;
  const cases: readonly {
    readonly given: Record<string, string>;
    /** The trace that arrives, and whether its parent is the new span. */
    readonly traceId: string;
    readonly isOurs: boolean;
    readonly tracestate: string | null;
    readonly baggage: string;
  }[] = [
    {
      given: {},
      traceId: TRACE_ID,
      isOurs: true,
      tracestate: "vendor=a,other=b",
      baggage: "tenant=acme",
    },
    {
      given: { TraceParent: OTHER },
      traceId: "1".repeat(32),
      isOurs: false,
      tracestate: null,
      baggage: "tenant=acme",
    },
    {
      given: { traceparent: OTHER, tracestate: "own=1", baggage: "own=2" },
      traceId: "1".repeat(32),
      isOurs: false,
      tracestate: "own=1",
      baggage: "own=2",
    },
    {
      given: { traceparent: forwarded, tracestate: "old=1", baggage: "own=2" },
      traceId: TRACE_ID,
      isOurs: true,
      tracestate: "vendor=a,other=b",
      baggage: "own=2",
    },
    {
      given: { traceparent: "none" },
      traceId: TRACE_ID,
      isOurs: true,
      tracestate: "vendor=a,other=b",
      baggage: "tenant=acme",
    },
    {
      given: { traceparent: `${OTHER}-more` },
      traceId: TRACE_ID,
      isOurs: true,
      tracestate: "vendor=a,other=b",
      baggage: "tenant=acme",
    },
  ];
  for (const { given, traceId, isOurs, tracestate, baggage } of cases) {
    const { fetch, sent, ...bench } = client();
    await fetch(SHOP, { headers: given });
    const { headers } = sent();
    const [, sentTrace, sentSpan] = headers.get("traceparent")?.split("-") ??
      [];
    const { spanId } = await theOnly(bench);
    assertEquals([sentTrace, sentSpan === spanId], [traceId, isOurs]);
    assertEquals(headers.get("tracestate"), tracestate);
    assertEquals(headers.get("baggage"), baggage);
  }
});

test("createFetch() keeps headers in every form, and init's before a Request's", async () => {
  const request = () => new Request(SHOP, { headers: { a: "request" } });
  const cases: readonly (readonly [Call, string | null])[] = [
    [[SHOP], null],
    [[SHOP, { headers: { a: "1" } }], "1"],
    [[SHOP, { headers: [["a", "1"], ["a", "2"]] }], "1, 2"],
    [[SHOP, { headers: new Headers({ a: "1" }) }], "1"],
    [[SHOP, { headers: new Map([["a", "1"]]).entries() as never }], "1"],
    [[request()], "request"],
    [[request(), {}], "request"],
    [[request(), { headers: undefined } as never], "request"],
    [[request(), { headers: { a: "1" } }], "1"],
    [[request(), { headers: { b: "1" } }], null],
    [[SHOP, request()], "request"],
  ];
  for (const [call, a] of cases) {
    const { fetch, sent } = client();
    await fetch(...call);
    const { headers } = sent();
    assertEquals(headers.get("a"), a);
    assert(headers.has("traceparent"));
  }
});

test("createFetch() passes everything else on as it is, and changes nothing of its caller's", async () => {
  const answer = new Response("fine");
  const { fetch, calls } = client({}, undefined, () => answer);
  const body = new Blob(["payload"]).stream();
  const { signal } = new AbortController();
  const headers = { a: "1" };
  const init = {
    ...{ method: "POST", body, signal, duplex: "half", redirect: "manual" },
    ...{ cf: { cacheTtl: 5 }, client: "of this host alone" },
    headers,
  };
  const before = { ...init };
  const target = new URL(SHOP);
  const response = await fetch(target, init as RequestInit);
  const [[input, passed] = []] = calls;
  assertStrictEquals(response, answer);
  assertEquals(response.bodyUsed, false);
  assertStrictEquals(input, target);
  assertEquals({ ...passed, headers: undefined }, {
    ...before,
    headers: undefined,
  });
  assertStrictEquals(passed?.body, body);
  assertEquals(init, before);
  assertEquals(headers, { a: "1" });
});

test("createFetch() sends a Request's method, body and headers, with the trace", async () => {
  const forms: readonly ((request: Request) => Call)[] = [
    (request) => [request],
    (request) => [request, {}],
    // as proxies forward: a new address, and the request in the place of init
    (request) => [`${SHOP}/users`, request],
  ];
  for (const form of forms) {
    const { fetch, sent } = client();
    const request = new Request(`${SHOP}/users`, {
      method: "PUT",
      body: "payload",
      headers: { a: "1", "content-type": "text/x-own" },
    });
    await fetch(...form(request));
    const arrived = sent();
    assertEquals(
      [
        arrived.method,
        arrived.url,
        arrived.headers.get("a"),
        arrived.headers.get("content-type"),
        await arrived.text(),
      ],
      ["PUT", `${SHOP}/users`, "1", "text/x-own", "payload"],
    );
    assert(arrived.headers.has("traceparent"));
    assertEquals(request.headers.has("traceparent"), false);
  }
});

test("createFetch() passes on what is no http or https URL, without a span", async () => {
  const calls: readonly (readonly unknown[])[] = [
    ["/relative", { headers: { a: "1" } }],
    ["http://"],
    ["data:text/plain,secret"],
    ["blob:https://shop.example/1"],
    ["httpx://shop.example/"],
    [undefined],
    [],
  ];
  for (const call of calls) {
    const { fetch, calls, ...bench } = client();
    await fetch(...call as unknown as Call);
    assertEquals(calls.length, 1);
    call.forEach((part, i) => assertStrictEquals(calls[0]?.[i], part));
    assertEquals(await exported(bench), []);
  }
});

test("createFetch() leaves it to the host to refuse what it refuses", async () => {
  const host = (...call: Call): Promise<Response> =>
    new Promise((resolve) => {
      new Request(...call);
      resolve(new Response("taken"));
    });
  const { fetch } = client({ fetch: host });
  const used = async () => {
    const request = new Request(SHOP, { method: "POST", body: "x" });
    await request.text();
    return request;
  };
  const cases: readonly (() => Promise<Call>)[] = [
    () => Promise.resolve(["http://"]),
    () => Promise.resolve([SHOP, { headers: { "a\nb": "1" } }]),
    () => Promise.resolve([SHOP, { method: "no method" }]),
    async () => [SHOP, await used()],
  ];
  const refusals: string[] = [];
  for (const make of cases) {
    const [untraced, traced] = await Promise.all(
      [host, fetch].map(async (send) =>
        await send(...await make()).then(() => "taken", (error) => error.name)
      ),
    );
    assertEquals(traced, untraced);
    refusals.push(traced);
  }
  assert(refusals.includes("TypeError"));
});

test("createFetch() tells the type of a network's failure, and not the message", async () => {
  class Refused extends TypeError {
    override name = "ConnectionRefused";
  }
  const cases: readonly (readonly [unknown, string])[] = [
    [new TypeError("could not reach https://me:s3cret@x"), "TypeError"],
    [new Refused("refused"), "ConnectionRefused"],
    ["a text", "string"],
  ];
  for (const [failure, type] of cases) {
    const fails = () => Promise.reject(failure);
    const { fetch, ...bench } = client({ fetch: fails });
    const thrown = await fetch(SHOP).catch((error: unknown) => error);
    assertStrictEquals(thrown, failure);
    const { status, attributes, events } = await theOnly(bench);
    assertEquals(status, { code: "ERROR" });
    assertEquals(attributes["error.type"], type);
    assertEquals(attributes["http.response.status_code"], undefined);
    assertEquals(events, []);
  }
});

test("createFetch() calls no abort an error but a time-out", async () => {
  const named = (name: string) => Object.assign(new Error(), { name });
  const cases: readonly (readonly [unknown, string | undefined])[] = [
    [undefined, undefined],
    ["enough", undefined],
    [named("TaskCancelledError"), undefined],
    [new DOMException("too long", "TimeoutError"), "TimeoutError"],
    [named("TaskTimeoutError"), "TaskTimeoutError"],
  ];
  const forms: readonly ((signal: AbortSignal) => Call)[] = [
    (signal) => [SHOP, { signal }],
    (signal) => [new Request(SHOP, { signal })],
    (signal) => [SHOP, new Request(SHOP, { signal })],
  ];
  for (const form of forms) {
    for (const [reason, type] of cases) {
      const abort = new AbortController();
      const hangs = (...call: Call): Promise<Response> => {
        const { signal } = new Request(...call);
        return new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason))
        );
      };
      const { fetch, ...bench } = client({ fetch: hangs });
      const asked = fetch(...form(abort.signal)).catch((error) => error);
      abort.abort(reason);
      assertStrictEquals(await asked, abort.signal.reason);
      const { status, attributes } = await theOnly(bench);
      assertEquals(attributes["error.type"], type);
      assertEquals(status, { code: type ? "ERROR" : "UNSET" });
    }
  }
});

test("createFetch() tells a time-out by the signal's reason, where the host calls each abort alike", async () => {
  const signal = AbortSignal.abort(new DOMException("", "TimeoutError"));
  const failure = new DOMException("aborted", "AbortError");
  const { fetch, ...bench } = client({ fetch: () => Promise.reject(failure) });
  const thrown = await fetch(SHOP, { signal }).catch((error: unknown) => error);
  assertStrictEquals(thrown, failure);
  const { attributes, status } = await theOnly(bench);
  assertEquals(attributes["error.type"], "TimeoutError");
  assertEquals(status, { code: "ERROR" });
});

test("createFetch() does nothing but send where client spans are switched off", async () => {
  const { fetch, calls, ...bench } = client({ clientSpans: false });
  const init = { headers: { a: "1" } };
  await fetch(SHOP, init);
  assertEquals(calls.length, 1);
  assertStrictEquals(calls[0]?.[1], init);
  assertEquals(await exported(bench), []);
});

test("createFetch() leaves spans and headers to a host that traces by itself, and only to it", async () => {
  const host = globalThis as { [API_SLOT]?: unknown };
  const before = host[API_SLOT];
  const { fetch, sent, telemetry, collector } = client();
  try {
    host[API_SLOT] = { version: "1.999.999" };
    await fetch(SHOP);
    assertEquals(carried(sent()), []);
    host[API_SLOT] = { version: "1.9.1" };
    await fetch(SHOP);
    assertEquals(carried(sent()).length, 3);
    delete host[API_SLOT];
    assertEquals(telemetry.register(), true);
    await fetch(SHOP);
    assertEquals(carried(sent()).length, 3, "the slot is a Telemetry's");
  } finally {
    telemetry.unregister();
    if (before === undefined) delete host[API_SLOT];
    else host[API_SLOT] = before;
  }
  await telemetry.flush();
  assertEquals(collector.spans.length, 2);
});

test("createFetch() ends the span when the headers arrive", async () => {
  let finish = (): void => {};
  const body = new ReadableStream({
    start(controller) {
      finish = () => controller.close();
    },
  });
  const { fetch, ...bench } = client(
    {},
    undefined,
    () => new Response(body),
  );
  const response = await fetch(SHOP);
  assertEquals((await theOnly(bench)).status.code, "UNSET");
  finish();
  assertEquals(await response.text(), "");
});

test("createFetch() looks the context and the host's fetch up at each call", async () => {
  const host = globalThis as { fetch: unknown };
  const before = host.fetch;
  let current = INCOMING;
  const { fetch, ...bench } = client({ fetch: undefined }, () => current);
  const answers: string[] = [];
  try {
    for (const name of ["one", "two"]) {
      host.fetch = () => Promise.resolve(new Response(name));
      answers.push(await (await fetch(SHOP)).text());
      current = ROOT_CONTEXT;
    }
  } finally {
    host.fetch = before;
  }
  assertEquals(answers, ["one", "two"]);
  const spans = await exported(bench);
  assertEquals(spans.map(({ parentSpanId }) => parentSpanId), [
    SPAN_ID,
    undefined,
  ]);
});

test("createFetch() sends once when it stands in the place of the host's fetch", async () => {
  const host = globalThis as { fetch: unknown };
  const before = host.fetch;
  let calls = 0;
  try {
    host.fetch = () => {
      calls++;
      return Promise.resolve(new Response("fine"));
    };
    const { fetch, ...bench } = client({ fetch: undefined });
    host.fetch = fetch;
    assertEquals(await (await globalThis.fetch(SHOP)).text(), "fine");
    await theOnly(bench);
  } finally {
    host.fetch = before;
  }
  assertEquals(calls, 1);
});

test("createFetch() is silent where tracing is suppressed, as in an export", async () => {
  const { fetch, sent, ...bench } = client(
    {},
    () => suppressTracing(bare(INCOMING)),
  );
  await fetch("https://otlp.example/v1/traces");
  assertEquals(carried(sent()), []);
  assertEquals(await exported(bench), []);
});

test("createFetch() hands the context on where nothing makes spans", async () => {
  const noop: Tracer = trace.getTracerProvider().getTracer("none");
  const { fetch, sent } = client({ tracer: () => noop });
  await fetch(SHOP);
  assertEquals(
    sent().headers.get("traceparent"),
    `00-${TRACE_ID}-${SPAN_ID}-03`,
  );
});

test("createFetch() answers and fails as the host does, whatever telemetry does", async () => {
  const fails = (): never => {
    throw new Error("telemetry is broken");
  };
  const broken = {
    ...{ setAttribute: fails, setAttributes: fails, setStatus: fails },
    ...{ end: fails, spanContext: fails, isRecording: fails },
  } as unknown as Span;
  const tracer = (span: Span | undefined) => () =>
    ({ startSpan: () => span, startActiveSpan: fails }) as unknown as Tracer;
  const propagator = {
    ...{ inject: fails, extract: fails, fields: fails },
  } satisfies TextMapPropagator;
  const cases: readonly (readonly [Partial<FetchParts>, (() => Context)?])[] = [
    [{ tracer: fails }],
    [{ tracer: () => ({ startSpan: fails, startActiveSpan: fails }) }],
    [{ tracer: tracer(undefined) }],
    [{ tracer: tracer(broken) }],
    [{ propagator: fails }],
    [{ propagator: () => propagator }],
    [{
      propagator: () => ({
        ...propagator,
        inject: (_, carrier, setter) => setter.set(carrier, "a\n", "\n"),
      }),
    }],
    [{}, fails],
  ];
  for (const [parts, context] of cases) {
    const { fetch, calls } = client(parts, context);
    const response = await fetch(SHOP, { method: "POST", body: "payload" });
    assertEquals([await response.text(), calls.length], ["fine", 1]);
    const failure = new TypeError("no network");
    const failing = client(
      { ...parts, fetch: () => Promise.reject(failure) },
      context,
    );
    const thrown = await failing.fetch(SHOP).catch((error: unknown) => error);
    assertStrictEquals(thrown, failure);
  }
});

test("createFetch() carries on the trace though no span can be made, and ends a span whose headers cannot", async () => {
  const fails = (): never => {
    throw new Error("telemetry is broken");
  };
  const spanless = client({ tracer: fails });
  await spanless.fetch(SHOP);
  assertEquals(
    spanless.sent().headers.get("traceparent"),
    `00-${TRACE_ID}-${SPAN_ID}-03`,
  );
  const { fetch, ...bench } = client({ propagator: fails });
  await fetch(SHOP);
  assertEquals((await theOnly(bench)).attributes["url.full"], `${SHOP}/`);
});

test("createFetch() throws what failed, though its own getters do", async () => {
  const failure = Object.defineProperty(new TypeError("x"), "name", {
    get() {
      throw new Error("no name");
    },
  });
  const { fetch, ...bench } = client({ fetch: () => Promise.reject(failure) });
  const thrown = await fetch(SHOP).catch((error: unknown) => error);
  assertStrictEquals(thrown, failure);
  assertEquals((await theOnly(bench)).attributes["error.type"], "Error");
});

test("createFetch() takes any propagator, such as one without baggage", async () => {
  const { fetch, sent } = client({
    propagator: () => new W3CPropagator({ baggage: false }),
    propagateTo: () => "all",
  });
  await fetch(SHOP);
  assertEquals(carried(sent()), ["traceparent", "tracestate"]);
});
