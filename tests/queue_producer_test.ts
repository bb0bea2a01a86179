import {
  type Context,
  type ContextManager,
  ROOT_CONTEXT,
  trace,
} from "@opentelemetry/api";
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  BrokerError,
  type Call,
  type Clock,
  defineTask,
  type EnqueueOptions,
  type EnqueueRequest,
  fixed,
  PayloadError,
  Queue,
  QueueFullError,
  type QueueOptions,
  type StandardSchema,
} from "../mod.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import type { Envelope } from "../src/codec/envelope.ts";
import { readEnvelope } from "../src/codec/opened.ts";
import { isOwnId, shardOf } from "../src/core/id.ts";
import { quotedBytes } from "../src/queue/enqueue/chunk.ts";
import { make, recording } from "./support/recording_broker.ts";
import { test } from "./support/suite.ts";

const resize = defineTask<{ readonly url: string }, string>("resize");
const nightly = defineTask("nightly");

function opened(envelope: string): { envelope: Envelope; input: unknown } {
  const read = readEnvelope(envelope);
  assert(read.kind === "open");
  return { envelope: read.envelope, input: read.input };
}

/** A context whose span has the trace id of `digit` repeated. */
function traced(digit: string): Context {
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: digit.repeat(32),
    spanId: digit.repeat(16),
    traceFlags: 1,
  });
}

const isUrl: StandardSchema<{ url: string }, { url: string }> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof (value as { url?: unknown } | undefined)?.url === "string"
        ? { value: value as { url: string } }
        : { issues: [{ message: "must be a string", path: ["url"] }] },
  },
};

// ---------------------------------------------------------------- the options of a queue

test("new Queue() refuses what it cannot work with, and says what to do", () => {
  const broker = new MemoryBroker();
  const run = () => "";
  const bad: readonly [
    unknown,
    new (...args: never[]) => Error,
    string,
  ][] = [
    [undefined, TypeError, "must be an object"],
    [{}, TypeError, "needs a 'broker'"],
    [{ broker: {} }, TypeError, "new UpstashBroker("],
    [{ broker, name: "" }, RangeError, "queue's name"],
    [{ broker, name: "a b" }, RangeError, `"a b"`],
    [{ broker, name: "a".repeat(65) }, RangeError, "1 to 64"],
    [{ broker, naem: "a" }, TypeError, "Unknown option 'naem'"],
    [{ broker, handlers: resize }, TypeError, "handlers must be a list"],
    [{ broker, handlers: [resize] }, TypeError, "'resize' has no handler"],
    [
      { broker, handlers: [resize.handle(run), resize.handle(run)] },
      RangeError,
      "Two handlers are named 'resize'",
    ],
    [{ broker, handlers: [null] }, TypeError, "not null"],
    [{ broker, maxPayloadBytes: 0 }, RangeError, "maxPayloadBytes"],
    [{ broker, maxResultBytes: 1.5 }, RangeError, "maxResultBytes"],
    [{ broker, maxBacklog: NaN }, RangeError, "maxBacklog"],
    [{ broker, idTtlMs: 1_000 }, RangeError, "600000"],
    [{ broker, telemetry: 1 }, TypeError, "'telemetry'"],
    [
      { broker, tracing: { correlation: "x" } },
      TypeError,
      "must be one of parent, link, auto",
    ],
    [{ broker, tracing: { corelation: "link" } }, TypeError, "'corelation'"],
  ];
  for (const [options, kind, words] of bad) {
    assertThrows(() => new Queue(options as QueueOptions), kind, words);
  }
});

test("new Queue() takes a definition with its handler as a handler", () => {
  const greet = defineTask("greet", { run: (name: string) => `Hi ${name}` });
  make({ handlers: [greet, resize.handle(() => "")] });
  // @ts-expect-error a definition alone is no handler
  assertThrows(() => make({ handlers: [resize] }), TypeError, "no handler");
});

