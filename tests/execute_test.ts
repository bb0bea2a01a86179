import { ROOT_CONTEXT } from "@opentelemetry/api";
import {
  assert,
  assertEquals,
  assertFalse,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { Delivery, SettlementEnd } from "../src/broker/broker.ts";
import { type Envelope, writeEnvelope } from "../src/codec/envelope.ts";
import { readEnvelope } from "../src/codec/opened.ts";
import { fixed } from "../src/core/backoff.ts";
import type { HandlerContext } from "../src/core/context.ts";
import {
  BrokerError,
  ConsumerStoppedError,
  LeaseLostError,
  NonRetryableError,
  RetryAfterError,
  TaskCancelledError,
  TaskTimeoutError,
} from "../src/core/error.ts";
import { derivedId } from "../src/core/id.ts";
import type { StandardSchema } from "../src/core/schema.ts";
import { defineTask, type Handler } from "../src/core/task.ts";
import { type Conclusion, execute } from "../src/queue/execute.ts";
import {
  type Bench,
  bench,
  type BenchOptions,
  gate,
} from "./support/consumer.ts";
import { test } from "./support/suite.ts";

const NOW = Date.UTC(2026, 0, 2);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function letterOf(
  envelope: Partial<Envelope> = {},
  input: unknown = { n: 1 },
): string {
  return writeEnvelope({
    name: "t",
    maxAttempts: 3,
    backoff: fixed(500),
    timeoutMs: 1_000,
    resultTtlMs: HOUR,
    expiresInMs: undefined,
    label: undefined,
    dedupe: undefined,
    carrier: {},
    depth: 0,
    batched: false,
    ...envelope,
  }, JSON.stringify(input));
}

function deliveryOf(delivery: Partial<Delivery> = {}): Delivery {
  return {
    id: "task-1",
    token: "consumer:1",
    attempt: 1,
    enqueuedAt: NOW,
    dueAt: undefined,
    name: "t",
    envelope: letterOf(),
    previousSpan: undefined,
    lastError: undefined,
    suspect: false,
    cancelled: false,
    ...delivery,
  };
}

type Run = Handler["run"];

interface Tried {
  readonly bench: Bench;
  readonly execution: ReturnType<typeof execute>;
  readonly extended: number[];
}

/** Executes one delivery, by a handler of the task `t`. */
function start(
  run: Run,
  delivery: Partial<Delivery> = {},
  options: BenchOptions & {
    readonly now?: number;
    readonly schema?: StandardSchema<unknown, unknown>;
    readonly extend?: () => Promise<void>;
  } = {},
): Tried {
  const { now = NOW, schema, extend } = options;
  const handlers = [{ name: "t", schema, run }];
  const made = bench({ ...options, handlers });
  const extended: number[] = [];
  const execution = execute(made.parts, deliveryOf(delivery), {
    now,
    ambient: ROOT_CONTEXT,
    worker: "consumer",
    extend(ms) {
      extended.push(ms);
      return extend?.() ?? Promise.resolve();
    },
    progress() {},
  });
  return { bench: made, execution, extended };
}

/** The conclusion of a delivery whose handler ends by itself. */
async function conclude(
  ...source: Parameters<typeof start>
): Promise<
  Conclusion & { readonly end: SettlementEnd; readonly bench: Bench }
> {
  const { bench, execution } = start(...source);
  const conclusion = await bench.until(execution.concluded);
  await execution.returned;
  assertEquals(bench.clock.pending, 0, "timers are left behind");
  return { ...conclusion, end: conclusion.settlement.end, bench };
}

function never(): never {
  throw new Error("This handler is not to run");
}

function assertEnd<K extends SettlementEnd["kind"]>(
  end: SettlementEnd,
  kind: K,
): asserts end is SettlementEnd & { readonly kind: K } {
  assertEquals(end.kind, kind);
}

function errorOf(end: SettlementEnd): {
  readonly name: string;
  readonly message: string;
  readonly cause?: { readonly name: string; readonly message: string };
} {
  assert("error" in end);
  return JSON.parse(end.error);
}

test("execute() settles a completed task with its result as JSON", async () => {
  const { settlement, outcome, bench } = await conclude((input) => ({
    got: input,
  }));
  assertEquals(outcome, "completed");
  assertEquals(settlement, {
    id: "task-1",
    token: "consumer:1",
    end: {
      kind: "complete",
      payload: '{"got":{"n":1}}',
      resultMs: HOUR,
      keepMs: HOUR,
    },
    span: "",
    dedupe: undefined,
    enqueue: [],
  });
  assertEquals(bench.instrument.processed[0]!.end, {
    state: "success",
    error: undefined,
    errorType: undefined,
  });
});

test("execute() gives the handler what the schema parsed", async () => {
  const schema: StandardSchema<unknown, Date> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) =>
        Promise.resolve({ value: new Date(value as string) }),
    },
  };
  const { end } = await conclude(
    (input) => (input as Date).getTime(),
    { envelope: letterOf({}, "2026-01-02T00:00:00.000Z") },
    { schema },
  );
  assertEquals(end, {
    kind: "complete",
    payload: String(NOW),
    resultMs: HOUR,
    keepMs: HOUR,
  });
});

