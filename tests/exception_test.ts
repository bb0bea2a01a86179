/** What is told of an error: once, within caps, and no more than may be told. */
import { ROOT_CONTEXT } from "@opentelemetry/api";
import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { defineTask, type Handler, PayloadError, Queue } from "../mod.ts";
import { errorTypeOf } from "../src/queue/trace/conventions.ts";
import { exceptionsOf } from "../src/queue/trace/exception.ts";
import { tracedApp } from "./support/app.ts";
import type { ReceivedSpan } from "./support/collector.ts";
import { test } from "./support/suite.ts";
import {
  bench,
  delivery,
  envelope,
  exported,
  failed,
  points,
  sent,
  settling,
  step,
  theOnly,
  traced,
} from "./support/traced.ts";

// ---------------------------------------------------------------- caps

test("exceptionsOf() tells 10 links, 32 errors in all, and 8 KB of a stack", () => {
  let chain = new Error("0");
  for (let i = 1; i < 50; i++) chain = new Error(`${i}`, { cause: chain });
  assertEquals(exceptionsOf(chain).length, 10);
  const wide = new AggregateError(
    Array.from({ length: 100 }, (_, i) => new Error(`${i}`)),
  );
  assertEquals(exceptionsOf(wide).length, 32);
  const long = new Error("long");
  long.stack = "s".repeat(20_000);
  const [event] = exceptionsOf(long);
  assertEquals(String(event!["exception.stacktrace"]).length, 8_192);
});

test("errorTypeOf() says _OTHER of a name that no code would have", () => {
  const named = (name: string) => Object.assign(new Error(), { name });
  assertEquals(
    ["ShopError", "shop.Error", "Błąd", "user 4711", "<b>", "9"].map((name) =>
      errorTypeOf(named(name))
    ),
    ["ShopError", "shop.Error", "Błąd", "_OTHER", "_OTHER", "_OTHER"],
  );
});

// ---------------------------------------------------------------- once

/** The exception events of each span that has any. */
function told(spans: readonly ReceivedSpan[]): readonly unknown[] {
  return spans.filter(({ events }) => events.length > 0).map((span) => [
    span.name,
    span.events.map(({ attributes }) => attributes["exception.message"]),
  ]);
}

const ONCE = { maxAttempts: 1 } as const;

const inner = defineTask("inner", {
  run: (_: void): void => {
    throw new Error("inner", { cause: new Error("root") });
  },
});

/** A queue whose `outer` runs `inner` inline, and what it exports. */
function nested(
  run: (call: () => Promise<void>) => Promise<void>,
): { readonly queue: Queue; readonly at: ReturnType<typeof traced> } {
  const at = traced();
  const outer: Handler = {
    name: "outer",
    schema: undefined,
    run: (_, { context }) =>
      run(() => queue.inline(inner, undefined, { context })),
  };
  const queue: Queue = Queue.inMemory({
    handlers: [inner, outer],
    telemetry: at.telemetry,
  });
  return { queue, at };
}

test("inline() within a handler tells an error on its own span, and the handler's only tells what it adds", async () => {
  const passed = nested((call) => call());
  await passed.queue.enqueueNamed("outer", undefined, ONCE);
  await passed.queue.drain();
  const spans = await exported(passed.at);
  assertEquals(told(spans), [["process default", ["inner", "root"]]]);
  const consumers = spans.filter(({ status }) => status.code === "ERROR");
  assertEquals(
    consumers.map(({ kind, status }) => [kind, status.message]),
    [["CONSUMER", "inner"], ["CONSUMER", "inner"]],
  );

  const wrapped = nested((call) =>
    call().catch((cause) => {
      throw new Error("outer", { cause });
    })
  );
  await wrapped.queue.enqueueNamed("outer", undefined, ONCE);
  await wrapped.queue.drain();
  assertEquals(told(await exported(wrapped.at)), [
    ["process default", ["inner", "root"]],
    ["process default", ["outer"]],
  ]);
});

test("inline() lets the same error be told again by another attempt", async () => {
  const constant = new Error("always the same");
  const failing = defineTask("failing", {
    maxAttempts: 1,
    run: (_: void): void => {
      throw constant;
    },
  });
  const at = traced();
  const queue = Queue.inMemory({
    handlers: [failing],
    telemetry: at.telemetry,
  });
  await assertRejects(() => queue.inline(failing));
  await assertRejects(() => queue.inline(failing));
  await queue.enqueue(failing);
  await queue.drain();
  assertEquals(told(await exported(at)).length, 3);
});

test("inline() within a request tells an error once, and the SERVER span only that it failed", async () => {
  const { app, ask, telemetry, collector } = tracedApp();
  const queue = Queue.inMemory({
    handlers: [inner],
    telemetry,
    redact: () => new Error("redacted"),
  });
  app.get("/", async (c) => {
    await queue.inline(inner, undefined, { context: c.var.otel });
    return c.text("never");
  });
  app.onError((_, c) => c.text("failed", 500));
  await ask("/");
  assertEquals(told(collector.spans), [["process default", ["redacted"]]]);
  const server = collector.spans.find(({ kind }) => kind === "SERVER");
  assertEquals(server?.status, { code: "ERROR", message: "redacted" });
});

// ---------------------------------------------------------------- redact

const SECRET = "4711-secret";

/** An error that says the secret wherever an error can. */
function leaky(): Error {
  const cause = new RangeError(`cause ${SECRET}`);
  const error = new TypeError(`message ${SECRET}`, { cause });
  error.stack = `stack ${SECRET}`;
  return error;
}

