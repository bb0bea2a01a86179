/** Promise 1, what the database itself loses of rates: found by `inspect()`, named, and mended, so that what waits for time still comes. */
import { assertEquals } from "@std/assert";
import type { Problem } from "../src/broker/broker.ts";
import { keyOf } from "../src/broker/keys.ts";
import { inspectAll } from "./support/books.ts";
import { task } from "./support/contract/bench.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import { redisCommand } from "./support/redis_command.ts";
import { enqueue, START, step } from "./support/scenarios.ts";
import { test } from "./support/suite.ts";

/** When the second task of a key with one a minute may start, as `line` has it. */
const rest = `r:${String(START + 60_000).padStart(16, "0")}|k`;

interface Damage {
  readonly commands: (
    queue: string,
  ) => readonly (readonly [string, ...string[]])[];
  readonly found: readonly Problem[];
}

const damages: Readonly<Record<string, Damage>> = {
  "nothing says when a key's rate lets more begin": {
    commands: (q) => [["ZREM", keyOf(q, "due"), "!lanes"]],
    found: [{ kind: "marker", id: "!lanes" }],
  },
  "what says so comes too late": {
    commands: (q) => [["ZADD", keyOf(q, "due"), "-8000000000000", "!lanes"]],
    found: [{ kind: "marker", id: "!lanes" }],
  },
  "a key that waits for time is not listed": {
    commands: (q) => [["ZREM", keyOf(q, "line"), rest]],
    found: [{ kind: "marker", id: "k:k" }],
  },
  "a key is listed that does not wait for time": {
    commands: (q) => [["ZADD", keyOf(q, "line"), "0", `${rest}2`]],
    found: [{ kind: "ghost", id: `${rest}2` }],
  },
};

for (const [what, { commands, found }] of Object.entries(damages)) {
  test(`inspect() finds and mends that ${what}`, async () => {
    await using made = await gatewayBroker(START);
    const stage = { ...made, queue: `inspect-${crypto.randomUUID()}` };
    const { broker, queue } = stage;
    const rate = { key: "k", limit: 1, perMs: 60_000 };
    await enqueue(stage, ...["a", "b"].map((id) => task(id, { rate })));
    assertEquals((await inspectAll(broker, queue)).problems, []);
    for (const command of commands(queue)) await redisCommand(command);
    assertEquals((await inspectAll(broker, queue)).problems, found);
    assertEquals((await inspectAll(broker, queue, true)).problems, found);
    assertEquals((await inspectAll(broker, queue)).problems, []);
    const ids: string[] = [];
    for (let seq = 1; seq <= 3; seq++) {
      const { deliveries } = await step(stage, "heir", seq, {
        leaseMs: 3_600_000,
      });
      ids.push(...deliveries.map(({ id }) => id));
      await stage.advance(60_000);
    }
    assertEquals(ids, ["a", "b"]);
  });
}