test("execute() cancels without a run when the task was cancelled before", async () => {
  const { end, outcome, bench } = await conclude(never, { cancelled: true });
  assertEquals(outcome, "cancelled");
  assertEnd(end, "cancel");
  assertEquals(end.keepMs, HOUR);
  assertEquals(errorOf(end).name, "TaskCancelledError");
  assertEquals(bench.instrument.processed[0]!.end?.errorType, "cancelled");
});

test("execute() expires a task by the broker's clock when it comes too late", async () => {
  const envelope = letterOf({ expiresInMs: 5_000 });
  const late = await conclude(never, { envelope }, { now: NOW + 5_000 });
  assertEnd(late.end, "expire");
  assertStringIncludes(errorOf(late.end).message, "5000");
  const inTime = await conclude(() => 1, { envelope }, { now: NOW + 4_999 });
  assertEquals(inTime.outcome, "completed");
});

test("execute() buries a task whose attempts are spent, with its last error as the cause", async () => {
  const { end } = await conclude(never, {
    attempt: 4,
    lastError: '{"name":"FetchError","message":"502"}',
  });
  assertEnd(end, "dead");
  const error = errorOf(end);
  assertEquals(error.name, "AttemptsExhaustedError");
  assertStringIncludes(error.message, "All 3 attempts");
  assertEquals(error.cause, {
    ...error.cause!,
    name: "FetchError",
    message: "502",
  });
});

test("execute() buries what is no envelope, with the reason and not the content", async () => {
  for (const envelope of ["", "{", '"secret"', "[]", '{"v":1}']) {
    const { end, bench } = await conclude(never, { envelope });
    assertEnd(end, "dead");
    assertEquals(errorOf(end).name, "InvalidEnvelopeError");
    assertFalse(end.error.includes("secret"));
    const { end: told } = bench.instrument.processed[0]!;
    assertEquals(told?.errorType, "payload_invalid");
  }
});

test("execute() buries at once what the schema refuses, and repeats when the schema fails", async () => {
  const schema = (
    validate: () => never | { issues: [{ message: string }] },
  ) => ({
    schema: {
      "~standard": { version: 1 as const, vendor: "test", validate },
    },
  });
  const refused = await conclude(
    never,
    {},
    schema(() => ({ issues: [{ message: "no" }] })),
  );
  assertEnd(refused.end, "dead");
  assertEquals(errorOf(refused.end).name, "PayloadError");
  const failed = await conclude(
    never,
    {},
    schema(() => {
      throw new Error("no database");
    }),
  );
  assertEnd(failed.end, "retry");
});

test("execute() names its attempt to the broker where another attempt or a callback can link to it", async () => {
  const fails = () => {
    throw new Error("no");
  };
  const membership = {
    role: "member",
    group: "g",
    ttlMs: HOUR,
    size: 2,
  } as const;
  const spanOf = async (
    handler: (input: unknown) => unknown,
    envelope: Partial<Envelope>,
  ) => {
    const { settlement } = await conclude(handler, {
      envelope: letterOf(envelope),
    });
    return [settlement.end.kind, settlement.span];
  };
  const name = "attempt 1 of task-1";
  assertEquals(await spanOf(() => 1, {}), ["complete", ""]);
  assertEquals(await spanOf(fails, { maxAttempts: 1 }), ["dead", ""]);
  assertEquals(await spanOf(fails, {}), ["retry", name]);
  assertEquals(await spanOf(() => 1, { membership }), ["complete", name]);
  assertEquals(await spanOf(fails, { maxAttempts: 1, membership }), [
    "dead",
    name,
  ]);
});

