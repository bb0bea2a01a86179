/** Promise 1, what the database itself loses: each kind of damage is found by `inspect()`, named, and mended, and every task still ends. */
import { assert, assertEquals } from "@std/assert";
import type { Problem } from "../src/broker/broker.ts";
import { bodyKeyOf, keyOf } from "../src/broker/keys.ts";
import { shardOf } from "../src/core/id.ts";
import { inspectAll } from "./support/books.ts";
import { delayed, ends, settle, task } from "./support/contract/bench.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import { redisCommand } from "./support/redis_command.ts";
import { enqueue, type Stage, START, step } from "./support/scenarios.ts";
import { test } from "./support/suite.ts";

type Command = Parameters<typeof redisCommand>[0];

/** What was damaged, and what is to be said of it. */
interface Damage {
  readonly commands: (queue: string) => readonly Command[];
  readonly found: readonly Problem[];
  /** The task that is lost with its record. */
  readonly lost?: string;
}

const body = (queue: string, id: string) =>
  bodyKeyOf(queue, String(shardOf(id)));
const key = keyOf;

const damages: Readonly<Record<string, Damage>> = {
  "a ready task is in no line": {
    commands: (q) => [["ZREM", key(q, "ready"), ".ready"]],
    found: [{ kind: "unindexed", id: "ready" }],
  },
  "a scheduled task is in no line": {
    commands: (q) => [["ZREM", key(q, "due"), ".scheduled"]],
    found: [{ kind: "unindexed", id: "scheduled" }],
  },
  "a leased task is in no line": {
    commands: (q) => [
      ["ZREM", key(q, "lease"), ".leased"],
      ["ZREM", key(q, "due"), "!lease"],
    ],
    found: [{ kind: "unindexed", id: "leased" }],
  },
  "a dead task is in no line": {
    commands: (q) => [["ZREM", key(q, "dead"), ".dead"]],
    found: [{ kind: "unindexed", id: "dead" }],
  },
  "nothing will forget an ended task": {
    commands: (q) => [["ZREM", key(q, "ends"), ".done"]],
    found: [{ kind: "unswept", id: "done" }],
  },
  "nothing will forget a consumer": {
    commands: (q) => [["ZREM", key(q, "ends"), "c:worker"]],
    found: [{ kind: "unswept", id: "c:worker" }],
  },
  "a ready task has lost its record": {
    commands: (q) => [["HDEL", body(q, "ready"), ".ready"]],
    found: [{ kind: "ghost", id: "ready" }],
    lost: "ready",
  },
  "a leased task has lost its record": {
    commands: (q) => [["HDEL", body(q, "leased"), ".leased"]],
    found: [
      { kind: "ghost", id: "leased" },
      { kind: "orphan", id: "t:.leased" },
    ],
    lost: "leased",
  },
  "a dead task has lost its record": {
    commands: (q) => [["HDEL", body(q, "dead"), ".dead"]],
    found: [{ kind: "ghost", id: "dead" }],
    lost: "dead",
  },
  "an ended task stands in line": {
    commands: (q) => [["ZADD", key(q, "ready"), "1", ".done"]],
    found: [{ kind: "ghost", id: "done" }],
  },
  "a task that is not leased has a lease": {
    commands: (q) => [["ZADD", key(q, "lease"), "9999999999999", ".ready"]],
    found: [{ kind: "ghost", id: "ready" }],
  },
  "a live task would be forgotten": {
    commands: (q) => [["ZADD", key(q, "ends"), "9999999999999", ".ready"]],
    found: [{ kind: "ghost", id: "ready" }],
  },
  "a ready task is scheduled too": {
    commands: (q) => [["ZADD", key(q, "due"), "9999999999999", ".ready"]],
    found: [{ kind: "doubled", id: "ready" }],
  },
  "a leased task is ready too": {
    commands: (q) => [["ZADD", key(q, "ready"), "1", ".leased"]],
    found: [{ kind: "doubled", id: "leased" }],
  },
  "an ended task has a small record": {
    commands: (q) => [["HSET", key(q, "state"), "t:.done", "1||1|||||"]],
    found: [{ kind: "orphan", id: "t:.done" }],
  },
  "nothing says that leases end": {
    commands: (q) => [["ZREM", key(q, "due"), "!lease"]],
    found: [{ kind: "marker", id: "!lease" }],
  },
  "nothing says that something is to be forgotten": {
    commands: (q) => [["ZREM", key(q, "due"), "!sweep"]],
    found: [{ kind: "marker", id: "!sweep" }],
  },
  "a sorted set has lost its canary": {
    commands: (q) => [["ZREM", key(q, "dead"), "!canary"]],
    found: [{ kind: "marker", id: "!canary KEY:dead" }],
  },
  "a hash has lost its canary": {
    commands: (q) => [["HDEL", bodyKeyOf(q, "3"), "!canary"]],
    found: [{ kind: "marker", id: "!canary KEY:body.3" }],
  },
};

