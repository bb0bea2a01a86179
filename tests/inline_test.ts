import { ROOT_CONTEXT } from "@opentelemetry/api";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { PayloadError, TaskTimeoutError } from "../src/core/error.ts";
import type { EnqueueOptions } from "../src/core/options.ts";
import type { StandardSchema } from "../src/core/schema.ts";
import { defineTask } from "../src/core/task.ts";
import { inline } from "../src/queue/inline.ts";
import { bench, gate } from "./support/consumer.ts";
import { test } from "./support/suite.ts";

const date: StandardSchema<string, Date> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate(value) {
      const parsed = new Date(value as string);
      return Number.isNaN(parsed.getTime())
        ? { issues: [{ message: "no date" }] }
        : { value: parsed };
    },
  },
};

const next = defineTask<number>("next");

test("inline() runs the handler with both spans, without the broker", async () => {
  const task = defineTask("t", { input: date });
  const made = bench({
    handlers: [task.handle((input, ctx) => [input.getTime(), ctx.attempt])],
  });
  const call = task.with("2026-01-02T00:00:00.000Z", { maxAttempts: 9 });
  const value = await inline(made.parts, call, ROOT_CONTEXT);
  assertEquals(value, [Date.UTC(2026, 0, 2), 1]);
  assertEquals(made.broker.asked, []);
  const { enqueued, processed } = made.instrument;
  assertEquals(enqueued.map(({ ends }) => ends), [["sent"]]);
  assertEquals(processed[0]!.end?.state, "success");
  assertEquals(processed[0]!.answer, "accepted");
  assertEquals(processed[0]!.delivery.id, enqueued[0]!.tasks[0]!.id);
  assertEquals(made.clock.pending, 0);
});

test("inline() hands the input through JSON, as the broker would", async () => {
  const task = defineTask<{ a: number; b?: undefined }>("t");
  const input = { a: 1, b: undefined };
  const made = bench({
    handlers: [task.handle((got) => [got === input, Object.keys(got)])],
  });
  const value = await inline(made.parts, task.with(input), ROOT_CONTEXT);
  assertEquals(value, [false, ["a"]]);
});

test("inline() throws what the handler throws, after one attempt", async () => {
  const task = defineTask<void>("t");
  const thrown = new Error("as it is");
  let runs = 0;
  const made = bench({
    handlers: [task.handle(() => {
      runs++;
      throw thrown;
    })],
  });
  const error = await assertRejects(() =>
    inline(made.parts, task.with(), ROOT_CONTEXT)
  );
  assert(error === thrown);
  assertEquals(runs, 1);
  assertEquals(made.instrument.processed[0]!.end?.error, thrown);
});

test("inline() holds the time-out", async () => {
  const task = defineTask<void>("t", { timeoutMs: 100 });
  const door = gate();
  const made = bench({ handlers: [task.handle(() => door.opened)] });
  const running = inline(made.parts, task.with(), ROOT_CONTEXT);
  await assertRejects(() => made.until(running), TaskTimeoutError);
  door.open();
});

test("inline() really enqueues what the handler enqueues, and defers until it succeeds", async () => {
  const task = defineTask<boolean>("t");
  const made = bench({
    handlers: [task.handle(async (succeeds, ctx) => {
      await ctx.enqueue(next, 1, { id: "now" });
      await ctx.defer(next, 2, { id: "then" });
      assertEquals(made.broker.sent.at(-1)!.id, "now");
      if (!succeeds) throw new Error("no");
    })],
  });
  await assertRejects(() => inline(made.parts, task.with(false), ROOT_CONTEXT));
  assertEquals(made.broker.sent.map(({ id }) => id), ["now"]);
  await inline(made.parts, task.with(true), ROOT_CONTEXT);
  assertEquals(made.broker.sent.map(({ id }) => id), ["now", "now", "then"]);
  const ends = made.instrument.enqueued.map(({ ends }) => ends.join());
  assertEquals(ends, ["sent", "sent", "failed", "sent", "sent", "sent"]);
});

test("inline() refuses options that only mean something to a broker, but not a definition's", async () => {
  const task = defineTask<void>("t", { expiresInMs: 5, resultTtlMs: 0 });
  const made = bench({ handlers: [task.handle(() => 1)] });
  const idle: readonly EnqueueOptions[] = [
    { id: "mine" },
    { delayMs: 0 },
    { runAt: 5 },
    { priority: 1 },
    { dedupe: { key: "k" } },
    { maxBacklog: 5 },
  ];
  for (const options of idle) {
    await assertRejects(
      () => inline(made.parts, task.with(undefined, options), ROOT_CONTEXT),
      TypeError,
      `'${Object.keys(options)[0]}' has no effect in inline()`,
    );
  }
  assertEquals(made.instrument.enqueued, []);
  const call = task.with(undefined, { label: "here", timeoutMs: 50 });
  assertEquals(await inline(made.parts, call, ROOT_CONTEXT), 1);
});

test("inline() refuses what has no handler, a bad input, and a release", async () => {
  const task = defineTask("t", { input: date });
  const none = bench();
  await assertRejects(
    () => inline(none.parts, task.with("2026"), ROOT_CONTEXT),
    TypeError,
    "'t'",
  );
  const made = bench({ handlers: [task.handle((_, ctx) => ctx.release())] });
  await assertRejects(
    () => inline(made.parts, task.with("?"), ROOT_CONTEXT),
    PayloadError,
  );
  assertEquals(made.instrument.enqueued[0]!.ends, ["failed"]);
  await assertRejects(
    () => inline(made.parts, task.with("2026"), ROOT_CONTEXT),
    TypeError,
    "released",
  );
});
