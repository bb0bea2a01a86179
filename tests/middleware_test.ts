/** What stands around the producer and around the handler. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  BrokerError,
  type Call,
  defineTask,
  type Enqueued,
  fixed,
  type InMemoryOptions,
  type Middleware,
  PayloadError,
  Queue,
  type StandardSchema,
} from "../mod.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import { make } from "./support/recording_broker.ts";
import { test } from "./support/suite.ts";

const echo = defineTask<unknown, unknown>("echo", {
  maxAttempts: 1,
  backoff: fixed(0, { jitter: 0 }),
});
const echoing = echo.handle((input) => input);

/** Writes down what passes. */
function noting(name: string, notes: string[]): Middleware {
  return {
    async enqueue(call, next) {
      notes.push(`${name} before enqueue`);
      const answer = await next(call);
      notes.push(`${name} after enqueue`);
      return answer;
    },
    async process(_, next) {
      notes.push(`${name} before process`);
      const value = await next();
      notes.push(`${name} after process`);
      return value;
    },
  };
}

function queueOf(
  middleware: readonly Middleware[],
  options: InMemoryOptions = {},
): Queue {
  return Queue.inMemory({ handlers: [echoing], middleware, ...options });
}

/** What a task comes to. */
async function resultOf(queue: Queue, input: unknown): Promise<unknown> {
  const { id } = await queue.enqueue(echo, input);
  await queue.drain();
  const result = await queue.result(id);
  if (result.status === "completed") return result.value;
  assert("error" in result);
  return `${result.status}: ${result.error?.message}`;
}

test("use() puts middleware around both sides, the first outermost, once each", async () => {
  for (const way of ["broker", "inline"] as const) {
    const notes: string[] = [];
    const queue = queueOf([noting("a", notes)])
      .use(noting("b", notes)).use(noting("c", notes));
    if (way === "inline") await queue.inline(echo, 1);
    else {
      await queue.enqueue(echo, 1);
      await queue.drain();
    }
    const around = (verb: string, inner: readonly string[] = []) => [
      ...["a", "b", "c"].map((name) => `${name} before ${verb}`),
      ...inner,
      ...["c", "b", "a"].map((name) => `${name} after ${verb}`),
    ];
    assertEquals(
      notes,
      way === "inline"
        ? around("enqueue", around("process"))
        : [...around("enqueue"), ...around("process")],
    );
  }
});

test("enqueue() of a middleware changes the call before it is checked", async () => {
  const { queue, broker } = make({ handlers: [echoing] });
  queue.use({
    enqueue: (call, next) =>
      next({
        ...call,
        input: { wrapped: call.input },
        options: { ...call.options, id: "given", label: "told" },
      }),
  });
  const { id } = await queue.enqueue(echo, 1);
  assertEquals(id, "given");
  await queue.drain();
  const result = await queue.result(id);
  assert(result.status === "completed");
  assertEquals(result.value, { wrapped: 1 });
  assertEquals(broker.sent.length, 1);
  const spoiling = queueOf([{
    enqueue: (call, next) => next({ ...call, input: 1n }),
  }]);
  await assertRejects(() => spoiling.enqueue(echo, 1), PayloadError);
});

test("enqueue() of a middleware repairs what the schema would refuse", async () => {
  const text: StandardSchema<string, string> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) =>
        typeof value === "string"
          ? { value }
          : { issues: [{ message: "no text" }] },
    },
  };
  const task = defineTask("texts", { input: text });
  const { queue, broker } = make();
  await assertRejects(
    () => queue.enqueue(task, 1 as unknown as string),
    PayloadError,
  );
  queue.use({
    enqueue: (call, next) => next({ ...call, input: String(call.input) }),
  });
  await queue.enqueue(task, 1 as unknown as string);
  assertEquals(broker.sent.length, 1);
});

test("enqueue() of a middleware sees the answer, and answers itself", async () => {
  const seen: unknown[] = [];
  const queue = queueOf([{
    async enqueue(call, next) {
      const answer = await next(call);
      seen.push(answer);
      return { ...answer, deduplicated: true };
    },
  }]);
  const answer = await queue.enqueue(echo, 1, { id: "a" });
  assertEquals(seen, [{ id: "a", deduplicated: false }]);
  assertEquals(answer, { id: "a", deduplicated: true });
});

