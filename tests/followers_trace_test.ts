/** Chains and hooks are one trace: PRODUCER A → CONSUMER A → PRODUCER B → CONSUMER B …, whatever becomes of the settlement between. */
import { ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";
import { assert, assertEquals } from "@std/assert";
import {
  defineTask,
  type Handler,
  NonRetryableError,
  Queue,
  type QueueTracing,
  type Settled,
} from "../mod.ts";
import type { WorkflowBroker } from "../src/broker/broker.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import { execute } from "../src/queue/execute.ts";
import { bench as consumerBench, gate } from "./support/consumer.ts";
import type { ReceivedSpan } from "./support/collector.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import { recording } from "./support/recording_broker.ts";
import { test } from "./support/suite.ts";
import { exported, START, traced } from "./support/traced.ts";

const a = defineTask<void>("a");
const b = defineTask<void>("b", { maxAttempts: 1 });
const c = defineTask<void>("c");
const end = defineTask<Settled>("end");
const hook = defineTask<Settled>("hook");

const handlers: readonly Handler[] = [
  a.handle(() => {}),
  b.handle(() => {
    throw new NonRetryableError("no");
  }),
  c.handle(() => {}),
  end.handle(() => {}),
  hook.handle(() => {}),
];

/** Everything exported of a request that enqueues a chain with hooks, and of the drain that runs it. */
async function told(
  broker: WorkflowBroker,
  tracing: QueueTracing = {},
): Promise<readonly ReceivedSpan[]> {
  const at = traced();
  const queue = new Queue({
    name: `traced-${crypto.randomUUID()}`,
    broker,
    handlers,
    telemetry: at.telemetry,
    tracing,
  });
  const tracer = at.telemetry.tracerProvider.getTracer("app");
  const span = tracer.startSpan("GET /", { kind: SpanKind.SERVER });
  await queue.within(trace.setSpan(ROOT_CONTEXT, span)).chain([
    a.with(),
    b.with(undefined, { onFailure: hook, label: "of May" }),
    c.with(),
  ], { onFailure: "continue", onSettled: end });
  span.end();
  await queue.drain({ lingerMs: 0 });
  return await exported(at);
}

/** The spans of tasks, each under what it is a child of, with the names of their tasks. */
function tree(spans: readonly ReceivedSpan[], name: string): unknown {
  const children = (parent: ReceivedSpan): unknown =>
    Object.fromEntries(
      spans.filter(({ parentSpanId }) => parentSpanId === parent.spanId)
        .map((
          span,
        ) => [`${span.kind} ${span.attributes[name]}`, children(span)])
        .sort(),
    );
  return children(spans.find((span) => span.name === "GET /")!);
}

const expected = {
  "PRODUCER a": {
    "CONSUMER a": {
      "PRODUCER b": {
        "CONSUMER b": {
          "PRODUCER c": {
            "CONSUMER c": { "PRODUCER end": { "CONSUMER end": {} } },
          },
          "PRODUCER hook": { "CONSUMER hook": {} },
        },
      },
    },
  },
};

for (const conventions of ["baton", "django-q2"] as const) {
  const attribute = conventions === "baton"
    ? "baton.task.name"
    : "django_q2.func";
  test(`chain() and hooks are one trace in memory, by the conventions of ${conventions}`, async () => {
    const spans = await told(new MemoryBroker(), { conventions });
    assertEquals(tree(spans, attribute), expected);
  });

  test(`chain() and hooks are one trace on Redis, by the conventions of ${conventions}`, async () => {
    await using at = await gatewayBroker(START);
    const spans = await told(at.broker, { conventions });
    assertEquals(tree(spans, attribute), expected);
  });
}

/** What the spans of a task say under some keys; the same on both. */
function says(
  spans: readonly ReceivedSpan[],
  task: string,
  nameKey: string,
  ...keys: readonly string[]
): readonly unknown[] {
  const both = spans.filter(({ attributes }) => attributes[nameKey] === task);
  const [producer, consumer] = ["PRODUCER", "CONSUMER"].map((kind) => {
    const span = both.find((span) => span.kind === kind)!;
    return keys.map((key) => span.attributes[key]);
  });
  assertEquals(producer, consumer, task);
  return producer!;
}

test("the spans of a chain name its id, what is left of it, and the hooks", async () => {
  const spans = await told(new MemoryBroker());
  const of = (task: string) =>
    says(
      spans,
      task,
      "baton.task.name",
      "baton.chain_length",
      "baton.hook",
      "baton.task.label",
    );
  assertEquals(["a", "b", "c", "end", "hook"].map(of), [
    [2, undefined, undefined],
    [1, "hook", "of May"],
    [undefined, undefined, undefined],
    [undefined, undefined, undefined],
    [undefined, undefined, undefined],
  ]);
  const [ids, ...others] = ["a", "b", "c", "end", "hook"].map((task) =>
    says(
      spans,
      task,
      "baton.task.name",
      "baton.group",
      "messaging.message.conversation_id",
    )
  );
  assert(typeof ids![0] === "string" && ids![0] === ids![1]);
  const none = [undefined, undefined];
  assertEquals(others, [ids, ids, none, none]);
});

test("the spans of a chain say in django-q2's words what is left of it, 0 on the last link, and the hook", async () => {
  const spans = await told(new MemoryBroker(), { conventions: "django-q2" });
  const of = (task: string) =>
    says(
      spans,
      task,
      "django_q2.func",
      "django_q2.chain_length",
      "django_q2.hook",
    );
  assertEquals(["a", "b", "c", "end"].map(of), [
    [2, undefined],
    [1, "hook"],
    [0, undefined],
    [undefined, undefined],
  ]);
});

test("a chain begins another trace after 100 links, linked to the first", async () => {
  const at = traced();
  const { telemetry } = at;
  const queue = Queue.inMemory({ handlers, telemetry });
  await queue.chain(Array.from({ length: 103 }, () => c.with()));
  await queue.drain({ settleMs: 0 });
  const spans = await exported(at);
  const consumers = spans.filter(({ kind }) => kind === "CONSUMER");
  const traces = Map.groupBy(consumers, ({ traceId }) => traceId);
  assertEquals([...traces.values()].map(({ length }) => length), [101, 2]);
  const [first] = [...traces.values()][1]!;
  const producer = spans.find(({ spanId }) =>
    first!.links.some((link) => link.spanId === spanId)
  );
  assertEquals(producer?.kind, "PRODUCER");
  assertEquals(producer?.traceId, [...traces.keys()][0]);
});

/** Begins an attempt of `c`, which has three hooks. */
async function begin(handlers: readonly Handler[]) {
  const bench = consumerBench({ handlers });
  await bench.enqueue(
    c.with(undefined, { onSettled: hook, onSuccess: hook, onFailure: hook }),
  );
  const { deliveries, now } = await bench.broker.step("tested", {
    consumer: "me",
    seq: 1,
    leaseMs: 1_000,
    limit: 1,
    maxBytes: 1_000,
    alone: true,
    settle: [],
    extend: [],
  });
  const execution = execute(bench.parts, deliveries[0]!, {
    now,
    ambient: ROOT_CONTEXT,
    worker: "me",
    extend: () => Promise.resolve(),
    progress() {},
  });
  return { bench, execution };
}

test("the PRODUCER span of a link brackets the settlement, and tells its answer", async () => {
  for (const answer of ["accepted", "stale", "unknown"] as const) {
    const { bench, execution } = await begin(handlers);
    const { settlement, answered } = await execution.concluded;
    assertEquals(settlement.enqueue.map(({ name }) => name), ["hook", "hook"]);
    const [, ...born] = bench.instrument.enqueued;
    assertEquals(born.map(({ ends }) => ends), [[], []]);
    answered(answer);
    const ends = answer === "accepted" ? ["sent"] : ["failed"];
    assertEquals(born.map(({ ends }) => ends), [ends, ends]);
  }
});

test("what follows a task whose settlement is lost or late is told with an error, and exported", async () => {
  const at = traced();
  const memory = new MemoryBroker();
  const broker = recording(memory, {
    step: async (queue, request) => {
      const reply = await memory.step(queue, request);
      return { ...reply, stale: request.settle.map(({ id }) => id) };
    },
  });
  const queue = new Queue({ broker, handlers, telemetry: at.telemetry });
  await queue.chain([a.with(), c.with()]);
  await queue.drain({ lingerMs: 0, maxRequests: 2 });
  const spans = await exported(at);
  const born = spans.find(({ kind, attributes }) =>
    kind === "PRODUCER" && attributes["baton.task.name"] === "c"
  );
  assertEquals(born?.status.code, "ERROR");
  assertEquals(born?.attributes["error.type"], "lease_lost");
});

test("an attempt that nobody waits for leaves no open span of what would follow it", async () => {
  const door = gate();
  const { bench, execution } = await begin([c.handle(() => door.opened)]);
  execution.abandon(new Error("over"));
  door.open();
  const { outcome, settlement } = await execution.concluded;
  assertEquals([outcome, settlement.enqueue], ["completed", []]);
  assertEquals(bench.instrument.enqueued.length, 1);
});
