/** An attempt at its edges: what a handler leaves under way, what comes when it has ended, and what is no ordinary value. */
import { ROOT_CONTEXT } from "@opentelemetry/api";
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { NewTask } from "../src/broker/broker.ts";
import { type Backoff, fixed } from "../src/core/backoff.ts";
import {
  ConsumerStoppedError,
  RetryAfterError,
  TaskTimeoutError,
} from "../src/core/error.ts";
import type { StandardSchema } from "../src/core/schema.ts";
import { defineTask, type Run } from "../src/core/task.ts";
import { execute, type Execution } from "../src/queue/execute.ts";
import { type Bench, bench, gate, times } from "./support/consumer.ts";
import { test } from "./support/suite.ts";
import { delivery } from "./support/traced.ts";

interface Options {
  readonly backoff?: Backoff;
  readonly schema?: StandardSchema<unknown, unknown>;
  readonly extend?: (ms: number) => Promise<void>;
}

/** A schema that takes everything, once its gate is open. */
function slow(opened: Promise<void>): StandardSchema<unknown, unknown> {
  return {
    "~standard": {
      version: 1,
      vendor: "tests",
      validate: (value) => opened.then(() => ({ value })),
    },
  };
}

/** Executes a task of 1 s whose handler is `run`. */
async function start(
  run: Run<unknown, unknown>,
  { backoff = fixed(500), schema, extend = () => Promise.resolve() }: Options =
    {},
): Promise<Bench & { readonly execution: Execution }> {
  const made = bench({ handlers: [{ name: "t", schema: undefined, run }] });
  const task = defineTask("t", { backoff, timeoutMs: 1_000 });
  await made.enqueue(task.with(undefined));
  const { envelope } = made.broker.sent[0]!;
  const handlers = new Map([["t", { name: "t", schema, run }]]);
  const execution = execute(
    { ...made.parts, handlers },
    delivery({ id: "parent", name: "t", envelope }),
    {
      now: made.clock.now(),
      ambient: ROOT_CONTEXT,
      worker: "w",
      extend,
      progress() {},
    },
  );
  return { ...made, execution };
}

const idsOf = (tasks: readonly NewTask[]) => tasks.map(({ id }) => id);
const next = defineTask<number>("next");

test("ctx.enqueue() and ctx.defer() give each of their calls another id, the same in each attempt", async () => {
  const attempt = async () => {
    const { execution, broker } = await start(async (_, ctx) => {
      await ctx.enqueue(next, 1);
      await ctx.defer(next, 1);
      await ctx.defer(next, 1);
      await ctx.enqueue(next, 1);
    });
    const { settlement } = await execution.concluded;
    return [...idsOf(broker.sent.slice(1)), ...idsOf(settlement.enqueue)];
  };
  const ids = await attempt();
  assertEquals(new Set(ids).size, 4);
  assertEquals(await attempt(), ids);
});

test("ctx waits for calls that calls which nobody waits for begin", async () => {
  const { execution, broker } = await start((_, ctx) => {
    ctx.enqueueNamed("a")
      .then(() => ctx.enqueueNamed("b"))
      .then(() => ctx.enqueueNamed("c"));
  });
  assertEquals((await execution.concluded).outcome, "completed");
  assertEquals(broker.sent.slice(1).map(({ name }) => name), ["a", "b", "c"]);
});

test("ctx.defer() that is under way when the attempt ends is refused, its span failed", async () => {
  const door = gate();
  const later = defineTask("later", { input: slow(door.opened) });
  let refused: Promise<unknown> | undefined;
  const { execution, clock, instrument } = await start((_, ctx) => {
    refused = assertRejects(
      () => ctx.defer(later, 1),
      TypeError,
      "the attempt has ended",
    );
    return new Promise(() => {});
  });
  await clock.advance(1_000);
  const { settlement } = await execution.concluded;
  assertEquals(settlement.enqueue, []);
  door.open();
  await refused;
  assertEquals(instrument.enqueued.at(-1)!.ends, ["failed"]);
});

test("ctx.extend() moves the time-out from when it was called, however late the answer", async () => {
  const door = gate();
  const { execution, clock } = await start(
    async (_, ctx) => {
      await ctx.extend(2_000);
      await new Promise(() => {});
    },
    { extend: () => door.opened },
  );
  await clock.advance(600);
  door.open();
  let isOver = false;
  execution.concluded.then(() => void (isOver = true));
  await clock.advance(1_399);
  assert(!isOver);
  await clock.advance(1);
  assert(isOver);
});

test("execute() runs no handler when the attempt was stopped while its input was parsed", async () => {
  const door = gate();
  let runs = 0;
  const { execution } = await start(() => void runs++, {
    schema: slow(door.opened),
  });
  execution.abort(new ConsumerStoppedError("stopping"));
  door.open();
  const { settlement } = await execution.concluded;
  assertEquals([settlement.end.kind, runs], ["retry", 0]);
});

test("execute() ends an attempt at its time-out while the schema takes its time", async () => {
  const { execution, clock } = await start(() => {}, {
    schema: slow(new Promise(() => {})),
  });
  await clock.advance(1_000);
  const { settlement: { end } } = await execution.concluded;
  assert(end.kind === "retry");
  assert(end.error.includes(new TaskTimeoutError(1_000).message));
});

test("execute() takes the jitter of a backoff from the queue's randomness", async () => {
  const backoff = fixed(1_000_000, { jitter: 1 });
  const delays = await Promise.all(times(8, async () => {
    const { execution } = await start(() => Promise.reject(new Error("no")), {
      backoff,
    });
    const { settlement: { end } } = await execution.concluded;
    return end.kind === "retry" ? end.delayMs : NaN;
  }));
  assertEquals(new Set(delays).size, 8);
});

test("execute() comes again at once when an error asks for no sensible wait", async () => {
  for (const afterMs of [NaN, -1, 0.5, Infinity, "soon"]) {
    const error = Object.assign(new RetryAfterError("later", 1), { afterMs });
    const { execution } = await start(() => Promise.reject(error));
    const { settlement: { end } } = await execution.concluded;
    assertEquals(end.kind === "retry" && end.delayMs, 0);
  }
});

test("execute() completes a task whose result throws when it is read, and repeats nothing of it", async () => {
  const { execution, instrument } = await start(() => ({
    get value() {
      throw new Error("s3cret");
    },
  }));
  const { outcome, unsaved, settlement } = await execution.concluded;
  assertEquals([outcome, unsaved], ["completed", true]);
  const told = JSON.stringify([settlement, instrument.processed[0]!.events]);
  assert(!told.includes("s3cret"), told);
});

test("Execution.abandon() ends the span of an attempt, and of what it deferred", async () => {
  const door = gate();
  const { execution, clock, instrument } = await start(async (_, ctx) => {
    await ctx.defer(next, 1);
    await door.opened;
  });
  await clock.advance(10);
  execution.abandon(new ConsumerStoppedError("gone"));
  const { end, answer } = instrument.processed[0]!;
  assertEquals([end?.state, answer], ["retry", "unknown"]);
  assertEquals(instrument.enqueued.at(-1)!.ends, ["failed"]);
  assertEquals(clock.pending, 0);
  door.open();
  await execution.returned;
});
