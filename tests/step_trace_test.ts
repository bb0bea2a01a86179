/** What a consumer's requests leave: links to who enqueued, how old the line is, what was lost, and where each sample leads. */
import {
  type Context,
  createNoopMeter,
  type Meter,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from "@opentelemetry/api";
import { assertEquals } from "@std/assert";
import { defineTask, Queue } from "../mod.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import { writeEnvelope } from "../src/codec/envelope.ts";
import { peekTraceparent } from "../src/codec/opened.ts";
import { recording } from "./support/recording_broker.ts";
import { test } from "./support/suite.ts";
import {
  type Bench,
  bench,
  delivery,
  envelope,
  exported,
  failed,
  points,
  REMOTE,
  sent,
  settling,
  START,
  step,
  success,
  traced,
  TRACEPARENT,
} from "./support/traced.ts";

// ---------------------------------------------------------------- links

const OTHER: SpanContext = { ...REMOTE, spanId: "c".repeat(16) };

test("startDrain() links a receive and a settle span to the spans that enqueued the tasks", async () => {
  const at = await bench();
  const drain = at.instrument.startDrain(ROOT_CONTEXT);
  const carried = writeEnvelope(envelope(), '"input"');
  drain.startStep(settling(3, OTHER))(step({
    received: 2,
    settled: 3,
    deliveries: [delivery({ envelope: carried }), delivery()],
  }));
  drain.end(5);
  const spans = await exported(at);
  const linked = (name: string) =>
    spans.find((span) => span.name === name)?.links.map((link) => link.spanId);
  assertEquals(linked("receive images"), [REMOTE.spanId]);
  assertEquals(linked("settle images"), [OTHER.spanId]);
});

test("startDrain() links a settle span to 128 tasks at most", async () => {
  const at = await bench();
  const drain = at.instrument.startDrain(ROOT_CONTEXT);
  const many = Array.from(
    { length: 200 },
    (_, i) => ({ ...OTHER, spanId: String(i + 1).padStart(16, "0") }),
  );
  drain.startStep(settling(200, ...many))(step({ settled: 200 }));
  drain.end(200);
  const [settle] = await exported(at);
  assertEquals([settle!.links.length, settle!.droppedLinks], [128, 0]);
});

test("startDrain() links a step once to the span that enqueued several of its tasks", async () => {
  const at = await bench();
  const drain = at.instrument.startDrain(ROOT_CONTEXT);
  const carried = writeEnvelope(envelope(), '"input"');
  const deliveries = [1, 2, 3].map(() => delivery({ envelope: carried }));
  drain.startStep(settling(4, OTHER, { ...OTHER }, REMOTE, OTHER))(
    step({ received: 3, settled: 4, deliveries }),
  );
  drain.end(7);
  const spans = await exported(at);
  const linked = (name: string) =>
    spans.find((span) => span.name === name)?.links.map((link) => link.spanId);
  assertEquals(linked("receive images"), [REMOTE.spanId]);
  assertEquals(
    linked("settle images"),
    [OTHER.spanId, REMOTE.spanId, OTHER.spanId],
  );
});

test("drain() links what it receives and settles to the enqueue of each task", async () => {
  const look = defineTask("look", { run: (_: void): void => {} });
  const at = traced();
  const { telemetry } = at;
  const queue = Queue.inMemory({ handlers: [look], telemetry });
  await queue.enqueue(look);
  await queue.enqueue(look);
  await queue.drain();
  const spans = await exported(at);
  const producers = spans.filter(({ kind }) => kind === "PRODUCER")
    .map(({ spanId }) => spanId);
  const clients = spans.filter(({ kind }) => kind === "CLIENT");
  assertEquals(
    clients.map(({ name, links }) => [name, links.map((one) => one.spanId)]),
    [["receive default", producers], ["settle default", producers]],
  );
});

test("peekTraceparent() finds what the envelope carries, and never what the input says", () => {
  const fake = `"p":"00-${"1".repeat(32)}-${"2".repeat(16)}-01"`;
  const input = `{${fake}}`;
  const none = envelope({ carrier: {} });
  assertEquals(peekTraceparent(writeEnvelope(envelope(), input)), TRACEPARENT);
  assertEquals(
    peekTraceparent(writeEnvelope(envelope(), undefined)),
    TRACEPARENT,
  );
  assertEquals(peekTraceparent(writeEnvelope(none, input)), undefined);
  for (const text of [fake, `,${fake}`, `\\${fake}`, `",${fake}`]) {
    const labelled = envelope({ carrier: {}, label: text, name: text });
    const dedupe = { key: text, until: "ended" } as const;
    assertEquals(
      peekTraceparent(writeEnvelope({ ...labelled, dedupe }, input)),
      undefined,
      text,
    );
  }
  assertEquals(peekTraceparent("no envelope"), undefined);
});

// ---------------------------------------------------------------- age, depth, loss

const value = (at: Bench, name: string) =>
  points(at, name).map(({ value }) => value);

test("startDrain() tells how old the line is by what it claims, and that nothing waits when nothing is due", async () => {
  const ages = async (...steps: Parameters<typeof step>[0][]) => {
    const at = await bench();
    const drain = at.instrument.startDrain(ROOT_CONTEXT);
    for (const one of steps) drain.startStep(settling(0))(step(one));
    drain.end(0);
    await exported(at);
    return value(at, "baton.queue.oldest_age");
  };
  const claimed = {
    received: 3,
    now: START + 9_000,
    deliveries: [
      delivery({ dueAt: START + 6_000 }),
      delivery({ enqueuedAt: START + 4_000 }),
      delivery({ attempt: 2 }),
    ],
  };
  assertEquals(await ages(claimed), [5]);
  assertEquals(await ages(claimed, { isEmpty: true }), [0]);
  assertEquals(await ages({}), []);
});

test("drain() tells that nothing waits when nothing is due, but not of a queue that is paused", async () => {
  for (const paused of [false, true]) {
    const at = traced();
    const queue = Queue.inMemory({ telemetry: at.telemetry });
    if (paused) await queue.pause();
    await queue.drain();
    await exported(at);
    const ages = points(at, "baton.queue.oldest_age");
    assertEquals(ages.map(({ value }) => value), paused ? [] : [0]);
  }
});

test("stats() tells how many tasks are where, and since when the first one waits", async () => {
  const at = traced();
  let now = START;
  const clock = { now: () => now, after: () => () => {} };
  const queue = Queue.inMemory({ telemetry: at.telemetry, clock });
  await queue.enqueueNamed("a");
  await queue.enqueueNamed("b", 1, { delayMs: 60_000 });
  now += 2_500;
  await queue.stats();
  await exported(at);
  assertEquals(
    points(at, "baton.queue.depth").map(({ attributes, value }) => [
      attributes["baton.state"],
      value,
    ]),
    [["ready", 1], ["scheduled", 1], ["leased", 0], ["dead", 0]],
  );
  assertEquals(points(at, "baton.queue.oldest_age").map((p) => p.value), [2.5]);
});

test("drain() and repair() count what the database has lost, and verify() does not", async () => {
  const at = traced();
  const memory = new MemoryBroker();
  const broker = recording(memory, {
    step: async (queue, request) => ({
      ...await memory.step(queue, request),
      ghosts: 2,
    }),
    inspect: () =>
      Promise.resolve({
        checked: 9,
        problems: [{ kind: "ghost", id: "a" }, { kind: "orphan", id: "b" }],
        cursor: undefined,
        ...{ commands: 1, requests: 1 },
      }),
  });
  const queue = new Queue({ broker, telemetry: at.telemetry });
  const lost = async () => {
    await exported(at);
    const seen = points(at, "baton.task.lost").map(({ value }) => value);
    at.collector.metrics.length = 0;
    return seen;
  };
  await queue.verify();
  assertEquals(await lost(), []);
  await queue.repair();
  assertEquals(await lost(), [1]);
  await queue.drain();
  assertEquals(await lost(), [2]);
});

// ---------------------------------------------------------------- exemplars

test("createInstrument() measures in the context of the span that a sample is about", async () => {
  const at = traced();
  const seen: (readonly [string, string | undefined])[] = [];
  const note = (name: string) => (_: number, __: unknown, context?: Context) =>
    void seen.push([
      name,
      context && trace.getSpan(context)?.spanContext().spanId,
    ]);
  const noop = createNoopMeter();
  const meter: Meter = Object.assign(Object.create(noop), {
    createHistogram: (name: string) => ({ record: note(name) }),
    createCounter: (name: string) => ({ add: note(name) }),
  });
  const { instrument } = await bench({
    telemetry: {
      tracerProvider: at.telemetry.tracerProvider,
      meterProvider: { getMeter: () => meter },
    },
  });
  instrument.startEnqueue(ROOT_CONTEXT, [sent]).succeed(1);
  const drain = instrument.startDrain(ROOT_CONTEXT);
  drain.startStep(settling(0))(step({
    received: 1,
    now: START,
    deliveries: [delivery()],
  }));
  drain.startStep(settling(1))(step({ settled: 1 }));
  drain.startStep(settling(0))(step({ reaped: 1, reapedIds: ["a"] }));
  drain.end(1);
  for (const end of [success, failed(new Error("no"))]) {
    const process = instrument
      .startProcess(delivery(), envelope(), ROOT_CONTEXT, "w");
    process.finish(end);
    process.settled("accepted");
  }
  const spans = await exported(at);
  const nameOf = (id: string | undefined) =>
    spans.find(({ spanId }) => spanId === id)?.name;
  const duration = "messaging.client.operation.duration";
  assertEquals(
    seen.filter(([name]) => !name.startsWith("baton.broker"))
      .map(([name, id]) => [name, nameOf(id)]),
    [
      [duration, "enqueue images"],
      ["messaging.client.sent.messages", "enqueue images"],
      [duration, "receive images"],
      ["messaging.client.consumed.messages", "receive images"],
      ["baton.task.wait", "receive images"],
      [duration, "settle images"],
      ["baton.lease.expired", "drain images"],
      ["messaging.process.duration", "process images"],
      ["messaging.process.duration", "process images"],
      ["baton.task.retries", "process images"],
    ],
  );
});

test("createInstrument() measures with a meter that knows no gauges", async () => {
  const at = traced();
  const { meterProvider } = at.telemetry;
  const meter = meterProvider.getMeter("old");
  const old = {
    createHistogram: meter.createHistogram.bind(meter),
    createCounter: meter.createCounter.bind(meter),
  } as unknown as Meter;
  const { instrument } = await bench({
    telemetry: { meterProvider: { getMeter: () => old } },
  });
  instrument.observed({ ready: 1 }, 5);
  instrument.lost(3);
  await exported(at);
  assertEquals(at.collector.metrics.map(({ name }) => name), [
    "baton.task.lost",
  ]);
});
