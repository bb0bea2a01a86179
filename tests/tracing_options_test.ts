/** How the spans of a queue are shaped: what `tracing` takes, and what each of it does. */
import {
  type Context,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from "@opentelemetry/api";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type CorrelatedTask,
  defineTask,
  Queue,
  type QueueTracing,
} from "../mod.ts";
import { parentBased, ratio } from "../src/otlp/mod.ts";
import { test } from "./support/suite.ts";
import {
  bench,
  delivery,
  envelope,
  exported,
  REMOTE,
  sent,
  success,
  traced,
  within,
} from "./support/traced.ts";

// ---------------------------------------------------------------- the options

const refused: readonly (readonly [object, string])[] = [
  [{ corelation: "link" }, "Unknown option 'corelation' of tracing"],
  [{ correlation: "child" }, "tracing.correlation must be one of parent"],
  [{ correlation: "function" }, "tracing.correlation must be one of parent"],
  [{ spanNaming: "name" }, "tracing.spanNaming must be one of queue, task"],
  [{ createSpans: "yes" }, "tracing.createSpans must be one of true, false"],
  [{ conventions: "celery" }, "must be one of baton, django-q2"],
  [{ clientSpans: 1 }, "tracing.clientSpans must be one of true, false"],
  [{ propagateTo: {} }, "tracing.propagateTo must be one of function"],
  ...["correlation", "spanNaming", "createSpans"].map((name) =>
    [
      {
        conventions: "django-q2",
        [name]: { correlation: "link", spanNaming: "task" }[name] ?? true,
      },
      `tracing.${name} has no effect with the conventions of django-q2`,
    ] as const
  ),
];

test("Queue() refuses tracing that is unknown, wrong, or decided by the conventions", () => {
  for (const [tracing, message] of refused) {
    assertThrows(
      () => Queue.inMemory({ tracing: tracing as QueueTracing }),
      TypeError,
      message,
    );
  }
  assertThrows(
    () => Queue.inMemory({ redact: "all" as never }),
    TypeError,
    "'redact' must be a function",
  );
});

test("Queue() takes every way of tracing", () => {
  const all: readonly QueueTracing[] = [
    {},
    { correlation: undefined as never, conventions: "baton" },
    { correlation: () => "link", spanNaming: "task", createSpans: true },
    { correlation: "auto", spanNaming: "queue", createSpans: false },
    { conventions: "django-q2", clientSpans: false, propagateTo: () => "all" },
  ];
  for (const tracing of all) Queue.inMemory({ tracing });
});

// ---------------------------------------------------------------- correlation

/** Whether an attempt continues the producer's trace, or is linked to it. */
async function correlated(
  correlation: NonNullable<QueueTracing["correlation"]>,
  more: Parameters<typeof envelope>[0] = {},
): Promise<"parent" | "link"> {
  const at = await bench({ tracing: { correlation } });
  const process = at.instrument
    .startProcess(delivery({ attempt: 2 }), envelope(more), ROOT_CONTEXT, "w");
  process.settled("accepted");
  const [span] = await exported(at);
  const links = span!.links.map(({ spanId }) => spanId);
  if (span!.parentSpanId === REMOTE.spanId && links.length === 0) {
    return "parent";
  }
  assertEquals([span!.parentSpanId, links], [undefined, [REMOTE.spanId]]);
  assert(span!.traceId !== REMOTE.traceId);
  return "link";
}

test("startProcess() continues the trace of a task on its own and links one of a batch when correlation is auto", async () => {
  assertEquals(await correlated("auto"), "parent");
  assertEquals(await correlated("auto", { batched: true }), "link");
  assertEquals(await correlated("parent", { batched: true }), "parent");
  assertEquals(await correlated("link"), "link");
});

test("startProcess() asks the function that correlation is, and continues the trace when it fails", async () => {
  const seen: CorrelatedTask[] = [];
  const ask = (task: CorrelatedTask) => {
    seen.push(task);
    return task.label === "of June" ? "link" as const : "parent" as const;
  };
  assertEquals(await correlated(ask), "parent");
  assertEquals(await correlated(ask, { label: "of June", depth: 3 }), "link");
  assertEquals(seen, [
    {
      ...{ id: "t-1", name: "resize", label: "of May", attempt: 2 },
      ...{ batched: false, depth: 0 },
    },
    {
      ...{ id: "t-1", name: "resize", label: "of June", attempt: 2 },
      ...{ batched: false, depth: 3 },
    },
  ]);
  const nonsense = [() => "child" as never, () => {
    throw new Error("no");
  }];
  for (const ask of nonsense) assertEquals(await correlated(ask), "parent");
});

test("enqueueMany() marks the tasks of a batch, and no task on its own", async () => {
  const look = defineTask("look", { run: (_: void): void => {} });
  const seen: boolean[] = [];
  const queue = Queue.inMemory({
    handlers: [look],
    telemetry: traced().telemetry,
    tracing: {
      correlation({ batched }) {
        seen.push(batched);
        return "parent";
      },
    },
  });
  await queue.enqueue(look);
  await queue.enqueueMany([look.with()]);
  await queue.drain();
  await queue.enqueueMany([look.with(), look.with()]);
  await queue.drain();
  assertEquals(seen, [false, false, true, true]);
});

