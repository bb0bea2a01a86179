/** What an `UpstashBroker` keeps of its consumers and operations is bounded, however many there were. */
import { assert, assertEquals } from "@std/assert";
import { keyOf } from "../src/broker/keys.ts";
import { Redis } from "@upstash/redis";
import { UpstashBroker } from "../src/broker/upstash.ts";
import { gateway } from "./support/host.ts";
import { ends, operation, settle, task } from "./support/contract/bench.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import { redisCommand } from "./support/redis_command.ts";
import { enqueue, START, step } from "./support/scenarios.ts";
import { test } from "./support/suite.ts";

test("UpstashBroker remembers its last 500 operations, and none for longer than 24 hours", async () => {
  await using made = await gatewayBroker(START);
  const queue = `bounds-${crypto.randomUUID()}`;
  const pause = (i: number) =>
    made.broker.pause(queue, { operation: operation(), paused: i % 2 === 0 });
  const kept = async () => {
    const ops = ["HGET", keyOf(queue, "meta"), "ops"] as const;
    return (await redisCommand<string>(ops)).split(";").length - 1;
  };
  for (let i = 0; i < 510; i++) await pause(i);
  assertEquals(await kept(), 500);
  await made.advance(24 * 3_600_000);
  await pause(0);
  assertEquals(await kept(), 1);
});

test("UpstashBroker remembers one step of a consumer, and not the idle ones", async () => {
  await using made = await gatewayBroker(START);
  const stage = { ...made, queue: `bounds-${crypto.randomUUID()}` };
  await step(stage, "idle", 1);
  for (let seq = 1; seq <= 20; seq++) {
    await enqueue(stage, task(`t${seq}`));
    await step(stage, "busy", seq, { limit: 1 });
  }
  const fields = await redisCommand<readonly string[]>(
    ["HGETALL", keyOf(stage.queue, "state")],
  );
  const memories = fields.filter((field) => field.startsWith("c:"));
  assertEquals(memories, ["c:busy"]);
  const memory = fields[fields.indexOf("c:busy") + 1]!;
  assert(memory.length < 100, memory);
});

test("step() keeps no result when the database is full, and the task completes", async () => {
  const client = new Redis({
    url: gateway.url,
    token: gateway.token,
    automaticDeserialization: false,
    retry: { retries: 0 },
  });
  let isFull = false;
  const broker = new UpstashBroker({
    eval: (...call) => client.eval(...call),
    evalsha(...call) {
      if (!isFull) return client.evalsha(...call);
      isFull = false;
      return Promise.reject(new Error("OOM command not allowed"));
    },
  });
  const stage = {
    broker,
    queue: `bounds-${crypto.randomUUID()}`,
    advance: () => Promise.resolve(),
  };
  await enqueue(stage, task("a"));
  const { deliveries: [a] } = await step(stage, "worker", 1);
  assert(a);
  isFull = true;
  const { stale } = await step(stage, "worker", 2, {
    settle: [settle(a, ends.complete("a large result"))],
  });
  assertEquals(stale, []);
  const standing = await broker.result(stage.queue, "a");
  assert(standing.status === "completed");
  assertEquals(standing.payload, undefined);
});
