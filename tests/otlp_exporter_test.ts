import { assert, assertEquals, assertMatch } from "@std/assert";
import { ROOT_CONTEXT } from "@opentelemetry/api";
import {
  type FlushReport,
  Telemetry,
  type TelemetryOptions,
} from "../src/otlp/mod.ts";
import { steady } from "../src/core/clock.ts";
import { attributeList } from "../src/otlp/attributes.ts";
import { send } from "../src/otlp/exporter.ts";
import { makeSignal } from "../src/otlp/signal.ts";
import { Collector } from "./support/collector.ts";
import { ManualClock } from "./support/manual_clock.ts";
import { wire } from "./support/otlp.ts";
import { test } from "./support/suite.ts";

type Answer = (
  init: RequestInit,
  attempt: number,
) => Response | Promise<Response>;

/** A telemetry whose receiver answers as told; `flush()` ends one span and sends it. */
function sending(answer: Answer, options: TelemetryOptions = {}) {
  const requests: { url: string; at: number; init: RequestInit }[] = [];
  const { telemetry, clock } = wire({
    metrics: false,
    fetch: async (input, init = {}) => {
      requests.push({ url: String(input), at: clock.monotonic(), init });
      return await answer(init, requests.length);
    },
    ...options,
  });
  const tracer = telemetry.tracerProvider.getTracer("t");
  const flush = (): Promise<FlushReport> => {
    tracer.startSpan("a").end();
    return telemetry.flush();
  };
  return { telemetry, clock, requests, flush };
}

/** An exporter alone; `deliver` sends so many bytes, with time without end though it counts on `timeoutMs`. */
function exporting(answer: (init: RequestInit) => Promise<Response>) {
  const clock = new ManualClock();
  const sent: RequestInit[] = [];
  const fetch = (_: unknown, init: RequestInit = {}) => {
    sent.push(init);
    return answer(init);
  };
  const exporter = makeSignal("traces", { fetch }, {
    clock: { ...steady(clock), after: () => () => {} },
    context: { active: () => ROOT_CONTEXT, with: (_, callback) => callback() },
  });
  assert(exporter);
  const report = { spans: 0, points: 0, dropped: 0, requests: 0, bytes: 0 };
  const deliver = (length: number, timeoutMs: number) => {
    const encode = () => new Uint8Array(length);
    const resource = attributeList({});
    const flush = { resource, startAt: 0, report };
    return send({ ...exporter, encode, timeoutMs }, flush, []);
  };
  return { deliver, report, clock, sent };
}

function status(code: number, headers: Record<string, string> = {}): Answer {
  return () => new Response("", { status: code, headers });
}

const ok: Answer = () => new Response();

/** A request that is never answered, though it may be aborted. */
const hanging: Answer = ({ signal }) =>
  new Promise((_, reject) =>
    signal?.addEventListener("abort", () => reject(signal.reason))
  );

