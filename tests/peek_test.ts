/** What a broker says to who only looks, and what that costs. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { WorkflowBroker } from "../src/broker/broker.ts";
import { instead } from "../src/broker/instead.ts";
import {
  MemoryBroker,
  type MemoryBrokerOptions,
} from "../src/broker/memory.ts";
import type { UpstashClient } from "../src/broker/runner.ts";
import { UpstashBroker } from "../src/broker/upstash.ts";
import { BrokerError } from "../src/core/error.ts";
import { defineTask } from "../src/core/task.ts";
import { cron, scheduled } from "../src/cron/mod.ts";
import { Consumer } from "../src/queue/consumer.ts";
import { Telemetry } from "../src/otlp/mod.ts";
import { Queue } from "../src/queue/queue.ts";
import {
  type ContractBroker,
  delayed,
  ends,
  settle,
} from "./support/contract/bench.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import { test } from "./support/suite.ts";

const START = 1_763_800_000_000;

const brokers: Readonly<Record<string, () => Promise<ContractBroker>>> = {
  "in memory"() {
    let now = START;
    return Promise.resolve({
      broker: new MemoryBroker({ clock: { now: () => now } }),
      advance: (ms) => Promise.resolve(void (now += ms)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
  async "on Redis"() {
    let steady = 0;
    const clock = {
      now: () => steady,
      monotonic: () => steady,
      after(ms: number, callback: () => void) {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
    };
    const at = await gatewayBroker(START, { clock });
    return {
      broker: at.broker,
      async advance(ms) {
        steady += ms;
        await at.advance(ms);
      },
      [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
    };
  },
};

function claim(broker: WorkflowBroker, queue: string, seq = 1, limit = 10) {
  return broker.step(queue, {
    consumer: "one",
    seq,
    leaseMs: 30_000,
    limit,
    maxBytes: 1e6,
    alone: true,
    settle: [],
    extend: [],
  });
}

for (const [where, open] of Object.entries(brokers)) {
  test(`peek() says when something is next to be done, ${where}`, async () => {
    await using at = await open();
    const { broker } = at;
    const queue = `peek-${crypto.randomUUID()}`;
    const inMs = async () => {
      const { now, nextDueAt } = await broker.peek!(queue);
      return nextDueAt === undefined ? undefined : nextDueAt - now;
    };
    assertEquals(await inMs(), undefined);

    await broker.enqueue(queue, {
      tasks: [delayed("later", 60_000, { priority: 3 })],
      maxBacklog: undefined,
    });
    assertEquals(await inMs(), 60_000);
    await at.advance(59_000);
    assertEquals(await inMs(), 1_000);
    await at.advance(1_000);
    assertEquals(await inMs(), 0);

    const { deliveries: [claimed] } = await claim(broker, queue);
    assert(claimed);
    assertEquals(await inMs(), 30_000);
    await at.advance(40_000);
    assertEquals(await inMs(), -10_000, "a lease to return");
    await claim(broker, queue, 2, 0);
    assertEquals(await inMs(), 0, "the task is back");

    await broker.pause(queue, { operation: "p", paused: true });
    assert((await inMs() ?? 1) > 0, "the task waits, but may not be claimed");
    await broker.pause(queue, { operation: "r", paused: false });
    assertEquals(await inMs(), 0);

    const { deliveries: [again] } = await claim(broker, queue, 3);
    await broker.step(queue, {
      consumer: "one",
      seq: 4,
      leaseMs: 30_000,
      limit: 10,
      maxBytes: 1e6,
      alone: true,
      settle: [settle(again!, ends.complete("x", { keepMs: 600_000 }))],
      extend: [],
    });
    const left = await inMs();
    assert(left === undefined || left > 0, `${left}`);
  });
}

test("peek() is two plain commands in one request, and a third for the time every ten minutes", async () => {
  let steady = 0;
  await using at = await gatewayBroker(START, {
    clock: {
      now: () => steady,
      monotonic: () => steady,
      after: (ms, callback) => {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
    },
  });
  const queue = `peek-${crypto.randomUUID()}`;
  await at.broker.enqueue(queue, {
    tasks: [delayed("a", 60_000)],
    maxBacklog: undefined,
  });
  await at.lane.set({ log: true });
  const costs: (readonly [number, number])[] = [];
  for (const ms of [0, 60_000, 540_000, 60_000]) {
    steady += ms;
    await at.advance(ms);
    const { commands, requests } = await at.broker.peek(queue);
    costs.push([commands, requests]);
  }
  assertEquals(costs, [[3, 1], [2, 1], [2, 1], [3, 1]]);
  const { entries } = await at.lane.report();
  const names = entries.map(({ commands }) =>
    commands.map(({ name }) => name.toLowerCase())
  );
  const look = ["zrange", "zrange"];
  assertEquals(names, [[...look, "time"], look, look, [...look, "time"]]);
});

test("peek() asks again when it is not answered, and in the end says why", async () => {
  await using at = await gatewayBroker(START, { attempts: 2, random: () => 0 });
  await at.lane.add({ kind: "status", status: 500 });
  assertEquals((await at.broker.peek("nothing")).requests, 2);
  await at.lane.add({ kind: "status", status: 500, times: 2 });
  const error = await assertRejects(
    () => at.broker.peek("nothing"),
    BrokerError,
  );
  assertEquals(error.failure, "unavailable");
});

test("peek() cannot tell with a client that has no pipelines, so a step is due", async () => {
  const client: UpstashClient = {
    eval: () => Promise.reject(new Error("unused")),
    evalsha: () => Promise.reject(new Error("unused")),
  };
  const { now, nextDueAt, requests } = await new UpstashBroker(client).peek(
    "q",
  );
  assertEquals([now, nextDueAt, requests], [0, 0, 0]);
});

const greet = defineTask("greet", { run: (name: string) => name });

function watched(options: MemoryBrokerOptions = {}) {
  const asked: string[] = [];
  const memory = new MemoryBroker(options);
  const broker = instead(memory, {
    peek: (queue) => (asked.push("peek"), memory.peek(queue)),
    step: (...call) => (asked.push("step"), memory.step(...call)),
  });
  let exports = 0;
  const telemetry = new Telemetry({
    serviceName: "peek",
    fetch() {
      exports++;
      return Promise.resolve(new Response());
    },
  });
  const queue = new Queue({ broker, telemetry, handlers: [greet] });
  return { queue, asked, exported: () => exports };
}

test("cron() with peek neither steps nor exports when nothing is due", async () => {
  const { queue, asked, exported } = watched();
  const run = cron(queue, { peek: true });
  await run();
  await queue.enqueue(greet, "later", { delayMs: 60_000 });
  await run();
  assertEquals([asked, exported()], [["peek", "peek"], 0]);
});

test("cron() with peek drains what is due, or will be before a drain's linger is over", async () => {
  const { queue, asked } = watched();
  const { id } = await queue.enqueue(greet, "soon", { delayMs: 200 });
  await cron(queue, { peek: true })();
  assertEquals((await queue.result(id)).status, "completed");
  assertEquals(asked[0], "peek");
  const standing = watched({ clock: { now: () => START } });
  const other = await standing.queue.enqueue(greet, "later", {
    delayMs: 2_000,
  });
  await cron(standing.queue, { peek: true, lingerMs: 1_000 })();
  assertEquals(standing.asked, ["peek"]);
  assertEquals((await standing.queue.result(other.id)).status, "scheduled");
});

test("scheduled() with peek looks first, too, and drains what cannot be looked at", async () => {
  const { queue, asked } = watched();
  const held: Promise<unknown>[] = [];
  const ctx = { waitUntil: (work: Promise<unknown>) => void held.push(work) };
  await scheduled(() => queue, { peek: true })(undefined, {}, ctx);
  assertEquals([asked, held.length], [["peek"], 1]);
  const blind = Queue.inMemory({ handlers: [greet] });
  const { id } = await blind.enqueue(greet, "x");
  await scheduled(() => blind, { peek: true })(undefined, {}, ctx);
  assertEquals((await blind.result(id)).status, "completed");
});

test("cron() refuses a peek that is no boolean, at once", async () => {
  const error = await assertRejects(
    // deno-lint-ignore require-await
    async () => cron(watched().queue, { peek: 1 as never }),
    TypeError,
  );
  assert(error.message.includes("peek"));
});

/** A consumer of two queues on one broker, which notes whom it peeks at; peeks at `broken` fail. */
function consumerOfTwo(broken?: string) {
  const asked: string[] = [];
  const memory = new MemoryBroker({ clock: { now: () => START } });
  const broker = instead(memory, {
    peek(queue) {
      asked.push(`peek ${queue}`);
      if (queue === broken) {
        return Promise.reject(new BrokerError("unavailable", "not there"));
      }
      return memory.peek(queue);
    },
    step(queue, request) {
      if (request.settle.length === 0) asked.push(`step ${queue}`);
      return memory.step(queue, request);
    },
  });
  const [a, b] = ["a", "b"].map((name) =>
    new Queue({ name, broker, handlers: [greet] })
  );
  const queues = [{ queue: a! }, { queue: b! }];
  return { asked, a: a!, b: b!, consumer: new Consumer({ queues }) };
}

