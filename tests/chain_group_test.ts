/** Links of a chain that are many tasks at a time: fan-out, fan-in, and what the next link reads. */
import { ROOT_CONTEXT } from "@opentelemetry/api";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  BrokerError,
  type Call,
  type ChainLink,
  defineTask,
  groupOf,
  type Handler,
  type HandlerContext,
  mapOf,
  type MemberResult,
  PayloadError,
  Queue,
  type SealOptions,
  type Settled,
  type StandardSchema,
  TaskCancelledError,
} from "../mod.ts";
import type {
  EnqueueRequest,
  PurgeRequest,
  StepRequest,
} from "../src/broker/broker.ts";
import { forkOfLink, isGroupLinkId } from "../src/core/id.ts";
import { chain } from "../src/queue/workflow/chain.ts";
import { CONTROL_HANDLERS } from "../src/queue/workflow/control.ts";
import { execute } from "../src/queue/execute.ts";
import { bench as consumerBench } from "./support/consumer.ts";
import { onBoth, type Place, START } from "./support/both_brokers.ts";
import {
  make,
  recording,
  type RecordingBroker,
} from "./support/recording_broker.ts";
import { test } from "./support/suite.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

const list = defineTask<number, readonly number[]>("list");
const square = defineTask<number, number>("square", { maxAttempts: 1 });
const word = defineTask<string, string>("word");
const publish = defineTask<void, number>("publish");
const audit = defineTask<Settled>("audit");

/** Handlers of all of them, and what `publish` and `audit` read. */
function handling(): {
  readonly read: readonly (Settled | undefined)[];
  readonly ran: readonly string[];
  readonly handlers: readonly Handler[];
} {
  const read: (Settled | undefined)[] = [];
  const ran: string[] = [];
  const note = (_: unknown, { name, previous }: HandlerContext) => {
    ran.push(name);
    read.push(previous);
    return read.length;
  };
  return {
    read,
    ran,
    handlers: [
      list.handle((n) => Array.from({ length: n }, (_, i) => i)),
      square.handle((n) => {
        ran.push("square");
        if (n < 0) throw new Error(`no root of ${n}`);
        return n * n;
      }),
      word.handle((text) => text.toUpperCase()),
      publish.handle(note),
      audit.handle((settled, ctx) => {
        assertEquals(settled, ctx.previous);
        note(settled, ctx);
      }),
    ],
  };
}

/** What the next link read of each element. */
function told(previous: Settled | undefined): unknown {
  assert(previous?.status === "completed", JSON.stringify(previous));
  const results = previous.value as readonly MemberResult[];
  assertEquals(results.map(({ index }) => index), [...results.keys()]);
  return results.map((result) =>
    result.ok ? result.value : `${result.status}: ${result.error.message}`
  );
}

/** Runs what is due now: the clock stands still. */
async function run(queue: Queue): Promise<void> {
  await queue.drain({ lingerMs: 0 });
}

onBoth(
  "chain() runs a map of the list that the link before returned, and the next link once with the results in order",
  async (place) => {
    const { handlers, read } = handling();
    const queue = place.queue({ handlers });
    const chain = await queue.chain([
      list.with(5),
      mapOf(square),
      publish.with(),
    ], { onSettled: audit });
    assertEquals(chain.ids.length, 3);
    await run(queue);
    assertEquals(read.length, 2);
    const [previous, end] = read;
    assertEquals(told(previous), [0, 1, 4, 9, 16]);
    assertEquals(previous?.id, chain.ids[1]);
    assertEquals(previous?.chain, chain.id);
    assertEquals([end?.name, end?.status], ["publish", "completed"]);
    const result = await chain.result();
    assert(result.status === "completed");
    const typed: number = result.value;
    assertEquals(typed, 1);
    assertEquals(await chain.counts(), {
      total: 3,
      completed: 3,
      dead: 0,
      cancelled: 0,
      expired: 0,
      pending: 0,
      waiting: 0,
      missing: 0,
    });
    const { results } = await queue.group<number>(chain.ids[1]!).results();
    assertEquals(results.map((one) => one.ok && one.value), [0, 1, 4, 9, 16]);
  },
);

onBoth(
  "chain() begins and ends with a map whose inputs are given, and its result is theirs",
  async (place) => {
    const { handlers } = handling();
    const queue = place.queue({ handlers });
    const chain = await queue.chain([
      mapOf(word, ["a", "b"]),
      mapOf(square, [3, 4], { priority: 5, label: "of May" }),
    ]);
    await run(queue);
    const result = await chain.result();
    assert(result.status === "completed");
    const [first] = result.value;
    assert(first?.ok);
    const typed: number = first.value;
    assertEquals(typed, 9);
  },
);