test("execute() puts back a task whose name it does not know, later and later, and buries it after a day", async () => {
  const after = async (ageMs: number, delivery: Partial<Delivery> = {}) => {
    const { end } = await conclude(never, {
      envelope: letterOf({ name: "other" }),
      ...delivery,
    }, { now: NOW + ageMs });
    return end;
  };
  const released = (delayMs: number): SettlementEnd => ({
    kind: "release",
    delayMs,
  });
  assertEquals(await after(0), released(30_000));
  assertEquals(await after(30_000), released(30_000));
  assertEquals(await after(60_000), released(60_000));
  assertEquals(await after(120_000), released(120_000));
  assertEquals(await after(HOUR), released(600_000));
  assertEquals(await after(24 * HOUR - 1), released(600_000));
  const dead = await after(24 * HOUR);
  assertEnd(dead, "dead");
  assertStringIncludes(errorOf(dead).message, "'other'");
  // a task that was due an hour ago was not late before
  const dueAt = NOW + 47 * HOUR;
  assertEquals(await after(48 * HOUR, { dueAt }), released(600_000));
});

test("execute() puts back an envelope that is newer than it knows", async () => {
  const { end } = await conclude(never, { envelope: '{"v":2,"q":"?"}' });
  assertEquals(end, { kind: "release", delayMs: 30_000 });
});

test("execute() ends an attempt at its time-out though the handler ignores it", async () => {
  const door = gate();
  let signal: AbortSignal | undefined;
  const { bench, execution } = start(async (_, ctx) => {
    signal = ctx.signal;
    await door.opened;
    return "too late";
  });
  let hasReturned = false;
  execution.returned.then(() => hasReturned = true);
  await bench.clock.advance(999);
  assertFalse(signal!.aborted);
  await bench.clock.advance(1);
  const { settlement } = await execution.concluded;
  assertEquals(settlement.end.kind, "retry");
  assertEquals(errorOf(settlement.end), {
    name: "TaskTimeoutError",
    message: "The handler ran longer than its timeoutMs of 1000",
  });
  assert(signal!.reason instanceof TaskTimeoutError);
  assertEquals(bench.instrument.processed[0]!.end?.errorType, "timeout");
  assertFalse(hasReturned, "the handler is still running");
  door.open();
  await execution.returned;
  assertEquals(bench.clock.pending, 0);
});

test("execute() waits as the envelope's backoff says before the next attempt", async () => {
  const { end } = await conclude(() => {
    throw new Error("once more");
  }, { attempt: 2 });
  assertEquals(end, {
    kind: "retry",
    delayMs: 500,
    error: '{"name":"Error","message":"once more"}',
  });
});

test("execute() buries the last attempt, with cause and stack", async () => {
  const { end } = await conclude(() => {
    throw new Error("last", { cause: new RangeError("deep") });
  }, { attempt: 3 });
  assertEnd(end, "dead");
  const error = errorOf(end);
  assertEquals(error.message, "last");
  assertEquals(error.cause?.name, "RangeError");
  assert("stack" in error);
});

test("execute() heeds NonRetryableError and RetryAfterError", async () => {
  const fatal = await conclude(() => {
    throw new NonRetryableError("never again");
  });
  assertEnd(fatal.end, "dead");
  const later = await conclude(() => {
    throw new RetryAfterError("busy", 7_000);
  });
  assertEnd(later.end, "retry");
  assertEquals(later.end.delayMs, 7_000);
});

test("execute() gives back a task that its handler released, whatever the handler does then", async () => {
  const plain = await conclude((_, ctx) => ctx.release());
  assertEquals(plain.end, { kind: "release", delayMs: 1_000 });
  const atOnce = await conclude((_, ctx) => ctx.release({ delayMs: 0 }));
  assertEquals(atOnce.end, { kind: "release", delayMs: 0 });
  const later = await conclude((_, ctx) => {
    ctx.release({ delayMs: 5_000 });
    throw new Error("ignored");
  });
  assertEquals(later.end, { kind: "release", delayMs: 5_000 });
  assertEquals(later.settlement.enqueue, []);
});