test("new Queue() takes no time and no randomness", () => {
  const never = (): never => {
    throw new Error("asked too early");
  };
  const clock: Clock = { now: never, after: never };
  Queue.inMemory({ clock, random: never });
  make({ clock, random: never }).queue.within(ROOT_CONTEXT);
});

// ---------------------------------------------------------------- what is refused

test("enqueue() refuses impossible options before anything is sent", async () => {
  const { queue, broker } = make();
  const bad: readonly [unknown, new (...args: never[]) => Error, string][] = [
    [{ delay: 5 }, TypeError, "Unknown option 'delay'"],
    [{ delayMs: -1 }, RangeError, "delayMs"],
    [{ delayMs: NaN }, RangeError, "NaN"],
    [{ delayMs: 0.5 }, RangeError, "0.5"],
    [{ delayMs: 2 ** 53 }, RangeError, "delayMs"],
    [{ delayMs: "5" }, TypeError, "not string"],
    [{ delayMs: 1, runAt: 1 }, TypeError, "not both"],
    [{ runAt: new Date(NaN) }, RangeError, "runAt"],
    [{ runAt: -1 }, RangeError, "runAt"],
    [{ priority: 11 }, RangeError, "-10 to 10"],
    [{ maxAttempts: 0 }, RangeError, "maxAttempts"],
    [{ timeoutMs: 0 }, RangeError, "timeoutMs"],
    [{ expiresInMs: 0 }, RangeError, "expiresInMs"],
    [{ resultTtlMs: -1 }, RangeError, "resultTtlMs"],
    [{ maxBacklog: 0 }, RangeError, "maxBacklog"],
    [{ backoff: () => 1 }, TypeError, "must be data"],
    [{ backoff: { kind: "linear" } }, TypeError, `"linear"`],
    [{ dedupe: "key" }, TypeError, "dedupe"],
    [{ dedupe: { key: "" } }, RangeError, "dedupe.key"],
    [{ dedupe: { key: "a", until: "then" } }, TypeError, `"then"`],
    [{ dedupe: { key: "a", ttlMs: 0 } }, RangeError, "dedupe.ttlMs"],
    [{ id: "" }, RangeError, "must not be empty"],
    [{ id: "a\nb" }, RangeError, "control characters"],
    [{ id: "é".repeat(101) }, RangeError, "it is 202"],
    [{ id: "\ud800" }, RangeError, "well-formed"],
    [{ id: 5 }, TypeError, "not number"],
    [{ label: "\u007f" }, RangeError, "control characters"],
    [{ context: {} }, TypeError, "context.active()"],
    [{ context: null }, TypeError, "context.active()"],
  ];
  for (const [options, kind, words] of bad) {
    await assertRejects(
      () => queue.enqueue(resize, { url: "a" }, options as EnqueueOptions),
      kind,
      words,
    );
  }
  for (const name of ["", "a\u0000", "n".repeat(201)]) {
    await assertRejects(() => queue.enqueueNamed(name), RangeError, "task");
  }
  await assertRejects(
    () => queue.enqueue("resize" as unknown as typeof resize, { url: "a" }),
    TypeError,
    "enqueueNamed()",
  );
  assertEquals(broker.asked, []);
});

test("enqueue() refuses what the schema refuses, without telling the value", async () => {
  const checked = defineTask("checked", { input: isUrl });
  const { queue, broker } = make();
  const secret = { url: 5, password: "hunter2" } as unknown as { url: string };
  const error = await assertRejects(
    () => queue.enqueue(checked, secret),
    PayloadError,
    "'checked'",
  );
  assertEquals(error.issues, [{ message: "must be a string", path: "url" }]);
  assertFalse(`${error.message}${error.stack}`.includes("hunter2"));
  assertEquals(broker.asked, []);
});

test("enqueue() sends the input as it was given, not as the schema parsed it", async () => {
  const trimmed: StandardSchema<string, number> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) => Promise.resolve({ value: String(value).length }),
    },
  };
  const { queue, broker } = make();
  await queue.enqueue(defineTask("t", { input: trimmed }), "  a ");
  assertEquals(opened(broker.sent[0]!.envelope).input, "  a ");
});

