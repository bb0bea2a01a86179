import { assertEquals } from "@std/assert";
import { HTTPException } from "hono/http-exception";
import { defineTask } from "../src/core/task.ts";
import { Queue } from "../src/queue/queue.ts";
import { tracedApp } from "./support/app.ts";
import { test } from "./support/suite.ts";

test("tracing() calls an unknown method _OTHER", async () => {
  const { app, ask, span } = tracedApp();
  app.on("PURGE", "/cache", (c) => c.body(null, 204));
  await ask("/cache", { method: "PURGE" });
  const { name, attributes } = span();
  assertEquals(name, "HTTP /cache");
  assertEquals(attributes["http.request.method"], "_OTHER");
  assertEquals(attributes["http.request.method_original"], "PURGE");
});

test("tracing() shows what a handler threw, with its causes", async () => {
  const { app, ask, span } = tracedApp();
  app.onError((_, c) => c.text("sorry", 500));
  app.get("/", () => {
    throw new RangeError("too much", { cause: new Error("below") });
  });
  const response = await ask("/");
  const { status, attributes, events } = span();
  assertEquals(response.status, 500);
  assertEquals(status, { code: "ERROR", message: "too much" });
  assertEquals(attributes["error.type"], "RangeError");
  assertEquals(attributes["http.response.status_code"], 500);
  assertEquals(events.map((event) => event.attributes["exception.message"]), [
    "too much",
    "below",
  ]);
});

test("tracing() calls an answered 5xx an error, and a 4xx that was thrown none", async () => {
  const cases: readonly (readonly [() => Response, string, unknown])[] = [
    [() => new Response(null, { status: 503 }), "ERROR", "503"],
    [
      () => {
        throw new HTTPException(418);
      },
      "UNSET",
      undefined,
    ],
    [
      () => {
        throw new HTTPException(502);
      },
      "ERROR",
      "Error",
    ],
  ];
  for (const [handler, code, type] of cases) {
    const { app, ask, span } = tracedApp();
    app.get("/", handler);
    await ask("/");
    const { status, attributes } = span();
    assertEquals([status.code, attributes["error.type"]], [code, type]);
  }
});

test("tracing() hands on what is thrown though it is no Error, and shows it", async () => {
  const { app, ask, span } = tracedApp();
  app.get("/", () => {
    throw "a text";
  });
  const thrown = await ask("/").catch((error: unknown) => error);
  assertEquals(thrown, "a text");
  const { status, attributes } = span();
  assertEquals(status, { code: "ERROR", message: "a text" });
  assertEquals(attributes["error.type"], "string");
});

test("tracing() shows an answer that was made of an error by what was answered", async () => {
  const boom = (): never => {
    throw new RangeError("secret of the database");
  };
  const cases: readonly (readonly [number, string, string | undefined])[] = [
    [200, "UNSET", undefined],
    [404, "UNSET", undefined],
    [409, "UNSET", undefined],
    [500, "ERROR", "RangeError"],
    [503, "ERROR", "RangeError"],
  ];
  for (const [status, code, type] of cases) {
    const { app, ask, span } = tracedApp();
    app.onError(() => new Response(null, { status }));
    app.get("/", boom);
    assertEquals((await ask("/")).status, status);
    const received = span();
    assertEquals(received.status.code, code);
    assertEquals(received.attributes["error.type"], type);
    assertEquals(received.attributes["http.response.status_code"], status);
    assertEquals(received.events.length, type === undefined ? 0 : 1);
  }
});

test("tracing() shows what an onError or a notFound throws", async () => {
  const fails = (): never => {
    throw new EvalError("while failing");
  };
  for (const path of ["/", "/nowhere"]) {
    const { app, ask, span } = tracedApp();
    app.onError(fails);
    app.notFound(fails);
    app.get("/", () => {
      throw new RangeError("first");
    });
    const thrown = await ask(path).catch((error: unknown) => error);
    assertEquals(thrown instanceof EvalError, true);
    const { attributes, status } = span();
    assertEquals(status, { code: "ERROR", message: "while failing" });
    assertEquals(attributes["error.type"], "EvalError");
    assertEquals(attributes["http.response.status_code"], undefined);
    assertEquals(attributes["http.route"], path === "/" ? "/" : undefined);
  }
});

test("tracing() tells no status where something was thrown after the answer", async () => {
  const { app, ask, span } = tracedApp();
  app.use(async (_, next) => {
    await next();
    throw "too late";
  });
  app.get("/", (c) => c.text("fine"));
  const thrown = await ask("/").catch((error: unknown) => error);
  assertEquals(thrown, "too late");
  const { attributes, status } = span();
  assertEquals(status, { code: "ERROR", message: "too late" });
  assertEquals(attributes["error.type"], "string");
  assertEquals(attributes["http.response.status_code"], undefined);
});

test("tracing() does not tell again what a task told that ran inline, nor what it was told in place of", async () => {
  const fails = defineTask("fails", {
    run() {
      throw new RangeError("the card is 4111");
    },
  });
  const cases: readonly (readonly [boolean, string, readonly unknown[]])[] = [
    [false, "the card is hidden", []],
    [true, "order failed", ["order failed"]],
  ];
  for (const [wraps, message, told] of cases) {
    const { app, ask, telemetry, collector } = tracedApp();
    const queue = Queue.inMemory({
      handlers: [fails],
      telemetry,
      redact: () => new RangeError("the card is hidden"),
    });
    app.onError((_, c) => c.text("sorry", 500));
    app.get("/", async (c) => {
      try {
        await queue.inline(fails, undefined, { context: c.var.otel });
      } catch (cause) {
        throw wraps ? new Error("order failed", { cause }) : cause;
      }
      return c.text("fine");
    });
    assertEquals((await ask("/")).status, 500);
    const of = (kind: string) =>
      collector.spans.find((span) => span.kind === kind);
    const messages = (kind: string) =>
      of(kind)?.events.map(({ attributes }) => attributes["exception.message"]);
    assertEquals(messages("CONSUMER"), ["the card is hidden"]);
    assertEquals(messages("SERVER"), told);
    assertEquals(of("SERVER")?.status, { code: "ERROR", message });
  }
});
