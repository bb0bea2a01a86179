/** `queue.map` and `queue.enqueueGroup`: every input a member, sent in chunks, and a callback that fires once. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  BrokerError,
  defineTask,
  type EnqueueRequest,
  fixed,
  type GroupSettled,
  type Handler,
  type MapOptions,
  PayloadError,
  Queue,
  QueueFullError,
  type Settled,
  type StandardSchema,
} from "../mod.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import { readEnvelope } from "../src/codec/opened.ts";
import { isOwnId, memberIds, shardOf } from "../src/core/id.ts";
import { onBoth } from "./support/both_brokers.ts";
import { make, recording } from "./support/recording_broker.ts";
import { test } from "./support/suite.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;
const MINUTE = 60_000;

const square = defineTask<number, number>("square", { maxAttempts: 1 });
const done = defineTask<GroupSettled>("done");
const tell = defineTask<{ readonly to: string }>("tell");

const squareHandler = square.handle((n) => {
  if (n < 0) throw new Error(`no root of ${n}`);
  return n * n;
});

/** Handlers of `done` and `tell`, and what they were given. */
function handling(): {
  readonly seen: { readonly input: unknown; readonly group?: string }[];
  readonly handlers: readonly Handler[];
} {
  const seen: { readonly input: unknown; readonly group?: string }[] = [];
  const note = (input: unknown, { group }: { readonly group?: string }) => {
    seen.push({ input, ...(group === undefined ? {} : { group }) });
  };
  return {
    seen,
    handlers: [squareHandler, done.handle(note), tell.handle(note)],
  };
}

const numbers = (length: number): number[] =>
  Array.from({ length }, (_, n) => n);

async function* oneByOne(length: number) {
  for (let n = 0; n < length; n++) yield await Promise.resolve(n);
}

/** What a group's counts are where nothing else is said. */
const counts = (more: object) => ({
  completed: 0,
  dead: 0,
  cancelled: 0,
  expired: 0,
  ...more,
});

onBoth(
  "map() gives results in the order of the inputs, whatever came of each",
  async (place) => {
    const queue = place.queue({ handlers: [squareHandler] });
    const map = await queue.map(square, [3, -1, 2]);
    assertEquals(map.length, 3);
    assertEquals(
      await map.counts(),
      counts({ status: "sealed", total: 3, pending: 3 }),
    );
    const before = await map.results();
    assertEquals(before.results.map(({ ok }) => ok), [false, false, false]);
    const [first] = before.results;
    assert(first?.ok === false && first.status === "ready");

    await queue.drain();
    const { results, cursor, ...rest } = await map.results();
    assertEquals(cursor, undefined);
    assertEquals(
      rest,
      counts({
        status: "complete",
        total: 3,
        pending: 0,
        completed: 2,
        dead: 1,
      }),
    );
    assertEquals(results.map(({ index }) => index), [0, 1, 2]);
    const [a, b, c] = results;
    assert(a?.ok && c?.ok && a.saved);
    const values: readonly number[] = [a.value, c.value];
    assertEquals(values, [9, 4]);
    assert(b?.ok === false && b.status === "dead");
    assertEquals(
      [b.error.name, b.error.message],
      ["Error", "no root of -1"],
    );
  },
);

onBoth(
  "map() enqueues onSettled once, with what came of the group",
  async (place) => {
    const { seen, handlers } = handling();
    const queue = place.queue({ handlers });
    const { id } = await queue.map(square, [1, -1, 2, 3], { onSettled: done });
    const { callback } = await statusOf(place, id);
    assertEquals((await queue.result(callback!)).status, "waiting");
    await queue.drain({ batchSize: 2 });
    assertEquals(seen, [{
      input: {
        group: id,
        status: "complete",
        total: 4,
        pending: 0,
        completed: 3,
        dead: 1,
        cancelled: 0,
        expired: 0,
      },
      group: id,
    }]);
    await queue.drain();
    assertEquals(seen.length, 1);
    assertEquals((await queue.result(callback!)).status, "completed");
  },
);

