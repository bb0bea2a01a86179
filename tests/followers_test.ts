/** Chains and hooks: what follows a task is enqueued with its end, once, whatever that end is. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Call,
  defineTask,
  type DrainReport,
  fixed,
  type Handler,
  type HandlerContext,
  NonRetryableError,
  PayloadError,
  Queue,
  type QueueOptions,
  type Settled,
} from "../mod.ts";
import type { StepRequest } from "../src/broker/broker.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import { shardOf } from "../src/core/id.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import { make } from "./support/recording_broker.ts";
import { test } from "./support/suite.ts";

const START = 1_763_800_000_000;
const DAY = 86_400_000;

/** A broker whose clock stands still but for `advance`, and queues on it. */
interface Stage extends AsyncDisposable {
  /** A queue; those of one stage are the same one. */
  queue(options?: Partial<QueueOptions>): Queue;
  advance(ms: number): Promise<void>;
}

const stages: Readonly<Record<string, () => Promise<Stage>>> = {
  "in memory"() {
    let now = START;
    const broker = new MemoryBroker({ clock: { now: () => now } });
    return Promise.resolve({
      queue: (options = {}) => new Queue({ ...options, broker }),
      advance: (ms) => Promise.resolve(void (now += ms)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
  async "on Redis"() {
    const at = await gatewayBroker(START);
    const name = `followers-${crypto.randomUUID()}`;
    return {
      queue: (options = {}) =>
        new Queue({ name, ...options, broker: at.broker }),
      advance: (ms) => at.advance(ms),
      [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
    };
  },
};

/** The same test on both brokers. */
function onBoth(name: string, body: (stage: Stage) => Promise<void>): void {
  for (const [where, open] of Object.entries(stages)) {
    test(`${name}, ${where}`, async () => {
      await using stage = await open();
      await body(stage);
    });
  }
}

/** What a handler saw. */
interface Seen {
  readonly name: string;
  readonly input: unknown;
  readonly previous: Settled | undefined;
}

const step = defineTask<
  { readonly n: number; readonly fails?: boolean },
  number
>(
  "step",
);
const retried = defineTask<number, string>("retried", {
  maxAttempts: 3,
  backoff: fixed(0),
});
const audit = defineTask<Settled>("audit");
const report = defineTask<{ readonly to: string }>("report");

/** Handlers of all of them, and what they saw, in order. */
function handling(): {
  readonly seen: readonly Seen[];
  readonly handlers: readonly Handler[];
} {
  const seen: Seen[] = [];
  const note = (input: unknown, { name, previous }: HandlerContext) => {
    seen.push({ name, input, previous });
  };
  return {
    seen,
    handlers: [
      step.handle((input, ctx) => {
        note(input, ctx);
        if (input.fails) throw new NonRetryableError(`no ${input.n}`);
        return input.n * 10;
      }),
      retried.handle((input, ctx) => {
        note(input, ctx);
        if (ctx.attempt < input) throw new Error("not yet");
        return "done";
      }),
      audit.handle(note),
      report.handle(note),
    ],
  };
}

/** The input of `audit`, without what differs from run to run. */
function settled({ name, input, previous }: Seen): unknown {
  assertEquals([name, input], ["audit", previous], "its input is ctx.previous");
  const { id: _, ...rest } = previous!;
  if ("error" in rest) {
    const { error: { name, message }, ...told } = rest;
    return { ...told, error: `${name}: ${message}` };
  }
  return rest;
}

const steps = (count: number): readonly Call<number>[] =>
  Array.from({ length: count }, (_, n) => step.with({ n }));

/** Runs what is due now: the clock stands still. */
function run(queue: Queue): Promise<DrainReport> {
  return queue.drain({ lingerMs: 0 });
}

// ------------------------------------------------------------ chains

onBoth(
  "chain() runs its links in order, each reading the one before",
  async (stage) => {
    const { handlers, seen } = handling();
    const queue = stage.queue({ handlers });
    const chain = await queue.chain([
      step.with({ n: 1 }),
      retried.with(2),
      step.with({ n: 3 }),
    ]);
    assertEquals(chain.ids.length, 3);
    await run(queue);
    const [one, two] = chain.ids;
    const { id } = chain;
    assertEquals(seen, [
      { name: "step", input: { n: 1 }, previous: undefined },
      ...Array.from({ length: 2 }, () => ({
        name: "retried",
        input: 2,
        previous: {
          id: one!,
          name: "step",
          attempt: 1,
          status: "completed" as const,
          chain: id,
          value: 10,
        },
      })),
      {
        name: "step",
        input: { n: 3 },
        previous: {
          id: two!,
          name: "retried",
          attempt: 2,
          status: "completed",
          chain: id,
          value: "done",
        },
      },
    ]);
    const result = await chain.result();
    assert(result.status === "completed" && result.value === 30);
    assertEquals((await queue.verify()).problems, []);
  },
);

onBoth(
  "chain() gives a link's value to the next one though no result is kept",
  async (stage) => {
    const { handlers, seen } = handling();
    const queue = stage.queue({ handlers });
    await queue.chain([
      step.with({ n: 1 }, { resultTtlMs: 0 }),
      step.with({ n: 2 }),
    ]);
    await run(queue);
    const { previous } = seen[1]!;
    assert(previous?.status === "completed" && previous.value === 10);
  },
);

onBoth(
  "chain() stops at a dead link, whose end is the chain's",
  async (stage) => {
    const { handlers, seen } = handling();
    const queue = stage.queue({ handlers });
    const chain = await queue.chain([
      step.with({ n: 1 }),
      step.with({ n: 2, fails: true }),
      step.with({ n: 3 }),
      step.with({ n: 4 }),
    ], { onSettled: audit });
    await run(queue);
    assertEquals(seen.map(({ name }) => name), ["step", "step", "audit"]);
    assertEquals(settled(seen[2]!), {
      name: "step",
      attempt: 1,
      status: "dead",
      chain: chain.id,
      error: "NonRetryableError: no 2",
    });
    const result = await chain.result();
    assert(result.status === "dead" && result.error.message === "no 2");
    assertEquals(await chain.counts(), {
      total: 4,
      completed: 1,
      dead: 1,
      cancelled: 0,
      expired: 0,
      pending: 0,
      waiting: 0,
      missing: 2,
    });
    assertEquals(await chain.cancel(), "ended");
  },
);

onBoth(
  "chain() goes on after a dead and after an expired link when onFailure is continue",
  async (stage) => {
    const { handlers, seen } = handling();
    const queue = stage.queue({ handlers });
    const chain = await queue.chain([
      step.with({ n: 1, fails: true }),
      step.with({ n: 2 }, { expiresInMs: 1, delayMs: 10 }),
      step.with({ n: 3 }),
    ], { onFailure: "continue", onSettled: report.with({ to: "ann" }) });
    await run(queue);
    await stage.advance(1_000);
    await run(queue);
    const [, last, end] = seen;
    assertEquals(seen.length, 3);
    assertEquals(last?.previous?.status, "expired");
    assertEquals(end?.input, { to: "ann" });
    assertEquals(end?.previous?.status, "completed");
    const { completed, dead, expired } = await chain.counts();
    assertEquals({ completed, dead, expired }, {
      completed: 1,
      dead: 1,
      expired: 1,
    });
  },
);

onBoth(
  "chain.cancel() cancels the link that waits, and nothing comes after it",
  async (stage) => {
    const { handlers, seen } = handling();
    const queue = stage.queue({ handlers });
    const chain = await queue.chain([
      step.with({ n: 1 }),
      step.with({ n: 2 }, { delayMs: 60_000 }),
      step.with({ n: 3 }),
    ], { onFailure: "continue", onSettled: audit });
    await run(queue);
    assertEquals((await chain.result()).status, "waiting");
    const { completed, pending, waiting } = await chain.counts();
    assertEquals({ completed, pending, waiting }, {
      completed: 1,
      pending: 1,
      waiting: 1,
    });
    assertEquals(await chain.cancel(), "cancelling");
    await run(queue);
    assertEquals(seen.map(({ name }) => name), ["step", "audit"]);
    assertEquals(seen[1]?.previous?.status, "cancelled");
    assertEquals((await chain.result()).status, "cancelled");
    assertEquals(await chain.cancel(), "ended");
    assertEquals((await queue.verify()).problems, []);
  },
);

for (const status of ["completed", "dead"] as const) {
  onBoth(
    `chain.cancel() ends a chain whose link is ${status} before it hears of it`,
    async (stage) => {
      const seen: string[] = [];
      const last = defineTask<void>("last");
      const queue = stage.queue({
        handlers: [
          last.handle(async (_, { id }) => {
            seen.push(`run ${id === chain.ids[0]}`);
            assertEquals(await chain.cancel(), "cancelling");
            if (status === "dead") throw new NonRetryableError("no");
          }),
          audit.handle(({ id, status }) =>
            void seen.push(`${id === chain.ids[0]} ${status}`)
          ),
        ],
      });
      const chain = await queue.chain([
        last.with(undefined, { onSettled: audit }),
        last.with(),
      ], { onFailure: "continue", onSettled: audit });
      const { stale, cancelled } = await run(queue);
      assertEquals([stale, cancelled], [1, 1]);
      assertEquals(seen, ["run true", "true cancelled", "true cancelled"]);
      assertEquals((await chain.result()).status, "cancelled");
      assertEquals(await chain.cancel(), "ended");
      assertEquals((await queue.verify()).problems, []);
    },
  );
}

onBoth(
  "chain.cancel() lets the last link complete before it hears of it",
  async (stage) => {
    const only = defineTask<void>("only");
    const queue = stage.queue({
      handlers: [
        only.handle(async () => {
          assertEquals(await chain.cancel(), "cancelling");
        }),
      ],
    });
    const chain = await queue.chain([only.with(undefined, { resultTtlMs: 0 })]);
    await run(queue);
    assertEquals((await chain.result()).status, "completed");
  },
);

onBoth(
  "chain.cancel() ends a chain whose link hears of it and returns all the same",
  async (stage) => {
    const seen: string[] = [];
    const slow = defineTask<void>("slow");
    const queue = stage.queue({
      handlers: [
        slow.handle(async (_, ctx) => {
          assertEquals(await chain.cancel(), "cancelling");
          await ctx.extend(1_000); // a heartbeat
          assert(ctx.signal.aborted);
          seen.push("slow");
        }),
        audit.handle(({ status }) => void seen.push(status)),
      ],
    });
    const chain = await queue.chain([slow.with(), slow.with()], {
      onSettled: audit,
    });
    await run(queue);
    assertEquals(seen, ["slow", "cancelled"]);
    assertEquals((await chain.counts()).missing, 1);
  },
);

onBoth(
  "chain.delete() forgets what has ended, and chainOf() finds the rest",
  async (stage) => {
    const { handlers } = handling();
    const queue = stage.queue({ handlers });
    const made = await queue.chain([
      step.with({ n: 1 }),
      step.with({ n: 2 }, { delayMs: 1_000 }),
    ]);
    const chain = queue.chainOf<number>(JSON.parse(JSON.stringify(made)));
    assertEquals({ id: chain.id, ids: chain.ids }, {
      id: made.id,
      ids: made.ids,
    });
    await run(queue);
    await chain.delete();
    const { pending, missing } = await chain.counts();
    assertEquals({ pending, missing }, { pending: 1, missing: 1 });
    assertEquals((await chain.result()).status, "scheduled");
    await stage.advance(1_000);
    await run(queue);
    assertEquals((await chain.result()).status, "completed");
    await chain.delete();
    assertEquals((await chain.result()).status, "missing");
    assertEquals((await chain.counts()).missing, 2);
    assertEquals(await chain.cancel(), "missing");
  },
);

onBoth(
  "chain() with an id of the caller's is one chain however often it is called",
  async (stage) => {
    const { handlers, seen } = handling();
    const queue = stage.queue({ handlers });
    const first = await queue.chain(steps(2), {
      id: "order-7",
      onSettled: audit,
    });
    const again = await queue.chain(steps(2), {
      id: "order-7",
      onSettled: audit,
    });
    await run(queue);
    const later = await queue.chain(steps(2), {
      id: "order-7",
      onSettled: audit,
    });
    await run(queue);
    assertEquals([again.ids, later.ids], [first.ids, first.ids]);
    assertEquals(seen.map(({ name }) => name), ["step", "step", "audit"]);
  },
);

onBoth(
  "redrive() lets a chain go on where it stopped, and tells its end once",
  async (stage) => {
    let isBroken = true;
    const seen: string[] = [];
    const fragile = defineTask<number>("fragile", { maxAttempts: 1 });
    const queue = stage.queue({
      handlers: [
        fragile.handle((n) => {
          if (n === 1 && isBroken) throw new Error("broken");
          seen.push(`link ${n}`);
        }),
        audit.handle(({ status }) => void seen.push(status)),
      ],
    });
    const chain = await queue.chain([0, 1, 2].map((n) => fragile.with(n)), {
      onSettled: audit,
    });
    await run(queue);
    assertEquals(seen, ["link 0", "dead"]);
    isBroken = false;
    await stage.advance(1_000);
    assertEquals(await queue.redrive(), { redriven: 1 });
    await run(queue);
    assertEquals(seen, ["link 0", "dead", "link 1", "link 2"]);
    assertEquals((await chain.result()).status, "completed");
  },
);

test("chain.result() waits for the last link, and no longer than the chain lasts", async () => {
  const { handlers } = handling();
  const queue = Queue.inMemory({ handlers });
  const good = await queue.chain([step.with({ n: 1 }), step.with({ n: 2 })]);
  const bad = await queue.chain([
    step.with({ n: 1, fails: true }),
    step.with({ n: 2 }),
  ]);
  const waiting = [good, bad].map((chain) => chain.result({ waitMs: 10_000 }));
  await queue.drain();
  const [first, second] = await Promise.all(waiting);
  assert(first?.status === "completed" && second?.status === "dead");
  const typed: number = first.value;
  assertEquals(typed, 20);
});

test("a chain's result and a hook's input are typed", async () => {
  const queue = Queue.inMemory();
  const chain = await queue.chain([step.with({ n: 1 }), retried.with(1)]);
  const result = await chain.result();
  // @ts-expect-error: it is the last link's, a string
  if (result.status === "completed") result.value satisfies number;
  // @ts-expect-error: the task does not take what came of another
  await queue.enqueue(step, { n: 1 }, { onSettled: report });
});

onBoth("chain() of 1,000 links completes, in one shard", async (stage) => {
  const { handlers, seen } = handling();
  const queue = stage.queue({ handlers });
  const chain = await queue.chain(steps(1_000), { onSettled: audit });
  assertEquals(new Set(chain.ids.map((id) => id.slice(0, 2))).size, 1);
  assertEquals(new Set(chain.ids).size, 1_000);
  const report = await queue.drain({ budgetMs: 60_000, settleMs: 0 });
  assertEquals(report.completed, 1_001);
  assertEquals(
    seen.slice(0, -1).map(({ input }) => (input as { n: number }).n),
    Array.from({ length: 1_000 }, (_, n) => n),
  );
  assertEquals((await chain.counts()).completed, 1_000);
});

/** A call, what it is refused with, and what that says. */
type Refused = readonly [
  call: () => Promise<unknown>,
  type: new (message: string) => Error,
  says: string,
];

test("chain() refuses what it cannot do, and sends nothing", async () => {
  const { queue, broker } = make({ maxPayloadBytes: 2_000 });
  const big = "x".repeat(900);
  const refused: readonly Refused[] = [
    [() => queue.chain([]), RangeError, "1 to 1000 links: this one has 0"],
    [
      () => queue.chain(steps(1_001)),
      RangeError,
      "has 1001",
    ],
    [
      () => queue.chain(step as unknown as Call[]),
      TypeError,
      "chain() takes a list of calls",
    ],
    [
      () => queue.chain([step as unknown as Call]),
      TypeError,
      "as element 0 of the list",
    ],
    ...(["id", "dedupe", "context"] as const).map((option) =>
      [
        () =>
          queue.chain([
            step.with({ n: 1 }),
            { ...step.with({ n: 2 }), options: { [option]: {} } } as Call,
          ]),
        TypeError,
        `The option '${option}' has no effect on a link of a chain, 'step'`,
      ] as const
    ),
    [
      () =>
        queue.chain([
          step.with({ n: 1 }, { maxBacklog: 9 }),
          step.with({ n: 2 }, { maxBacklog: 9 }),
        ]),
      TypeError,
      "The option 'maxBacklog' has no effect",
    ],
    [
      () => queue.chain(steps(2), { onFailure: "retry" as "stop" }),
      TypeError,
      "'stop' or 'continue': current value is retry",
    ],
    [
      () => queue.chain(steps(2), { hook: audit } as object),
      TypeError,
      "Unknown option 'hook' of chain()",
    ],
    [
      () => queue.chain(steps(2), { onSettled: "audit" as unknown as Call }),
      TypeError,
      "onSettled must be a task",
    ],
    [
      () => queue.chain([step.with({ n: 1 }), step.with({ n: NaN })]),
      PayloadError,
      "payload of task 'step' holds what JSON cannot carry: NaN",
    ],
    [
      () => queue.chain([1, 2, 3].map(() => report.with({ to: big }))),
      PayloadError,
      "What is planned to follow task 'report' is",
    ],
    [
      () =>
        queue.enqueue(report, { to: big }, {
          onSuccess: report.with({ to: big }),
          onFailure: report.with({ to: big }),
        }),
      PayloadError,
      "the limit is 2000 for all of it",
    ],
  ];
  for (const [call, type, says] of refused) {
    await assertRejects(call, type, says);
  }
  assertEquals(broker.asked, []);
});

test("ctx.chain() makes the same chain in each attempt", async () => {
  const { handlers, seen } = handling();
  const starting = defineTask<void>("starting", { backoff: fixed(0) });
  const chains: (readonly string[])[] = [];
  const queue = Queue.inMemory({
    handlers: [
      ...handlers,
      starting.handle(async (_, ctx) => {
        chains.push((await ctx.chain(steps(2))).ids);
        if (ctx.attempt < 3) throw new Error("again");
      }),
    ],
  });
  await queue.enqueue(starting);
  await run(queue);
  assertEquals(chains.length, 3);
  assertEquals(new Set(chains.map(String)).size, 1);
  assertEquals(seen.length, 2);
});

// ------------------------------------------------------------ hooks

const hooks = {
  onSettled: report.with({ to: "settled" }),
  onSuccess: report.with({ to: "success" }),
  onFailure: report.with({ to: "failure" }),
};

/** Which hooks were run, in the order of the alphabet. */
function fired(seen: readonly Seen[]): readonly unknown[] {
  return seen.flatMap(({ name, input }) =>
    name === "report" ? [(input as { to: string }).to] : []
  ).sort();
}

onBoth(
  "hooks are enqueued with a success, and not with a retry",
  async (stage) => {
    const { handlers, seen } = handling();
    const queue = stage.queue({ handlers });
    await queue.enqueue(retried, 3, hooks);
    const { retried: retries } = await run(queue);
    assertEquals([retries, fired(seen)], [2, ["settled", "success"]]);
  },
);

/** Each way in which a task ends without a result: how it is brought about. */
const failures: Readonly<
  Record<string, (queue: Queue, stage: Stage) => Promise<unknown>>
> = {
  "dead by its handler": (queue) =>
    queue.enqueue(step, { n: 1, fails: true }, hooks),
  "dead by its last attempt": (queue) => queue.enqueue(retried, 9, hooks),
  "dead by its schema": async (queue) => {
    await queue.enqueueNamed("picky", 1, hooks);
  },
  "unknown for a day": async (queue, stage) => {
    await queue.enqueueNamed("nobody's", 1, hooks);
    await run(queue);
    await stage.advance(DAY);
  },
  expired: async (queue, stage) => {
    await queue.enqueue(step, { n: 1 }, { ...hooks, expiresInMs: 1 });
    await stage.advance(1_000);
  },
  "cancelled while it waits": async (queue) => {
    const options = { ...hooks, delayMs: 60_000 };
    const { id } = await queue.enqueue(step, { n: 1 }, options);
    assertEquals(await queue.cancel(id), "cancelling");
  },
  "purged while it waits": async (queue) => {
    await queue.enqueue(step, { n: 1 }, hooks);
    assertEquals(await queue.purge({ before: START + 1 }), { purged: 1 });
  },
  "cancelled while it runs": (queue) =>
    queue.enqueueNamed("suicidal", null, hooks),
  "exhausted by the death of its consumers": async (queue, stage) => {
    await queue.enqueue(step, { n: 1 }, { ...hooks, maxAttempts: 1 });
    const stop = new AbortController();
    const dying = stage.queue({
      handlers: [step.handle(() => {
        stop.abort();
        return new Promise<never>(() => {});
      })],
    });
    const { abandoned } = await dying.drain({
      signal: stop.signal,
      graceMs: 0,
      leaseMs: 5_000,
    } as object).catch(() => ({ abandoned: 1 }));
    assertEquals(abandoned, 1);
    await stage.advance(120_000);
  },
};

for (const [how, bring] of Object.entries(failures)) {
  onBoth(`hooks are enqueued when a task is ${how}`, async (stage) => {
    const { handlers, seen } = handling();
    const picky = defineTask<unknown>("picky").handle(() => {});
    const suicidal = defineTask<unknown>("suicidal");
    const queue: Queue = stage.queue({
      handlers: [
        ...handlers,
        {
          ...picky,
          schema: {
            "~standard": {
              version: 1,
              vendor: "tests",
              validate: () => ({ issues: [{ message: "no" }] }),
            },
          },
        },
        suicidal.handle(async (_, ctx) => {
          await queue.cancel(ctx.id);
          await ctx.extend(1_000);
          ctx.signal.throwIfAborted();
        }),
      ],
    });
    const producer = stage.queue();
    await bring(how.includes("schema") ? producer : queue, stage);
    await run(queue);
    assertEquals(fired(seen), ["failure", "settled"]);
    assertEquals((await queue.verify()).problems, []);
  });
}

onBoth(
  "a hook that is a task reads what came of the other one, and has its own definition's options",
  async (stage) => {
    const seen: unknown[] = [];
    const tell = defineTask<Settled<number>>("tell", {
      maxAttempts: 1,
      onFailure: audit,
    });
    const queue = stage.queue({
      handlers: [
        ...handling().handlers.filter(({ name }) => name !== "audit"),
        tell.handle((settled, ctx) => {
          seen.push(settled, ctx.maxAttempts);
          throw new Error("no");
        }),
        audit.handle(({ name, status }) => void seen.push(name, status)),
      ],
    });
    const { id } = await queue.enqueue(step, { n: 4 }, { onSuccess: tell });
    await run(queue);
    const expected = {
      id,
      name: "step",
      attempt: 1,
      status: "completed",
      value: 40,
    };
    assertEquals(seen, [expected, 1, "tell", "dead"]);
  },
);

test("a definition's hooks are those of each of its tasks, and an option's go first", async () => {
  const { handlers, seen } = handling();
  const hooked = defineTask("hooked", {
    onSuccess: hooks.onSuccess,
    run: () => 1,
  });
  const queue = Queue.inMemory({ handlers: [...handlers, hooked] });
  await queue.enqueueMany([
    hooked.with(),
    hooked.with(undefined, { onSuccess: hooks.onSettled }),
  ]);
  await run(queue);
  assertEquals(fired(seen), ["settled", "success"]);
});

test("ctx.defer() and ctx.enqueue() take hooks, too", async () => {
  const { handlers, seen } = handling();
  const parent = defineTask("parent", {
    async run(_: void, ctx) {
      await ctx.defer(step, { n: 1 }, { onSettled: hooks.onSettled });
      await ctx.enqueue(step, { n: 2 }, { onSuccess: hooks.onSuccess });
    },
  });
  const queue = Queue.inMemory({ handlers: [...handlers, parent] });
  await queue.enqueue(parent);
  await run(queue);
  assertEquals(fired(seen), ["settled", "success"]);
});

test("inline() enqueues the hooks of what it runs, of a failure as of a success", async () => {
  const { handlers, seen } = handling();
  const queue = Queue.inMemory({ handlers });
  assertEquals(await queue.inline(step, { n: 1 }, hooks), 10);
  await run(queue);
  assertEquals(fired(seen), ["settled", "success"]);
  const failing = { n: 2, fails: true };
  await assertRejects(() => queue.inline(step, failing, hooks), Error, "no 2");
  await run(queue);
  assertEquals(fired(seen), ["failure", "settled", "settled", "success"]);
});

test("enqueue() refuses hooks that are none, that hang in a circle, or whose options mean nothing", async () => {
  const { queue, broker } = make();
  const loop: { -readonly [Key in keyof Call]: Call[Key] } = step.with({
    n: 1,
  });
  loop.options = { onSettled: loop };
  for (
    const [options, says] of [
      [{ onSettled: step.handle(() => 1) }, "onSettled must be a task"],
      [{ onSuccess: "audit" }, "onSuccess must be a task"],
      [{ onFailure: null }, "onFailure must be a task"],
      [{ onSettled: loop }, "at most 8 deep"],
      [
        { onSettled: report.with({ to: "x" }, { maxBacklog: 1 }) },
        "has no effect on a hook, 'report'",
      ],
      [
        { onSettled: report.with({ to: "x" }, { delayMs: -1 }) },
        "delayMs must be",
      ],
    ] as const
  ) {
    await assertRejects(
      () => queue.enqueue(step, { n: 1 }, options as object),
      Error,
      says,
    );
  }
  assertEquals(broker.asked, []);
});

test("a hook keeps its delay, its priority, its dedupe key and its id", async () => {
  const { handlers } = handling();
  const { queue, broker } = make({ handlers });
  const call = report.with({ to: "ann" }, {
    id: "told",
    delayMs: 60_000,
    priority: 5,
    label: "of May",
    dedupe: { key: "tell-ann", ttlMs: 1_000 },
  });
  await queue.enqueue(step, { n: 1 }, { onSuccess: call });
  await run(queue);
  const [born] = broker.of<
    { settle: readonly { enqueue: readonly object[] }[] }
  >("step")
    .flatMap(({ settle }) => settle).flatMap(({ enqueue }) => enqueue);
  const { envelope: _, ...rest } = born as { envelope: string };
  assertEquals(rest as object, {
    id: "told",
    name: "report",
    priority: 5,
    due: { kind: "after", delayMs: 60_000 },
    dedupe: { key: "tell-ann", ttlMs: 1_000 },
  });
});

test("hooks and links are kept in the hash of the task that they follow", async () => {
  const { handlers } = handling();
  const { queue, broker } = make({ handlers });
  for (let n = 0; n < 20; n++) {
    await queue.enqueue(step, { n }, { id: `order-${n}`, onSettled: audit });
    await queue.chain(steps(2), { id: `chain-${n}`, onSettled: audit });
  }
  await run(queue);
  let followers = 0;
  for (const { settle } of broker.of<StepRequest>("step")) {
    for (const { id, enqueue } of settle) {
      for (const born of enqueue) {
        assertEquals(shardOf(born.id), shardOf(id));
        followers++;
      }
    }
  }
  assertEquals(followers, 60);
});

test("a settlement that something follows does not wait for others", async () => {
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
  const blocker = defineTask("blocker", {
    maxAttempts: 1,
    timeoutMs: 3_000,
    run: () => reached,
  });
  const last = defineTask("last", { run: reach });
  const { handlers } = handling();
  const queue = Queue.inMemory({ handlers: [...handlers, blocker, last] });
  await queue.enqueue(blocker);
  await queue.chain([step.with({ n: 1 }), last.with()]);
  const { completed, dead } = await queue.drain({ settleMs: 10_000 });
  assertEquals([completed, dead], [3, 0]);
});

test("a task without followers carries nothing of them", async () => {
  const { handlers } = handling();
  const { queue, broker } = make({ handlers });
  await queue.enqueue(step, { n: 1 }, { id: "plain" });
  const [task] = broker.sent;
  const { envelope = "" } = task ?? {};
  assertEquals(Object.keys(JSON.parse(envelope)).sort(), [
    "a",
    "b",
    "i",
    "n",
    "r",
    "t",
    "v",
  ]);
  assertEquals(task?.related, undefined);
});
