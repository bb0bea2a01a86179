import {
  assert,
  assertEquals,
  assertFalse,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  type Clock,
  defineTask,
  Queue,
  type QueueOptions,
  type ResultOptions,
  type TaskStanding,
} from "../mod.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import { make, recording } from "./support/recording_broker.ts";
import { test } from "./support/suite.ts";

const resize = defineTask<{ readonly url: string }, string>("resize");
const nightly = defineTask("nightly");

const NOTHING = { commands: 0, requests: 1 } as const;

// ---------------------------------------------------------------- results

/** A clock whose waits are over at once, and written down. */
function hasty(): Clock & { readonly waits: readonly number[] } {
  let now = 1_763_800_000_000;
  const waits: number[] = [];
  return {
    waits,
    now: () => now,
    after(ms, callback) {
      waits.push(ms);
      now += ms;
      queueMicrotask(callback);
      return () => {};
    },
  };
}

function answering(...standings: readonly TaskStanding[]): QueueOptions {
  let asked = 0;
  const broker = recording(new MemoryBroker(), {
    result: () =>
      Promise.resolve({
        ...NOTHING,
        ...standings[Math.min(asked++, standings.length - 1)]!,
      }),
  });
  return { broker };
}

const LEASED: TaskStanding = {
  status: "leased",
  attempt: 1,
  dueAt: undefined,
  lastError: undefined,
};

test("result() asks ever less often until the task has ended", async () => {
  const clock = hasty();
  const done: TaskStanding = {
    status: "completed",
    attempt: 2,
    endedAt: 5,
    payload: `{"a":1}`,
  };
  const { queue, broker } = make({
    ...answering(LEASED, LEASED, LEASED, LEASED, LEASED, LEASED, LEASED, done),
    clock,
  });
  assertEquals(await queue.result("t", { waitMs: 60_000 }), {
    status: "completed",
    value: { a: 1 },
    saved: true,
    attempt: 2,
  });
  assertEquals(clock.waits, [100, 200, 400, 800, 1_600, 2_000, 2_000]);
  assertEquals(broker.asked.length, 8);
});

test("result() answers with where the task stands when the time is over", async () => {
  const clock = hasty();
  const { queue, broker } = make({ ...answering(LEASED), clock });
  assertEquals(await queue.result("t", { waitMs: 10_000 }), {
    status: "leased",
    attempt: 1,
  });
  assertEquals(clock.waits.reduce((sum, ms) => sum + ms, 0), 10_000);
  assertEquals(broker.asked.length, 10);
});

test("result() asks once without waitMs, and of a missing task", async () => {
  const clock = hasty();
  const { queue, broker } = make({ ...answering(LEASED), clock });
  await queue.result("t");
  const gone = make({ ...answering({ status: "missing" }), clock });
  const waited = await gone.queue.result("t", { waitMs: 500 });
  assertEquals(waited, { status: "missing" });
  assertEquals(broker.asked.length + gone.broker.asked.length, 2);
  assertEquals(clock.waits, []);
});

test("result() rejects with the signal's reason when it aborts", async () => {
  const stop = new AbortController();
  const clock: Clock = {
    now: () => 0,
    after: () => {
      queueMicrotask(() => stop.abort(new Error("enough")));
      return () => {};
    },
  };
  const { queue } = make({ ...answering(LEASED), clock });
  await assertRejects(
    () => queue.result("t", { waitMs: 500, signal: stop.signal }),
    Error,
    "enough",
  );
  await assertRejects(() => queue.result("t", { signal: stop.signal }), Error);
});