onBoth(
  "map() gives onSettled its own input when that is a call",
  async (place) => {
    const { seen, handlers } = handling();
    const queue = place.queue({ handlers });
    const { id } = await queue.map(square, [1], {
      id: "squares-of-May",
      onSettled: tell.with({ to: "Ada" }, { id: "told", priority: 3 }),
    });
    assertEquals(id, "squares-of-May");
    await queue.drain();
    assertEquals(seen, [{ input: { to: "Ada" }, group: id }]);
    assertEquals((await queue.result("told")).status, "completed");
  },
);

onBoth("map() is complete at once when there are no inputs", async (place) => {
  const { seen, handlers } = handling();
  const queue = place.queue({ handlers });
  for (const inputs of [[], oneByOne(0)]) {
    const map = await queue.map(square, inputs, { onSettled: done });
    const empty = counts({ status: "complete", total: 0, pending: 0 });
    assertEquals(map.length, 0);
    assertEquals(await map.wait({ waitMs: 1_000 }), empty as never);
    assertEquals((await map.results()).results, []);
    await queue.drain();
    assertEquals(seen.at(-1)?.group, map.id);
  }
  assertEquals(seen.length, 2);
});

onBoth(
  "map() sends what it reads in chunks of 1,000, the group open until the last",
  async (place) => {
    const { seen, handlers } = handling();
    const queue = place.queue({ handlers });
    const map = await queue.map(square, oneByOne(2_001), { onSettled: done });
    assertEquals(map.length, 2_001);
    const sent = place.broker.of<EnqueueRequest>("enqueue");
    assertEquals(sent.map(({ tasks }) => tasks.length), [1_000, 1_000, 1]);
    assertEquals(
      sent.map(({ group }) => [group?.id, group?.seal, group?.callback?.name]),
      [
        [map.id, undefined, "done"],
        [map.id, undefined, undefined],
        [map.id, 2_001, undefined],
      ],
    );
    const idOf = await memberIds(map.id);
    for (const [n, { tasks }] of sent.entries()) {
      assertEquals(new Set(tasks.map(({ id }) => shardOf(id))).size, 1);
      assertEquals(
        tasks.map(({ id }) => id),
        tasks.map((_, i) => idOf(n * 1_000 + i)),
      );
      assert(tasks.every(({ id, group }) => isOwnId(id) && group === map.id));
    }
    assertEquals(new Set(place.broker.sent.map(({ id }) => id)).size, 2_001);
    const shards = sent.map(({ tasks }) => shardOf(tasks[0]!.id));
    assertEquals(new Set(shards).size, 3);
    const { completed } = await queue.drain();
    assertEquals([completed, seen.length], [2_002, 1]);
    const last = await map.results({ cursor: "2000" });
    assertEquals(last.results.map((one) => one.ok && one.value), [4_000_000]);
  },
);

test("map() sends a list that is too long for one request in several, none over two shards", async () => {
  const { queue, broker } = make();
  const echo = defineTask<string>("echo");
  // a quote takes two bytes in JSON, and four in JSON within JSON
  const long = '"'.repeat(125_000);
  const inputs = Array.from(
    { length: 1_100 },
    (_, n) => n < 70 || n >= 1_080 ? long : "",
  );
  await queue.map(echo, inputs, { onSettled: done });
  const requests = broker.of<EnqueueRequest>("enqueue");
  assert(requests.length > 3);
  assertEquals(
    requests.flatMap(({ tasks }) => tasks.map(({ id }) => id)),
    await Promise.all(
      numbers(1_100).map(async (i) =>
        (await memberIds(requests[0]!.group!.id))(i)
      ),
    ),
  );
  const [first, ...others] = requests.map(({ group }) => group?.callback);
  assertEquals([first?.name, new Set(others)], ["done", new Set([undefined])]);
  const seals = requests.map(({ group }) => group?.seal);
  assertEquals(seals, [...requests.slice(1).map(() => undefined), 1_100]);
  for (const { tasks } of requests) {
    assertEquals(new Set(tasks.map(({ id }) => shardOf(id))).size, 1);
  }
});