test("enqueueNamed() checks with the schema of this queue's own handler", async () => {
  const checked = defineTask("checked", { input: isUrl, run: () => 1 });
  const { queue, broker } = make({ handlers: [checked] });
  await assertRejects(() => queue.enqueueNamed("checked", {}), PayloadError);
  assertEquals(broker.asked, []);
  await queue.enqueueNamed("checked", { url: "a" });
  await queue.enqueueNamed("elsewhere", {});
  assertEquals(broker.sent.length, 2);
});

test("enqueue() refuses what JSON cannot carry, and says where", async () => {
  const { queue, broker } = make();
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const bad: readonly [unknown, string, string][] = [
    [1n, "a bigint", ""],
    [{ a: [NaN] }, "NaN", "a.0"],
    [{ run() {} }, "a function", "run"],
    [cycle, "a cycle", "self"],
    [[undefined], "undefined", "0"],
    [Symbol("s"), "a symbol", ""],
    [new Map(), "a Map", ""],
  ];
  for (const [input, words, path] of bad) {
    const error = await assertRejects(
      () => queue.enqueueNamed("t", input),
      PayloadError,
      words,
    );
    assertEquals(error.issues.map((issue) => issue.path), [path]);
  }
  assertEquals(broker.asked, []);
});

test("enqueue() refuses a payload over the limit, and says the size", async () => {
  const { queue, broker } = make();
  const most = "a".repeat(262_144 - 2);
  await assertRejects(
    () => queue.enqueueNamed("t", `${most}a`),
    PayloadError,
    "is 262145 bytes of JSON: the limit is 262144",
  );
  await assertRejects(
    () => queue.enqueueNamed("t", "é".repeat(131_072)),
    PayloadError,
    "262146 bytes",
  );
  assertEquals(broker.asked, []);
  await queue.enqueueNamed("t", most);
  const small = make({ maxPayloadBytes: 10 });
  await assertRejects(
    () => small.queue.enqueueNamed("t", "123456789"),
    PayloadError,
    "11 bytes",
  );
});

test("enqueueMany() checks every call before it sends the first", async () => {
  const { queue, broker } = make();
  const good = resize.with({ url: "a" });
  const bad: readonly [unknown, string][] = [
    ["resize", "takes a list"],
    [[good, resize], "task.with(input)"],
    [[good, null], "task.with(input)"],
    [[good, { url: "a" }], "task.with(input) as element 1"],
    [["resize"], "task.with(input)"],
    [[good, nightly.with(undefined, { delayMs: -1 })], "delayMs"],
    [[good, { ...good, input: 1n }], "a bigint"],
    [[good, { ...good, name: "" }], "must not be empty"],
    [
      [good, nightly.with(undefined, { context: traced("a") })],
      "the same 'context'",
    ],
  ];
  for (const [calls, words] of bad) {
    await assertRejects(
      () => queue.enqueueMany(calls as Call[]),
      Error,
      words,
    );
  }
  assertEquals(broker.asked, []);
  assertEquals(await queue.enqueueMany([]), []);
  assertEquals(broker.asked, []);
});

// ---------------------------------------------------------------- what is sent