test("result() tells errors, due times and results that are not there", async () => {
  const error = `{"name":"Oops","message":"no"}`;
  const told = async (standing: TaskStanding) =>
    await make(answering(standing)).queue.result("t");
  assertEquals(await told({ status: "dead", attempt: 5, endedAt: 1, error }), {
    status: "dead",
    attempt: 5,
    error: { name: "Oops", message: "no" },
  });
  assertEquals(
    await told({
      status: "scheduled",
      attempt: 1,
      dueAt: 9,
      lastError: error,
    }),
    {
      status: "scheduled",
      attempt: 1,
      dueAt: 9,
      lastError: { name: "Oops", message: "no" },
    },
  );
  for (const payload of [undefined, "not JSON"]) {
    assertEquals(
      await told({ status: "completed", attempt: 1, endedAt: 1, payload }),
      { status: "completed", attempt: 1, value: undefined, saved: false },
    );
  }
});

test("result() refuses an impossible id or wait", async () => {
  const { queue, broker } = make();
  await assertRejects(() => queue.result(""), RangeError);
  await assertRejects(() => queue.result("t", { waitMs: -1 }), RangeError);
  await assertRejects(
    () => queue.result("t", { waitMs: 600_001 }),
    RangeError,
    "600000",
  );
  const bad: readonly (readonly [unknown, string])[] = [
    [{ wait: 5 }, "Unknown option 'wait' of result()"],
    [{ signal: {} }, "signal"],
    [null, "must be an object"],
  ];
  for (const [options, says] of bad) {
    const asked = () => queue.result("t", options as ResultOptions);
    await assertRejects(asked, TypeError, says);
  }
  assertEquals(broker.asked, []);
});

// ---------------------------------------------------------------- administration

/** A memory broker whose clock stands still but for `at`. */
function timed(): { broker: MemoryBroker; at(now: number): void } {
  let now = 1_763_800_000_000;
  return {
    broker: new MemoryBroker({ clock: { now: () => now } }),
    at: (next) => {
      now = next;
    },
  };
}

/** Claims all that is due and ends it as dead. */
async function killAll(broker: MemoryBroker, seq: number): Promise<void> {
  const step = {
    consumer: "killer",
    leaseMs: 30_000,
    maxBytes: 1e6,
    alone: true,
    extend: [],
  };
  const { deliveries } = await broker.step("default", {
    ...step,
    seq,
    limit: 100,
    settle: [],
  });
  await broker.step("default", {
    ...step,
    seq: seq + 1,
    limit: 0,
    settle: deliveries.map(({ id, token }) => ({
      id,
      token,
      end: { kind: "dead", error: `{"name":"E","message":"m"}` },
      span: "",
      dedupe: undefined,
      enqueue: [],
    })),
  });
}

test("purge() ends what waits and fits the filter, in pages, each with an operation of its own", async () => {
  const { queue, broker } = make();
  await queue.enqueueMany(
    Array.from({ length: 1_200 }, () => resize.with({ url: "a" })),
  );
  await queue.enqueue(nightly);
  await queue.enqueue(nightly, undefined, { id: "later", delayMs: 60_000 });
  assertEquals(await queue.purge({ name: "resize" }), { purged: 1_200 });
  const asked = broker.of<{ operation: string }>("purge");
  assertLess(1, asked.length);
  assertEquals(new Set(asked.map((one) => one.operation)).size, asked.length);
  assertEquals((await queue.stats()).ready, 1);
  assertEquals(await queue.purge({ states: ["scheduled"] }), { purged: 1 });
  const gone = await queue.result("later");
  assert(gone.status === "cancelled");
  assertStringIncludes(gone.error.message, "purged");
  assertEquals(await queue.purge(), { purged: 1 });
});

test("purge() takes those enqueued before an instant, and the dead only when asked", async () => {
  const { broker: memory, at } = timed();
  const { queue } = make({ broker: memory });
  const start = 1_763_800_000_000;
  for (const [i, id] of ["a", "b", "c"].entries()) {
    at(start + i * 1_000);
    await queue.enqueue(nightly, undefined, { id });
  }
  assertEquals(await queue.purge({ before: new Date(start + 1_000) }), {
    purged: 1,
  });
  await killAll(memory, 1);
  assertEquals(await queue.purge(), { purged: 0 });
  assertEquals((await queue.stats()).dead, 2);
  assertEquals(await queue.purge({ states: ["dead"] }), { purged: 2 });
});