const looks = ["peek a", "peek b"];

test("cron() drains all queues of a Consumer", async () => {
  const { a, b, consumer } = consumerOfTwo();
  for (const queue of [a, b]) await queue.enqueue(greet, "x", { id: "one" });
  await cron(consumer)();
  for (const queue of [a, b]) {
    assertEquals((await queue.result("one")).status, "completed");
  }
});

test("cron() with peek looks at each queue of a Consumer, and drains when one has work", async () => {
  const { asked, b, consumer } = consumerOfTwo();
  const run = cron(consumer, { peek: true });
  await b.enqueue(greet, "later", { delayMs: 60_000 });
  await run();
  assertEquals(asked, looks);
  const { id } = await b.enqueue(greet, "x");
  await run();
  assertEquals((await b.result(id)).status, "completed");
  assertEquals(asked.slice(2, 4), looks);
  assert(asked.length > 4, `${asked}`);
});

test("cron() with peek drains what else a Consumer has when one queue cannot be looked at", async () => {
  const { asked, b, consumer } = consumerOfTwo("a");
  const run = cron(consumer, { peek: true });
  await assertRejects(run, BrokerError, "not there");
  assertEquals(asked, looks);
  const { id } = await b.enqueue(greet, "x");
  await run();
  assertEquals((await b.result(id)).status, "completed");
});

test("cron() with peek refuses what is neither a Queue nor a Consumer", async () => {
  const run = cron({ drain() {} } as never, { peek: true });
  await assertRejects(run, TypeError, "Consumer");
});