test("map() holds no more than 8 MB of what it reads", async () => {
  const { broker } = make();
  let read = 0;
  const readAtFirst: number[] = [];
  const queue = new Queue({
    broker: recording(broker, {
      enqueue: (queue, request) => {
        readAtFirst.push(read);
        return broker.enqueue(queue, request);
      },
    }),
  });
  function* long() {
    for (; read < 100; read++) yield "x".repeat(250_000);
  }
  await queue.map(defineTask<string>("echo"), long());
  const [atFirst] = readAtFirst;
  assert(atFirst! >= 30 && atFirst! <= 33, `${atFirst} were read`);
});

onBoth("map() under the same id again is no second group", async (place) => {
  const { seen, handlers } = handling();
  const queue = place.queue({ handlers });
  const again = () =>
    queue.map(square, [1, 2], { id: "once", onSettled: done });
  await again();
  await again();
  await queue.drain();
  const late = await again();
  await queue.drain();
  assertEquals(seen.length, 1);
  assertEquals((await late.counts()).completed, 2);
});

onBoth(
  "map() can be repeated after a request failed, and goes on",
  async (place) => {
    const { seen, handlers } = handling();
    let calls = 0;
    const broker = recording(place.broker, {
      enqueue: (queue, request) =>
        ++calls === 2
          ? Promise.reject(new BrokerError("unavailable", "gone"))
          : place.broker.enqueue(queue, request),
    });
    const { name } = place.queue();
    const queue = new Queue({ name, broker, handlers });
    const options: MapOptions = { id: "patient", onSettled: done };
    const send = () => queue.map(square, oneByOne(1_500), options);
    await assertRejects(send, BrokerError, "gone");
    assertEquals(
      await queue.group("patient").counts(),
      counts({ status: "open" }),
    );
    await queue.drain();
    assertEquals(seen, []);
    const map = await send();
    await queue.drain();
    assertEquals(
      await map.counts(),
      counts({
        status: "complete",
        total: 1_500,
        pending: 0,
        completed: 1_500,
      }),
    );
    assertEquals(seen.length, 1);
  },
);

onBoth(
  "map() is lost, and says so to onSettled, when its producer dies before it is sealed",
  async (place) => {
    const { seen, handlers } = handling();
    const queue = place.queue({ handlers });
    async function* dying() {
      yield* oneByOne(1_200);
      throw new Error("the producer died");
    }
    await assertRejects(
      () =>
        queue.map(square, dying(), {
          id: "torn",
          onSettled: done,
          sealMs: 5 * MINUTE,
        }),
      Error,
      "the producer died",
    );
    await queue.drain();
    const torn = queue.group<number>("torn");
    assertEquals(
      await torn.counts(),
      counts({ status: "open", completed: 1_000 }),
    );
    const { results } = await torn.results({ limit: 2_000 });
    assertEquals(results.length, 1_000);
    for (let i = 0; i < 4; i++) {
      await place.advance(2 * MINUTE);
      await queue.drain();
    }
    assertEquals(
      await torn.counts(),
      counts({ status: "lost", completed: 1_000 }),
    );
    assertEquals(seen, [{
      input: { group: "torn", ...counts({ status: "lost", completed: 1_000 }) },
      group: "torn",
    }]);
  },
);

onBoth(
  "map() remembers its members for ttlMs, also those that keep no result",
  async (place) => {
    const queue = place.queue({ handlers: [squareHandler] });
    const ttlMs = 2 * DAY;
    const kept = await queue.map(square, [2, -2], { ttlMs });
    const none = await queue.map(square, [2], { ttlMs, resultTtlMs: 0 });
    await queue.drain();
    await place.advance(ttlMs - MINUTE);
    await queue.drain();
    const [two, minus] = (await kept.results()).results;
    assert(two?.ok && two.value === 4 && minus?.ok === false);
    const [bare] = (await none.results()).results;
    assert(bare?.ok && bare.value === undefined && !bare.saved);
  },
);