test("redrive() revives the dead that fit the filter, up to the limit", async () => {
  const { broker: memory, at } = timed();
  const { queue } = make({ broker: memory });
  const start = 1_763_800_000_000;
  await queue.enqueueMany([nightly.with(), nightly.with()]);
  await killAll(memory, 1);
  at(start + 5_000);
  await queue.enqueueMany([resize.with({ url: "a" }), nightly.with()]);
  await killAll(memory, 3);
  assertEquals((await queue.stats()).dead, 4);
  assertEquals(await queue.redrive({ name: "resize", before: start + 1 }), {
    redriven: 0,
  });
  assertEquals(await queue.redrive({ limit: 1 }), { redriven: 1 });
  assertEquals(await queue.redrive({ before: start + 1 }), { redriven: 1 });
  assertEquals(await queue.redrive({ name: "resize" }), { redriven: 1 });
  assertEquals(await queue.redrive(), { redriven: 1 });
  assertEquals((await queue.stats()).ready, 4);
});

test("redrive() leaves alone what dies while it works", async () => {
  const { broker: memory, at } = timed();
  let died = 0;
  const broker = recording(memory, {
    async redrive(queue, request) {
      const reply = await memory.redrive(queue, request);
      if (died++ < 20) {
        at(1_763_800_000_000 + died * 1_000);
        await killAll(memory, 1 + died * 2);
      }
      return reply;
    },
  });
  const { queue } = make({ broker });
  await queue.enqueueMany([nightly.with(), nightly.with()]);
  await killAll(memory, 1);
  assertEquals(await queue.redrive(), { redriven: 2 });
  assertEquals(died, 1);
});

test("purge() and redrive() refuse impossible filters before anything is sent", async () => {
  const { queue, broker } = make();
  const bad: readonly [() => Promise<unknown>, string][] = [
    [() => queue.purge(null as never), "must be an object"],
    [() => queue.purge({ state: "ready" } as never), "'state'"],
    [() => queue.purge({ states: ["leased"] } as never), "leased"],
    [() => queue.purge({ states: "dead" } as never), "a list"],
    [() => queue.purge({ name: "" }), "empty"],
    [() => queue.purge({ before: new Date(NaN) }), "before"],
    [() => queue.redrive({ limit: 0 }), "limit"],
    [() => queue.redrive({ states: ["dead"] } as never), "'states'"],
    [() => queue.list({ state: "running" } as never), "ready, scheduled"],
    [() => queue.list({ state: "ready", limit: 1_001 }), "limit"],
    [() => queue.list({ state: "ready", page: 2 } as never), "'page'"],
    [() => queue.list(undefined as never), "must be an object"],
    [() => queue.cancel(""), "empty"],
  ];
  for (const [call, words] of bad) await assertRejects(call, Error, words);
  assertEquals(broker.asked, []);
});

test("list() pages through a state and tells what belongs to it", async () => {
  const { broker: memory } = timed();
  const { queue } = make({ broker: memory });
  const now = 1_763_800_000_000;
  await queue.enqueueMany(
    ["a", "b", "c"].map((id) => nightly.with(undefined, { id })),
  );
  await queue.enqueue(nightly, undefined, { id: "late", delayMs: 5_000 });
  const first = await queue.list({ state: "ready", limit: 2 });
  assertEquals(first.tasks.map(({ id }) => id), ["a", "b"]);
  assert(first.cursor !== undefined);
  const { cursor } = first;
  assertEquals(await queue.list({ state: "ready", limit: 2, cursor }), {
    tasks: [{
      id: "c",
      name: "nightly",
      state: "ready",
      attempt: 0,
      enqueuedAt: now,
    }],
  });
  const [late] = (await queue.list({ state: "scheduled" })).tasks;
  assertEquals(late?.dueAt, now + 5_000);
  await killAll(memory, 1);
  const [dead] = (await queue.list({ state: "dead" })).tasks;
  assertEquals([dead?.diedAt, dead?.attempt], [now, 1]);
  assertEquals(dead?.error, { name: "E", message: "m" });
});