test("enqueue() of a middleware that goes no further enqueues nothing", async () => {
  const { queue, broker } = make({
    middleware: [{
      enqueue: (call, next) =>
        call.input === 2
          ? Promise.resolve({ id: "dropped", deduplicated: true })
          : next(call),
    }],
  });
  assertEquals((await queue.enqueue(echo, 2)).id, "dropped");
  assertEquals(broker.asked, []);
  const answers = await queue.enqueueMany(
    [1, 2, 3].map((n) => echo.with(n, { id: `id ${n}` })),
  );
  assertEquals(answers.map(({ id }) => id), ["id 1", "dropped", "id 3"]);
  assertEquals(broker.sent.map(({ id }) => id), ["id 1", "id 3"]);
  assertEquals(await queue.inline(echo, 2), undefined);
});

test("enqueue() of a middleware is passed by each task of enqueueMany, and they are sent in order in one request", async () => {
  const doors = [30, 0, 15];
  const { queue, broker } = make({
    middleware: [{
      async enqueue(call, next) {
        const ms = doors[call.input as number]!;
        await new Promise((resolve) => setTimeout(resolve, ms));
        return await next({ ...call, options: { id: `id ${call.input}` } });
      },
    }],
  });
  const answers = await queue.enqueueMany(
    [0, 1, 2].map((n) => echo.with(n)),
  );
  const ids = ["id 0", "id 1", "id 2"];
  assertEquals(answers.map(({ id }) => id), ids);
  assertEquals(broker.sent.map(({ id }) => id), ids);
  assertEquals(broker.of("enqueue").length, 1);
  assertEquals(await queue.enqueueMany([]), []);
});

test("enqueue() of a middleware that fails for one task of enqueueMany lets none be sent", async () => {
  for (const bad of [0, 1, 2]) {
    const failure = new Error("no");
    const unwound: unknown[] = [];
    const { queue, broker } = make({
      middleware: [{
        async enqueue(call, next) {
          try {
            return await next(call);
          } catch (error) {
            unwound.push(error);
            throw error;
          }
        },
      }, {
        async enqueue(call, next) {
          await undefined;
          if (call.input === bad) throw failure;
          return await next(call);
        },
      }],
    });
    const error = await assertRejects(() =>
      queue.enqueueMany([0, 1, 2].map((n) => echo.with(n)))
    );
    assert(error === failure);
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(broker.asked, []);
    assertEquals(unwound, [failure, failure, failure]);
  }
});

test("enqueue() of a middleware that fails before or after the broker was asked fails the call, and nothing else", async () => {
  for (const isBefore of [true, false]) {
    const failure = new Error("no");
    const { queue, broker } = make({
      middleware: [{
        async enqueue(call, next) {
          if (!isBefore) await next(call);
          throw failure;
        },
      }],
    });
    const error = await assertRejects(() => queue.enqueue(echo, 1));
    assert(error === failure);
    // an unhandled rejection would fail the run
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(broker.sent.length, isBefore ? 0 : 1);
  }
});

test("enqueue() of a middleware may handle what the broker throws", async () => {
  const down = new BrokerError("unavailable", "down");
  const { queue } = make({
    broker: Object.assign(new MemoryBroker(), {
      enqueue: () => Promise.reject(down),
    }),
  });
  const plain = await assertRejects(() => queue.enqueue(echo, 1));
  assert(plain === down);
  queue.use({
    enqueue: (call, next) =>
      next(call).catch(() => ({ id: "later", deduplicated: false })),
  });
  assertEquals((await queue.enqueue(echo, 1)).id, "later");
});

test("enqueue() of a middleware stands around ctx.enqueue, ctx.defer and enqueueNamed, too", async () => {
  const passed: Call[] = [];
  const parent = defineTask<void>("parent");
  const { queue, broker } = make({
    handlers: [
      echoing,
      parent.handle(async (_, ctx) => {
        await ctx.enqueue(echo, "enqueued");
        assertEquals(await ctx.defer(echo, "deferred"), "d");
      }),
    ],
    middleware: [{
      enqueue(call, next) {
        passed.push(call);
        return call.input === "deferred"
          ? next({ ...call, options: { ...call.options, id: "d" } })
          : next(call);
      },
    }],
  });
  await queue.enqueueNamed("parent");
  await queue.drain();
  assertEquals(
    passed.map(({ name, input }) => [name, input]),
    [["parent", undefined], ["echo", "enqueued"], ["echo", "deferred"]],
  );
  assertEquals((await queue.result("d")).status, "completed");
  assertEquals(broker.sent.length, 2);
});

