import { ROOT_CONTEXT } from "@opentelemetry/api";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { createFetch } from "../../src/http/fetch.ts";
import { test } from "../support/suite.ts";
import { theOnly, type Traced, traced, within } from "../support/traced.ts";

type Handler = (request: Request) => Response | Promise<Response>;

interface Host extends Traced {
  readonly url: string;
  /** The host's own fetch, traced. */
  readonly fetch: typeof fetch;
}

/** A server on a real socket, and a client of it. */
async function against(
  handler: Handler,
  check: (host: Host) => Promise<void>,
): Promise<void> {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    handler,
  );
  const wired = traced();
  try {
    await check({
      ...wired,
      url: `http://127.0.0.1:${server.addr.port}`,
      fetch: createFetch({
        tracer: () => wired.telemetry.tracerProvider.getTracer("test"),
        propagator: () => wired.telemetry.propagator,
      }, () => within()),
    });
  } finally {
    await server.shutdown();
  }
}

test("createFetch() spans redirects once, with the final status", async () => {
  const arrived: (string | null)[] = [];
  await against(({ url, headers }) => {
    arrived.push(headers.get("traceparent"));
    return new URL(url).pathname === "/old"
      ? Response.redirect(new URL("/new", url), 307)
      : new Response("moved", { status: 404 });
  }, async ({ fetch, url, ...bench }) => {
    const response = await fetch(`${url}/old`);
    assertEquals([response.redirected, await response.text()], [true, "moved"]);
    const { traceId, spanId, attributes, status } = await theOnly(bench);
    const traceparent = `00-${traceId}-${spanId}-03`;
    assertEquals(arrived, [traceparent, traceparent]);
    assertEquals(attributes["url.full"], `${url}/old`);
    assertEquals(attributes["http.response.status_code"], 404);
    assertEquals(status.code, "ERROR");
  });
});

test("createFetch() leaves redirects to a caller who follows them by hand", async () => {
  await against(
    ({ url }) => Response.redirect(new URL("/new", url), 302),
    async ({ fetch, url, ...bench }) => {
      const response = await fetch(url, { redirect: "manual" });
      await response.body?.cancel();
      assertEquals(response.status, 302);
      const { attributes, status } = await theOnly(bench);
      assertEquals(attributes["http.response.status_code"], 302);
      assertEquals(status.code, "UNSET");
    },
  );
});

test("createFetch() ends the span with the headers, while bodies stream both ways", async () => {
  const go = Promise.withResolvers<void>();
  await against(
    async (request) => {
      const text = await request.text();
      return new Response(
        new ReadableStream<Uint8Array>({
          async start(controller) {
            await go.promise;
            controller.enqueue(new TextEncoder().encode(text.toUpperCase()));
            controller.close();
          },
        }),
      );
    },
    async ({ fetch, url, ...bench }) => {
      const body = ReadableStream.from(["one ", "two ", "three"])
        .pipeThrough(new TextEncoderStream());
      const request = new Request(url, { method: "POST", body });
      const response = await fetch(request);
      assertEquals((await theOnly(bench)).name, "POST");
      go.resolve();
      assertEquals(await response.text(), "ONE TWO THREE");
    },
  );
});

test("createFetch() forwards a request whole, with the trace", async () => {
  await against(
    async ({ method, headers, body }) =>
      Response.json({
        method,
        own: headers.get("x-own"),
        hasTrace: headers.has("traceparent"),
        text: await new Response(body).text(),
      }),
    async ({ fetch, url }) => {
      const incoming = new Request("http://gateway.example/", {
        method: "PUT",
        body: ReadableStream.from([new TextEncoder().encode("payload")]),
        headers: { "x-own": "1" },
      });
      const response = await fetch(url, incoming);
      assertEquals(await response.json(), {
        method: "PUT",
        own: "1",
        hasTrace: true,
        text: "payload",
      });
    },
  );
});

test("createFetch() leaves a used Request to Deno to refuse", async () => {
  await against(() => new Response(), async ({ fetch, url, ...bench }) => {
    const used = new Request(url, { method: "POST", body: "x" });
    await used.text();
    const error = await fetch(used).catch((error: unknown) => error);
    assert(error instanceof TypeError);
    assertEquals((await theOnly(bench)).attributes["error.type"], "TypeError");
  });
});

test("createFetch() calls an abort no error, and a time-out one", async () => {
  const cases: readonly (readonly [() => AbortSignal, string | undefined])[] = [
    [() => {
      const abort = new AbortController();
      queueMicrotask(() => abort.abort());
      return abort.signal;
    }, undefined],
    [() => AbortSignal.timeout(1), "TimeoutError"],
    [() => AbortSignal.abort(), undefined],
  ];
  for (const [make, type] of cases) {
    const go = Promise.withResolvers<void>();
    await against(async () => {
      await go.promise;
      return new Response("late");
    }, async ({ fetch, url, ...bench }) => {
      const signal = make();
      const thrown = await fetch(url, { signal }).catch((error) => error);
      go.resolve();
      assertStrictEquals(thrown, signal.reason);
      const { status, attributes } = await theOnly(bench);
      assertEquals(status, { code: type ? "ERROR" : "UNSET" });
      assertEquals(attributes["error.type"], type);
    });
  }
});

test("createFetch() tells of a refused connection its type alone", async () => {
  let address = "";
  await against(() => new Response(), ({ url }) => {
    address = url;
    return Promise.resolve();
  });
  const wired = traced();
  const tracedFetch = createFetch({
    tracer: () => wired.telemetry.tracerProvider.getTracer("test"),
    propagator: () => wired.telemetry.propagator,
  }, () => ROOT_CONTEXT);
  const thrown = await tracedFetch(`${address}/?key=s3cret`)
    .catch((error: unknown) => error);
  assert(thrown instanceof TypeError);
  const { status, attributes, events } = await theOnly(wired);
  assertEquals(status, { code: "ERROR" });
  assertEquals(attributes["error.type"], "TypeError");
  assertEquals(events, []);
});

test("createFetch() leaves spans and headers to Deno where Deno traces by itself", async () => {
  const program = new URL("../support/host_traces.ts", import.meta.url);
  const exporters = {
    OTEL_TRACES_EXPORTER: "none",
    OTEL_METRICS_EXPORTER: "none",
    OTEL_LOGS_EXPORTER: "none",
  };
  for (const traces of [true, false]) {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-net", "--no-lock", program.href],
      env: { OTEL_DENO: String(traces), ...exporters },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    assertEquals(JSON.parse(new TextDecoder().decode(stdout)), {
      hostTraces: traces,
      spans: traces ? 0 : 1,
      injections: traces ? 0 : 1,
      // Deno's own header
      arrived: traces ? 1 : 0,
    });
  }
});