test("flush() posts to the signal's URL with its headers, without following redirects", async () => {
  const { flush, requests } = sending(ok, {
    endpoint: "https://otlp.example.test/base/?tenant=1",
    headers: { authorization: "Bearer x" },
  });
  const report = await flush();
  const [{ url, init }] = requests as [typeof requests[0]];
  assertEquals(report, {
    spans: 1,
    points: 0,
    dropped: 0,
    late: 0,
    requests: 1,
    bytes: (init.body as Uint8Array).length,
  });
  assertEquals(url, "https://otlp.example.test/base/v1/traces?tenant=1");
  assertEquals(init.method, "POST");
  assertEquals(init.redirect, "manual");
  const headers = new Headers(init.headers);
  assertEquals(headers.get("content-type"), "application/x-protobuf");
  assertEquals(headers.get("authorization"), "Bearer x");
  assertMatch(headers.get("user-agent")!, /^OTel-OTLP-Exporter-Baton\//);
  assertEquals(headers.get("content-encoding"), null);
});

test("flush() lets the user name the agent, and nobody the content", async () => {
  const { flush, requests } = sending(ok, {
    headers: { "User-Agent": "mine", "Content-Type": "text/plain" },
  });
  await flush();
  const headers = new Headers(requests[0]?.init.headers);
  assertEquals(headers.get("user-agent"), "mine");
  assertEquals(headers.get("content-type"), "application/x-protobuf");
});

test("flush() drops and does not try again when no request can be made of the headers", async () => {
  const { flush, requests } = sending(ok, {
    headers: { "x-token": "secret\nline" },
  });
  const { spans, dropped, error } = await flush();
  assertEquals([spans, dropped], [0, 1]);
  assertEquals(error, "Cannot make a request: TypeError");
  assertEquals(requests.length, 0);
});

test("flush() sends nothing when there is nothing", async () => {
  const { telemetry, requests } = sending(ok, { metrics: {} });
  assertEquals(await telemetry.flush(), {
    spans: 0,
    points: 0,
    dropped: 0,
    late: 0,
    requests: 0,
    bytes: 0,
  });
  assertEquals(requests.length, 0);
});

test("flush() compresses from 1 KB on when told so", async () => {
  const collector = new Collector();
  const encodings: unknown[] = [];
  const { telemetry } = wire({
    compression: "gzip",
    fetch: (input, init) => {
      const request = new Request(input, init);
      encodings.push(request.headers.get("content-encoding"));
      return collector.handle(request);
    },
  });
  const sent: number[] = [];
  for (const length of [2_000, 1]) {
    telemetry.tracerProvider.getTracer("t").startSpan("a")
      .setAttribute("text", "x".repeat(length)).end();
    const { spans, bytes } = await telemetry.flush();
    assertEquals(spans, 1);
    sent.push(bytes);
  }
  assert(sent[0]! < 1_000, "what is counted is what was sent");
  assertEquals(encodings, ["gzip", null]);
  assertEquals(String(collector.spans[0]?.attributes.text).length, 2_000);
});

test("flush() runs its requests outside of any trace, registered or not", async () => {
  for (const isRegistered of [true, false]) {
    const collector = new Collector();
    const { telemetry } = wire({
      fetch: (input, init) => {
        tracer.startSpan("POST").end();
        return collector.handle(new Request(input, init));
      },
    });
    const tracer = telemetry.tracerProvider.getTracer("t");
    if (isRegistered) assert(telemetry.register());
    try {
      await tracer.startActiveSpan("a", async (span) => {
        span.end();
        await telemetry.flush();
      });
      const { available } = telemetry.contextManager;
      assertEquals((await telemetry.flush()).spans, available ? 0 : 1);
    } finally {
      telemetry.unregister();
    }
  }
});

test("flush() traces no request of its own where the telemetry's fetch stands in the place of the host's", async () => {
  const host = globalThis as { fetch: unknown };
  const before = host.fetch;
  const collector = new Collector();
  const traceparents: unknown[] = [];
  try {
    host.fetch = (input: string, init: RequestInit) => {
      const request = new Request(input, init);
      traceparents.push(request.headers.get("traceparent"));
      return collector.handle(request);
    };
    const telemetry = new Telemetry();
    host.fetch = telemetry.fetch;
    telemetry.tracerProvider.getTracer("t").startSpan("a").end();
    assertEquals((await telemetry.flush()).spans, 1);
    assertEquals((await telemetry.flush()).spans, 0);
  } finally {
    host.fetch = before;
  }
  assertEquals(collector.spans.map(({ name }) => name), ["a"]);
  assertEquals(traceparents, [null]);
});

test("flush() retries 429, 502, 503, 504 and failed connections, with growing pauses", async () => {
  for (const code of [429, 502, 503, 504, 0]) {
    const { flush, clock, requests } = sending((_, attempt) => {
      if (attempt === 3) return new Response();
      if (code === 0) throw new TypeError("refused: secret.example.test");
      return new Response("", { status: code });
    });
    const flushed = flush();
    await clock.advance(1_000);
    await clock.advance(1_500);
    const report = await flushed;
    assertEquals([report.spans, report.requests], [1, 3], String(code));
    const { length } = requests[0]?.init.body as Uint8Array;
    assertEquals(report.bytes, 3 * length);
    assertEquals(requests.map(({ at }) => at), [0, 1_000, 2_500]);
    assertEquals(clock.pending, 0);
  }
});

test("flush() spreads its retries by a fifth either way", async () => {
  for (const [random, expected] of [[0, 800], [1, 1_200]] as const) {
    const { flush, clock, requests } = sending(
      (_, attempt) => new Response("", { status: attempt === 1 ? 503 : 200 }),
      { random: () => random },
    );
    const flushed = flush();
    await clock.advance(2_000);
    assertEquals((await flushed).spans, 1);
    assertEquals(requests[1]?.at, expected);
  }
});

test("flush() does not retry any other status, and drops the spans", async () => {
  for (const code of [301, 302, 400, 401, 403, 404, 413, 415, 500, 501]) {
    const { flush, requests } = sending(
      status(code, { location: "https://elsewhere.test/" }),
    );
    const { spans, dropped, error } = await flush();
    assertEquals([spans, dropped], [0, 1], String(code));
    assertMatch(error!, new RegExp(`answered ${code}`));
    assertEquals(requests.length, 1);
  }
});

test("flush() ends within five seconds whatever the receiver does", async () => {
  const answers: readonly (readonly [answer: Answer, endsAt: number])[] = [
    [hanging, 5_000],
    [() => new Promise(() => {}), 5_000],
    [() => new Response(new ReadableStream()), 5_000],
    [status(503), 4_750],
  ];
  for (const [answer, endsAt] of answers) {
    const { flush, clock } = sending(answer);
    let report: FlushReport | undefined;
    const flushed = flush().then((done) => report = done);
    await clock.advance(endsAt - 1);
    assertEquals(report, undefined);
    await clock.advance(1);
    await flushed;
    assertEquals([report?.spans, report?.dropped], [0, 1]);
    assert(report?.error);
    assertEquals(clock.pending, 0);
  }
});

test("flush() honours Retry-After in both forms while there is time", async () => {
  for (const form of ["seconds", "date"] as const) {
    const { flush, clock, requests } = sending((_, attempt) =>
      attempt === 2 ? new Response() : new Response("", {
        status: 429,
        headers: {
          "retry-after": form === "seconds"
            ? "3"
            : new Date(clock.now() + 3_000).toUTCString(),
        },
      })
    );
    const flushed = flush();
    await clock.advance(3_000);
    assertEquals((await flushed).spans, 1);
    assertEquals(requests.map(({ at }) => at), [0, 3_000], form);
  }
});

test("flush() leaves a receiver alone until its Retry-After, and drops meanwhile", async () => {
  const { flush, clock, requests } = sending((_, attempt) =>
    attempt > 1
      ? new Response()
      : new Response("", { status: 429, headers: { "retry-after": "30" } })
  );
  const first = await flush();
  assertEquals([first.dropped, requests.length], [1, 1]);
  await clock.advance(29_999);
  const second = await flush();
  assertEquals([second.dropped, requests.length], [1, 1]);
  assertMatch(second.error!, /Paused/);
  await clock.advance(1);
  assertEquals((await flush()).spans, 1);
});

test("flush() pauses although the receiver asks to be asked at once", async () => {
  const { flush, clock, requests } = sending(
    status(500, { "retry-after": "0" }),
  );
  await flush();
  await clock.advance(999);
  assertMatch((await flush()).error!, /Paused/);
  assertEquals(requests.length, 1);
});

test("flush() pauses after a failed export, twice as long each time up to a minute", async () => {
  const { flush, clock, requests } = sending(status(500));
  for (const pauseMs of [1, 2, 4, 8, 16, 32, 60, 60].map((s) => s * 1_000)) {
    const before = requests.length;
    await flush();
    assertEquals(requests.length, before + 1);
    await clock.advance(pauseMs - 1);
    assertMatch((await flush()).error!, /Paused/, String(pauseMs));
    await clock.advance(1);
  }
});

test("flush() pauses after no answer, a failed connection and an answer too long, and keeps metrics meanwhile", async () => {
  const broken: readonly (readonly [answer: Answer, endsAt: number])[] = [
    [hanging, 5_000],
    [() => Promise.reject(new TypeError("refused")), 4_750],
    [() => new Response(new Uint8Array(4 * 2 ** 20 + 1)), 0],
  ];
  for (const [answer, endsAt] of broken) {
    const { telemetry, clock, requests, flush } = sending(answer, {
      metrics: {},
    });
    telemetry.meterProvider.getMeter("m").createCounter("c").add(1);
    const first = flush();
    await clock.advance(endsAt);
    assertEquals((await first).spans, 0);
    telemetry.meterProvider.getMeter("m").createCounter("c").add(1);
    const before = requests.length;
    const { points, dropped, error } = await flush();
    assertEquals([points, dropped], [0, 1]);
    assertMatch(error!, /Paused/);
    assertEquals(requests.length, before);
  }
});

test("flush() pauses once for failures that were under way together, and no more after a success", async () => {
  let code = 500;
  const { flush, clock, requests } = sending(() =>
    new Response("", { status: code })
  );
  await Promise.all(Array.from({ length: 20 }, flush));
  await clock.advance(1_000);
  code = 200;
  assertEquals((await flush()).spans, 1);
  code = 500;
  await flush();
  await clock.advance(1_000);
  const before = requests.length;
  await flush();
  assertEquals(requests.length, before + 1);
});

test("flush() lets one export see whether a receiver that failed is back, and the others go on when it is", async () => {
  let code = 500;
  const { flush, clock, requests } = sending(() =>
    new Response("", { status: code })
  );
  const several = () => Promise.all(Array.from({ length: 20 }, flush));
  await flush();
  for (const pauseMs of [1_000, 2_000]) {
    await clock.advance(pauseMs);
    const before = requests.length;
    const reports = await several();
    assertEquals(requests.length, before + 1);
    const paused = reports.filter(({ error }) => /Paused/.test(error ?? ""));
    assertEquals(paused.length, 19);
  }
  await clock.advance(4_000);
  code = 200;
  assertEquals((await several()).filter(({ spans }) => spans === 1).length, 1);
  assertEquals((await several()).filter(({ spans }) => spans === 1).length, 20);
});

test("flush() does not pause for what is wrong with the request itself", async () => {
  const { flush, requests } = sending(status(400));
  await flush();
  await flush();
  assertEquals(requests.length, 2);
});

test("flush() counts a partial success and repeats its message, in both encodings", async () => {
  const message = "quota";
  const json = JSON.stringify({
    partialSuccess: { rejectedSpans: "1", errorMessage: message },
  });
  const bytes = new TextEncoder().encode(message);
  const partial = [8, 1, 18, bytes.length, ...bytes];
  const protobuf = new Uint8Array([10, partial.length, ...partial]);
  for (
    const [type, body] of [
      ["application/json", json],
      ["application/x-protobuf", protobuf],
    ] as const
  ) {
    const { flush, requests } = sending(() =>
      new Response(body, { headers: { "content-type": type } })
    );
    const { spans, dropped, error } = await flush();
    assertEquals([spans, dropped, error], [0, 1, message]);
    assertEquals(requests.length, 1);
  }
});

test("flush() repeats the receiver's own words about an error, cut short", async () => {
  const { flush } = sending(() =>
    Response.json({ code: 3, message: "x".repeat(1_000) }, { status: 400 })
  );
  const { error } = await flush();
  assertEquals(error, `The receiver answered 400 ${"x".repeat(200)}`);
});

test("flush() survives nonsense, endless and broken replies", async () => {
  const nonsense = sending(() =>
    new Response("<html>", { headers: { "content-type": "application/json" } })
  );
  assertEquals((await nonsense.flush()).spans, 1);
  const garbage = sending(() => new Response(new Uint8Array([255, 255, 7])));
  assertEquals((await garbage.flush()).spans, 1);

  let pulled = 0;
  let cancelled = false;
  const endless = sending(() =>
    new Response(
      new ReadableStream({
        pull(controller) {
          pulled++;
          controller.enqueue(new Uint8Array(2 ** 20));
        },
        cancel() {
          cancelled = true;
        },
      }),
    )
  );
  const report = await endless.flush();
  assertEquals(report.dropped, 1);
  assertMatch(report.error!, /4 MiB/);
  assert(pulled < 10 && cancelled);
  assertEquals(endless.requests.length, 1);

  const broken = sending((_, attempt) =>
    attempt === 2 ? new Response() : new Response(
      new ReadableStream({
        pull: (controller) => controller.error(new Error("cut")),
      }),
    )
  );
  const flushed = broken.flush();
  await broken.clock.advance(1_000);
  assertEquals((await flushed).spans, 1);
});

test("flush() reads no more of a reply at its deadline, though its fetch heeds no signal", async () => {
  let cancelled = 0;
  const endless = () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(1)),
        cancel: () => void cancelled++,
      }),
    );
  const late = Promise.withResolvers<Response>();
  for (const answer of [endless, () => late.promise]) {
    const { flush, clock } = sending(answer);
    const flushed = flush();
    await clock.advance(5_000);
    const { dropped, error } = await flushed;
    assertEquals([dropped, error], [1, "The receiver took too long"]);
  }
  assertEquals(cancelled, 1);
  late.resolve(endless());
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(cancelled, 2);
});

