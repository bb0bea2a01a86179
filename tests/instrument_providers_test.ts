import {
  type Context,
  type ContextManager,
  type MeterProvider,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  type TextMapPropagator,
  trace,
  type TracerProvider,
} from "@opentelemetry/api";
import {
  assert,
  assertEquals,
  assertFalse,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { defineTask, Queue, type QueueTelemetry } from "../mod.ts";
import { TraceState } from "../src/w3c/mod.ts";
import type { ReceivedMetric } from "./support/collector.ts";
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
  traced,
  TRACEPARENT,
  within,
} from "./support/traced.ts";

// ---------------------------------------------------------------- metrics

test("createInstrument() measures with the advised buckets, and labels that are bounded", async () => {
  const clock = standing();
  const at = await bench({ clock });
  const { instrument } = at;
  const enqueue = instrument.startEnqueue(ROOT_CONTEXT, [
    sent,
    { id: "t-2", name: "ad hoc", label: "x", defined: false },
    { id: "t-3", name: "contract only", label: "x", defined: true },
  ]);
  clock.advance(40);
  enqueue.succeed(3);
  const drain = instrument.startDrain(ROOT_CONTEXT);
  drain.startStep(settling(0))(step({
    received: 2,
    reaped: 1,
    now: START + 7_000,
    deliveries: [
      delivery({ dueAt: START + 5_000 }),
      delivery({ attempt: 2 }),
      delivery({ name: "stranger" }),
    ],
  }));
  for (
    const [name, end] of [
      ["resize", success],
      ["resize", failed(new Error("no"))],
      ["stranger", { ...failed(new Error("no")), state: "dead" }],
    ] as const
  ) {
    const process = instrument.startProcess(
      delivery({ name }),
      envelope(),
      drain.context,
      "w",
    );
    clock.advance(200);
    process.finish(end);
    process.settled("accepted");
  }
  instrument.spent("cancel", { requests: 1, commands: 6 });
  drain.end(3);
  await exported(at);
  const taken = (name: string) =>
    points(at, name).map(({ attributes, value }) => [
      attributes["baton.task.name"],
      attributes["baton.state"],
      value,
    ]);
  assertEquals(taken("messaging.client.sent.messages"), [
    ["resize", undefined, 1],
    ["_OTHER", undefined, 1],
    ["contract only", undefined, 1],
  ]);
  assertEquals(taken("messaging.process.duration"), [
    ["resize", "success", 1],
    ["resize", "retry", 1],
    ["_OTHER", "dead", 1],
  ]);
  assertEquals(taken("messaging.client.consumed.messages"), [
    ["resize", undefined, 2],
    ["_OTHER", undefined, 1],
  ]);
  assertEquals(taken("baton.task.retries"), [["resize", undefined, 1]]);
  assertEquals(taken("baton.task.dead"), [["_OTHER", undefined, 1]]);
  assertEquals(taken("baton.lease.expired"), [[undefined, undefined, 1]]);
  const wait = at.collector.points("baton.task.wait");
  assertEquals(wait.map(({ count, sum }) => [count, sum]), [[1, 2], [1, 7]]);
  assertEquals(
    points(at, "baton.broker.commands").map(({ attributes, value }) => [
      attributes["messaging.operation.name"],
      value,
    ]),
    [["step", 4], ["cancel", 6]],
  );
  const [duration] = at.collector.points("messaging.client.operation.duration");
  assertEquals(duration!.sum, 0.04);
  assertEquals(
    duration!.bounds,
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  );
  assertEquals(units(at.collector.metrics), {
    "messaging.client.operation.duration": "s",
    "messaging.process.duration": "s",
    "messaging.client.sent.messages": "{message}",
    "messaging.client.consumed.messages": "{message}",
    "baton.task.wait": "s",
    "baton.task.retries": "{attempt}",
    "baton.task.dead": "{task}",
    "baton.lease.expired": "{lease}",
    "baton.queue.oldest_age": "s",
    "baton.broker.requests": "{request}",
    "baton.broker.commands": "{command}",
  });
  const text = JSON.stringify(at.collector.metrics);
  for (const unbounded of ["t-1", "t-2", "of May", "stranger", "ad hoc"]) {
    assertFalse(text.includes(unbounded), unbounded);
  }
});