test("enqueue() of a middleware is passed by links of chains and members of groups, which it cannot keep back", async () => {
  const passed: unknown[] = [];
  const { queue } = make({
    handlers: [echoing],
    middleware: [{
      async enqueue(call, next) {
        if (call.input === "back") return { id: "b", deduplicated: false };
        const answer = await next({ ...call, input: [call.input] });
        passed.push(answer.id);
        return answer;
      },
    }],
  });
  const chain = await queue.chain([echo.with(1), echo.with(2)]);
  assertEquals(passed, [...chain.ids]);
  const listed = await queue.map(echo, [3, 4]);
  const read = await queue.enqueueGroup((function* () {
    yield echo.with(5);
  })());
  assertEquals([passed.length, new Set(passed).size], [5, 5]);
  await queue.drain();
  const result = await chain.result();
  assert(result.status === "completed");
  assertEquals(result.value, [2]);
  for (
    const [group, values] of [[listed, [[3], [4]]], [read, [[5]]]] as const
  ) {
    const { results } = await group.results();
    assertEquals(results.map((one) => one.ok && one.value), [...values]);
  }
  for (
    const send of [
      () => queue.chain([echo.with(1), echo.with("back")]),
      () => queue.map(echo, ["back"]),
    ]
  ) await assertRejects(send, TypeError, "kept back");
  queue.use({
    enqueue: (call, next) =>
      next({ ...call, options: { ...call.options, id: "own" } }),
  });
  await assertRejects(() => queue.chain([echo.with(1)]), TypeError, "'id'");
  await assertRejects(() => queue.map(echo, [1]), TypeError, "'id'");
});

test("process() of a middleware gets the attempt and its parsed input, and decides what came of it", async () => {
  const seen: unknown[] = [];
  const queue = queueOf([{
    async process(ctx, next) {
      seen.push([ctx.name, ctx.attempt, ctx.input, ctx.span !== undefined]);
      const value = await next();
      return [value, "wrapped"];
    },
  }]);
  assertEquals(await resultOf(queue, 1), [1, "wrapped"]);
  assertEquals(seen, [["echo", 1, 1, true]]);
  assertEquals(
    await resultOf(queueOf([{ process: () => "other" }]), 1),
    "other",
  );
});

test("process() of a middleware sees what the handler throws, and fails the attempt with what it throws", async () => {
  const failing = echo.handle(() => {
    throw new Error("by the handler");
  });
  const passing = queueOf([{ process: (_, next) => next() }], {
    handlers: [failing],
  });
  assertEquals(await resultOf(passing, 1), "dead: by the handler");
  const rolledBack: unknown[] = [];
  const changing = queueOf([{
    async process(_, next) {
      try {
        return await next();
      } catch (error) {
        rolledBack.push((error as Error).message);
        throw new Error("by the middleware");
      }
    },
  }], { handlers: [failing] });
  assertEquals(await resultOf(changing, 1), "dead: by the middleware");
  assertEquals(rolledBack, ["by the handler"]);
  const healing = queueOf([{
    process: (_, next) => next().catch(() => "healed"),
  }], { handlers: [failing] });
  assertEquals(await resultOf(healing, 1), "healed");
});

test("process() of a middleware is not asked about an input that the schema refuses", async () => {
  let asked = 0;
  const task = defineTask("picky", {
    input: {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: () => ({ issues: [{ message: "never" }] }),
      },
    },
  });
  const broker = new MemoryBroker();
  const queue = new Queue({
    broker,
    handlers: [task.handle(() => {})],
    middleware: [{
      process(_, next) {
        asked++;
        return next();
      },
    }],
  });
  const { id } = await new Queue({ broker }).enqueueNamed("picky", 1);
  await queue.drain();
  assertEquals((await queue.result(id)).status, "dead");
  assertEquals(asked, 0);
});

