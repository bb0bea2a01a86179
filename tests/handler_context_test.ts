/** What a handler's context is worth where nothing keeps the current one: its fetch, and the warning of a call without it. */
import {
  type Context,
  context as api,
  type ContextManager,
  diag,
  DiagLogLevel,
  propagation,
  ROOT_CONTEXT,
} from "@opentelemetry/api";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  defineTask,
  type HandlerContext,
  Queue,
  type QueueTelemetry,
  type QueueTracing,
  TaskTimeoutError,
} from "../mod.ts";
import { test } from "./support/suite.ts";
import { exported, traced } from "./support/traced.ts";

// ---------------------------------------------------------------- fetch

/** How a handler is run. */
interface Handling {
  readonly telemetry?: QueueTelemetry;
  readonly tracing?: QueueTracing;
  readonly context?: Context;
  readonly timeoutMs?: number;
  /** What the host answers. */
  readonly answer?: (request: Request) => Promise<Response>;
}

/** Runs a handler inline, and gives the requests that reached the host's own `fetch`. */
async function handling(
  run: (ctx: HandlerContext) => Promise<unknown>,
  { telemetry = {}, tracing = {}, context = ROOT_CONTEXT, ...more }: Handling =
    {},
): Promise<readonly Request[]> {
  const { timeoutMs = 30_000, answer = () => Promise.resolve(OK()) } = more;
  const requests: Request[] = [];
  const task = defineTask<void>("calling", { timeoutMs });
  const queue = Queue.inMemory({
    handlers: [task.handle(async (_, ctx) => void await run(ctx))],
    telemetry,
    tracing,
  });
  const host = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const request = new Request(input, init);
    requests.push(request);
    return answer(request);
  };
  try {
    await queue.inline(task, undefined, { context });
  } finally {
    globalThis.fetch = host;
  }
  return requests;
}

const OK = () => new Response("ok");
const SHOP = "https://shop.example/a";

const BAGGAGE = propagation.setBaggage(
  ROOT_CONTEXT,
  propagation.createBaggage({ user: { value: "ann" } }),
);

/** A telemetry as an SDK that is not Baton's offers it. */
function foreign(at: ReturnType<typeof traced>): QueueTelemetry {
  const { tracerProvider, propagator } = at.telemetry;
  return { tracerProvider, propagator };
}

test("ctx.fetch makes a CLIENT span of the attempt, and carries the trace and no baggage", async () => {
  const at = traced();
  const [request] = await handling(({ fetch }) => fetch(SHOP), {
    telemetry: foreign(at),
    context: BAGGAGE,
  });
  const spans = await exported(at);
  const client = spans.find(({ kind }) => kind === "CLIENT")!;
  const consumer = spans.find(({ kind }) => kind === "CONSUMER")!;
  assertEquals([client.name, client.parentSpanId], ["GET", consumer.spanId]);
  assertEquals(
    request!.headers.get("traceparent")!.slice(0, 52),
    `00-${client.traceId}-${client.spanId}`,
  );
  assertEquals(request!.headers.get("baggage"), null);
});

test("ctx.fetch obeys tracing.propagateTo and tracing.clientSpans, be the telemetry what it may", async () => {
  for (const telemetry of [traced().telemetry, foreign(traced())]) {
    const sent = async (tracing: QueueTracing) => {
      const run = ({ fetch }: HandlerContext) => fetch(SHOP);
      const options = { telemetry, tracing, context: BAGGAGE };
      const [request] = await handling(run, options);
      return ["traceparent", "baggage"].map((name) =>
        request!.headers.has(name)
      );
    };
    assertEquals(await sent({ propagateTo: () => "all" }), [true, true]);
    assertEquals(await sent({ propagateTo: () => "none" }), [false, false]);
    assertEquals(await sent({ clientSpans: false }), [false, false]);
  }
});

test("ctx.fetch is the telemetry's own where it has one and tracing says nothing", async () => {
  const seen: unknown[] = [];
  const telemetry: QueueTelemetry = {
    fetchIn: (context) => (input) => {
      seen.push([context, input]);
      return Promise.resolve(OK());
    },
  };
  let own: Context | undefined;
  const run = ({ fetch, context }: HandlerContext) => {
    own = context;
    return fetch(SHOP);
  };
  assertEquals(await handling(run, { telemetry }), []);
  assertEquals(seen, [[own, SHOP]]);
  assertEquals((await handling(run, { telemetry, tracing: QUIET })).length, 1);
});

const QUIET = { clientSpans: false } as const;

test("ctx.fetch works when the telemetry's own cannot be made", async () => {
  const telemetry: QueueTelemetry = {
    fetchIn() {
      throw new Error("no");
    },
  };
  const requests = await handling(({ fetch }) => fetch(SHOP), { telemetry });
  assertEquals(requests.length, 1);
});

/** Never answers; fails when the request is aborted. */
const hanging = ({ signal }: Request) =>
  new Promise<Response>((_, reject) => {
    const fail = () => reject(signal.reason);
    if (signal.aborted) fail();
    signal.addEventListener("abort", fail);
  });