test("enqueue() sends the options over the definition's over the defaults", async () => {
  const report = defineTask<string>("report", {
    maxAttempts: 3,
    timeoutMs: 5_000,
    backoff: fixed(10),
  });
  const { queue, broker } = make();
  await queue.enqueue(nightly);
  await queue.enqueue(report, "a", {
    timeoutMs: 7,
    resultTtlMs: 0,
    expiresInMs: 9,
    label: "of May",
    priority: -3,
  });
  const [plain, special] = broker.sent;
  assertEquals(opened(plain!.envelope), {
    envelope: {
      name: "nightly",
      maxAttempts: 5,
      backoff: {
        kind: "exponential",
        baseMs: 1_000,
        maxMs: 600_000,
        jitter: 0.5,
      },
      timeoutMs: 30_000,
      resultTtlMs: 3_600_000,
      expiresInMs: undefined,
      label: undefined,
      dedupe: undefined,
      carrier: {},
      depth: 0,
      batched: false,
    },
    input: undefined,
  });
  assertEquals(plain!.priority, 0);
  const { envelope, input } = opened(special!.envelope);
  assertEquals(input, "a");
  assertEquals([envelope.maxAttempts, envelope.timeoutMs], [3, 7]);
  assertEquals(envelope.backoff, fixed(10));
  assertEquals([envelope.resultTtlMs, envelope.expiresInMs], [0, 9]);
  assertEquals([envelope.label, special!.priority], ["of May", -3]);
});

test("enqueue() takes an option that is undefined for one that is not given", async () => {
  const { queue, broker } = make();
  const patient = defineTask("patient", { maxAttempts: 9, timeoutMs: 70 });
  const none = { maxAttempts: undefined, timeoutMs: undefined, id: undefined };
  await queue.enqueue(patient, undefined, none as unknown as EnqueueOptions);
  const { maxAttempts, timeoutMs } = opened(broker.sent[0]!.envelope).envelope;
  assertEquals([maxAttempts, timeoutMs], [9, 70]);
  for (const options of [null, "id"]) {
    await assertRejects(
      () => queue.enqueue(patient, undefined, options as never),
      TypeError,
      "of task 'patient' must be an object",
    );
  }
});

test("enqueue() needs an input only where undefined is none", async () => {
  const { queue, broker } = make();
  const counted = defineTask("counted", { run: (n?: number) => n });
  const anything = defineTask("anything", { run: (input: unknown) => input });
  const nothing = defineTask("nothing", { run: () => 1 });
  await queue.enqueue(counted);
  await queue.enqueue(counted, 1, { id: "1" });
  await queue.enqueue(anything);
  await queue.enqueue(nothing);
  await queue.enqueueMany([counted.with(), nightly.with()]);
  // @ts-expect-error an input of another type
  const wrong = () => queue.enqueue(counted, "1");
  // @ts-expect-error an input is needed
  const missing = () => queue.enqueue(resize);
  assertEquals(broker.sent.length, 6);
  assert(typeof wrong === typeof missing);
});

test("enqueue() says when a task is due, and what it dedupes by", async () => {
  const { queue, broker } = make();
  const at = new Date(1_900_000_000_000);
  await queue.enqueue(nightly, undefined, { delayMs: 0 });
  await queue.enqueue(nightly, undefined, { delayMs: 50 });
  await queue.enqueue(nightly, undefined, { runAt: at });
  await queue.enqueue(nightly, undefined, { runAt: 5 });
  await queue.enqueue(nightly, undefined, { dedupe: { key: "a" } });
  await queue.enqueue(nightly, undefined, {
    dedupe: { key: "b", until: "expired", ttlMs: 60 },
  });
  assertEquals(broker.sent.map(({ due }) => due).slice(0, 4), [
    { kind: "now" },
    { kind: "after", delayMs: 50 },
    { kind: "at", at: at.getTime() },
    { kind: "at", at: 5 },
  ]);
  const [ended, expired] = broker.sent.slice(4);
  assertEquals(ended!.dedupe, { key: "a", ttlMs: 86_400_000 });
  assertEquals(opened(ended!.envelope).envelope.dedupe, {
    key: "a",
    until: "ended",
  });
  assertEquals(expired!.dedupe, { key: "b", ttlMs: 60 });
  assertEquals(opened(expired!.envelope).envelope.dedupe, {
    key: "b",
    until: "expired",
  });
});