test("execute() completes a task whose result cannot be kept, and says so", async () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const hostile = {
    get secret() {
      throw new Error("secret");
    },
  };
  const values = ["x".repeat(2_000), 1n, cycle, NaN, () => 1, hostile];
  for (const value of values) {
    const { end, unsaved, bench } = await conclude(() => value);
    assertEnd(end, "complete");
    assertEquals(end.payload, undefined);
    assert(unsaved);
    assertEquals(bench.instrument.processed[0]!.events, [
      "baton.result.unsaved",
    ]);
  }
});

test("execute() keeps no result when resultTtlMs is 0, and the id for idTtlMs", async () => {
  const envelope = letterOf({ resultTtlMs: 0 });
  const { end, unsaved } = await conclude(() => 1n, { envelope });
  assertEquals(end, {
    kind: "complete",
    payload: undefined,
    resultMs: 0,
    keepMs: HOUR,
  });
  assertFalse(unsaved);
  const long = letterOf({ resultTtlMs: 3 * HOUR });
  const kept = await conclude(() => 1, { envelope: long });
  assertEnd(kept.end, "complete");
  assertEquals(kept.end.keepMs, 3 * HOUR);
});

test("execute() frees a dedupe key when the task ends, and only one that lasts until then", async () => {
  const keyed = (until: "ended" | "expired") =>
    letterOf({ dedupe: { key: "k", until } });
  const ended = await conclude(() => 1, { envelope: keyed("ended") });
  assertEquals(ended.settlement.dedupe, "k");
  const expires = await conclude(() => 1, { envelope: keyed("expired") });
  assertEquals(expires.settlement.dedupe, undefined);
  const retried = await conclude(() => {
    throw new Error();
  }, { envelope: keyed("ended") });
  assertEquals(retried.settlement.dedupe, undefined);
});

test("execute() survives whatever a handler throws", async () => {
  const hostileError = new Error("x");
  for (const key of ["name", "message", "stack", "cause"]) {
    Object.defineProperty(hostileError, key, {
      get() {
        throw new Error("hostile");
      },
    });
  }
  const hostileProxy = new Proxy({}, {
    getPrototypeOf() {
      throw new Error("hostile");
    },
  });
  const thrown = [
    undefined,
    null,
    "text",
    Symbol("s"),
    { then: 1 },
    hostileError,
    hostileProxy,
    Object.freeze(new Error("frozen")),
  ];
  for (const error of thrown) {
    const { end } = await conclude(() => {
      throw error;
    });
    assertEnd(end, "retry");
    assertEquals(typeof errorOf(end).name, "string");
    const last = await conclude(() => Promise.reject(error), { attempt: 3 });
    assertEnd(last.end, "dead");
  }
});

test("execute() cancels, when the handler fails after it was asked to stop; a completion wins", async () => {
  const heeds: Run = (_, { signal }) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  const stopped = start(heeds);
  await stopped.bench.clock.advance(1);
  stopped.execution.abort(new TaskCancelledError("The task was cancelled"));
  assertEquals((await stopped.execution.concluded).outcome, "cancelled");
  const finishes: Run = (_, { signal }) =>
    new Promise((resolve) =>
      signal.addEventListener("abort", () => resolve("done"))
    );
  const completed = start(finishes);
  await completed.bench.clock.advance(1);
  completed.execution.abort(new TaskCancelledError("The task was cancelled"));
  assertEquals((await completed.execution.concluded).outcome, "completed");
});

/** Executes one delivery, stops its consumer meanwhile, and gives what is settled. */
async function interrupt(
  onAbort: (ctx: HandlerContext) => void,
  delivery: Partial<Delivery> = {},
) {
  const { bench, execution } = start(async (_, ctx) => {
    const { promise, reject } = Promise.withResolvers<never>();
    ctx.signal.addEventListener("abort", () => {
      onAbort(ctx);
      reject(new NonRetryableError("interrupted"));
    });
    await promise;
  }, delivery);
  await bench.clock.advance(1);
  execution.abort(new ConsumerStoppedError("stop"));
  const { settlement: { end } } = await execution.concluded;
  return { end, trace: bench.instrument.processed[0]! };
}

