import {
  type Context,
  context as api,
  type ContextManager,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from "@opentelemetry/api";
import { assert, assertEquals, assertFalse } from "@std/assert";
import { BrokerError, type Clock, type QueueTelemetry } from "../mod.ts";
import type { Carrier } from "../src/codec/envelope.ts";
import { LIBRARY, VERSION } from "../src/queue/trace/conventions.ts";
import { TraceState } from "../src/w3c/mod.ts";
import { test } from "./support/suite.ts";
import {
  bench,
  delivery,
  envelope,
  exported,
  failed,
  points,
  REMOTE,
  sent,
  settling,
  standing,
  START,
  step,
  success,
  theOnly,
  TRACEPARENT,
  within,
} from "./support/traced.ts";

// ---------------------------------------------------------------- enqueue

test("startEnqueue() makes a PRODUCER span that says what the conventions ask for", async () => {
  const at = await bench();
  at.instrument.startEnqueue(within(), [{ ...sent, timeoutMs: 1_500 }])
    .succeed(1);
  const span = await theOnly(at);
  assertEquals([span.name, span.kind], ["enqueue images", "PRODUCER"]);
  assertEquals([span.traceId, span.parentSpanId], [
    REMOTE.traceId,
    REMOTE.spanId,
  ]);
  assertEquals(span.attributes, {
    "messaging.system": "baton",
    "messaging.operation.name": "enqueue",
    "messaging.operation.type": "send",
    "messaging.destination.name": "images",
    "messaging.message.id": "t-1",
    "baton.broker.type": "baton.MemoryBroker",
    "baton.task.name": "resize",
    "baton.task.label": "of May",
    "baton.timeout": 1.5,
  });
  assertEquals(span.status, { code: "UNSET" });
  assertEquals([span.library.name, span.library.version], [
    LIBRARY.name,
    VERSION,
  ]);
});

test("startEnqueue() makes one span of a batch, saying only what all tasks share", async () => {
  const at = await bench();
  const other = { id: "t-2", name: "resize", label: undefined };
  at.instrument.startEnqueue(ROOT_CONTEXT, [sent, other]).succeed(1);
  at.instrument.startEnqueue(ROOT_CONTEXT, [sent], true).succeed(1);
  at.instrument.startEnqueue(ROOT_CONTEXT, [sent, { ...sent, name: "x" }])
    .succeed(2);
  const [two, one, mixed] = await exported(at);
  assertEquals(two!.attributes["messaging.batch.message_count"], 2);
  assertEquals(two!.attributes["baton.task.name"], "resize");
  assertEquals(two!.attributes["baton.deduplicated"], 1);
  assertFalse("messaging.message.id" in two!.attributes);
  assertFalse("baton.task.label" in two!.attributes);
  assertEquals(one!.attributes["messaging.batch.message_count"], 1);
  assertFalse("messaging.message.id" in one!.attributes);
  assertFalse("baton.task.name" in mixed!.attributes);
  assertEquals(mixed!.attributes["baton.task.label"], "of May");
});

test("startEnqueue() carries its own span, with a tracestate cut to 512 bytes and no baggage over 1 KB", async () => {
  const at = await bench();
  const carried = (state: string, user: string): Carrier => {
    const traceState = TraceState.parse(state)!;
    const baggage = propagation.createBaggage({ user: { value: user } });
    const context = propagation.setBaggage(
      within({ ...REMOTE, traceState }),
      baggage,
    );
    const enqueue = at.instrument.startEnqueue(context, [sent]);
    enqueue.succeed(1);
    return enqueue.carrierOf(0);
  };
  const both = carried("a=1,b=2", "ann");
  const long = `a=${"1".repeat(255)}`;
  const cut = carried(`${long},b=${"2".repeat(255)},c=3`, "n".repeat(1_020));
  const [first] = await exported(at);
  assertEquals(both, {
    traceparent: `00-${REMOTE.traceId}-${first!.spanId}-03`,
    tracestate: "a=1,b=2",
    baggage: "user=ann",
  });
  assertEquals(Object.keys(cut), ["traceparent", "tracestate"]);
  assertEquals(cut.tracestate, `${long},c=3`);
});

test("startEnqueue() fails with error.type and the message, and counts what it tried to send", async () => {
  const at = await bench();
  at.instrument.startEnqueue(ROOT_CONTEXT, [sent, sent])
    .fail(new BrokerError("timeout", "No answer within 10000 ms"));
  at.instrument.startEnqueue(ROOT_CONTEXT, [sent])
    .fail(new BrokerError("unauthorized", "The token was refused"));
  const [late, refused] = await exported(at);
  assertEquals(late!.status, {
    code: "ERROR",
    message: "No answer within 10000 ms",
  });
  assertEquals(late!.attributes["error.type"], "broker_unavailable");
  assertEquals(refused!.attributes["error.type"], "broker_error");
  assertEquals(
    points(at, "messaging.client.sent.messages").map((point) => [
      point.attributes["error.type"],
      point.value,
    ]),
    [["broker_unavailable", 2], ["broker_error", 1]],
  );
});

// ---------------------------------------------------------------- process

test("startProcess() makes a CONSUMER span that is a child of what the task carries", async () => {
  const clock = standing();
  const at = await bench({ clock });
  const drain: SpanContext = { ...REMOTE, traceId: "d".repeat(32) };
  const previous = `00-${REMOTE.traceId}-${"a".repeat(16)}-01`;
  const process = at.instrument.startProcess(
    delivery({ attempt: 2, previousSpan: previous }),
    envelope({ carrier: { traceparent: TRACEPARENT, tracestate: "a=1" } }),
    within(drain),
    "w-1",
  );
  clock.advance(250);
  process.finish(success);
  clock.advance(4_000);
  process.settled("accepted");
  const span = await theOnly(at);
  assertEquals([span.name, span.kind], ["process images", "CONSUMER"]);
  assertEquals(
    [span.traceId, span.parentSpanId, span.traceState],
    [REMOTE.traceId, REMOTE.spanId, "a=1"],
  );
  assertEquals(
    span.links.map((link) => [link.traceId, link.spanId]),
    [[drain.traceId, drain.spanId], [REMOTE.traceId, "a".repeat(16)]],
  );
  assertEquals([span.startAt, span.endAt], [START, START + 250]);
  assertEquals(span.status, { code: "UNSET" });
  assertEquals(span.attributes, {
    "messaging.system": "baton",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": "images",
    "messaging.message.id": "t-1",
    "messaging.client.id": "w-1",
    "baton.broker.type": "baton.MemoryBroker",
    "baton.task.name": "resize",
    "baton.task.label": "of May",
    "baton.timeout": 1.5,
    "baton.attempt": 2,
    "baton.worker": "w-1",
    "baton.state": "success",
  });
  assertEquals(
    process.traceparent(),
    `00-${span.traceId}-${span.spanId}-03`,
  );
  assertEquals(trace.getSpan(process.context), process.span);
});

test("startProcess() takes baggage from the task, and nothing but the scope from the drain", async () => {
  const at = await bench();
  const ambient = propagation.setBaggage(
    within(),
    propagation.createBaggage({ drain: { value: "1" } }),
  );
  const process = at.instrument.startProcess(
    delivery(),
    envelope({ carrier: { traceparent: TRACEPARENT, baggage: "user=ann" } }),
    at.telemetry.openScope(ambient),
    "w",
  );
  const baggage = propagation.getBaggage(process.context);
  assertEquals(baggage?.getAllEntries().map(([key]) => key), ["user"]);
  assertEquals(
    at.telemetry.openScope(process.context),
    process.context,
    "its scope is the drain's",
  );
  process.settled("accepted");
});

test("startProcess() links instead where it is asked to", async () => {
  const at = await bench({ tracing: { correlation: "link" } });
  const process = at.instrument.startProcess(
    delivery(),
    envelope({ depth: 7 }),
    ROOT_CONTEXT,
    "w",
  );
  process.settled("accepted");
  const span = await theOnly(at);
  assert(span.traceId !== REMOTE.traceId);
  assertEquals(span.parentSpanId, undefined);
  assertEquals(span.links.map(({ spanId }) => spanId), [REMOTE.spanId]);
  assertFalse("baton.trace.cut" in span.attributes);
  assertEquals(process.depth, 0);
});

test("startProcess() begins another trace for a task that was delayed over an hour or is over 100 deep", async () => {
  const at = await bench();
  const depthAfter = (dueAt: number | undefined, depth: number) => {
    const process = at.instrument.startProcess(
      delivery({ dueAt }),
      envelope({ depth }),
      ROOT_CONTEXT,
      "w",
    );
    process.settled("accepted");
    return process.depth;
  };
  const hour = START + 3_600_000;
  assertEquals(
    [
      depthAfter(hour, 100),
      depthAfter(hour + 1, 5),
      depthAfter(undefined, 101),
    ],
    [100, 0, 0],
  );
  const spans = await exported(at);
  assertEquals(
    spans.map((span) => span.traceId === REMOTE.traceId),
    [true, false, false],
  );
  assertEquals(
    spans.map((span) => span.attributes["baton.trace.cut"]),
    [undefined, "delay", "depth"],
  );
  assertEquals(spans.slice(1).map((span) => span.links.length), [1, 1]);
});

test("startProcess() shows what cannot be opened in a trace of its own", async () => {
  const at = await bench();
  const process = at.instrument.startProcess(
    delivery({ name: "stranger" }),
    undefined,
    within(),
    "w",
  );
  process.finish({
    state: "released",
    error: undefined,
    errorType: "unknown_task",
  });
  process.settled("accepted");
  const span = await theOnly(at);
  assertEquals(span.parentSpanId, undefined);
  assertEquals(span.links.length, 1);
  assertEquals(span.status, { code: "ERROR" });
  assertEquals(span.attributes["error.type"], "unknown_task");
  assertEquals(span.attributes["baton.state"], "released");
  assertFalse("baton.timeout" in span.attributes);
  assertEquals(span.events, []);
});

test("ProcessTrace.finish() tells the outermost message and every error behind it, once each", async () => {
  const clock = standing();
  const at = await bench({ clock });
  const root = new TypeError("root");
  const loop: Error & { cause?: unknown } = new Error("loop", { cause: root });
  root.cause = loop;
  const many = new AggregateError([root, "a text", 5], "many");
  const error = new RangeError("outermost", { cause: many });
  const process = at.instrument.startProcess(
    delivery(),
    envelope(),
    ROOT_CONTEXT,
    "w",
  );
  clock.advance(10);
  process.finish(failed(error));
  process.settled("accepted");
  const span = await theOnly(at);
  assertEquals(span.status, { code: "ERROR", message: "outermost" });
  assertEquals(span.attributes["error.type"], "RangeError");
  assertEquals(span.attributes["baton.state"], "retry");
  assertEquals(
    span.events.map(({ name, at, attributes }) => [
      name,
      at - START,
      attributes["exception.type"],
      attributes["exception.message"],
    ]),
    [
      ["exception", 10, "RangeError", "outermost"],
      ["exception", 10, "AggregateError", "many"],
      ["exception", 10, "TypeError", "root"],
      ["exception", 10, "Error", "loop"],
      ["exception", 10, "string", "a text"],
      ["exception", 10, "number", "A value that is no Error was thrown"],
    ],
  );
  assertEquals(
    span.events.map(({ attributes }) => attributes["exception.stacktrace"]),
    [error.stack, many.stack, root.stack, loop.stack, undefined, undefined],
  );
});

test("ProcessTrace.finish() is bounded, and survives errors that cannot be read", async () => {
  const at = await bench();
  let chain = new Error("0");
  for (let i = 1; i < 50; i++) chain = new Error(`${i}`, { cause: chain });
  const wide = new AggregateError(
    Array.from({ length: 100 }, (_, i) => new Error(`${i}`)),
    "m".repeat(10_000),
  );
  const hostile = new Error("unread");
  Object.defineProperty(hostile, "message", {
    get() {
      throw new Error("no");
    },
  });
  Object.defineProperty(hostile, "cause", {
    get() {
      throw new Error("no");
    },
  });
  const { proxy: unreadable, revoke } = Proxy.revocable(hostile, {});
  revoke();
  const among = new AggregateError([unreadable, new Error("read")]);
  for (const error of [chain, wide, hostile, null, among]) {
    const process = at.instrument.startProcess(
      delivery(),
      envelope(),
      ROOT_CONTEXT,
      "w",
    );
    process.finish(failed(error));
    process.settled("accepted");
  }
  const spans = await exported(at);
  assertEquals(spans.map(({ events }) => events.length), [10, 32, 1, 1, 2]);
  assertEquals(spans[1]!.status.message?.length, 4_096);
  assertEquals(
    spans.map(({ status }) => status.code),
    ["ERROR", "ERROR", "ERROR", "ERROR", "ERROR"],
  );
  assertEquals(spans[3]!.attributes["error.type"], "null");
});

test("ProcessTrace.settled() says that a settlement was stale or never answered", async () => {
  const at = await bench();
  const ends = [["stale", success], ["unknown", success], [
    "stale",
    failed(new TypeError("mine")),
  ]] as const;
  for (const [answer, end] of ends) {
    const process = at.instrument.startProcess(
      delivery(),
      envelope(),
      ROOT_CONTEXT,
      "w",
    );
    process.finish(end);
    process.settled(answer);
  }
  const spans = await exported(at);
  assertEquals(
    spans.map(({ attributes, status }) => [
      attributes["baton.state"],
      attributes["error.type"],
      status.code,
    ]),
    [
      ["stale", "lease_lost", "ERROR"],
      ["unknown", "broker_unavailable", "ERROR"],
      ["stale", "TypeError", "ERROR"],
    ],
  );
  assertEquals(spans[2]!.status.message, "mine");
  assertEquals(points(at, "baton.task.retries"), []);
});

test("ProcessTrace.finish() counts the first end, as that of an attempt whose handler returns when it was abandoned", async () => {
  const clock = standing();
  const at = await bench({ clock });
  const process = at.instrument.startProcess(
    delivery(),
    envelope(),
    ROOT_CONTEXT,
    "w",
  );
  clock.advance(1_000);
  process.finish(failed(new TypeError("abandoned")));
  process.settled("unknown");
  clock.advance(1_000);
  process.finish(success);
  const span = await theOnly(at);
  assertEquals(span.status.message, "abandoned");
  assertEquals(
    points(at, "messaging.process.duration").map(({ value, attributes }) => [
      value,
      attributes["baton.state"],
    ]),
    [[1, failed(new TypeError()).state]],
  );
});

test("ProcessTrace.run() makes the span current, in the registered or the given context manager", async () => {
  const at = await bench();
  let current: Context = ROOT_CONTEXT;
  const manager: ContextManager = {
    active: () => current,
    with(next, call, self, ...args) {
      const before = current;
      current = next;
      try {
        return call.call(self, ...args);
      } finally {
        current = before;
      }
    },
    bind: (_context, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  const seen = async (telemetry: QueueTelemetry): Promise<boolean> => {
    const { instrument } = await bench({ telemetry });
    const process = instrument.startProcess(
      delivery(),
      envelope(),
      ROOT_CONTEXT,
      "w",
    );
    return process.run(() => instrument.activeContext() === process.context);
  };
  const { tracerProvider } = at.telemetry;
  assert(await seen({ tracerProvider, contextManager: manager }), "given");
  // as in JavaScript, where no type asks for the rest
  const plain = {
    ...manager,
    with: (next: Context, call: () => unknown) => manager.with(next, call),
  } as unknown as ContextManager;
  assert(
    await seen({ tracerProvider, contextManager: plain }),
    "given, and one that hands no arguments on",
  );
  api.setGlobalContextManager(manager);
  try {
    assert(await seen({ tracerProvider }), "registered");
  } finally {
    api.disable();
  }
});

// ---------------------------------------------------------------- drain

test("startDrain() leaves nothing of a drain that found nothing", async () => {
  const at = await bench();
  const drain = at.instrument.startDrain(ROOT_CONTEXT);
  drain.startStep(settling(0))(step());
  drain.end(0);
  assertEquals(await exported(at), []);
  assertEquals(points(at, "messaging.client.operation.duration"), []);
  assertEquals(points(at, "baton.broker.commands").map((p) => p.value), [4]);
});

test("startDrain() is a trace of its own, with a receive and a settle span for what a step moved", async () => {
  const clock = standing();
  const at = await bench({ clock });
  const drain = at.instrument.startDrain(within());
  clock.advance(5);
  const claimed = drain.startStep(settling(0));
  clock.advance(10);
  claimed(step({ received: 3 }));
  clock.advance(100);
  const both = drain.startStep(settling(3));
  clock.advance(20);
  both(step({ received: 2, settled: 3 }));
  const last = drain.startStep(settling(2));
  last(step({ settled: 2 }));
  drain.startStep(settling(0))(step());
  clock.advance(1);
  drain.end(5);
  const spans = await exported(at);
  const root = spans.find(({ name }) => name === "drain images")!;
  assertEquals([root.kind, root.parentSpanId], ["INTERNAL", undefined]);
  assert(root.traceId !== REMOTE.traceId);
  assertEquals(root.links.map(({ spanId }) => spanId), [REMOTE.spanId]);
  assertEquals([root.startAt, root.endAt], [START, START + 136]);
  assertEquals(root.attributes["baton.drain.moved"], 5);
  const clients = spans.filter((span) => span !== root);
  assert(clients.every(({ kind }) => kind === "CLIENT"));
  assert(clients.every(({ parentSpanId }) => parentSpanId === root.spanId));
  assertEquals(
    clients.map(({ name, attributes, startAt, endAt }) => [
      name,
      attributes["messaging.operation.type"],
      attributes["messaging.batch.message_count"],
      startAt - START,
      endAt - START,
    ]),
    [
      ["receive images", "receive", 3, 5, 15],
      ["receive images", "receive", 2, 115, 135],
      ["settle images", "settle", 3, 115, 135],
      ["settle images", "settle", 2, 135, 135],
    ],
  );
  const samples = points(at, "messaging.client.operation.duration");
  assertEquals(
    samples.map(({ attributes, value }) => [
      attributes["messaging.operation.name"],
      value,
    ]),
    [["receive", 2], ["settle", 1]],
  );
});

test("startDrain() shows failed steps and expired leases", async () => {
  const at = await bench();
  const drain = at.instrument.startDrain(ROOT_CONTEXT);
  drain.startStep(settling(0))(step({ reaped: 2, reapedIds: ["a", "b"] }));
  const down = new BrokerError("unavailable", "The broker is down", 3);
  drain.startStep(settling(4))(step({ error: down }));
  drain.startStep(settling(0))(step({ error: down }));
  drain.end(0, down);
  const spans = await exported(at);
  assertEquals(
    spans.map(({ name, status, attributes }) => [
      name,
      status.code,
      attributes["error.type"],
      attributes["messaging.message.id"],
    ]).sort(),
    [
      ["drain images", "ERROR", "broker_unavailable", undefined],
      ["lease expired images", "ERROR", "lease_expired", "a"],
      ["lease expired images", "ERROR", "lease_expired", "b"],
      ["receive images", "ERROR", "broker_unavailable", undefined],
      ["settle images", "ERROR", "broker_unavailable", undefined],
    ],
  );
  assertEquals(points(at, "baton.lease.expired").map((p) => p.value), [2]);
  assertEquals(points(at, "baton.broker.requests").map((p) => p.value), [7]);
});

test("flush() sends a drain's own scope, and leaves a scope that was open to who opened it", async () => {
  const at = await bench();
  const outer = at.telemetry.openScope(ROOT_CONTEXT);
  const tracer = at.telemetry.tracerProvider.getTracer("test");
  const request = tracer.startSpan("request", {}, outer);
  const drainIn = async (context: Context) => {
    const drain = at.instrument.startDrain(context);
    drain.startStep(settling(0))(step({ received: 1 }));
    drain.end(1);
    await at.instrument.flush(drain.context);
  };
  await drainIn(outer);
  assertEquals(at.collector.spans, []);
  await drainIn(ROOT_CONTEXT);
  assertEquals(
    at.collector.spans.map(({ name }) => name),
    ["receive images", "drain images"],
  );
  request.end();
  await at.telemetry.flush(outer);
  assertEquals(at.collector.spans.length, 5);
});

test("flush() never rejects, and does not wait for ever", async () => {
  const waits: number[] = [];
  const clock: Clock = {
    now: () => START,
    after(ms, callback) {
      waits.push(ms);
      queueMicrotask(callback);
      return () => {};
    },
  };
  const flushing = async (flush: () => Promise<unknown>) => {
    const { instrument } = await bench({ clock, telemetry: { flush } });
    await instrument.flush();
  };
  await flushing(() => Promise.reject(new Error("no")));
  await flushing(() => {
    throw new Error("no");
  });
  await flushing(() => new Promise(() => {}));
  assertEquals(waits.at(-1), 6_000);
});