function units(metrics: readonly ReceivedMetric[]): Record<string, string> {
  return Object.fromEntries(metrics.map(({ name, unit }) => [name, unit]));
}

// ---------------------------------------------------------------- providers

test("createInstrument() finds what is registered after it was made and used", async () => {
  const at = traced();
  const { instrument } = await bench({ telemetry: {} });
  instrument.startEnqueue(ROOT_CONTEXT, [sent]).succeed(1);
  assert(at.telemetry.register());
  try {
    instrument.startEnqueue(ROOT_CONTEXT, [sent]).succeed(1);
    const process = instrument.startProcess(
      delivery(),
      envelope(),
      ROOT_CONTEXT,
      "w",
    );
    process.finish(success);
    process.settled("accepted");
  } finally {
    at.telemetry.unregister();
  }
  instrument.startEnqueue(ROOT_CONTEXT, [sent]).succeed(1);
  const spans = await exported(at);
  assertEquals(
    spans.map(({ name }) => name),
    ["enqueue images", "process images"],
  );
  assertEquals(
    points(at, "messaging.process.duration").map(({ value }) => value),
    [1],
  );
  assertEquals(
    points(at, "messaging.client.sent.messages").map(({ value }) => value),
    [1],
  );
});

test("createInstrument() carries the trace on by itself where nothing is registered", async () => {
  const { instrument } = await bench({ telemetry: {} });
  const carrier = instrument.startEnqueue(within(), [sent]).carrierOf(0);
  assertEquals(carrier, { traceparent: TRACEPARENT });
  const process = instrument.startProcess(
    delivery(),
    envelope({ carrier }),
    ROOT_CONTEXT,
    "w",
  );
  assertEquals(process.traceparent(), TRACEPARENT);
});

test("createInstrument() uses the propagator that speaks traceparent: the option's, else the registered one, else its own", async () => {
  const speaking = (name: string, fields: string[]): TextMapPropagator => ({
    inject: (_context, carrier, setter) => {
      setter.set(carrier, "traceparent", name);
    },
    extract: (context) => context,
    fields: () => fields,
  });
  const carried = async (propagator?: TextMapPropagator) => {
    const telemetry = propagator ? { propagator } : {};
    const { instrument } = await bench({ telemetry });
    const trace = instrument.startEnqueue(within(), [sent]);
    return trace.carrierOf(0).traceparent;
  };
  assertEquals(await carried(speaking("given", ["traceparent"])), "given");
  assertEquals(await carried(speaking("b3", ["b3"])), TRACEPARENT);
  propagation.setGlobalPropagator(speaking("registered", ["traceparent"]));
  try {
    assertEquals(await carried(), "registered");
    assertEquals(await carried(speaking("b3", ["b3"])), "registered");
  } finally {
    propagation.disable();
  }
});

// ---------------------------------------------------------------- hostile telemetry

const boom = (): never => {
  throw new Error("telemetry is broken");
};

/** Every object that it makes throws at every call. */
const hostileSpan = {
  spanContext: boom,
  setAttribute: boom,
  setAttributes: boom,
  addEvent: boom,
  addLink: boom,
  addLinks: boom,
  setStatus: boom,
  updateName: boom,
  end: boom,
  isRecording: boom,
  recordException: boom,
};