test("ctx.fetch ends when ctx.signal aborts, and when the caller's own signal does", async () => {
  const { signal: never } = new AbortController();
  for (const init of [undefined, { signal: never }]) {
    const aborted = Promise.withResolvers<unknown>();
    const late = handling(
      ({ fetch }) => fetch(SHOP, init).catch(aborted.resolve),
      { timeoutMs: 20, answer: hanging },
    );
    await assertRejects(() => late, TaskTimeoutError);
    assert(await aborted.promise instanceof TaskTimeoutError);
  }

  for (const by of ["init", "request"] as const) {
    const control = new AbortController();
    const { signal } = control;
    const own = new Error("mine");
    await handling(async ({ fetch }) => {
      const call = by === "init"
        ? fetch(SHOP, { signal })
        : fetch(new Request(SHOP, { signal }));
      control.abort(own);
      const error = await assertRejects(() => call);
      assert(error === own);
    }, { answer: hanging });
  }
});

test("ctx.fetch takes a Request with a body, and an init without a signal", async () => {
  const bodies: string[] = [];
  await handling(async ({ fetch }) => {
    await fetch(new Request(SHOP, { method: "POST", body: "one" }));
    await fetch(SHOP, { method: "PUT", body: "two", signal: null });
  }, {
    async answer(request) {
      bodies.push(`${request.method} ${await request.text()}`);
      return OK();
    },
  });
  assertEquals(bodies, ["POST one", "PUT two"]);
});

// ---------------------------------------------------------------- the warning

/** The warnings that `act` gives. */
async function warnings(act: () => Promise<unknown>): Promise<string[]> {
  const heard: string[] = [];
  const ignore = () => {};
  diag.setLogger({
    ...{ error: ignore, info: ignore, debug: ignore, verbose: ignore },
    warn: (message) => void heard.push(message),
  }, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  try {
    await act();
  } finally {
    diag.disable();
  }
  return heard;
}

const next = defineTask("next", { run: (_: void): void => {} });

/** A queue of which one handler does `act`. */
function doing(
  act: (queue: Queue, ctx: HandlerContext) => Promise<unknown>,
  telemetry: QueueTelemetry = {},
): { readonly queue: Queue; run(): Promise<unknown> } {
  const doer = defineTask("doer", {
    maxAttempts: 1,
    run: async (_: void, ctx): Promise<void> => void await act(queue, ctx),
  });
  const queue: Queue = Queue.inMemory({
    name: "images",
    handlers: [doer, next],
    telemetry,
  });
  return {
    queue,
    async run() {
      await queue.enqueue(doer);
      return await queue.drain();
    },
  };
}

/** Calls that begin a trace of their own, however they are made. */
const plain: readonly ((queue: Queue) => Promise<unknown>)[] = [
  (queue) => queue.enqueue(next),
  (queue) => queue.enqueueNamed("next"),
  (queue) => queue.enqueueMany([next.with(), next.with()]),
  (queue) => queue.inline(next),
];

test("enqueue() warns once when it is called plainly beside a handler and nothing keeps contexts", async () => {
  for (const call of plain) {
    const { run } = doing(async (queue) => {
      await call(queue);
      await call(queue);
    });
    const heard = await warnings(async () => {
      await run();
      await run();
    });
    assertEquals(heard.length, 1);
    for (const word of ["'images'", "ctx.enqueue()", "queue.within("]) {
      assert(heard[0]!.includes(word), heard[0]);
    }
  }
});

test("enqueue() does not warn when it is given its context, or goes through ctx", async () => {
  const { queue, run } = doing(async (queue, ctx) => {
    await ctx.enqueue(next);
    await ctx.defer(next);
    await queue.within(ctx.context).enqueue(next);
    await queue.enqueue(next, undefined, { context: ctx.context });
    await queue.inline(next, undefined, { context: ctx.context });
  });
  const heard = await warnings(async () => {
    await run();
    await queue.enqueue(next);
    await queue.drain();
    await queue.enqueueNamed("next");
  });
  assertEquals(heard, []);
});

test("enqueue() does not warn when a context manager keeps contexts, be it registered or given", async () => {
  const act = (queue: Queue) => queue.enqueue(next);
  assertEquals(await warnings(doing(act, { contextManager: stack() }).run), []);
  assert(api.setGlobalContextManager(stack()));
  try {
    assertEquals(await warnings(doing(act).run), []);
  } finally {
    api.disable();
  }
});

test("enqueue() does not warn of a call from outside while a handler runs, when a context manager keeps contexts", async () => {
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const { queue, run } = doing(async () => {
    begun.resolve();
    await end.promise;
  }, { contextManager: stack() });
  const heard = await warnings(async () => {
    const ran = run();
    await begun.promise;
    await queue.enqueue(next);
    end.resolve();
    await ran;
  });
  assertEquals(heard, []);
});

/** A context manager that keeps contexts, although not across `await`. */
function stack(): ContextManager {
  let current = ROOT_CONTEXT;
  const manager: ContextManager = {
    active: () => current,
    with(context, call, self, ...args) {
      const before = current;
      current = context;
      try {
        return call.call(self, ...args);
      } finally {
        current = before;
      }
    },
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}

test("enqueue() warns where a context manager is registered that keeps nothing", async () => {
  const manager: ContextManager = {
    active: () => ROOT_CONTEXT,
    with: (_, call, self, ...args) => call.call(self, ...args),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  const { run } = doing((queue) => queue.enqueue(next), {
    contextManager: manager,
  });
  assertEquals((await warnings(run)).length, 1);
});

test("enqueue() does not fail when nobody can be warned", async () => {
  diag.setLogger({
    ...{ error() {}, info() {}, debug() {}, verbose() {} },
    warn() {
      throw new Error("no");
    },
  }, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  try {
    const { run } = doing((queue) => queue.enqueue(next));
    assertEquals((await run() as { completed: number }).completed, 2);
  } finally {
    diag.disable();
  }
});