onBoth(
  "chain() runs a group of several kinds of tasks, with hooks of their own",
  async (place) => {
    const { handlers, read } = handling();
    const queue = place.queue({ handlers });
    await queue.chain([
      groupOf([
        square.with(2, { onSuccess: audit }),
        word.with("b", { onSettled: publish.with() }),
      ]),
      publish.with(),
    ]);
    await run(queue);
    const names = read.map((previous) => previous?.name).sort();
    assertEquals(names, ["baton.join", "square", "word"]);
    const joined = read.find((previous) => previous?.name === "baton.join");
    assertEquals(told(joined), [4, "B"]);
  },
);

onBoth(
  "chain() completes a map of nothing at once, with an empty list",
  async (place) => {
    const { handlers, read } = handling();
    const queue = place.queue({ handlers });
    await queue.chain([list.with(0), mapOf(square), publish.with()]);
    await run(queue);
    await place.advance(1_000);
    await run(queue);
    assertEquals(read.map(told), [[]]);
  },
);

onBoth(
  "chain() stops at a map of which an element failed, with the reason",
  async (place) => {
    const { handlers, read } = handling();
    const queue = place.queue({ handlers });
    const chain = await queue.chain([
      mapOf(square, [1, -2, -3]),
      publish.with(),
    ], { onSettled: audit });
    await run(queue);
    assertEquals(read.length, 1);
    const [end] = read;
    assert(end?.status === "dead");
    assertEquals(
      end.error.message,
      "Element 1 of the link is dead, as 1 others: no root of -2",
    );
    assertEquals(end.error.cause?.message, "no root of -2");
    const result = await chain.result();
    assert(result.status === "dead");
    const { dead, missing } = await chain.counts();
    assertEquals({ dead, missing }, { dead: 1, missing: 1 });
  },
);

for (
  const [whose, link, options] of [
    ["the link's", { onFailure: "continue" }, {}],
    ["the chain's", {}, { onFailure: "continue" }],
  ] as const
) {
  onBoth(
    `chain() hands on what failed of a map where ${whose} onFailure is continue`,
    async (place) => {
      const { handlers, read } = handling();
      const queue = place.queue({ handlers });
      const chain = await queue.chain([
        mapOf(square, [1, -2, 3], link),
        publish.with(),
      ], options);
      await run(queue);
      assertEquals(read.map(told), [[1, "dead: no root of -2", 9]]);
      assertEquals((await chain.result()).status, "completed");
    },
  );
}

onBoth(
  "chain() ends at a map without inputs when the link before returned no list",
  async (place) => {
    const { handlers, read, ran } = handling();
    const queue = place.queue({ handlers });
    const chain = await queue.chain([word.with("a"), mapOf(square)], {
      onSettled: audit,
    });
    await run(queue);
    assertEquals(ran, ["audit"]);
    assert(read[0]?.status === "dead");
    assertEquals(
      read[0].error.message,
      "A map of 'square' without inputs takes the list that the link before it returned: that one returned string",
    );
    assertEquals((await chain.counts()).dead, 1);
    assertEquals((await chain.result()).status, "dead");
  },
);

onBoth(
  "chain() ends at a map of a list of over 100,000, at the first attempt",
  async (place) => {
    const { handlers, ran } = handling();
    const many = defineTask("many", {
      run: () => Array.from({ length: 100_001 }, () => 1),
    });
    const queue = place.queue({ handlers: [...handlers, many] });
    const chain = await queue.chain([many.with(), mapOf(square)], {
      onSettled: audit,
    });
    await run(queue);
    assertEquals(ran, ["audit"]);
    const result = await chain.result();
    assert(result.status === "dead");
    assertEquals([result.attempt, result.error.name], [1, "RangeError"]);
  },
);

onBoth(
  "chain() ends at a map that was lost, whatever its elements still do",
  async (place) => {
    const { handlers, read } = handling();
    const queue = place.queue({ handlers });
    const chain = await queue.chain([mapOf(square, [1, 2]), publish.with()], {
      onSettled: audit,
    });
    await queue.pause({ name: "square" });
    await run(queue);
    // nothing ends for a week: then a consumer takes the group for lost
    await place.advance(8 * DAY);
    await run(queue);
    await place.advance(MINUTE);
    await run(queue);
    assertEquals((await queue.group(chain.ids[0]!).counts()).status, "lost");
    assertEquals(read.map((settled) => settled?.status), ["dead"]);
    assertEquals((await chain.result()).status, "dead");
  },
);