test("process() of a middleware ends after calls that the handler did not wait for", async () => {
  const notes: string[] = [];
  const parent = defineTask<void>("parent");
  const queue = Queue.inMemory({
    handlers: [
      parent.handle((_, ctx) => void ctx.enqueue(echo, 1)),
      echoing,
    ],
    middleware: [{
      async enqueue(call, next) {
        const answer = await next(call);
        if (call.name === "echo") notes.push("enqueued");
        return answer;
      },
      async process(ctx, next) {
        await next();
        if (ctx.name === "parent") notes.push("committed");
      },
    }],
  });
  await queue.enqueue(parent);
  await queue.drain();
  assertEquals(notes, ["enqueued", "committed"]);
});

test("next() runs once, and has to be waited for", async () => {
  let runs = 0;
  const handlers = [echo.handle(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    runs++;
  })];
  const twice = queueOf([{
    async process(_, next) {
      await next();
      await next();
    },
  }], { handlers });
  assertEquals(
    await resultOf(twice, 1),
    "dead: A middleware called its next() twice",
  );
  assertEquals(runs, 1);
  const early = queueOf([{ process: (_, next) => void next() }], { handlers });
  const result = await resultOf(early, 1);
  assert(`${result}`.startsWith("dead: A middleware must await"));
  assertEquals(runs, 2);
  const dropped = queueOf([{
    process(_, next) {
      next();
      throw new Error("meanwhile");
    },
  }], {
    handlers: [echo.handle(async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      runs++;
      throw new Error("nobody hears this");
    })],
  });
  assertEquals(await resultOf(dropped, 1), "dead: meanwhile");
  assertEquals(runs, 3);
  const both = queueOf([{
    async enqueue(call, next) {
      await next(call);
      return await next(call);
    },
  }]);
  await assertRejects(() => both.enqueue(echo, 1), TypeError, "twice");
});

test("process() of a middleware counts for the time-out", async () => {
  const task = defineTask<void>("slow", { timeoutMs: 20, maxAttempts: 1 });
  const queue = Queue.inMemory({
    handlers: [task.handle(() => {})],
    middleware: [{
      async process(ctx, next) {
        await new Promise((resolve) =>
          ctx.signal.addEventListener("abort", resolve)
        );
        return await next();
      },
    }],
  });
  const { id } = await queue.enqueue(task);
  await queue.drain();
  const result = await queue.result(id);
  assert(result.status === "dead");
  assertEquals(result.error.name, "TaskTimeoutError");
});

test("ctx.label is what the task was enqueued with", async () => {
  const task = defineTask<void>("t");
  const labels: unknown[] = [];
  const queue = Queue.inMemory({
    handlers: [task.handle((_, ctx) => {
      labels.push("label" in ctx ? ctx.label : "none");
    })],
  });
  await queue.enqueue(task, undefined, { label: "request 7" });
  await queue.enqueue(task);
  await queue.drain();
  assertEquals(labels, ["request 7", "none"]);
});

test("use() takes an instance of a class, and calls it as one", async () => {
  class Counting implements Middleware {
    enqueued = 0;
    processed = 0;
    enqueue(call: Call, next: (call: Call) => Promise<Enqueued>) {
      this.enqueued++;
      return next(call);
    }
    process(_: unknown, next: () => Promise<unknown>) {
      this.processed++;
      return next();
    }
  }
  const counting = new Counting();
  assertEquals(await resultOf(queueOf([counting]), 1), 1);
  assertEquals([counting.enqueued, counting.processed], [1, 1]);
});

test("use() refuses what is no middleware, and so does the option", () => {
  const queue = Queue.inMemory();
  for (
    const bad of [null, 1, {}, { before() {} }, { process: 1 }, {
      enqueue() {},
      process: null,
    }]
  ) {
    const middleware = bad as unknown as Middleware;
    assertThrows(() => queue.use(middleware), TypeError);
    assertThrows(() => queueOf([middleware]), TypeError);
  }
  assertThrows(
    () => Queue.inMemory({ middleware: {} as unknown as [] }),
    TypeError,
  );
});

test("use() leaves the list that the option gave alone", async () => {
  const given: Middleware[] = [];
  queueOf(given).use({ process: () => "other" });
  assertEquals(given, []);
  assertEquals(await resultOf(queueOf(given), 1), 1);
});
