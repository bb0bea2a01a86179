/** ctx.snooze() and retryIf: what a handler says of its task's next attempt. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  defineTask,
  type EnqueueOptions,
  fixed,
  NonRetryableError,
  Queue,
  RetryAfterError,
  type SnoozeOptions,
} from "../mod.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import { test } from "./support/suite.ts";

const START = 1_763_800_000_000;
const HOUR = 3_600_000;

/** A broker whose clock stands still but for `advance`. */
const brokers = {
  "in memory"() {
    let now = START;
    return Promise.resolve({
      broker: new MemoryBroker({ clock: { now: () => now } }),
      advance: (ms: number) => Promise.resolve(void (now += ms)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
  "on Redis": () => gatewayBroker(START),
};

for (const [where, open] of Object.entries(brokers)) {
  test(`ctx.snooze() puts a task off with its attempts anew, as often as it is called, ${where}`, async () => {
    await using at = await open();
    const attempts: number[] = [];
    const until: SnoozeOptions[] = [
      { delayMs: HOUR },
      { at: START + 3 * HOUR },
      { at: new Date(START + 5 * HOUR) },
    ];
    const waiting = defineTask("waiting", {
      maxAttempts: 2,
      backoff: fixed(0),
      run(_: void, ctx) {
        attempts.push(ctx.attempt);
        if (ctx.attempt === 1) throw new Error("not at once");
        const [next] = until.splice(0, 1);
        if (next !== undefined) ctx.snooze(next);
      },
    });
    const queue = new Queue({
      name: `snooze-${crypto.randomUUID()}`,
      broker: at.broker,
      handlers: [waiting],
    });
    const dedupe: EnqueueOptions["dedupe"] = { key: "one", ttlMs: 9 * HOUR };
    const { id } = await queue.enqueue(waiting, undefined, { dedupe });
    for (const dueAt of [1, 3, 5].map((hours) => START + hours * HOUR)) {
      await queue.drain({ lingerMs: 0 });
      const result = await queue.result(id);
      assert(result.status === "scheduled" && result.dueAt !== undefined);
      assert(Math.abs(result.dueAt - dueAt) < 10_000, `${result.dueAt}`);
      assertEquals(result.attempt, 0);
      const again = await queue.enqueue(waiting, undefined, { dedupe });
      assertEquals(again, { id, deduplicated: true });
      await at.advance((dueAt === START + HOUR ? 1 : 2) * HOUR + 10_000);
    }
    await queue.drain({ lingerMs: 0 });
    assertEquals((await queue.result(id)).status, "completed");
    assertEquals(attempts, [1, 2, 1, 2, 1, 2, 1, 2]);
    assertEquals((await queue.verify()).problems, []);
  });
}

test("ctx.snooze() refuses what is no time", async () => {
  const refused: readonly (readonly [unknown, string])[] = [
    [{}, "either 'delayMs' or 'at'"],
    [{ delayMs: 1, at: 1 }, "either 'delayMs' or 'at'"],
    [{ delayMs: -1 }, "must be a whole number"],
    [{ at: new Date(NaN) }, "must be a whole number"],
    [{ until: 1 }, "Unknown option 'until' of ctx.snooze()"],
    [undefined, "must be an object"],
  ];
  const task = defineTask("task", {
    run(_: void, ctx) {
      for (const [options, says] of refused) {
        assertThrows(() => ctx.snooze(options as SnoozeOptions), Error, says);
      }
      return "tried";
    },
  });
  const queue = Queue.inMemory({ handlers: [task] });
  assertEquals(await queue.inline(task), "tried");
});

/** What a handler throws, what its rule says of it, and after how many attempts its task is dead. */
const rules = [
  ["an error that the rule wants again", () => new Error("again"), 3],
  ["an error that the rule gives up", () => new Error("final"), 1],
  ["a rule that throws", () => new Error("odd"), 3],
  ["a time to come again", () => new RetryAfterError("final", 0), 3],
  ["an end", () => new NonRetryableError("again"), 1],
] as const;

for (const [row, error, attempts] of rules) {
  for (const how of ["defineTask()", "handle()"]) {
    test(`retryIf given to ${how} makes ${attempts} of 3 attempts of ${row}`, async () => {
      const asked: unknown[] = [];
      const retryIf = (error: unknown, ctx: object) => {
        asked.push(ctx);
        const { message } = error as Error;
        if (message === "odd") throw new Error("bug");
        return message === "again";
      };
      const run = () => {
        throw error();
      };
      const options = { maxAttempts: 3, backoff: fixed(0) };
      const handler = how === "handle()"
        ? defineTask<void>("task", options).handle(run, { retryIf })
        : defineTask("task", { ...options, run, retryIf });
      const queue = Queue.inMemory({ handlers: [handler] });
      const { id } = await queue.enqueueNamed("task", undefined, options);
      await queue.drain();
      const result = await queue.result(id);
      assert(result.status === "dead");
      assertEquals(result.attempt, attempts);
      const isAsked = !(error() instanceof RetryAfterError) &&
        !(error() instanceof NonRetryableError);
      assertEquals(
        asked[0],
        isAsked ? { id, name: "task", attempt: 1, maxAttempts: 3 } : undefined,
      );
    });
  }
}

test("retryIf is not asked about a consumer that stopped", async () => {
  const stop = new AbortController();
  const slow = defineTask<void>("slow").handle(async (_, { signal }) => {
    await undefined;
    stop.abort();
    signal.throwIfAborted();
  }, { retryIf: () => false });
  const queue = Queue.inMemory({ handlers: [slow] });
  await queue.enqueueNamed("slow");
  const report = await queue.drain({ signal: stop.signal, graceMs: 0 });
  assertEquals([report.retried, report.dead], [1, 0]);
});

test("retryIf is a function, and belongs to a handler", async () => {
  const no = true as unknown as () => boolean;
  const says = "'retryIf' must be a function, not boolean";
  const run = () => {};
  assertThrows(() => defineTask("a", { run, retryIf: no }), TypeError, says);
  assertThrows(
    () => defineTask<void>("a").handle(run, { retryIf: no }),
    TypeError,
    says,
  );
  assertThrows(
    () => defineTask<void>("a", { retryIf: () => true } as object),
    TypeError,
    "'retryIf' belongs to its handler",
  );
  assertThrows(
    () => defineTask<void>("a").handle(run, { retry: no } as object),
    TypeError,
    "Unknown option 'retry' of the handler of 'a'",
  );
  await assertRejects(
    () => Queue.inMemory().enqueueNamed("a", 1, { retryIf: no } as object),
    TypeError,
    "Unknown option 'retryIf'",
  );
});