onBoth(
  "chain() ends at a map of inputs that the consumer's schema refuses, and sends none of them",
  async (place) => {
    const digits: StandardSchema<number, number> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) =>
          Number(value) < 2
            ? { value: Number(value) }
            : { issues: [{ message: "too large" }] },
      },
    };
    const strict = defineTask<number, number, number>("strict", {
      input: digits,
    });
    let ran = 0;
    const { handlers } = handling();
    const queue = place.queue({
      handlers: [...handlers, strict.handle(() => ran++)],
    });
    const chain = await queue.chain([list.with(3), mapOf(strict)]);
    await run(queue);
    assertEquals((await chain.result()).status, "dead");
    assertEquals(ran, 0);
  },
);

onBoth(
  "a chain is waiting while the elements of its map are under way, and its group shows them",
  async (place) => {
    const { handlers } = handling();
    const queue = place.queue({ handlers });
    const chain = await queue.chain([
      mapOf(square, [1, 2], { delayMs: MINUTE }),
      publish.with(),
    ]);
    assertEquals((await chain.counts()).pending, 1);
    assertEquals((await chain.result()).status, "waiting");
    await run(queue);
    assertEquals((await chain.result()).status, "waiting");
    const { pending, waiting } = await chain.counts();
    assertEquals({ pending, waiting }, { pending: 1, waiting: 1 });
    assertEquals((await queue.group(chain.ids[0]!).counts()).pending, 2);
    await place.advance(MINUTE);
    await run(queue);
    assertEquals((await chain.result()).status, "completed");
  },
);

onBoth(
  "a map in a chain waits for elements that are due in days, and is not lost meanwhile",
  async (place) => {
    const { handlers, read } = handling();
    const queue = place.queue({ handlers });
    await queue.chain([
      mapOf(square, [1], { delayMs: 3 * DAY }),
      mapOf(square, [2], { runAt: new Date(START + 6 * DAY) }),
      publish.with(),
    ]);
    for (let day = 0; day < 6; day++) {
      await run(queue);
      await place.advance(DAY);
    }
    await run(queue);
    assertEquals(read.map(told), [[4]]);
    const [, first] = place.broker.of<EnqueueRequest>("enqueue");
    assertEquals(first?.group?.ttlMs, 4 * DAY);
  },
);

onBoth(
  "a map in a chain whose results are too large to be handed on is read by its id",
  async (place) => {
    const { handlers, read } = handling();
    const queue = place.queue({ handlers, maxResultBytes: 500 });
    await queue.chain([list.with(30), mapOf(square), publish.with()]);
    await run(queue);
    const [previous] = read;
    assert(previous?.status === "completed");
    assertEquals(previous.value, undefined);
    const { results } = await queue.group(previous.id).results();
    assertEquals(results.length, 30);
  },
);

onBoth(
  "a map in a chain and who sends and joins it stand in line as its priority says",
  async (place) => {
    const { handlers } = handling();
    const queue = place.queue({ handlers });
    await queue.chain([mapOf(square, [1], { priority: 5 })]);
    await run(queue);
    const asked = place.broker.of<EnqueueRequest>("enqueue");
    assertEquals(
      asked.map(({ tasks, group }) => [
        ...tasks.map(({ name, priority }) => [name, priority]),
        group?.callback?.priority,
      ]),
      [[["baton.fork", 5], undefined], [["square", 5], 5]],
    );
  },
);

onBoth(
  "middleware stands around the elements of a map, and not around who sends and joins them",
  async (place) => {
    const { handlers } = handling();
    const names: string[] = [];
    const queue = place.queue({ handlers });
    queue.use({
      enqueue: (call, next) => {
        names.push(`enqueue ${call.name}`);
        return next(call);
      },
      process: (ctx, next) => {
        names.push(`process ${ctx.name}`);
        return next();
      },
    });
    await queue.chain([mapOf(square, [1])]);
    await run(queue);
    assertEquals(names, ["enqueue square", "process square"]);
  },
);

