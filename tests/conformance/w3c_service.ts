/**
 * The service that the official harness of W3C Trace Context tests: told over
 * `POST /test` whom to call with what, it calls them, and each call carries the
 * trace on.
 *
 *     git clone https://github.com/w3c/trace-context
 *     apt-get install python3-aiohttp          # or: pip install aiohttp
 *     PORT=5000 deno run --allow-net --allow-env tests/conformance/w3c_service.ts &
 *     STRICT_LEVEL=2 SPEC_LEVEL=2 python3 trace-context/test/test.py http://127.0.0.1:5000/test
 *
 * It ends with "Ran 41 tests" and "OK". `tests/host/w3c_service_test.ts` holds
 * the same 41 cases in words of our own.
 *
 * @module
 */
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type TextMapGetter,
  type TextMapSetter,
  trace,
} from "@opentelemetry/api";
import { Telemetry } from "../../src/otlp/mod.ts";

/** A request that the service is told to make. */
export interface Call {
  readonly url: string;
  /** What to send along: the calls that whoever is called is to make. */
  readonly arguments: readonly Call[];
}

const HEADERS: TextMapGetter<Headers> & TextMapSetter<Headers> = {
  get: (headers, name) => headers.get(name) ?? undefined,
  keys: (headers) => [...headers.keys()],
  set: (headers, name, value) => headers.set(name, value),
};

/** Serves on a port of 127.0.0.1; on port 0, on a free one. */
export function serve(port: number): Deno.HttpServer<Deno.NetAddr> {
  const telemetry = new Telemetry({
    serviceName: "w3c-conformance",
    fetch: () => Promise.resolve(new Response()), // nobody collects the spans
  });
  const tracer = telemetry.tracerProvider.getTracer("w3c-conformance");

  async function call(context: Context, to: Call): Promise<void> {
    const span = tracer.startSpan("POST", { kind: SpanKind.CLIENT }, context);
    const headers = new Headers({ "content-type": "application/json" });
    const own = trace.setSpan(context, span);
    telemetry.propagator.inject(own, headers, HEADERS);
    const body = JSON.stringify(to.arguments);
    await ending(span, async () => {
      const response = await fetch(to.url, { method: "POST", headers, body });
      await response.body?.cancel();
    });
  }

  async function answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (request.method !== "POST" || pathname !== "/test") {
      return new Response("POST /test is all there is", { status: 404 });
    }
    const caller = telemetry.propagator.extract(
      telemetry.openScope(ROOT_CONTEXT),
      request.headers,
      HEADERS,
    );
    const span = tracer.startSpan("POST", { kind: SpanKind.SERVER }, caller);
    const context = trace.setSpan(caller, span);
    await ending(span, async () => {
      const calls: readonly Call[] = await request.json();
      for (const to of calls) await call(context, to);
    });
    await telemetry.flush(caller);
    return new Response();
  }

  return Deno.serve({ port, hostname: "127.0.0.1", onListen() {} }, answer);
}

async function ending(span: Span, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } finally {
    span.end();
  }
}

if (import.meta.main) {
  const { addr } = serve(Number(Deno.env.get("PORT") ?? 5000));
  console.log(`http://127.0.0.1:${addr.port}/test`);
}
