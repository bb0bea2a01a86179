import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { MemoryBroker } from "../src/broker/memory.ts";
import type { WorkflowBroker } from "../src/broker/broker.ts";
import { BrokerError } from "../src/core/error.ts";
import { defineTask } from "../src/core/task.ts";
import { cron, type CronRunOptions, scheduled } from "../src/cron/mod.ts";
import { Telemetry } from "../src/otlp/mod.ts";
import type { DrainOptions } from "../src/queue/drain_options.ts";
import { Queue } from "../src/queue/queue.ts";
import { Collector } from "./support/collector.ts";
import { test } from "./support/suite.ts";

const add = defineTask("add", {
  run: ({ a, b }: { readonly a: number; readonly b: number }) => a + b,
});

/** A queue whose spans go to a collector; every one of its deliveries would take a real broker's place. */
function observed(broker: WorkflowBroker = new MemoryBroker()) {
  const collector = new Collector();
  const telemetry = new Telemetry({
    serviceName: "cron",
    fetch: (input, init) => collector.handle(new Request(input, init)),
  });
  const queue = new Queue({ broker, handlers: [add], telemetry });
  return { collector, queue };
}

/** A broker that cannot be reached. */
function unreachable(): WorkflowBroker {
  return Object.assign(new MemoryBroker(), {
    step: () => Promise.reject(new BrokerError("unavailable", "gone")),
  });
}

const names = ({ spans }: Collector): string[] =>
  spans.map(({ name }) => name).sort();

test("cron() drains, and has sent the run's trace when it resolves", async () => {
  const { collector, queue } = observed();
  const { id } = await queue.enqueue(add, { a: 1, b: 2 });
  await cron(queue)();
  const result = await queue.result(id);
  assertEquals([result.status, "value" in result && result.value], [
    "completed",
    3,
  ]);
  assertEquals(names(collector), [
    "drain default",
    "enqueue default",
    "process default",
    "receive default",
    "settle default",
  ]);
});

test("cron() gives each run a trace of its own, linked from what it processed", async () => {
  const { collector, queue } = observed();
  const run = cron(queue);
  for (let i = 0; i < 2; i++) {
    await queue.enqueue(add, { a: i, b: i });
    await run();
  }
  const drains = collector.spans.filter(({ name }) => name === "drain default");
  const processed = collector.spans.filter(({ kind }) => kind === "CONSUMER");
  assertEquals(drains.length, 2);
  assert(drains[0]?.traceId !== drains[1]?.traceId);
  assertEquals(
    processed.map(({ links }) => links[0]?.spanId),
    drains.map(({ spanId }) => spanId),
  );
});

test("cron() rejects when the broker fails, and shows it in the trace", async () => {
  const { collector, queue } = observed(unreachable());
  await assertRejects(cron(queue), BrokerError);
  const drain = collector.spans.find(({ name }) => name === "drain default");
  assertEquals(drain?.status.code, "ERROR");
});

test("cron() makes the queue at the first run, once", async () => {
  let made = 0;
  const { queue } = observed();
  const run = cron(() => {
    made++;
    return queue;
  });
  assertEquals(made, 0);
  await run();
  await run();
  assertEquals(made, 1);
});

test("cron() and scheduled() refuse what no drain may be told, when they are made", () => {
  const never = (): never => {
    throw new Error("made too early");
  };
  for (const [name, adapt] of Object.entries({ cron, scheduled })) {
    assertThrows(() => adapt(never, { budgetMs: -1 }), RangeError, "budgetMs");
    const wrong = { budgetMS: 5 } as DrainOptions;
    assertThrows(() => adapt(never, wrong), TypeError, `of ${name}()`);
    assertThrows(() => adapt(never, null as never), TypeError, "an object");
    const misspelt = { peak: true } as CronRunOptions;
    assertThrows(() => adapt(never, misspelt), TypeError, "context, peek");
    const rung = { rung: { mark: "1" } } as CronRunOptions;
    assertThrows(() => adapt(never, rung), TypeError, "'rung'");
  }
});

test("cron() and scheduled() drain by the host's options under those given, and undefined is none", async () => {
  const told: unknown[] = [];
  const queue = Object.assign(Queue.inMemory(), {
    drain: (options: unknown) => Promise.resolve(told.push(options)),
  }) as unknown as Queue;
  const given = { budgetMs: undefined, batchSize: 5 } as unknown;
  await cron(queue, given as DrainOptions)();
  const run = scheduled(queue, given as DrainOptions);
  await run(undefined, {}, { waitUntil() {} });
  assertEquals(told, [
    { budgetMs: 50_000, batchSize: 5 },
    { budgetMs: 25_000, maxRequests: 45, batchSize: 5 },
  ]);
});

test("scheduled() drains the environment's queue within waitUntil", async () => {
  const env = observed();
  const { id } = await env.queue.enqueue(add, { a: 2, b: 2 });
  const held: Promise<unknown>[] = [];
  const handler = scheduled(({ queue }: typeof env) => queue);
  const run = handler({ cron: "* * * * *" }, env, {
    waitUntil: (work) => void held.push(work),
  });
  assertEquals(held.length, 1);
  await Promise.all(held);
  assertEquals((await env.queue.result(id)).status, "completed");
  assertEquals(names(env.collector).includes("drain default"), true);
  await run;
});

test("scheduled() rejects when the broker fails, in waitUntil too", async () => {
  const { queue } = observed(unreachable());
  let held: Promise<unknown> = Promise.resolve();
  const run = scheduled(queue)(undefined, {}, {
    waitUntil: (work) => void (held = work),
  });
  await assertRejects(() => held, BrokerError);
  await assertRejects(() => run, BrokerError);
});