onBoth(
  "enqueueGroup() makes a group of calls of several tasks, each with its own options",
  async (place) => {
    const { seen, handlers } = handling();
    const queue = place.queue({ handlers });
    const group = await queue.enqueueGroup([
      square.with(5, { priority: 1, label: "five" }),
      tell.with({ to: "Bo" }),
    ], { onSettled: done });
    assertEquals(group.length, 2);
    await queue.drain();
    const [five, told] = (await group.results()).results;
    assert(five?.ok && told?.ok);
    assertEquals([five.value, told.value], [25, undefined]);
    assertEquals(seen.map((one) => one.group), [group.id, group.id]);
  },
);

onBoth(
  "ctx.map() makes the same group in every attempt, whose callback goes on with the work",
  async (place) => {
    const { seen, handlers } = handling();
    const fan = defineTask<readonly number[]>("fan", {
      maxAttempts: 2,
      backoff: fixed(0),
    });
    const ids: string[] = [];
    const fanHandler = fan.handle(async (inputs, ctx) => {
      const map = await ctx.map(square, inputs, { onSettled: done });
      ids.push(map.id);
      if (ctx.attempt === 1) throw new Error("not yet");
    });
    const queue = place.queue({ handlers: [...handlers, fanHandler] });
    await queue.enqueue(fan, [1, 2, 3]);
    await queue.drain();
    assertEquals(ids.length, 2);
    assertEquals(ids[0], ids[1]);
    assertEquals(seen.map(({ group }) => group), [ids[0]]);
    assertEquals((await queue.group(ids[0]!).counts()).completed, 3);
  },
);

onBoth("map() counts a member that is redriven once", async (place) => {
  const { seen, handlers } = handling();
  let isHard = true;
  const hard = defineTask<number>("hard", { maxAttempts: 1 });
  const hardHandler = hard.handle((n) => {
    if (isHard) throw new Error("too hard");
    return n;
  });
  const queue = place.queue({ handlers: [...handlers, hardHandler] });
  const map = await queue.map(hard, [1, 2], { onSettled: done });
  await queue.drain();
  isHard = false;
  await queue.redrive();
  await queue.drain();
  const { results, ...rest } = await map.results();
  assertEquals(
    rest,
    counts({ status: "complete", total: 2, pending: 0, dead: 2 }),
  );
  assert(results.every(({ ok }) => ok));
  assertEquals(seen.length, 1);
});

onBoth(
  "map() leaves hooks to its members and its callback, which go on with the work",
  async (place) => {
    const seen: unknown[] = [];
    const mend = defineTask<Settled>("mend");
    const sum = defineTask<GroupSettled, number>("sum");
    const publish = defineTask<Settled<number>>("publish");
    const mending = defineTask<number, number>("mending", {
      maxAttempts: 1,
      onFailure: mend,
    });
    const collect = defineTask<readonly number[]>("collect");
    const queue = place.queue({
      handlers: [
        mending.handle((n) => {
          if (n < 0) throw new Error("below zero");
          return n;
        }),
        mend.handle(({ status }, { group }) => void seen.push([status, group])),
        collect.handle(async (inputs, ctx) => {
          await ctx.map(mending, inputs, {
            id: "in-a-chain",
            onSettled: { ...sum, options: { onSuccess: publish } },
          });
        }),
        sum.handle(async ({ group }) => {
          const { results } = await queue.group<number>(group).results();
          return results.reduce(
            (all, one) => all + (one.ok ? one.value : 0),
            0,
          );
        }),
        publish.handle((settled) => {
          assert(settled.status === "completed");
          seen.push(settled.value);
        }),
      ],
    });
    await queue.chain([collect.with([1, -5, 2])]);
    await queue.drain();
    assertEquals(seen, [["dead", undefined], 3]);
    const { dead, completed } = await queue.group("in-a-chain").counts();
    assertEquals([dead, completed], [1, 2]);
  },
);