test("flush() survives a fetch that returns nonsense", async () => {
  const nonsense: readonly (() => unknown)[] = [
    () => undefined,
    () => null,
    () => 7,
    () => ({}),
    () => ({ ok: true, body: 1 }),
    () => ({ ok: false, status: 503, body: null }),
    () => Promise.reject("no error at all"),
  ];
  for (const answer of nonsense) {
    const { flush, clock } = sending(() => answer() as Response);
    const flushed = flush();
    await clock.advance(5_000);
    const { spans, dropped, error } = await flushed;
    assertEquals([spans, dropped], [0, 1]);
    assertMatch(error!, /^Cannot reach the receiver: \w+$/);
  }
});

test("flush() takes a fetch that answers at once, without a promise", async () => {
  const { telemetry } = wire({
    metrics: false,
    fetch: (() => new Response()) as unknown as typeof fetch,
  });
  telemetry.tracerProvider.getTracer("t").startSpan("a").end();
  assertEquals((await telemetry.flush()).spans, 1);
});

test("send() sends at most 64 MiB: one that is larger never, several together later", async () => {
  let release = () => {};
  const { deliver, report, sent } = exporting(() =>
    new Promise((resolve) => {
      release = () => resolve(new Response());
    })
  );
  const limit = 64 * 2 ** 20;
  const error = (bytes: number) =>
    `Cannot make a request: ${bytes} bytes are over 64 MiB`;
  assertEquals(await deliver(limit + 1, 5), {
    failed: false,
    error: error(limit + 1),
  });
  assertEquals([report.requests, report.bytes], [0, 0]);
  const first = deliver(limit, 5);
  const second = await deliver(1, 5);
  assertEquals(second, { failed: true, error: error(limit + 1) });
  assertEquals([report.requests, report.bytes], [1, limit]);
  assertEquals(sent.length, 1);
  release();
  assertEquals((await first).rejected, 0);
  const third = deliver(limit, 5);
  release();
  assertEquals((await third).rejected, 0);
});