function hostiles(): readonly QueueTelemetry[] {
  const instruments = { record: boom, add: boom };
  const meter = {
    createHistogram: () => instruments,
    createCounter: () => instruments,
  };
  const contextManager = {
    active: boom,
    with: boom,
    bind: boom,
    enable: boom,
    disable: boom,
  } as unknown as ContextManager;
  const all = {
    propagator: {
      inject: boom,
      extract: boom,
      fields: () => ["traceparent"],
    },
    contextManager,
    flush: boom,
    openScope: boom,
  };
  return [
    {
      ...all,
      tracerProvider: { getTracer: boom },
      meterProvider: { getMeter: boom } as unknown as MeterProvider,
    },
    {
      ...all,
      tracerProvider: {
        getTracer: () => ({ startSpan: boom, startActiveSpan: boom }),
      },
      meterProvider: {
        getMeter: () => ({ createHistogram: boom, createCounter: boom }),
      } as unknown as MeterProvider,
    },
    {
      ...all,
      propagator: { inject: boom, extract: boom, fields: boom },
      tracerProvider: {
        getTracer: () => ({
          startSpan: () => hostileSpan,
          startActiveSpan: boom,
        }),
      } as unknown as TracerProvider,
      meterProvider: { getMeter: () => meter } as unknown as MeterProvider,
    },
    {
      tracerProvider: {
        getTracer: () => ({ startSpan: () => undefined }),
      } as unknown as TracerProvider,
      meterProvider: { getMeter: () => undefined } as unknown as MeterProvider,
      propagator: {
        inject: () => {},
        extract: () => undefined as unknown as Context,
        fields: () => ["traceparent"],
      },
      contextManager: {
        active: () => undefined,
        with: () => undefined,
      } as unknown as ContextManager,
      openScope: () => undefined as unknown as Context,
      flush: () => undefined as unknown as Promise<unknown>,
    },
    {
      tracerProvider: {
        getTracer: () => ({ startSpan: () => ({ spanContext: () => ({}) }) }),
      } as unknown as TracerProvider,
    },
  ];
}

test("createInstrument() keeps every failure of the telemetry from the work", async () => {
  const broken = new Error("mine");
  for (const telemetry of hostiles()) {
    let runs = 0;
    const inner = defineTask("inner", { run: (_: void) => void runs++ });
    const outer = defineTask("outer", {
      maxAttempts: 1,
      async run(_input: void, ctx) {
        await ctx.enqueue(inner);
        await ctx.defer(inner);
        runs++;
      },
    });
    const failing = defineTask("failing", {
      maxAttempts: 1,
      run(_: void) {
        runs++;
        throw broken;
      },
    });
    const queue = Queue.inMemory({
      handlers: [inner, outer, failing],
      telemetry,
      tracing: { createSpans: true },
    });
    const [first, second] = await queue.enqueueMany([
      outer.with(),
      failing.with(),
    ]);
    await queue.drain();
    assertEquals((await queue.result(first!.id)).status, "completed");
    assertEquals((await queue.result(second!.id)).status, "dead");
    assertEquals(runs, 4);
    assertEquals((await queue.stats()).ready, 0);
  }
});

test("ProcessTrace.run() calls once, whatever the context manager does with the call", async () => {
  const hostile = (call: (run: () => unknown) => unknown): ContextManager =>
    ({
      active: () => ROOT_CONTEXT,
      with: (_context: Context, run: () => unknown) => call(run),
      bind: (_context: Context, target: unknown) => target,
    }) as unknown as ContextManager;
  const managers = [
    hostile(() => undefined),
    hostile(boom),
    hostile((run) => (run(), boom())),
    hostile((run) => (run(), run())),
    hostile((run) => (run(), "another answer")),
  ];
  for (const contextManager of managers) {
    const { instrument } = await bench({ telemetry: { contextManager } });
    const process = instrument.startProcess(
      delivery(),
      envelope(),
      ROOT_CONTEXT,
      "w",
    );
    let calls = 0;
    assertEquals(process.run(() => ++calls), 1);
    const own = new Error("own");
    assertThrows(
      () =>
        process.run(() => {
          calls++;
          throw own;
        }),
      Error,
      "own",
    );
    assertEquals(calls, 2);
  }
});