test("enqueue() answers with the id of the task that is there", async () => {
  const { queue } = make();
  const mine = await queue.enqueue(nightly, undefined, { id: "n-1" });
  assertEquals(mine, { id: "n-1", deduplicated: false });
  const again = await queue.enqueue(nightly, undefined, { id: "n-1" });
  assertEquals(again, { id: "n-1", deduplicated: true });
  const dedupe = { key: "k" };
  const first = await queue.enqueue(nightly, undefined, { dedupe });
  assert(isOwnId(first.id));
  const second = await queue.enqueue(nightly, undefined, { dedupe });
  assertEquals(second, { id: first.id, deduplicated: true });
});

test("enqueue() is one request, and limits the backlog only where it is asked to", async () => {
  const { queue, broker } = make({ maxBacklog: 70 });
  await queue.enqueue(nightly);
  await queue.enqueue(nightly, undefined, { maxBacklog: 90 });
  await queue.enqueueMany([nightly.with()]);
  await queue.enqueueMany([
    nightly.with(undefined, { maxBacklog: 60 }),
    nightly.with(undefined, { maxBacklog: 50 }),
    nightly.with(),
  ]);
  assertEquals(
    broker.of<EnqueueRequest>("enqueue").map((
      { maxBacklog, maxReady },
    ) => [maxBacklog, maxReady]),
    [[undefined, undefined], [90, undefined], [undefined, 70], [50, undefined]],
  );
});

test("enqueueMany() is refused by a full queue, and adds nothing", async () => {
  const { queue } = make({ maxBacklog: 2 });
  await queue.enqueueMany([nightly.with(), nightly.with()]);
  const error = await assertRejects(
    () => queue.enqueueMany([nightly.with()]),
    QueueFullError,
  );
  assertEquals(error.queue, "default");
  assertEquals((await queue.stats()).ready, 2);
});

test("enqueueMany() sends 1,000 small tasks in one request, in one shard, and answers in order", async () => {
  const { queue, broker } = make();
  const calls = Array.from(
    { length: 1_000 },
    (_, i) => resize.with({ url: `u${i}` }, i % 2 ? {} : { id: `own-${i}` }),
  );
  const answers = await queue.enqueueMany(calls);
  assertEquals(broker.asked.length, 1);
  assertEquals(answers.map(({ id }) => id), broker.sent.map(({ id }) => id));
  assertEquals(answers[0], { id: "own-0", deduplicated: false });
  const shards = answers.filter(({ id }) => isOwnId(id)).map(({ id }) =>
    shardOf(id)
  );
  assertEquals(new Set(shards).size, 1);
  assertEquals(
    broker.sent.map(({ envelope }) => opened(envelope).input),
    calls.map(({ input }) => input),
  );
});

test("enqueueMany() sends 8 MB in two requests, each within Upstash's limit", async () => {
  const { queue, broker } = make();
  const url = `"${"é\\".repeat(1_900)}`;
  const bytes = new TextEncoder().encode(JSON.stringify({ url })).length;
  assertLess(7_500, bytes);
  await queue.enqueueMany(
    Array.from({ length: 1_000 }, () => resize.with({ url })),
  );
  const requests = broker.of<EnqueueRequest>("enqueue");
  assertEquals(requests.length, 2);
  for (const { tasks } of requests) {
    const body = JSON.stringify(
      tasks.flatMap(({ id, name, envelope }) => [id, name, envelope]),
    );
    assertLess(new TextEncoder().encode(body).length, 8_000_000);
  }
  assertEquals(broker.sent.length, 1_000);
});

test("enqueueMany() sends more than 1,000 tasks in several requests, the order kept", async () => {
  const { queue, broker } = make();
  const calls = Array.from(
    { length: 2_500 },
    (_, i) => resize.with({ url: `${i}` }, { id: `i${i}` }),
  );
  const answers = await queue.enqueueMany(calls);
  assertEquals(
    broker.of<EnqueueRequest>("enqueue").map(({ tasks }) => tasks.length),
    [1_000, 1_000, 500],
  );
  assertEquals(answers.map(({ id }) => id), calls.map((_, i) => `i${i}`));
});