test("send() counts a request that a host ended without a word until its deadline", async () => {
  const { deliver, clock } = exporting(({ body }) =>
    (body as Uint8Array).length > 1
      ? new Promise(() => {})
      : Promise.resolve(new Response())
  );
  void deliver(64 * 2 ** 20, 5_000);
  await clock.advance(4_999);
  assertEquals((await deliver(1, 10_000)).failed, true);
  await clock.advance(1);
  assertEquals((await deliver(1, 10_000)).rejected, 0);
});

test("flush() tells no secret that the receiver repeats, and no control characters", async () => {
  for (const token of ["0123456789abcdef", "abc/def+012=="]) {
    const { flush } = sending(() =>
      Response.json({
        message: `no ${token}\r\n\u001b[2J in Bearer ${token} at /v1/${token}`,
      }, { status: 400 }), {
      endpoint: `https://otlp.test/${token}/`,
      headers: { authorization: `Bearer ${token}` },
    });
    const { error = "" } = await flush();
    assertEquals(
      error,
      "The receiver answered 400 no REDACTED [2J in Bearer REDACTED at /v1/REDACTED",
    );
  }
});

test("flush() tells no part of its URL or of a header", async () => {
  const { flush } = sending(
    () =>
      Response.json({ message: "no fedcba9876543210 at 0123456789abcdef" }, {
        status: 401,
      }),
    {
      endpoint: "https://otlp.test/0123456789abcdef/",
      headers: { "x-api": "key=fedcba9876543210;v=1" },
    },
  );
  const { error } = await flush();
  assertEquals(error, "The receiver answered 401 no REDACTED at REDACTED");
});