onBoth(
  "chain.cancel() ends the elements of a map, the map and the chain, once",
  async (place) => {
    const { handlers, read, ran } = handling();
    const queue = place.queue({ handlers });
    const chain = await queue.chain([
      mapOf(square, [1, 2], { delayMs: MINUTE }),
      publish.with(),
    ], { onSettled: audit, onFailure: "continue" });
    await run(queue);
    assertEquals(await chain.cancel(), "cancelling");
    await run(queue);
    await place.advance(DAY);
    await run(queue);
    assertEquals(ran, ["audit"]);
    assertEquals(read[0]?.status, "cancelled");
    assertEquals((await chain.result()).status, "missing"); // after a day
    assertEquals(await chain.cancel(), "missing");
  },
);

onBoth(
  "chain.cancel() ends a chain whose map was not begun",
  async (place) => {
    const { handlers, ran, read } = handling();
    const queue = place.queue({ handlers });
    const chain = await queue.chain([mapOf(square, [1]), publish.with()], {
      onSettled: audit,
    });
    assertEquals(await chain.cancel(), "cancelling");
    await run(queue);
    assertEquals([ran, read[0]?.status], [["audit"], "cancelled"]);
    assertEquals((await chain.result()).status, "cancelled");
  },
);

onBoth(
  "chain.delete() forgets the elements of a map, and chainOf() finds what is left",
  async (place) => {
    const { handlers } = handling();
    const queue = place.queue({ handlers });
    const made = await queue.chain([
      mapOf(square, [1, 2]),
      publish.with(undefined, { delayMs: MINUTE }),
    ]);
    const chain = queue.chainOf<number>(JSON.parse(JSON.stringify(made)));
    await run(queue);
    const { results } = await queue.group(chain.ids[0]!).results();
    await chain.delete();
    for (const { id } of results) {
      assertEquals((await queue.result(id)).status, "missing");
    }
    const { missing, pending } = await chain.counts();
    assertEquals({ missing, pending }, { missing: 1, pending: 1 });
    await assertRejects(
      () => queue.group(chain.ids[0]!).counts(),
      Error,
      "knows no group",
    );
    await place.advance(MINUTE);
    await run(queue);
    assertEquals((await chain.result()).status, "completed");
  },
);

onBoth(
  "redrive() lets a chain go on from a map whose elements were dead",
  async (place) => {
    let isBroken = true;
    const { handlers, read } = handling();
    const fragile = defineTask<number, number>("fragile", { maxAttempts: 1 });
    const queue = place.queue({
      handlers: [
        ...handlers,
        fragile.handle((n) => {
          if (isBroken) throw new Error("broken");
          return n;
        }),
      ],
    });
    await queue.chain([mapOf(fragile, [1, 2]), publish.with()]);
    await run(queue);
    assertEquals(read, []);
    isBroken = false;
    await place.advance(1_000);
    await queue.redrive({ name: "fragile" });
    await run(queue);
    assertEquals(await queue.redrive(), { redriven: 1 });
    await run(queue);
    assertEquals(read.map(told), [[1, 2]]);
  },
);

for (const onFailure of ["stop", "continue"] as const) {
  onBoth(
    `redrive() of a map's link and its elements at once lets the chain go on (${onFailure})`,
    async (place) => {
      let isBroken = true;
      const told: string[] = [];
      const fragile = defineTask("fragile", {
        maxAttempts: 1,
        run(n: number) {
          if (isBroken) throw new Error("broken");
          return n;
        },
      });
      const after = defineTask("after", { run: () => void told.push("after") });
      const ended = defineTask("ended", { run: () => void told.push("ended") });
      const queue = place.queue({ handlers: [fragile, after, ended] });
      const chain = await queue.chain([
        mapOf(fragile, [1, 2, 3]),
        after.with(undefined, { onSettled: ended.with() }),
      ], { onFailure });
      await run(queue);
      const { redriven } = await queue.redrive();
      assertEquals(redriven, onFailure === "stop" ? 4 : 3);
      isBroken = false;
      await run(queue);
      await place.advance(10_000);
      await run(queue);
      assertEquals((await chain.result()).status, "completed");
      assertEquals(told, ["after", "ended"]);
      assertEquals((await queue.list({ state: "dead" })).tasks, []);
    },
  );
}

/** The same place, where answers to what a consumer enqueues are lost while `isCut` says so. */
function cutting(place: Place, isCut: () => boolean): RecordingBroker {
  return recording(place.broker, {
    async enqueue(queue, request) {
      const reply = await place.broker.enqueue(queue, request);
      if (!isCut()) return reply;
      throw new BrokerError("unavailable", "The reply was lost");
    },
  });
}

