/** The fallback of the broker's clock, for a host that refuses TIME in scripts: the whole contract, with the caller telling the time. On Deno only: it is the same code on the others. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { GUARDED_CLOCK } from "../../src/broker/lua/told.ts";
import { ENQUEUE } from "../../src/broker/lua/enqueue.ts";
import { STEP } from "../../src/broker/lua/step.ts";
import { ServerTime, toldTime } from "../../src/broker/time.ts";
import { UpstashBroker } from "../../src/broker/upstash.ts";
import { contract } from "../support/contract.ts";
import { task } from "../support/contract/bench.ts";
import { gatewayBroker } from "../support/gateway_broker.ts";
import { START, step } from "../support/scenarios.ts";
import { test } from "../support/suite.ts";

contract(
  "UpstashBroker told the time",
  ({ startAt }) => gatewayBroker(startAt, { time: "caller" }),
);

test("a script that is told the time asks for none", () => {
  for (const script of [ENQUEUE, STEP]) {
    assert(script.source.includes('call("TIME")'));
    assert(!toldTime(script).includes("TIME"));
  }
  assert(toldTime(STEP).includes(GUARDED_CLOCK));
});

test("a step's clock never goes back, whoever tells it", async () => {
  await using made = await gatewayBroker(START);
  const { broker, advance } = made;
  const queue = `told-${crypto.randomUUID()}`;
  await using late = await gatewayBroker(START - 60_000, { time: "caller" });
  await using early = await gatewayBroker(START, { time: "caller" });
  await early.broker.enqueue(queue, {
    tasks: [task("a")],
    maxBacklog: undefined,
  });
  const first = await step({ broker: early.broker, queue, advance }, "one", 1);
  const second = await step({ broker: late.broker, queue, advance }, "two", 1);
  assertEquals([first.now, second.now], [START, START]);
  assertEquals((await broker.result(queue, "a")).status, "leased");
});

test("ServerTime reads the server's time every ten minutes, and carries it on in between", async () => {
  let now = 0, reads = 0;
  const time = new ServerTime(() => {
    reads++;
    return Promise.resolve(["1763800000", `${reads}`]);
  }, { now: () => now, after: () => () => {} });
  assertEquals(await time.us(), 1_763_800_000_000_001);
  now = 600_000;
  assertEquals(await time.us(), 1_763_800_600_000_001);
  assertEquals(reads, 1);
  now = 600_001;
  assertEquals(await time.us(), 1_763_800_000_000_002);
  assertEquals(reads, 2);
});

test("UpstashBroker refuses to tell the time without a client that reads it", () => {
  const client = {
    eval: () => Promise.resolve(),
    evalsha: () => Promise.resolve(),
  };
  assertThrows(
    () => new UpstashBroker(client, { time: "caller" }),
    TypeError,
    "needs a client with 'time'",
  );
  assertThrows(
    () => new UpstashBroker(client, { time: "mine" as "caller" }),
    TypeError,
    "'mine'".slice(1, -1),
  );
});