test("map() gives its tasks the options of each, and its callback those of its own", async () => {
  const { queue, broker } = make();
  const { id } = await queue.map(square, new Set([1, 2]), {
    delayMs: 500,
    priority: 2,
    label: "squares",
    maxAttempts: 7,
    timeoutMs: 50,
    ttlMs: HOUR,
    maxBacklog: 5,
    onSettled: done,
  });
  const [request] = broker.of<EnqueueRequest>("enqueue");
  const { tasks, group, maxBacklog } = request!;
  assertEquals(maxBacklog, 5);
  assertEquals([group?.ttlMs, group?.sealMs], [HOUR, 10 * MINUTE]);
  assertEquals(group?.idleMs, 7 * DAY);
  for (const task of tasks) {
    assertEquals(task.due, { kind: "after", delayMs: 500 });
    assertEquals(task.priority, 2);
    const { envelope } = opened(task.envelope);
    assertEquals(envelope.maxAttempts, 7);
    assertEquals([envelope.label, envelope.batched], ["squares", true]);
    assertEquals(envelope.resultTtlMs, HOUR);
    assertEquals(envelope.membership, {
      role: "member",
      group: id,
      ttlMs: HOUR,
      size: 2,
    });
  }
  const { envelope, input } = opened(group!.callback!.envelope);
  assertEquals([envelope.maxAttempts, input], [5, undefined]);
  assertEquals(envelope.membership, {
    role: "callback",
    group: id,
    takesCounts: true,
  });
});

function opened(text: string) {
  const read = readEnvelope(text);
  assert(read.kind === "open");
  return read;
}

onBoth("map() with a delay of days is not lost meanwhile", async (place) => {
  const queue = place.queue({ handlers: [squareHandler] });
  const map = await queue.map(square, [2], { delayMs: 3 * DAY });
  await place.advance(3 * DAY - MINUTE);
  await queue.drain();
  assertEquals((await map.counts()).status, "sealed");
  await place.advance(MINUTE);
  await queue.drain();
  assertEquals((await map.counts()).completed, 1);
  assertEquals((await map.results()).results.map(({ ok }) => ok), [true]);
  const runAt = new Date(Date.now() + 2 * DAY);
  await queue.map(square, [2], { runAt, ttlMs: undefined as never });
  const { group } = place.broker.of<EnqueueRequest>("enqueue").at(-1)!;
  assert(group!.ttlMs > 3 * DAY - MINUTE && group!.ttlMs <= 3 * DAY + 1_000);
});

test("map() tells of its tasks and its callback as enqueued, once", async () => {
  const { queue } = make();
  const told: string[] = [];
  queue.on("enqueued", ({ name }) => void told.push(name));
  const again = () =>
    queue.map(square, [1, 2], { id: "told", onSettled: done });
  await again();
  await again();
  assertEquals(told.sort(), ["done", "square", "square"]);
});

test("map() keeps results for ttlMs, and longer where the definition says so", async () => {
  const { queue, broker } = make();
  for (const resultTtlMs of [MINUTE, 9 * DAY]) {
    await queue.map(defineTask<number>("kept", { resultTtlMs }), [1]);
  }
  const kept = broker.sent.map(({ envelope }) =>
    opened(envelope).envelope.resultTtlMs
  );
  assertEquals(kept, [DAY, 9 * DAY]);
});

const isNumber: StandardSchema<number, number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "number"
        ? { value }
        : { issues: [{ message: "no number" }] },
  },
};

test("map() sends nothing of a list with an input that is refused", async () => {
  const { queue, broker } = make();
  const strict = defineTask("strict", { input: isNumber });
  const inputs = [...numbers(1_500), "1501" as unknown as number];
  await assertRejects(() => queue.map(strict, inputs), PayloadError);
  await assertRejects(
    () => queue.map(square, [1, Number.NaN]),
    PayloadError,
  );
  await assertRejects(
    () => queue.map(square, numbers(100_001)),
    RangeError,
    "at most 100000 members",
  );
  assertEquals(broker.asked, []);
});

test("map() takes 100,000 inputs", async () => {
  const broker = new MemoryBroker();
  let members = 0;
  const counting = recording(broker, {
    enqueue: (_, { tasks }) => {
      members += tasks.length;
      const answers = tasks.map(({ id }) => ({ status: "new" as const, id }));
      return Promise.resolve({ answers, commands: 0, requests: 0 });
    },
  });
  const queue = new Queue({ broker: counting });
  const { length } = await queue.map(square, oneByOne(100_000));
  assertEquals([length, members], [100_000, 100_000]);
  await assertRejects(
    () => queue.map(square, oneByOne(100_001)),
    RangeError,
    "at most 100000 members",
  );
});