for (
  const [what, { commands, found, lost }] of Object.entries(
    damages,
  )
) {
  test(`inspect() finds and mends that ${what}`, async () => {
    await using made = await gatewayBroker(START);
    const stage = { ...made, queue: `inspect-${crypto.randomUUID()}` };
    const { broker, queue } = stage;
    await everyState(stage);
    assertEquals((await inspectAll(broker, queue)).problems, []);

    for (const command of commands(queue)) await redisCommand(command);
    const named = found.map(({ kind, id }) => ({
      kind,
      id: id.replace("KEY", `baton:1:${queue}`),
    }));
    assertEquals((await inspectAll(broker, queue)).problems, named);
    assertEquals((await inspectAll(broker, queue, true)).problems, named);
    assertEquals((await inspectAll(broker, queue)).problems, []);

    await drain(stage);
    for (const id of ["ready", "scheduled", "leased", "dead", "done"]) {
      const { status } = await broker.result(queue, id);
      const expected = id === lost
        ? "missing"
        : id === "dead"
        ? "dead"
        : "completed";
      assertEquals([id, status], [id, expected]);
    }
    assertEquals((await inspectAll(broker, queue)).problems, []);
  });
}

/** One task in each state, its id the state's name. */
async function everyState(stage: Stage): Promise<void> {
  await enqueue(stage, task("done"), task("dead"));
  const { deliveries: [done, dead] } = await step(stage, "worker", 1);
  assert(done && dead);
  await step(stage, "worker", 2, {
    limit: 0,
    settle: [settle(done, ends.complete("1")), settle(dead, ends.dead("{}"))],
  });
  await enqueue(stage, task("leased"));
  await step(stage, "worker", 3, { limit: 1 });
  await enqueue(stage, task("ready"), delayed("scheduled", 600_000));
}

/** Completes whatever is left, over leases that end and tasks that fall due. */
async function drain(stage: Stage): Promise<void> {
  let seq = 0;
  for (let round = 0; round < 20; round++) {
    const { deliveries } = await step(stage, "heir", ++seq);
    if (deliveries.length === 0) {
      await stage.advance(60_000);
      continue;
    }
    await step(stage, "heir", ++seq, {
      limit: 0,
      settle: deliveries.map((each) => settle(each, ends.complete("2"))),
    });
  }
}

test("inspect() brings back every task that was leased when the leases are gone", async () => {
  await using made = await gatewayBroker(START);
  const stage = { ...made, queue: `inspect-${crypto.randomUUID()}` };
  await enqueue(stage, ...["a", "b", "c"].map((id) => task(id)));
  await step(stage, "dead", 1);
  await redisCommand(["DEL", keyOf(stage.queue, "lease")]);
  const { evicted } = await stage.broker.stats(stage.queue);
  assertEquals(evicted, [keyOf(stage.queue, "lease")]);
  await inspectAll(stage.broker, stage.queue, true);
  await drain(stage);
  for (const id of ["a", "b", "c"]) {
    const { status } = await stage.broker.result(stage.queue, id);
    assertEquals([id, status], [id, "completed"]);
  }
});

test("inspect() says nothing of a lease marker whose lease is gone, which the first step after its instant takes away", async () => {
  await using made = await gatewayBroker(START);
  const stage = { ...made, queue: `inspect-${crypto.randomUUID()}` };
  const { broker, queue } = stage;
  const marker = () => redisCommand(["ZSCORE", key(queue, "due"), "!lease"]);
  await enqueue(stage, task("a"));
  const { deliveries: [a] } = await step(stage, "worker", 1);
  assert(a);
  const score = await marker();
  await step(stage, "worker", 2, {
    limit: 0,
    settle: [settle(a, ends.complete("1"))],
  });
  assertEquals(await marker(), null);

  // what a step leaves that fails after its commit and is never repeated
  await redisCommand(["ZADD", key(queue, "due"), String(score), "!lease"]);
  assertEquals((await inspectAll(broker, queue)).problems, []);
  await stage.advance(60_000);
  await step(stage, "heir", 1);
  assertEquals(await marker(), null);
});
