/**
 * Promise 5: for every script and every k the k-th command inside fails, and the books end the same.
 * Once the request is repeated, the database must hold to the byte what it holds without the failure;
 * when nobody repeats it (the consumer died too), every task must still end, once, with its successor.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { StepRequest } from "../../src/broker/broker.ts";
import { BrokerError } from "../../src/core/error.ts";
import { inspectAll } from "../support/books.ts";
import { delayed, ends, settle, task } from "../support/contract/bench.ts";
import { gatewayBroker } from "../support/gateway_broker.ts";
import { dump } from "../support/dump.ts";
import {
  type Scenario,
  scenarios,
  type Stage,
  START,
  step,
} from "../support/scenarios.ts";
import { test } from "../support/suite.ts";

for (const [name, scenario] of Object.entries(scenarios)) {
  test(`${name} ends the same when any command inside failed and it is repeated`, async () => {
    const expected = await run(scenario, undefined);
    for (let k = 1;; k++) {
      const got = await run(scenario, k);
      if (got === undefined) break;
      assertEquals(got, expected, `command ${k} failed`);
      assert(k < 100, "the script never ends");
    }
  });
}

test("step() that failed half-way and is never repeated loses no task and no successor", async () => {
  const scenario = scenarios["step() that does everything at once"]!;
  for (let k = 1;; k++) {
    await using made = await gatewayBroker(START, { attempts: 1 });
    const stage = { ...made, queue: `half-${crypto.randomUUID()}` };
    await scenario.prepare(stage);
    await made.lane.add({ kind: "script", k, error: "ERR injected" });
    try {
      await scenario.request(stage);
      break;
    } catch (error) {
      assert(error instanceof BrokerError, String(error));
    }
    await made.lane.clear();
    await stage.advance(0);
    await finish(stage);
    const { broker, queue } = stage;
    const all =
      "done again later back doomed stopped keyed lost running next due"
        .split(" ");
    for (const id of all) {
      const { status } = await broker.result(queue, id);
      assert(
        ["completed", "dead", "cancelled", "expired"].includes(status),
        `command ${k} failed: '${id}' is ${status}`,
      );
    }
    for (const id of ["child", "grandchild"]) {
      const { status } = await broker.result(queue, id);
      assertEquals(status, "completed", `command ${k} failed: '${id}'`);
    }
    const { problems } = await inspectAll(broker, queue);
    assertEquals(
      problems.filter((problem) => problem.kind !== "orphan"),
      [],
      `command ${k} failed`,
    );
  }
});

/** Another consumer takes over everything: as in a real life, `done` enqueues its successors with its completion. */
async function finish(stage: Stage): Promise<void> {
  let seq = 0;
  let settlements: StepRequest["settle"] = [];
  for (let round = 0; round < 200; round++) {
    const reply = await step(stage, "heir", ++seq, { settle: settlements });
    settlements = reply.deliveries.map((delivery) =>
      settle(delivery, ends.complete("2"), {
        enqueue: delivery.id === "done"
          ? [task("child"), delayed("grandchild", 60_000)]
          : [],
      })
    );
    if (settlements.length > 0) continue;
    if (reply.nextDueAt === undefined) return;
    await stage.advance(Math.max(1, reply.nextDueAt - reply.now));
  }
  throw new Error("The queue never ran dry");
}

/** The database after the scenario, with or without a failure; undefined when the script has fewer commands. */
async function run(
  scenario: Scenario,
  k: number | undefined,
): Promise<unknown> {
  await using made = await gatewayBroker(START, { attempts: 1 });
  const queue = `half-${crypto.randomUUID()}`;
  const stage = { ...made, queue };
  await scenario.prepare(stage);
  if (k === undefined) await scenario.request(stage);
  else {
    await made.lane.add({ kind: "script", k, error: "ERR injected" });
    try {
      await scenario.request(stage);
      return undefined;
    } catch (error) {
      assert(error instanceof BrokerError, String(error));
      assertEquals(error.failure, "rejected");
    }
    await scenario.request(stage);
  }
  await step(stage, "janitor", 1, { limit: 0 });
  const { problems } = await inspectAll(stage.broker, queue);
  assertEquals(problems, [], `command ${k} failed`);
  return await dump(queue);
}

test("a failed command inside a script is a BrokerError that says so, without the command", async () => {
  await using made = await gatewayBroker(START, { attempts: 1 });
  await made.lane.add({ kind: "script", k: 2, error: "ERR injected" });
  const error = await assertRejects(
    () =>
      made.broker.enqueue("half-words", {
        tasks: [task("a", { envelope: "secret" })],
        maxBacklog: undefined,
      }),
    BrokerError,
    "ERR injected",
  );
  assert(!error.message.includes("secret"));
});