test("enqueueMany() keeps what earlier requests added when a later one fails", async () => {
  const memory = new MemoryBroker();
  let requests = 0;
  const { queue } = make({
    broker: recording(memory, {
      enqueue(name, request) {
        if (++requests === 2) throw new BrokerError("unavailable", "down");
        return memory.enqueue(name, request);
      },
    }),
  });
  const calls = Array.from(
    { length: 1_500 },
    (_, i) => nightly.with(undefined, { id: `i${i}` }),
  );
  await assertRejects(() => queue.enqueueMany(calls), BrokerError, "down");
  assertEquals((await queue.stats()).ready, 1_000);
  const answers = await queue.enqueueMany(calls);
  assertEquals(answers.filter((task) => task.deduplicated).length, 1_000);
  assertEquals((await queue.stats()).ready, 1_500);
});

test("quotedBytes() counts what JSON makes of a text", () => {
  const utf8 = new TextEncoder();
  for (const text of ["", "plain", `{"a":"\\n"}`, "é€😀", "\u0001"]) {
    const bytes = utf8.encode(JSON.stringify(text)).length - 2;
    assertEquals(quotedBytes(text), bytes, text);
  }
});

// ---------------------------------------------------------------- contexts

test("enqueue() continues options.context, else the context of within, else the current one", async () => {
  const current = traced("c");
  const contextManager: ContextManager = {
    active: () => current,
    with: (_context, call, self, ...args) => call.call(self, ...args),
    bind: (_context, target) => target,
    enable: () => contextManager,
    disable: () => contextManager,
  };
  const { queue, broker } = make({ telemetry: { contextManager } });
  const inside = queue.within(traced("b"));
  await queue.enqueue(nightly);
  await inside.enqueue(nightly);
  await inside.enqueue(nightly, undefined, { context: traced("a") });
  await inside.enqueueNamed("nightly", undefined, { context: traced("a") });
  await inside.enqueueNamed("nightly");
  await inside.enqueueMany([nightly.with()]);
  await inside.enqueueMany([
    nightly.with(undefined, { context: traced("d") }),
  ].concat([]));
  const parents = broker.sent.map(({ envelope }) =>
    opened(envelope).envelope.carrier.traceparent?.slice(3, 4)
  );
  assertEquals(parents, ["c", "b", "a", "a", "b", "b", "d"]);
});

test("within() gives the producer's verbs and no others", () => {
  const { queue } = make({ name: "images" });
  const inside = queue.within(ROOT_CONTEXT);
  assertEquals(Object.keys(inside).sort(), [
    "chain",
    "enqueue",
    "enqueueGroup",
    "enqueueMany",
    "enqueueNamed",
    "map",
    "name",
  ]);
  assertEquals(inside.name, "images");
});

// ---------------------------------------------------------------- in memory

test("Queue.inMemory() does all that a queue does", async () => {
  const greet = defineTask("greet", { run: (name: string) => `Hi ${name}` });
  const queue = Queue.inMemory({ name: "here", handlers: [greet] });
  assertEquals(queue.name, "here");
  const [{ id }] = await queue.enqueueMany([greet.with("you")]);
  await queue.drain();
  const result = await queue.result(id);
  assert(result.status === "completed");
  const value: string = result.value;
  assertEquals(value, "Hi you");
  assertEquals((await queue.verify()).problems, []);
  assertInstanceOf(queue, Queue);
});

test("enqueue() calls no task deduplicated whose id it made, when the reply to it was lost", async () => {
  const memory = new MemoryBroker();
  const twice = recording(memory, {
    async enqueue(queue, request) {
      await memory.enqueue(queue, request);
      return await memory.enqueue(queue, request);
    },
  });
  const queue = new Queue({ broker: twice });
  const { deduplicated } = await queue.enqueue(nightly);
  assertEquals(deduplicated, false);
  const given = await queue.enqueue(nightly, undefined, { id: "mine" });
  assertEquals(given.deduplicated, true);
});
