/** Promise 1, what the database itself loses of groups, schedules and lanes: found by `inspect()`, named, and mended. */
import { assert, assertEquals } from "@std/assert";
import type { Problem } from "../src/broker/broker.ts";
import { bodyKeyOf, keyOf } from "../src/broker/keys.ts";
import { shardOf } from "../src/core/id.ts";
import { inspectAll } from "./support/books.ts";
import { ends, settle, task } from "./support/contract/bench.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import { redisCommand } from "./support/redis_command.ts";
import {
  enqueue,
  enqueueGroup,
  schedule,
  type Stage,
  START,
  step,
} from "./support/scenarios.ts";
import { test } from "./support/suite.ts";

type Command = Parameters<typeof redisCommand>[0];

/** What was damaged, what is to be said of it, and where the callback and the schedule stand once it is mended. */
interface Damage {
  readonly commands: (queue: string) => readonly Command[];
  readonly found: readonly Problem[];
  /** What of it the repair finds: one may put another right. */
  readonly mended?: readonly Problem[];
  readonly callback?: string;
  readonly tick?: string;
}

const body = (queue: string, id: string) =>
  bodyKeyOf(queue, String(shardOf(id)));
const key = keyOf;
/** The place of a task in the lane of its key; both were accepted in this order. */
const lane = (id: string) =>
  `k:k|${START * 1000 + (id === "first" ? 1 : 2)}|.${id}`;

const damages: Readonly<Record<string, Damage>> = {
  "a group is lost that a callback waits for": {
    commands: (q) => [
      ["HDEL", key(q, "state"), "g:g"],
      ["ZREM", key(q, "ends"), "g:g"],
    ],
    found: [{ kind: "orphan", id: "callback" }],
    callback: "missing",
  },
  "a group is complete without its callback": {
    commands: (q) => [
      [
        "HSET",
        key(q, "state"),
        "g:g",
        "1|1|0|0|0|f|1000|1000|9999999999999\n.callback",
      ],
    ],
    found: [{ kind: "unindexed", id: "callback" }],
    callback: "ready",
  },
  "nothing will forget a group": {
    commands: (q) => [["ZREM", key(q, "ends"), "g:g"]],
    found: [{ kind: "unswept", id: "g:g" }],
  },
  "a task is not in the lane in which it waits": {
    commands: (q) => [["ZREM", key(q, "line"), lane("second")]],
    found: [
      { kind: "unindexed", id: "second" },
      { kind: "marker", id: "k:k" },
    ],
    mended: [{ kind: "unindexed", id: "second" }],
  },
  "an entry in a lane has no task that waits": {
    commands: (q) => [["ZADD", key(q, "line"), "0", lane("first")]],
    found: [
      { kind: "ghost", id: "first" },
      { kind: "marker", id: "k:k" },
    ],
    mended: [{ kind: "ghost", id: "first" }],
  },
  "a key counts one too many": {
    commands: (q) => [["HSET", key(q, "state"), "k:k", "1|2|1"]],
    found: [{ kind: "marker", id: "k:k" }],
  },
  "a key with room lets nobody in": {
    commands: (q) => [["HSET", key(q, "state"), "k:k", "0|1|1"]],
    found: [{ kind: "marker", id: "k:k" }],
  },
  "an admitted task has lost its record": {
    commands: (q) => [["HDEL", body(q, "first"), ".first"]],
    found: [
      { kind: "ghost", id: "first" },
      { kind: "orphan", id: "t:.first" },
    ],
  },
  "a schedule is in no line": {
    commands: (q) => [["ZREM", key(q, "due"), ".tick"]],
    found: [{ kind: "unindexed", id: "tick" }],
  },
  "a schedule is not listed": {
    commands: (q) => [["ZREM", key(q, "line"), "s:.tick"]],
    found: [{ kind: "unindexed", id: "s:.tick" }],
  },
  "a schedule has lost its record": {
    commands: (q) => [["HDEL", body(q, "tick"), ".tick"]],
    found: [
      { kind: "ghost", id: "tick" },
      { kind: "ghost", id: "s:.tick" },
    ],
    tick: "missing",
  },
};

/** A group of two whose first member ended, and a schedule. */
async function everything(stage: Stage): Promise<void> {
  await enqueueGroup(stage, {}, task("a"), task("b"));
  const { deliveries: [a] } = await step(stage, "worker", 1, { limit: 1 });
  await step(stage, "worker", 2, {
    limit: 0,
    settle: [settle(a!, ends.complete("1"), { group: "g" })],
  });
  await schedule(stage, "hourly", START + 3_600_000);
  const concurrency = { key: "k", limit: 1 };
  await enqueue(
    stage,
    task("first", { concurrency }),
    task("second", { concurrency }),
  );
}

/** Completes what can be claimed; which tasks those were. */
async function drain(stage: Stage): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let seq = 1;; seq += 2) {
    const { deliveries } = await step(stage, "heir", seq);
    if (deliveries.length === 0) return ids;
    ids.push(...deliveries.map(({ id }) => id));
    await step(stage, "heir", seq + 1, {
      limit: 0,
      settle: deliveries.map((each) => settle(each, ends.complete())),
    });
  }
}

for (const [what, damage] of Object.entries(damages)) {
  test(`inspect() finds and mends that ${what}`, async () => {
    const { commands, found, mended = found } = damage;
    const { callback = "waiting", tick = "scheduled" } = damage;
    await using made = await gatewayBroker(START);
    const stage = { ...made, queue: `inspect-${crypto.randomUUID()}` };
    const { broker, queue } = stage;
    await everything(stage);
    assertEquals((await inspectAll(broker, queue)).problems, []);
    for (const command of commands(queue)) await redisCommand(command);
    assertEquals((await inspectAll(broker, queue)).problems, found);
    assertEquals((await inspectAll(broker, queue, true)).problems, mended);
    assertEquals((await inspectAll(broker, queue)).problems, []);
    assertEquals((await broker.result(queue, "callback")).status, callback);
    assertEquals((await broker.result(queue, "tick")).status, tick);
    assert((await drain(stage)).includes("second"));
    const again = await schedule(stage, "hourly", START + 3_600_000, "again");
    assertEquals(again.status, tick === "missing" ? "created" : "unchanged");
  });
}
