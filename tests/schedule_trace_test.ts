/** What a schedule leaves in traces: each slot begins one, linked to the call that made the schedule. */
import { propagation, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  BrokerError,
  defineTask,
  Queue,
  type QueueTracing,
  type ScheduleRequest,
  testClock,
} from "../mod.ts";
import { readEnvelope } from "../src/codec/opened.ts";
import { readSchedule } from "../src/codec/schedule.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import type { ReceivedSpan } from "./support/collector.ts";
import { recording } from "./support/recording_broker.ts";
import "./support/loaded.ts";
import { test } from "./support/suite.ts";
import {
  exported,
  points,
  REMOTE,
  type Traced,
  traced,
} from "./support/traced.ts";

const HOUR = 3_600_000;
const tick = defineTask<string>("tick");
const child = defineTask<string>("child");

/** A schedule of every hour that was entered within a request, and three hours of it. */
async function ran(
  tracing: QueueTracing = {},
): Promise<Traced & { readonly baggage: readonly unknown[] }> {
  const clock = testClock();
  const sent = traced();
  const baggage: unknown[] = [];
  const queue = Queue.inMemory({
    name: "q",
    clock,
    telemetry: sent.telemetry,
    tracing,
    handlers: [
      tick.handle(async (_, ctx) => {
        baggage.push(
          propagation.getBaggage(ctx.context)?.getAllEntries() ?? [],
        );
        await ctx.enqueue(child, "x");
      }),
      child.handle(() => {}),
    ],
  });
  const carried = propagation.createBaggage({ user: { value: "7" } });
  const context = propagation.setBaggage(
    trace.setSpanContext(ROOT_CONTEXT, REMOTE),
    carried,
  );
  await queue.schedule("hourly", tick.with("x"), { everyMs: HOUR }, {
    startAt: clock.now() + HOUR,
    context,
  });
  for (let hour = 0; hour < 4; hour++) {
    await queue.drain({ context });
    await clock.advance(HOUR);
  }
  return { ...sent, baggage };
}

const of = (spans: readonly ReceivedSpan[], kind: string, task?: string) =>
  spans.filter((span) =>
    span.kind === kind &&
    (task === undefined || span.attributes["baton.task.name"] === task)
  );

test("schedule() is a CLIENT span, and each slot begins a trace that is linked to it", async () => {
  const at = await ran();
  const spans = await exported(at);
  const [creation, ...others] = spans.filter(({ name }) =>
    name === "schedule q"
  );
  assert(creation);
  assertEquals([others.length, creation.kind, creation.parentSpanId], [
    0,
    "CLIENT",
    REMOTE.spanId,
  ]);
  assertEquals(creation.attributes, {
    "messaging.system": "baton",
    "messaging.operation.name": "schedule",
    "messaging.destination.name": "q",
    "baton.broker.type": "baton.MemoryBroker",
    "baton.schedule": "hourly",
    "baton.task.name": "tick",
    "baton.schedule.status": "created",
  });
  const producers = of(spans, "PRODUCER", "tick");
  assertEquals(producers.length, 3);
  assertEquals(new Set(producers.map(({ traceId }) => traceId)).size, 3);
  for (const producer of producers) {
    assertEquals(producer.name, "enqueue q");
    assertEquals(producer.parentSpanId, undefined);
    assert(producer.traceId !== creation.traceId);
    assertEquals(producer.links.map(({ spanId }) => spanId), [
      creation.spanId,
    ]);
    assertEquals(producer.attributes["baton.schedule"], "hourly");
    const inTrace = spans.filter(({ traceId }) => traceId === producer.traceId);
    const [run] = of(inTrace, "CONSUMER", "tick");
    assertEquals(run?.parentSpanId, producer.spanId);
    assertEquals(run?.attributes["baton.schedule"], "hourly");
    const [sent] = of(inTrace, "PRODUCER", "child");
    assertEquals(sent?.parentSpanId, run?.spanId);
    assertEquals(of(inTrace, "CONSUMER", "child").length, 1);
    assertEquals(inTrace.length, 4);
  }
});