test("flush() reads nothing into a reply that is neither JSON nor protobuf", async () => {
  const partial = new Uint8Array([10, 5, 8, 1, 18, 1, 113]);
  const { flush } = sending(() =>
    new Response(partial, { headers: { "content-type": "image/png" } })
  );
  const { spans, error } = await flush();
  assertEquals([spans, error], [1, undefined]);
});

test("flush() believes no impossible number of rejected spans", async () => {
  for (
    const [rejected, spans] of [
      ["-7", 1],
      ["nonsense", 1],
      ["1e999", 0],
      [null, 1],
      [{}, 1],
    ] as const
  ) {
    const { flush } = sending(() =>
      Response.json({ partialSuccess: { rejectedSpans: rejected } })
    );
    const report = await flush();
    assertEquals([report.spans, report.dropped], [spans, 1 - spans]);
  }
  // a number of two hundred bytes
  const { flush } = sending(() =>
    new Response(new Uint8Array([8, ...Array(200).fill(128), 1]))
  );
  assertEquals((await flush()).spans, 1);
});

test("flush() tells no secret when it cannot reach the receiver", async () => {
  const { flush, clock } = sending(() => {
    throw new TypeError("cannot fetch https://token@secret.test/");
  }, { endpoint: "https://secret.test/token" });
  const flushed = flush();
  await clock.advance(5_000);
  assertEquals(
    (await flushed).error,
    "Cannot reach the receiver: TypeError",
  );
});

test("flush() reports for each signal apart: one may fail and the other not", async () => {
  const { telemetry, clock } = wire({
    fetch: (input) =>
      Promise.resolve(
        new Response("", {
          status: String(input).endsWith("traces") ? 500 : 200,
        }),
      ),
  });
  telemetry.tracerProvider.getTracer("t").startSpan("a", {}, ROOT_CONTEXT)
    .end();
  telemetry.meterProvider.getMeter("m").createCounter("c").add(1);
  const { spans, points, dropped } = await telemetry.flush();
  assertEquals([spans, points, dropped], [0, 1, 1]);
  assertEquals(clock.pending, 0);
});
