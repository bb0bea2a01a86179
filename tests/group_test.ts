/** The handle of a group: counts, results page by page, waiting, cancelling, deleting. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  defineTask,
  GroupMissingError,
  type GroupSettled,
  type PurgeRequest,
  Queue,
  type ResultsRequest,
  testClock,
} from "../mod.ts";
import { onBoth } from "./support/both_brokers.ts";
import { make } from "./support/recording_broker.ts";
import "./support/loaded.ts";
import { test } from "./support/suite.ts";

const HOUR = 3_600_000;

const odd = defineTask<number, number>("odd", { maxAttempts: 1 });
const oddHandler = odd.handle((n) => {
  if (n % 2 === 0) throw new Error(`${n} is even`);
  return n;
});
const done = defineTask<GroupSettled>("done");

const numbers = (length: number): number[] =>
  Array.from({ length }, (_, n) => n);

const counts = (more: object) => ({
  completed: 0,
  dead: 0,
  cancelled: 0,
  expired: 0,
  ...more,
});

onBoth("results() gives all members page by page, in order", async (place) => {
  const queue = place.queue({ handlers: [oddHandler] });
  const { id } = await queue.map(odd, numbers(1_203));
  await queue.drain();
  const group = queue.group<number>(id);
  const values: (number | string)[] = [];
  const sizes: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await group.results({
      limit: 700,
      ...(cursor === undefined ? {} : { cursor }),
    });
    assertEquals([page.status, page.total], ["complete", 1_203]);
    for (const one of page.results) {
      values.push(one.ok ? one.value : one.error.message);
    }
    sizes.push(page.results.length);
    cursor = page.cursor;
  } while (cursor !== undefined);
  assertEquals(sizes, [700, 503]);
  assertEquals(
    values,
    numbers(1_203).map((n) => n % 2 === 0 ? `${n} is even` : n),
  );
  const asked = place.broker.of<ResultsRequest>("results");
  assertEquals(asked.map(({ ids }) => ids.length), [500, 200, 500, 3]);
});

onBoth(
  "results() gives only failures when they are asked for",
  async (place) => {
    const queue = place.queue({ handlers: [oddHandler] });
    const map = await queue.map(odd, [1, 2, 3, 4, 5], { delayMs: 1_000 });
    assertEquals((await map.results({ failures: true })).results, []);
    await place.advance(1_000);
    await queue.drain();
    const { results } = await map.results({ failures: true });
    assertEquals(results.map(({ index }) => index), [1, 3]);
    const page = await map.results({ failures: true, limit: 2, cursor: "2" });
    assertEquals(page.results.map(({ index }) => index), [3]);
    assertEquals(page.cursor, "4");
  },
);

test("results() ends a page where a reply is full", async () => {
  const long = defineTask<number, string>("long");
  const handlers = [long.handle(() => "x".repeat(250_000))];
  const queue = Queue.inMemory({ handlers });
  const map = await queue.map(long, numbers(40));
  await queue.drain();
  let read = 0;
  let pages = 0;
  for (let cursor = "0";;) {
    const page = await map.results({ cursor });
    assert(page.results.length > 0 && page.results.length < 20);
    read += page.results.length;
    pages++;
    if (page.cursor === undefined) break;
    cursor = page.cursor;
  }
  assertEquals(read, 40);
  assert(pages >= 3);
});

onBoth("cancel() ends what waits, and each is counted", async (place) => {
  const seen: unknown[] = [];
  const doneHandler = done.handle((settled) => void seen.push(settled));
  const queue = place.queue({ handlers: [oddHandler, doneHandler] });
  const map = await queue.map(odd, numbers(700), { onSettled: done });
  const spared = await queue.enqueue(odd, 1);
  assertEquals(await map.cancel(), 700);
  const purges = place.broker.of<PurgeRequest>("purge");
  assertEquals(purges.map(({ tasks }) => tasks.length), [500, 200]);
  const { cancelled } = await queue.drain();
  assertEquals(cancelled, 700);
  assertEquals(
    await map.counts(),
    counts({ status: "complete", total: 700, pending: 0, cancelled: 700 }),
  );
  assertEquals(seen.length, 1);
  const [first] = (await map.results()).results;
  assert(first?.ok === false && first.status === "cancelled");
  assertEquals(first.error.name, "TaskCancelledError");
  assertEquals((await queue.result(spared.id)).status, "completed");
  assertEquals(await map.cancel(), 0);
});

onBoth("cancel() asks a member that runs to stop", async (place) => {
  const slow = defineTask<number>("slow");
  const stopped: unknown[] = [];
  const slowHandler = slow.handle(async (n, ctx) => {
    if (n === 0) await queue.group(ctx.group!).cancel();
    await ctx.extend(60_000);
    stopped.push(ctx.signal.reason?.name);
    ctx.signal.throwIfAborted();
  });
  const queue = place.queue({ handlers: [slowHandler] });
  const group = await queue.map(slow, [0, 1, 2]);
  await queue.drain({ batchSize: 1 });
  assertEquals(stopped, ["TaskCancelledError"]);
  assertEquals(
    await group.counts(),
    counts({ status: "complete", total: 3, pending: 0, cancelled: 3 }),
  );
});

onBoth(
  "cancel() ends the members of a group that is still open",
  async (place) => {
    const queue = place.queue({ handlers: [oddHandler] });
    async function* dying() {
      for (let n = 0; n < 1_500; n++) yield await Promise.resolve(n);
      throw new Error("died");
    }
    const options = { id: "torn" };
    await assertRejects(() => queue.map(odd, dying(), options), Error, "died");
    const torn = queue.group("torn");
    await assertRejects(() => torn.delete(), RangeError, "which is open");
    assertEquals(await torn.cancel(), 1_000);
    const purges = place.broker.of<PurgeRequest>("purge");
    assertEquals(purges.map(({ tasks }) => tasks.length), [500, 500]);
    await queue.drain();
    assertEquals(
      await torn.counts(),
      counts({ status: "open", cancelled: 1_000 }),
    );
  },
);

onBoth(
  "delete() forgets the group, its members and their results",
  async (place) => {
    const queue = place.queue({ handlers: [oddHandler] });
    const map = await queue.map(odd, numbers(600));
    await queue.drain();
    const { results: [first] } = await map.results({ limit: 1 });
    await map.delete();
    await assertRejects(() => map.counts(), GroupMissingError);
    assertEquals((await queue.result(first!.id)).status, "missing");
    assertEquals((await queue.stats()).dead, 0);
    const again = await queue.map(odd, [1], { id: map.id });
    await queue.drain();
    assertEquals((await again.counts()).completed, 1);
  },
);

onBoth(
  "delete() refuses a group whose members have not ended",
  async (place) => {
    const queue = place.queue({ handlers: [oddHandler] });
    const map = await queue.map(odd, [1, 3], { onSettled: done });
    await assertRejects(() => map.delete(), RangeError, "which is sealed");
    await queue.drain();
    assertEquals((await map.results()).results.map(({ ok }) => ok), [
      true,
      true,
    ]);
  },
);

onBoth("a group of which nothing is known says so", async (place) => {
  const queue = place.queue();
  const group = queue.group("nobody");
  for (
    const ask of [
      () => group.counts(),
      () => group.wait(),
      () => group.results(),
      () => group.cancel(),
      () => group.delete(),
    ]
  ) {
    const error = await assertRejects(ask, GroupMissingError);
    assert(error.message.includes("knows no group 'nobody'"));
    assertEquals(error.group, "nobody");
  }
});

onBoth("a group is forgotten ttlMs after it was complete", async (place) => {
  const queue = place.queue({ handlers: [oddHandler] });
  const map = await queue.map(odd, [1], { ttlMs: HOUR });
  await place.advance(HOUR / 2);
  await queue.drain();
  await place.advance(HOUR - 1);
  assertEquals((await map.counts()).completed, 1);
  await place.advance(2);
  await assertRejects(() => map.counts(), GroupMissingError);
});

test("wait() answers when the last member has ended, and asks at most 10 times in 10 seconds", async () => {
  const clock = testClock();
  const { queue, broker } = make({ clock, handlers: [oddHandler] });
  const map = await queue.map(odd, [1, 3]);
  let waited: unknown;
  const waiting = map.wait({ waitMs: 60_000 })
    .then((counts) => waited = counts.status);
  await clock.advance(10_000);
  assertEquals(waited, undefined);
  const asked = broker.of("group").length;
  assert(asked > 2 && asked <= 10, `${asked} requests`);
  await queue.drain();
  await clock.advance(2_000);
  assertEquals(await waiting, "complete");
});

test("wait() and results() answer how it stands when the time is over", async () => {
  const clock = testClock();
  const { queue } = make({ clock });
  const map = await queue.map(odd, [1, 3]);
  const waiting = Promise.all([
    map.wait({ waitMs: 5_000 }),
    map.results({ waitMs: 5_000 }),
  ]);
  await clock.advance(5_000);
  const [wait, { results, status }] = await waiting;
  assertEquals([wait.status, status, wait.pending], ["sealed", "sealed", 2]);
  assertEquals(results.map(({ ok }) => ok), [false, false]);
});

test("wait() rejects with the signal's reason when it aborts", async () => {
  const clock = testClock();
  const { queue } = make({ clock });
  const map = await queue.map(odd, [1]);
  const control = new AbortController();
  const { signal } = control;
  const waiting = map.wait({ waitMs: 60_000, signal });
  const reading = map.results({ waitMs: 60_000, signal });
  control.abort(new Error("enough"));
  await assertRejects(() => waiting, Error, "enough");
  await assertRejects(() => reading, Error, "enough");
});

test("a group refuses options that are not as they should be", async () => {
  const { queue, broker } = make();
  const group = queue.group("g");
  const refused = [
    [() => group.wait({ waitMs: 600_001 }), RangeError],
    [() => group.wait({ wait: 1 } as never), TypeError],
    [() => group.results({ limit: 0 }), RangeError],
    [() => group.results({ limit: 10_001 }), RangeError],
    [() => group.results({ cursor: "next" }), RangeError],
    [() => group.results({ failure: true } as never), TypeError],
  ] as const;
  for (const [ask, error] of refused) {
    await assertRejects(async () => void await ask(), error);
  }
  assertThrows(() => queue.group(""), RangeError);
  assertThrows(() => queue.group(1 as never), TypeError);
  assertEquals(broker.asked, []);
});

onBoth(
  "a group counts a member whose envelope cannot be read",
  async (place) => {
    const queue = place.queue({ handlers: [oddHandler] });
    await place.broker.enqueue(queue.name, {
      tasks: [{
        id: "torn",
        name: "odd",
        envelope: "{torn",
        priority: 0,
        due: { kind: "now" },
        dedupe: undefined,
      }],
      maxBacklog: undefined,
      group: {
        id: "g",
        seal: 1,
        callback: undefined,
        sealMs: HOUR,
        ttlMs: HOUR,
      },
    });
    const { dead } = await queue.drain();
    assertEquals(dead, 1);
    assertEquals(
      await queue.group("g").counts(),
      counts({ status: "complete", total: 1, pending: 0, dead: 1 }),
    );
  },
);