test("execute() spends the attempt that its consumer stops, and repeats it at once", async () => {
  const { end, trace } = await interrupt(() => {});
  assertEnd(end, "retry");
  assertEquals(end.delayMs, 0);
  assertEquals(errorOf(end).name, "ConsumerStoppedError");
  assertEquals(trace.end?.state, "retry");
  assertEquals(trace.end?.errorType, "ConsumerStoppedError");
});

test("execute() ends a task as dead when its consumer stops the last attempt", async () => {
  const { end, trace } = await interrupt(() => {}, { attempt: 3 });
  assertEnd(end, "dead");
  assertEquals(errorOf(end).name, "ConsumerStoppedError");
  assertEquals(trace.end?.errorType, "ConsumerStoppedError");
});

test("ctx.defer() refuses what has no effect there", async () => {
  const next = defineTask<void>("next");
  const { end } = await conclude(
    (_, ctx) => ctx.defer(next, undefined, { maxBacklog: 5 }),
  );
  assertEnd(end, "retry");
  assertStringIncludes(errorOf(end).message, "'maxBacklog' has no effect");
});

test("execute() spends no attempt that its handler releases when the consumer stops", async () => {
  const { end } = await interrupt(
    (ctx) => ctx.release({ delayMs: 0 }),
    { attempt: 3 },
  );
  assertEquals(end, { kind: "release", delayMs: 0 });
});

test("ctx tells the attempt", async () => {
  let seen: HandlerContext | undefined;
  const { bench } = await conclude((_, ctx) => void (seen = ctx), {
    attempt: 2,
    enqueuedAt: NOW - 5,
  });
  const { id, name, queue, attempt, maxAttempts, enqueuedAt } = seen!;
  assertEquals(
    { id, name, queue, attempt, maxAttempts, enqueuedAt },
    {
      id: "task-1",
      name: "t",
      queue: "tested",
      attempt: 2,
      maxAttempts: 3,
      enqueuedAt: NOW - 5,
    },
  );
  assertEquals(seen!.context, bench.instrument.processed[0]!.context);
});

const next = defineTask<{ readonly n: number }>("next");

test("ctx.enqueue() gives the same ids in each attempt, under the attempt's span, one deeper", async () => {
  const run: Run = async (_, ctx) => {
    await ctx.enqueue(next, { n: 1 });
    await Promise.all([
      ctx.enqueueNamed("other"),
      ctx.enqueue(next, { n: 2 }, { id: "mine" }),
    ]);
  };
  const envelope = letterOf({ depth: 4 });
  const first = await conclude(run, { envelope });
  const second = await conclude(run, { envelope, attempt: 2 });
  const ids = first.bench.broker.sent.map(({ id }) => id);
  assertEquals(
    ids.toSorted(),
    [
      await derivedId("task-1", NOW, 0, "next"),
      await derivedId("task-1", NOW, 1, "other"),
      "mine",
    ].toSorted(),
  );
  assertEquals(
    second.bench.broker.sent.map(({ id }) => id).toSorted(),
    ids.toSorted(),
  );
  for (const { envelope } of first.bench.broker.sent) {
    const read = readEnvelope(envelope);
    assert(read.kind === "open");
    assertEquals(read.envelope.depth, 5);
  }
  const { enqueued, processed } = first.bench.instrument;
  for (const { context } of enqueued) {
    assertEquals(context, processed[0]!.context);
  }
});

test("ctx.enqueue() is waited for when the handler does not, and fails the attempt when it fails", async () => {
  const forgotten = await conclude((_, ctx) => {
    ctx.enqueue(next, { n: 1 });
  });
  assertEquals(forgotten.outcome, "completed");
  assertEquals(forgotten.bench.broker.sent.length, 1);
  const failing = await conclude((_, ctx) => {
    ctx.enqueueNamed("bad", { n: 1n });
  });
  assertEquals(failing.outcome, "retry");
  const caught = await conclude(async (_, ctx) => {
    await assertRejects(() => ctx.enqueueNamed(""), RangeError);
  });
  assertEquals(caught.outcome, "completed");
});