test("drain() makes no spans and counts no messages of a schedule itself", async () => {
  const at = await ran();
  const spans = await exported(at);
  assertEquals(of(spans, "CONSUMER").length, 6);
  assertEquals(
    spans.filter(({ name }) => name === "drain q").length,
    3,
  );
  const batches = spans.filter(({ name }) => name === "receive q")
    .map(({ attributes }) => attributes["messaging.batch.message_count"]);
  assertEquals(batches, [1, 1, 1, 1, 1, 1]);
  const consumed = points(at, "messaging.client.consumed.messages");
  assertEquals(consumed.reduce((sum, { value }) => sum + value, 0), 6);
});

test("schedule() stores nobody's baggage, and carries none to its slots", async () => {
  const broker = recording(new MemoryBroker());
  const { telemetry } = traced();
  const queue = new Queue({ name: "q", broker, telemetry });
  const context = propagation.setBaggage(
    ROOT_CONTEXT,
    propagation.createBaggage({ user: { value: "7" } }),
  );
  await queue.schedule("s", tick.with("x"), { everyMs: HOUR }, { context });
  const [request] = broker.of<ScheduleRequest>("schedule");
  const opened = readSchedule(readEnvelope(request!.task.envelope));
  assert(opened.kind === "open");
  assertEquals(Object.keys(opened.schedule.carrier), ["traceparent"]);
  assertEquals((await ran()).baggage, [[], [], []]);
});

test("schedule() under django-q2's conventions is bare: its slots have roots without links, the group is its name", async () => {
  const at = await ran({ conventions: "django-q2" });
  const spans = await exported(at);
  assertEquals(
    new Set(spans.map(({ name }) => name)),
    new Set(["async_task/tick", "run/tick", "async_task/child", "run/child"]),
  );
  const slots = spans.filter(({ name }) => name === "async_task/tick");
  assertEquals(slots.length, 3);
  for (const { links, parentSpanId, attributes } of slots) {
    assertEquals([links, parentSpanId], [[], undefined]);
    assertEquals(attributes["django_q2.group"], "hourly");
    assertEquals("baton.schedule" in attributes, false);
  }
});

test("a slot begins a trace, though the drain that enqueues it has a span by then", async () => {
  const clock = testClock();
  const sent = traced();
  const queue = Queue.inMemory({
    name: "q",
    clock,
    telemetry: sent.telemetry,
    handlers: [tick.handle(() => {})],
  });
  await queue.schedule("s", tick.with("x"), { everyMs: HOUR }, {
    startAt: clock.now() + HOUR,
  });
  await queue.drain();
  await clock.advance(HOUR);
  await queue.enqueue(tick, "plain", { id: "plain" });
  await queue.drain();
  const spans = await exported(sent);
  const [drain] = of(spans, "INTERNAL");
  const slot = of(spans, "PRODUCER", "tick").find(({ attributes }) =>
    attributes["baton.schedule"] === "s"
  );
  assert(drain && slot);
  assertEquals(slot.parentSpanId, undefined);
  assert(slot.traceId !== drain.traceId);
});

test("a slot's PRODUCER span ends as failed when its settlement is stale", async () => {
  const sent = traced();
  const clock = testClock();
  const under = new MemoryBroker({ clock });
  let isLost = false;
  const broker = recording(under, {
    async step(queue, request) {
      const reply = await under.step(queue, request);
      const stale = request.settle.filter(({ enqueue }) => enqueue.length > 0)
        .map(({ id }) => id);
      return isLost ? { ...reply, stale } : reply;
    },
  });
  const { telemetry } = sent;
  const queue = new Queue({ name: "q", broker, clock, telemetry });
  await queue.schedule("s", tick.with("x"), { everyMs: HOUR });
  isLost = true;
  await clock.advance(HOUR);
  const { fired } = await queue.drain();
  const [producer] = of(await exported(sent), "PRODUCER");
  assertEquals(fired, 0);
  assertEquals(producer?.attributes["error.type"], "lease_lost");
});

test("schedule() ends its span as failed when the broker fails", async () => {
  const sent = traced();
  const broker = recording(new MemoryBroker(), {
    schedule: () => Promise.reject(new BrokerError("unavailable", "no")),
  });
  const queue = new Queue({ name: "q", broker, telemetry: sent.telemetry });
  await assertRejects(
    () => queue.schedule("s", tick.with("x"), { everyMs: HOUR }),
    BrokerError,
  );
  const [span] = await exported(sent);
  assertEquals([span?.name, span?.attributes["error.type"]], [
    "schedule q",
    "broker_unavailable",
  ]);
});