onBoth(
  "a map whose sender does not know that it sent them is one map, joined when it does",
  async (place) => {
    const { handlers, read, ran } = handling();
    let cuts = 0;
    const broker = cutting(place, () => cuts-- > 0);
    const { name } = place.queue();
    const queue = new Queue({ name, handlers, broker });
    const chain = await queue.chain([
      mapOf(square, [1, 2, 3]),
      publish.with(),
    ]);
    cuts = 3;
    await run(queue);
    assertEquals(ran, ["square", "square", "square"]);
    const { status, completed } = await queue.group(chain.ids[0]!).counts();
    assertEquals([status, completed], ["complete", 3]);
    assertEquals((await chain.counts()).pending, 1);
    for (let i = 0; i < 5; i++) {
      await place.advance(MINUTE);
      await run(queue);
    }
    assertEquals(ran, ["square", "square", "square", "publish"]);
    assertEquals(read.map(told), [[1, 4, 9]]);
  },
);

onBoth(
  "a chain that its map's sender has ended does not go on from the map",
  async (place) => {
    const { handlers, read, ran } = handling();
    let cuts = 0;
    const broker = cutting(place, () => cuts-- > 0);
    const { name } = place.queue();
    const queue = new Queue({ name, handlers, broker });
    const chain = await queue.chain([
      mapOf(square, [1, 2], { delayMs: MINUTE }),
      publish.with(),
    ], { onFailure: "continue", onSettled: audit });
    cuts = 1;
    await run(queue); // they are sent, and it will come again
    assertEquals(
      await queue.cancel(forkOfLink(chain.ids[0]!)),
      "cancelling",
    );
    for (let i = 0; i < 3; i++) {
      await run(queue);
      await place.advance(MINUTE);
    }
    assertEquals(ran, ["audit", "square", "square"]);
    assertEquals(read[0]?.status, "cancelled");
    assertEquals((await chain.result()).status, "cancelled");
  },
);

onBoth(
  "chain.cancel() of a map that was sent, of which its sender does not know, ends the chain once",
  async (place) => {
    const { handlers, ran } = handling();
    let cuts = 0;
    const broker = cutting(place, () => cuts-- > 0);
    const { name } = place.queue();
    const queue = new Queue({ name, handlers, broker });
    const chain = await queue.chain([
      mapOf(square, [1, 2], { delayMs: MINUTE }),
      publish.with(),
    ], { onFailure: "continue", onSettled: audit });
    cuts = 1;
    await run(queue);
    assertEquals(await chain.cancel(), "cancelling");
    for (let i = 0; i < 3; i++) {
      await run(queue);
      await place.advance(MINUTE);
    }
    assertEquals(ran, ["audit"]);
    const born = broker.of<StepRequest>("step").flatMap(({ settle }) =>
      settle.flatMap(({ enqueue }) => enqueue.map(({ name }) => name))
    );
    assertEquals(born, ["audit"]);
    assertEquals((await chain.result()).status, "cancelled");
  },
);

test("a map that is cancelled while it is sent ends the chain, and its elements", async () => {
  const bench = consumerBench({ handlers: [...CONTROL_HANDLERS] });
  const origin = { context: ROOT_CONTEXT, depth: 0, defaultId: undefined };
  await chain(
    bench.parts,
    [mapOf(square, [1, 2]), publish.with()],
    { onSettled: audit },
    origin,
  );
  const { deliveries, now } = await bench.broker.step("tested", {
    consumer: "me",
    seq: 1,
    leaseMs: 1_000,
    limit: 1,
    maxBytes: 100_000,
    alone: true,
    settle: [],
    extend: [],
  });
  const broker = recording(bench.broker, {
    enqueue: (queue, request) => {
      execution.abort(new TaskCancelledError("The task was cancelled"));
      return bench.broker.enqueue(queue, request);
    },
  });
  const execution = execute({ ...bench.parts, broker }, deliveries[0]!, {
    now,
    ambient: ROOT_CONTEXT,
    worker: "me",
    extend: () => Promise.resolve(),
    progress() {},
  });
  const { outcome, settlement } = await execution.concluded;
  assertEquals(outcome, "cancelled");
  assertEquals(settlement.enqueue.map(({ name }) => name), ["audit"]);
  const [purge] = broker.of<PurgeRequest>("purge");
  assertEquals(purge?.tasks.length, 2);
});