// ---------------------------------------------------------------- the whole trace

test("Queue makes seven spans of SERVER → A → B → C, each the child of the one before", async () => {
  const at = traced();
  const { telemetry } = at;
  const c = defineTask("c", { run: (_: void) => {} });
  const b = defineTask("b", {
    run: async (_: void, ctx) => void await ctx.enqueue(c),
  });
  const a = defineTask("a", {
    run: async (_: void, ctx) => void await ctx.enqueue(b),
  });
  const queue = Queue.inMemory({ handlers: [a, b, c], telemetry });
  const tracer = telemetry.tracerProvider.getTracer("server");
  const traceState = TraceState.parse("vendor=x")!;
  const server = tracer.startSpan(
    "POST /signup",
    { kind: SpanKind.SERVER },
    within({ ...REMOTE, traceState }),
  );
  await queue.within(trace.setSpan(ROOT_CONTEXT, server)).enqueue(a);
  server.end();
  await queue.drain({ settleMs: 1 });
  await telemetry.flush();
  const spans = at.collector.trace(REMOTE.traceId);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const chain: string[] = [];
  const last = spans.find(({ kind, attributes }) =>
    kind === "CONSUMER" && attributes["baton.task.name"] === "c"
  );
  for (let span = last; span; span = byId.get(span.parentSpanId ?? "")) {
    chain.unshift(`${span.kind} ${span.attributes["baton.task.name"] ?? ""}`);
  }
  assertEquals(chain, [
    "SERVER ",
    "PRODUCER a",
    "CONSUMER a",
    "PRODUCER b",
    "CONSUMER b",
    "PRODUCER c",
    "CONSUMER c",
  ]);
  assertEquals(spans.length, 7);
  assert(spans.every(({ traceState }) => traceState === "vendor=x"));
  assert(spans.every(({ flags }) => (flags & 0xff) === 3));
  const drain = at.collector.spans.find(({ name }) => name === "drain default");
  const others = at.collector.spans.filter((span) => !spans.includes(span));
  assert(drain !== undefined);
  assert(others.every(({ traceId }) => traceId === drain.traceId));
  for (const span of spans.filter(({ kind }) => kind === "CONSUMER")) {
    assertEquals(
      span.links.map(({ spanId }) => spanId),
      [drain.spanId],
    );
  }
  for (const span of spans) {
    const parent = byId.get(span.parentSpanId ?? "");
    if (parent) assertLess(parent.startAt - 1.5, span.startAt);
  }
});

test("Queue keeps null, 0, false and empty texts out of every attribute", async () => {
  const at = traced();
  const task = defineTask("t", {
    maxAttempts: 1,
    run: (_: void) => {
      throw new Error("");
    },
  });
  const queue = Queue.inMemory({ handlers: [task], telemetry: at.telemetry });
  await queue.enqueue(task, undefined, { id: "x" });
  await queue.enqueue(task, undefined, { id: "x" });
  await queue.drain();
  await exported(at);
  assertLess(5, at.collector.spans.length);
  for (const { name, attributes, events } of at.collector.spans) {
    for (const set of [attributes, ...events.map((e) => e.attributes)]) {
      for (const [key, value] of Object.entries(set)) {
        assert(value, `${key} of ${name} is ${JSON.stringify(value)}`);
      }
    }
  }
});

test("Queue tells no payload to spans or metrics", async () => {
  const at = traced();
  const task = defineTask<{ readonly password: string }>("t");
  const queue = Queue.inMemory({ telemetry: at.telemetry });
  await queue.enqueue(task, { password: "hunter2" });
  await assertRejects(() =>
    queue.enqueue(task, { password: { hunter2: 1n } } as never)
  );
  await exported(at);
  assertFalse(
    JSON.stringify(
      [at.collector.spans, at.collector.metrics],
      (_, value) => typeof value === "bigint" ? `${value}` : value,
    ).includes("hunter2"),
  );
});