const leaking = defineTask<string>("leaking", { maxAttempts: 2 });

/** Everything that a queue exports and stores of a task that fails for good. */
async function everything(
  redact: (error: unknown) => unknown,
  run: () => unknown = () => {
    throw leaky();
  },
) {
  const at = traced();
  const queue = Queue.inMemory({
    handlers: [leaking.handle(run)],
    telemetry: at.telemetry,
    redact,
  });
  const { id } = await queue.enqueue(leaking, SECRET, { backoff: NOW });
  await queue.drain();
  await assertRejects(() => queue.inline(leaking, SECRET));
  const spans = await exported(at);
  const result = await queue.result(id);
  const { tasks } = await queue.list({ state: "dead" });
  assert(result.status === "dead");
  const text = textOf([spans, at.collector.metrics, result, tasks]);
  return { spans, stored: result.error, text };
}

function textOf(value: unknown): string {
  return JSON.stringify(
    value,
    (_, one) => typeof one === "bigint" ? `${one}` : one,
  );
}

const NOW = { kind: "fixed", delayMs: 0, jitter: 0 } as const;

test("Queue.redact changes what is exported and what is stored", async () => {
  const { spans, stored, text } = await everything(() => {
    const error = new RangeError("redacted");
    delete error.stack;
    return error;
  });
  assertFalse(text.includes(SECRET));
  assertEquals(stored, { name: "RangeError", message: "redacted" });
  const consumers = spans.filter(({ kind }) => kind === "CONSUMER");
  assertEquals(consumers.length, 3);
  for (const { status, attributes, events } of consumers) {
    assertEquals(status, { code: "ERROR", message: "redacted" });
    assertEquals(attributes["error.type"], "RangeError");
    assertEquals(events.map(({ attributes }) => attributes), [{
      "exception.type": "RangeError",
      "exception.message": "redacted",
    }]);
  }
});

test("Queue.redact leaves no more than the error's name when it throws or gives nothing", async () => {
  const broken = [() => {
    throw leaky();
  }, () => undefined];
  for (const redact of broken) {
    const { spans, stored, text } = await everything(redact);
    assertFalse(text.includes(SECRET));
    assertEquals(stored, { name: "TypeError", message: "" });
    for (const span of spans.filter(({ kind }) => kind === "CONSUMER")) {
      assertEquals(span.status, { code: "ERROR" });
      assertEquals(span.attributes["error.type"], "TypeError");
    }
  }
});

test("Queue.redact is asked once for an attempt, and what decides about another one is the error itself", async () => {
  let asked = 0;
  const at = traced();
  const final = defineTask("final", {
    run: (_: void): void => {
      throw Object.assign(leaky(), { name: "NonRetryableError" });
    },
  });
  const queue = Queue.inMemory({
    handlers: [final],
    telemetry: at.telemetry,
    redact: () => new Error(`${++asked}`),
  });
  await queue.enqueue(final);
  const { dead } = await queue.drain();
  assertEquals([dead, asked], [1, 1]);
});

test("Queue.redact keeps Baton's own words for what went wrong", async () => {
  const timed = defineTask<string>("leaking", { timeoutMs: 5, maxAttempts: 1 });
  const at = traced();
  const queue = Queue.inMemory({
    handlers: [timed.handle(() => new Promise(() => {}))],
    telemetry: at.telemetry,
    redact: () => new Error("redacted"),
  });
  await assertRejects(() => queue.inline(timed, "x"));
  const spans = await exported(at);
  const [consumer] = spans.filter(({ kind }) => kind === "CONSUMER");
  assertEquals(consumer!.attributes["error.type"], "timeout");
});

test("Queue.redact is asked for what an enqueue fails with", async () => {
  const at = await bench({ redact: () => new Error("redacted") });
  at.instrument.startEnqueue(ROOT_CONTEXT, [sent]).fail(
    new PayloadError(SECRET),
  );
  const drain = at.instrument.startDrain(ROOT_CONTEXT);
  drain.startStep(settling(0))(step({ error: leaky() }));
  drain.end(0, leaky());
  const spans = await exported(at);
  assertEquals(spans.length, 3);
  for (const { status } of spans) assertEquals(status.message, "redacted");
  assertEquals(spans[0]!.attributes["error.type"], "payload_invalid");
});

test("a queue exports neither inputs nor results nor tokens of its own accord", async () => {
  const at = traced();
  const queue = Queue.inMemory({
    handlers: [leaking.handle((input) => ({ echoed: input }))],
    telemetry: at.telemetry,
  });
  const { id } = await queue.enqueue(leaking, SECRET, {
    dedupe: { key: SECRET },
  });
  await queue.drain();
  assertEquals(await queue.result(id), {
    ...{ status: "completed", attempt: 1, saved: true },
    value: { echoed: SECRET },
  });
  const spans = await exported(at);
  assertEquals(spans.length > 3, true);
  const text = textOf([spans, at.collector.metrics]);
  assertFalse(text.includes(SECRET));
});

test("startProcess() records an exception once on a span that has failed twice", async () => {
  const at = await bench();
  const process = at.instrument
    .startProcess(delivery(), envelope(), ROOT_CONTEXT, "w");
  process.finish(failed(new Error("mine")));
  process.settled("stale");
  const span = await theOnly(at);
  assertEquals(told([span]), [["process images", ["mine"]]]);
  assertEquals(points(at, "baton.task.retries"), []);
});