onBoth(
  "chain() with the same id is one chain of maps, and one queue carries it though it is full",
  async (place) => {
    const { handlers, ran } = handling();
    const queue = place.queue({ handlers, maxBacklog: 1 });
    const links = (): readonly ChainLink[] => [
      mapOf(square, [1, 2, 3]),
      publish.with(),
    ];
    await queue.chain(links(), { id: "c" });
    await queue.chain(links(), { id: "c" });
    await run(queue);
    await queue.chain(links(), { id: "c" });
    await run(queue);
    assertEquals(ran, ["square", "square", "square", "publish"]);
  },
);

for (const encrypt of [false, true]) {
  onBoth(
    `chain() of a map works in a queue that ${encrypt ? "encrypts" : "signs"}`,
    async (place) => {
      const { handlers, read } = handling();
      const secret = "a secret that is long enough for a seal";
      const seal: SealOptions = { keys: [{ id: "one", secret }], encrypt };
      const queue = place.queue({ handlers, seal });
      const chain = await queue.chain([
        list.with(3),
        mapOf(square),
        publish.with(),
      ], { onSettled: audit });
      await run(queue);
      assertEquals(told(read[0]), [0, 1, 4]);
      assertEquals(read[1]?.status, "completed");
      assertEquals((await chain.result()).status, "completed");
    },
  );
}

onBoth(
  "ctx.chain() takes maps, too",
  async (place) => {
    const { handlers, read } = handling();
    const root = defineTask<void>("root");
    const queue = place.queue({
      handlers: [
        ...handlers,
        root.handle(async (_, ctx) => {
          await ctx.chain([mapOf(square, [2]), publish.with()]);
        }),
      ],
    });
    await queue.enqueue(root);
    await run(queue);
    assertEquals(read.map(told), [[4]]);
  },
);

test("the ids of a map in a chain tell what it is", async () => {
  const { queue } = make();
  const { ids: [one, two] } = await queue.chain([
    square.with(1),
    mapOf(square),
  ]);
  assertEquals([isGroupLinkId(one!), isGroupLinkId(two!)], [false, true]);
  assert(forkOfLink(two!).startsWith("fork:~"));
});

test("chain() refuses maps and groups that it cannot send, and sends nothing", async () => {
  const { queue, broker } = make({ maxPayloadBytes: 2_000 });
  const refused: readonly (readonly [
    () => Promise<unknown>,
    new (message: string) => Error,
    string,
  ])[] = [
    [
      () => queue.chain([mapOf(square)]),
      TypeError,
      "give mapOf() its inputs",
    ],
    [
      () => queue.chain([mapOf(square, Array(900).fill(1e9))]),
      PayloadError,
      "What a link of a chain maps over",
    ],
    [
      () => queue.chain([groupOf([square.with(1, { id: "x" })])]),
      TypeError,
      "The option 'id' has no effect on a member of a group, 'square'",
    ],
    [
      () => queue.chain([groupOf([mapOf(square, [1]) as unknown as Call])]),
      TypeError,
      "is a link of a chain and of nothing else",
    ],
    ...[
      () => queue.enqueueMany([mapOf(square, [1]) as unknown as Call]),
      () => queue.enqueueGroup([mapOf(square, [1]) as unknown as Call]),
    ].map((call) =>
      [call, TypeError, "is a link of a chain and of nothing else"] as const
    ),
  ];
  for (const [call, type, says] of refused) {
    await assertRejects(call, type, says);
  }
  assertEquals(broker.of("enqueue"), []);
});

test("mapOf() and groupOf() refuse what they cannot be made of", () => {
  const wrong = (value: unknown) => value as never;
  assertThrows(() => mapOf(wrong("square")), TypeError, "takes a task");
  assertThrows(() => mapOf(square, wrong(7)), TypeError, "as a list");
  assertThrows(
    () => mapOf(square, [], wrong({ id: "x" })),
    TypeError,
    "Unknown option 'id'",
  );
  assertThrows(
    () => mapOf(square, [], wrong({ onFailure: "go" })),
    TypeError,
    "must be 'stop' or 'continue'",
  );
  assertThrows(() => mapOf(square, [], { ttlMs: 1 }), RangeError, "ttlMs");
  assertThrows(() => groupOf(wrong(square)), TypeError, "list of calls");
  assertThrows(
    () => groupOf([], wrong({ delayMs: 1 })),
    TypeError,
    "Unknown option 'delayMs'",
  );
});

test("a handler cannot take the name of one of Baton's own tasks", () => {
  const own = defineTask("baton.fork", { run: () => {} });
  assertThrows(() => make({ handlers: [own] }), RangeError, "'baton.fork'");
});