test("startProcess() is the child of a producer that was not sampled, so that neither is exported", async () => {
  const unsampled: SpanContext = { ...REMOTE, traceFlags: 2 };
  const carrier = {
    traceparent: `00-${unsampled.traceId}-${unsampled.spanId}-02`,
  };
  for (const correlation of ["link", "parent"] as const) {
    const at = await bench({ tracing: { correlation } });
    const process = at.instrument
      .startProcess(delivery(), envelope({ carrier }), ROOT_CONTEXT, "w");
    process.settled("accepted");
    assertEquals(await exported(at), []);
    assertEquals(process.traceparent().slice(3, 35), unsampled.traceId);
    assertEquals(process.traceparent().slice(-2), "02");
  }
});

test("startProcess() samples what is linked to a sampled producer where a Telemetry samples by the parent, and no other root", async () => {
  const at = traced({ sampler: parentBased(ratio(0)) });
  const { instrument } = await bench({
    telemetry: at.telemetry,
    tracing: { correlation: "link" },
  });
  const process = instrument
    .startProcess(delivery(), envelope(), ROOT_CONTEXT, "w");
  const root = (context: Context) =>
    at.telemetry.tracerProvider.getTracer("app")
      .startSpan("root", {}, trace.deleteSpan(context)).end();
  root(ROOT_CONTEXT);
  root(process.context);
  process.finish(success);
  process.settled("accepted");
  const spans = await exported(at);
  assertEquals(spans.map(({ name }) => name), ["process images"]);
});

// ---------------------------------------------------------------- names

test("createInstrument() names spans after a task that somebody defined, and after the queue else, when spanNaming is task", async () => {
  const at = await bench({
    tracing: { spanNaming: "task", createSpans: true },
  });
  const { instrument } = at;
  const stranger = { ...sent, name: "stranger" };
  const contract = { ...sent, name: "contract", defined: true };
  instrument.startEnqueue(ROOT_CONTEXT, [sent]).succeed(1);
  instrument.startEnqueue(ROOT_CONTEXT, [contract]).succeed(1);
  instrument.startEnqueue(ROOT_CONTEXT, [stranger]).succeed(1);
  instrument.startEnqueue(ROOT_CONTEXT, [sent, sent]).succeed(2);
  instrument.startEnqueue(ROOT_CONTEXT, [sent, stranger]).succeed(2);
  for (const name of ["resize", "stranger"]) {
    instrument.startProcess(delivery({ name }), envelope(), ROOT_CONTEXT, "w")
      .settled("accepted");
  }
  const spans = await exported(at);
  assertEquals(spans.map(({ name }) => name), [
    "enqueue resize",
    "enqueue contract",
    "enqueue images",
    "create resize",
    "create resize",
    "enqueue resize",
    "create resize",
    "create images",
    "enqueue images",
    "process resize",
    "process images",
  ]);
});

// ---------------------------------------------------------------- create

test("startEnqueue() makes a create span for each task of a batch, whose context travels, when createSpans is set", async () => {
  const at = await bench({ tracing: { createSpans: true } });
  const other = { ...sent, id: "t-2" };
  const enqueue = at.instrument.startEnqueue(within(), [sent, other]);
  enqueue.succeed(2);
  const [first, second, send] = await exported(at);
  assertEquals(
    [first, second].map((span) => [
      span!.name,
      span!.kind,
      span!.parentSpanId,
      span!.attributes,
    ]),
    [sent, other].map(({ id }) => [
      "create images",
      "PRODUCER",
      REMOTE.spanId,
      {
        "messaging.system": "baton",
        "messaging.operation.name": "create",
        "messaging.operation.type": "create",
        "messaging.destination.name": "images",
        "messaging.message.id": id,
        "baton.broker.type": "baton.MemoryBroker",
        "baton.task.name": "resize",
        "baton.task.label": "of May",
      },
    ]),
  );
  assertEquals([send!.name, send!.kind], ["enqueue images", "CLIENT"]);
  assertEquals(send!.attributes["messaging.operation.type"], "send");
  assertEquals(send!.attributes["messaging.batch.message_count"], 2);
  assertEquals(
    send!.links.map(({ spanId }) => spanId),
    [first!.spanId, second!.spanId],
  );
  assertEquals(
    [0, 1].map((i) => enqueue.carrierOf(i).traceparent),
    [first, second].map((s) => `00-${REMOTE.traceId}-${s!.spanId}-03`),
  );
});

test("startEnqueue() links to 128 of the tasks it created, and creates none for a task on its own", async () => {
  const at = await bench({ tracing: { createSpans: true } });
  const many = Array.from({ length: 200 }, (_, i) => ({ ...sent, id: `${i}` }));
  at.instrument.startEnqueue(ROOT_CONTEXT, many).succeed(200);
  at.instrument.startEnqueue(ROOT_CONTEXT, [sent]).succeed(1);
  const spans = await exported(at);
  assertEquals(spans.length, 202);
  const [batch, alone] = spans.slice(200);
  assertEquals([batch!.links.length, batch!.droppedLinks], [128, 0]);
  assertEquals([alone!.kind, alone!.links], ["PRODUCER", []]);
});

test("enqueueMany() hands each task the context of its own create span", async () => {
  const look = defineTask("look", { run: (_: void): void => {} });
  const at = traced();
  const queue = Queue.inMemory({
    handlers: [look],
    telemetry: at.telemetry,
    tracing: { createSpans: true },
  });
  await queue.enqueueMany([look.with(), look.with(), look.with()]);
  await queue.drain();
  const spans = await exported(at);
  const created = spans.filter(({ name }) => name === "create default");
  const processed = spans.filter(({ kind }) => kind === "CONSUMER");
  assertEquals(
    processed.map(({ parentSpanId }) => parentSpanId),
    created.map(({ spanId }) => spanId),
  );
  assertEquals(processed.length, 3);
});