test("ctx.defer() travels in the settlement of a success, its span open until the answer", async () => {
  const run: Run = async (_, ctx) => {
    const id = await ctx.defer(next, { n: 1 });
    assertEquals(id, await derivedId("task-1", NOW, 0, "next"));
    assertEquals(await ctx.defer(next, { n: 2 }, { id: "mine" }), "mine");
  };
  for (const answer of ["accepted", "stale", "unknown"] as const) {
    const { settlement, answered, bench } = await conclude(run);
    assertEquals(bench.broker.sent, []);
    const ids = settlement.enqueue.map(({ id }) => id);
    assertEquals(ids, [await derivedId("task-1", NOW, 0, "next"), "mine"]);
    const { enqueued, processed } = bench.instrument;
    assertEquals(enqueued.map(({ ends }) => ends), [[], []]);
    answered(answer);
    const end = answer === "accepted" ? "sent" : "failed";
    assertEquals(enqueued.map(({ ends }) => ends), [[end], [end]]);
    assertEquals(processed[0]!.answer, answer);
  }
});

test("ctx.defer() enqueues nothing when the attempt fails", async () => {
  const { settlement, answered, bench } = await conclude(async (_, ctx) => {
    await ctx.defer(next, { n: 1 });
    throw new Error("after all");
  });
  assertEquals(settlement.enqueue, []);
  answered("accepted");
  assertEquals(bench.instrument.enqueued[0]!.ends, ["failed"]);
});

test("ctx.defer() refuses at once what cannot be enqueued, or too much", async () => {
  const { execution } = start(async (_, ctx) => {
    await assertRejects(() => ctx.defer(next, { n: NaN }), Error, "NaN");
    for (let i = 0; i < 1_000; i++) {
      await ctx.defer(next, { n: i }, { id: `next-${i}` });
    }
    await assertRejects(() => ctx.defer(next, { n: 0 }), RangeError, "1000");
  });
  const { outcome, settlement } = await execution.concluded;
  assertEquals(outcome, "completed");
  assertEquals(settlement.enqueue.length, 1_000);
});

test("ctx.extend() holds the lease and moves the time-out from its call", async () => {
  const door = gate();
  const { bench, execution, extended } = start(async (_, ctx) => {
    await door.opened;
    await ctx.extend(5_000);
    await new Promise<void>((_, reject) =>
      ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))
    );
  });
  let isOver = false;
  execution.concluded.then(() => isOver = true);
  await bench.clock.advance(900);
  door.open();
  await bench.clock.advance(4_999);
  assertEquals(extended, [5_000]);
  assertFalse(isOver);
  await bench.clock.advance(1);
  assert(isOver);
  const { settlement } = await execution.concluded;
  assertStringIncludes(errorOf(settlement.end).message, "5900");
});

test("ctx.extend() rejects when the lease is lost, and checks its argument", async () => {
  const { outcome } = await conclude(
    async (_, ctx) => {
      await assertRejects(() => ctx.extend(1_000), LeaseLostError);
      await assertRejects(() => ctx.extend(-1), RangeError);
      await assertRejects(() => ctx.extend(0.5), RangeError);
      assertThrows(() => ctx.release({ delayMs: -1 }), RangeError);
    },
    {},
    { extend: () => Promise.reject(new LeaseLostError("lost")) },
  );
  assertEquals(outcome, "completed");
});

test("ctx says so when it is used after its attempt", async () => {
  let kept: HandlerContext | undefined;
  const { bench } = await conclude((_, ctx) => void (kept = ctx));
  const { enqueue, enqueueNamed, defer, extend, release } = kept!;
  const calls = [
    () => enqueue(next, { n: 1 }),
    () => enqueueNamed("next"),
    () => defer(next, { n: 1 }),
    () => extend(1_000),
  ];
  for (const call of calls) {
    await assertRejects(call, TypeError, "the attempt has ended");
  }
  assertThrows(() => release(), TypeError, "ctx.release()");
  assertEquals(bench.broker.sent, []);
});

test("ctx leaves no unhandled rejection when a forgotten call fails", async () => {
  const { end } = await conclude(async (_, ctx) => {
    ctx.enqueue(next, { n: 1 });
    ctx.defer(next, { n: NaN });
    await ctx.enqueueNamed("x");
    throw new Error("the handler's own");
  });
  assertMatch(errorOf(end).message, /the handler's own/);
});

test("execute() tells the broker's failure as the handler's when it enqueues", async () => {
  const { bench, execution } = start((_, ctx) => ctx.enqueueNamed("x"));
  bench.broker.enqueue = () =>
    Promise.reject(new BrokerError("unavailable", "down"));
  const { settlement } = await execution.concluded;
  assertEquals(errorOf(settlement.end).name, "BrokerError");
});