test("map() is refused when the queue is full", async () => {
  const { queue } = make({ maxBacklog: 10 });
  await assertRejects(() => queue.map(square, numbers(11)), QueueFullError);
  await queue.map(square, numbers(10));
  await assertRejects(
    () => queue.map(square, [1], { maxBacklog: 3 }),
    QueueFullError,
  );
});

for (
  const [what, call, error, says] of [
    [
      "an unknown option",
      (q: Queue) => q.map(square, [1], { ttl: 1 } as never),
      TypeError,
      "Unknown option 'ttl'",
    ],
    [
      "a dedupe key",
      (q: Queue) => q.map(square, [1], { dedupe: { key: "k" } } as never),
      TypeError,
      "Unknown option 'dedupe'",
    ],
    [
      "inputs that are a string",
      (q: Queue) => q.map(square as never, "123" as never),
      TypeError,
      "takes its inputs as a list",
    ],
    [
      "inputs that are no list",
      (q: Queue) => q.map(square, 3 as never),
      TypeError,
      "takes its inputs as a list",
    ],
    [
      "no inputs",
      (q: Queue) => q.map(square, undefined as never),
      TypeError,
      "takes its inputs as a list",
    ],
    [
      "what is no task",
      (q: Queue) => q.map({} as never, [1]),
      TypeError,
      "what is no task",
    ],
    [
      "a callback that is no task",
      (q: Queue) => q.map(square, [1], { onSettled: 1 as never }),
      TypeError,
      "onSettled must be a task",
    ],
    [
      "a callback with a delay",
      (q: Queue) =>
        q.map(square, [1], {
          onSettled: tell.with({ to: "" }, { delayMs: 1 }),
        }),
      TypeError,
      "'delayMs' has no effect on a group's callback",
    ],
    [
      "a ttlMs of nothing",
      (q: Queue) => q.map(square, [1], { ttlMs: 0 }),
      RangeError,
      "ttlMs",
    ],
    [
      "a sealMs of nothing",
      (q: Queue) => q.map(square, [1], { sealMs: 1 }),
      RangeError,
      "sealMs",
    ],
    [
      "an empty id",
      (q: Queue) => q.map(square, [1], { id: "" }),
      RangeError,
      "id must not be empty",
    ],
    [
      "a context that is none",
      (q: Queue) => q.map(square, [1], { context: {} as never }),
      TypeError,
      "'context'",
    ],
    [
      "a member with an id",
      (q: Queue) => q.enqueueGroup([square.with(1, { id: "a" })]),
      TypeError,
      "'id' has no effect on a member of a group",
    ],
    [
      "a member with a dedupe key",
      (q: Queue) => q.enqueueGroup([square.with(1, { dedupe: { key: "k" } })]),
      TypeError,
      "'dedupe' has no effect on a member of a group",
    ],
    [
      "calls that are none",
      (q: Queue) => q.enqueueGroup([1 as never]),
      TypeError,
      "what is no call",
    ],
  ] as const
) {
  test(`map() sends nothing when it is given ${what}`, async () => {
    const { queue, broker } = make();
    await assertRejects(async () => void await call(queue), error, says);
    assertEquals(broker.asked, []);
  });
}

test("enqueue() carries a group that counts nothing as ctx.group", async () => {
  const { seen, handlers } = handling();
  const queue = Queue.inMemory({ handlers });
  await queue.enqueue(tell, { to: "Cy" }, { group: "mail" });
  await queue.enqueue(tell, { to: "Di" });
  await queue.drain();
  assertEquals(seen, [
    { input: { to: "Cy" }, group: "mail" },
    { input: { to: "Di" } },
  ]);
  await assertRejects(
    () => queue.enqueue(tell, { to: "" }, { group: "a\nb" }),
    RangeError,
    "group",
  );
});

/** How the broker says a group stands. */
async function statusOf(
  { broker, queue }: Parameters<Parameters<typeof onBoth>[1]>[0],
  id: string,
) {
  const reply = await broker.group(queue().name, id);
  assert(reply.status !== "missing");
  return reply;
}