test("cancel(), pause(), resume() and stats() speak to the broker", async () => {
  const { queue, broker } = make();
  const { id } = await queue.enqueue(nightly);
  assertEquals(await queue.cancel("nobody"), "missing");
  assertEquals(await queue.cancel(id), "cancelled");
  const ended = await queue.result(id);
  assert(ended.status === "cancelled");
  assertEquals(ended.error.name, "TaskCancelledError");
  assertFalse("stack" in ended.error);
  await queue.pause();
  assertEquals((await queue.stats()).paused, true);
  await queue.resume();
  assertEquals(await queue.stats(), {
    ready: 0,
    scheduled: 0,
    leased: 0,
    dead: 0,
    paused: false,
    pausedNames: [],
    evicted: [],
  });
  const operations = ["cancel", "pause"].flatMap((verb) =>
    broker.of<{ operation: string }>(verb as "cancel")
      .map(({ operation }) => operation)
  );
  assertEquals(new Set(operations).size, 4);
  assert(operations.every((operation) => operation.length === 12));
});

test("verify() and repair() look at everything, and count what they cannot list", async () => {
  const found = Array.from({ length: 700 }, (_, i) => ({
    kind: i % 2 ? "ghost" : "orphan",
    id: `t${i}`,
  } as const));
  const { queue, broker } = make({
    broker: recording(new MemoryBroker(), {
      inspect: (_queue, { cursor }) =>
        Promise.resolve({
          ...NOTHING,
          checked: 1_000,
          problems: found,
          cursor: cursor === undefined ? "1" : cursor === "1" ? "2" : undefined,
        }),
    }),
  });
  const report = await queue.verify();
  assertEquals(report.checked, 3_000);
  assertEquals(report.problems.length, 1_000);
  assertEquals(report.counts, { ghost: 1_050, orphan: 1_050 });
  await queue.repair();
  assertEquals(
    broker.of<{ repair: boolean }>("inspect").map(({ repair }) => repair),
    [false, false, false, true, true, true],
  );
  assertEquals((await make().queue.verify()).counts, {});
});

test("result() tells a handler that returned nothing from a result that is not kept", async () => {
  const nothing = defineTask("nothing", { run: () => {} });
  const forgotten = defineTask("forgotten", { run: () => 1, resultTtlMs: 0 });
  const queue = Queue.inMemory({ handlers: [nothing, forgotten] });
  const ids = [await queue.enqueue(nothing), await queue.enqueue(forgotten)];
  await queue.drain();
  const results = await Promise.all(
    ids.map(({ id }) => queue.result<unknown>(id)),
  );
  assertEquals(
    results.map((result) => result.status === "completed" && result.saved),
    [true, false],
  );
});

test("pause() and resume() of a name stop its tasks only, and refuse what is no name", async () => {
  const other = defineTask("other");
  const { queue, broker } = make({
    handlers: [nightly.handle(() => {}), other.handle(() => {})],
  });
  await queue.enqueueMany([nightly.with(), other.with(), nightly.with()]);
  await queue.pause({ name: nightly.name });
  assertEquals((await queue.stats()).pausedNames, [nightly.name]);
  const { completed, stoppedBy } = await queue.drain();
  assertEquals([completed, stoppedBy], [1, "empty"]);
  await queue.resume();
  assertEquals((await queue.drain()).completed, 0);
  await queue.resume({ name: nightly.name });
  assertEquals((await queue.drain()).completed, 2);
  const names = broker.of<{ name?: string }>("pause").map(({ name }) => name);
  assertEquals(names, [nightly.name, undefined, nightly.name]);
  await assertRejects(() => queue.pause({ name: "" }), RangeError);
  await assertRejects(
    () => queue.pause({ task: "resize" } as object),
    TypeError,
    "task",
  );
});
