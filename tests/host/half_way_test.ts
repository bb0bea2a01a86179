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
  enqueue,
  type Scenario,
  scenarios,
  schedule,
  type Stage,
  START,
  step,
} from "../support/scenarios.ts";
import { test } from "../support/suite.ts";

for (const [name, scenario] of Object.entries(scenarios)) {
  test(`${name} ends the same when any command inside failed and it is repeated`, async () => {
    const expected = await run(name, scenario, undefined);
    for (let k = 1;; k++) {
      const got = await run(name, scenario, k);
      if (got === undefined) break;
      assertEquals(got, expected, `command ${k} failed`);
      assert(k < 100, "the script never ends");
    }
  });
}

test("step() that failed half-way and is never repeated loses no task and no successor", async () => {
  const scenario = scenarios["step() that does everything at once"]!;
  for await (const stage of halves(scenario)) {
    const { broker, queue, k } = stage;
    await finish(stage);
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
      problems,
      [],
      `command ${k} failed`,
    );
  }
});

for (const [name, scenario] of Object.entries(scenarios)) {
  if (!/ a key/.test(name)) continue;
  test(`${name} that failed half-way and is never repeated leaves none of its key waiting for ever`, async () => {
    for await (const stage of halves(scenario)) {
      const { broker, queue, k } = stage;
      const ids = ["a", "b", "c", "d", "e", "due", "birth"];
      const before = await Promise.all(
        ids.map(async (id) => (await broker.result(queue, id)).status),
      );
      await enqueue(
        stage,
        ...ids.filter((_, i) => before[i] === "ready").map((id) => task(id)),
        task("last", { concurrency: { key: "k", limit: 2 } }),
      );
      await finish(stage);
      for (const [i, id] of [...ids, "last"].entries()) {
        if (before[i] === "missing") continue;
        const { status } = await broker.result(queue, id);
        assert(
          ["completed", "dead", "cancelled"].includes(status),
          `command ${k} failed: '${id}' is ${status}`,
        );
      }
      await stage.advance(2 * 3_600_000);
      await step(stage, "janitor", 1, { limit: 0 });
      const { problems } = await inspectAll(broker, queue);
      const stuck = problems.filter(({ kind }) =>
        kind === "unindexed" || kind === "marker"
      );
      assertEquals(stuck, [], `command ${k} failed`);
    }
  });
}

test("cancel() that failed half-way and is never repeated lets no more of a key be leased than may", async () => {
  const name = "cancel() of a related task of a key that waits";
  for await (const stage of halves(scenarios[name]!)) {
    const { deliveries } = await step(stage, "heir", 1);
    const running = deliveries.filter(({ cancelled }) => !cancelled);
    assertEquals(
      running.map(({ id }) => id),
      ["b", "c"],
      `command ${stage.k} failed`,
    );
  }
});

for (
  const name of [
    "step() that completes a group",
    "step() that completes a group and claims its callback",
    "step() that closes a group and forgets another",
    "enqueue() of a seal that completes a group",
  ]
) {
  test(`${name} that failed half-way and is never repeated fires the callback once`, async () => {
    for await (const stage of halves(scenarios[name]!)) {
      const { broker, queue, k } = stage;
      const ends = await finish(stage, "g");
      assertEquals(ends.get("callback") ?? 0, 1, `command ${k} failed`);
      const group = await broker.group(queue, "g");
      assert(
        ["complete", "lost", "missing"].includes(group.status),
        `command ${k} failed: the group is ${group.status}`,
      );
      const { problems } = await inspectAll(broker, queue);
      assertEquals(
        problems,
        [],
        `command ${k} failed`,
      );
    }
  });
}

for (
  const name of [
    "step() that completes a group",
    "step() that closes a group and forgets another",
    "enqueue() of a seal that completes a group",
    "enqueue() of a callback whose group is complete",
    "enqueue() of an empty group",
  ]
) {
  test(`${name} that failed half-way does not let its callback come before the group is over`, async () => {
    for await (const stage of halves(scenarios[name]!)) {
      const { status } = await stage.broker.group(stage.queue, "g");
      const { deliveries } = await step(stage, "early", 1);
      if (deliveries.length === 0) continue;
      assertEquals(deliveries.map(({ id }) => id), ["callback"]);
      assert(
        status === "complete" || status === "lost",
        `command ${stage.k} failed: the group is ${status}`,
      );
    }
  });
}

test("enqueue() that failed half-way and is repeated late counts from when it was accepted", async () => {
  const delayed5 = delayed("a", 5_000, { dedupe: { key: "k", ttlMs: 9_000 } });
  let wasAccepted = 0;
  const request = (stage: Stage) => enqueue(stage, delayed5);
  for await (const stage of halves({ request })) {
    const { k } = stage;
    const { status } = await stage.broker.result(stage.queue, "a");
    const isAccepted = status !== "missing";
    if (isAccepted) wasAccepted++;
    await stage.advance(1_000);
    await enqueue(stage, task("other"));
    await stage.advance(5_500);
    await enqueue(stage, delayed5);
    const { deliveries } = await step(stage, "worker", 1);
    assertEquals(
      deliveries.map(({ id }) => id),
      isAccepted ? ["other", "a"] : ["other"],
      `command ${k} failed`,
    );
    await stage.advance(3_000);
    const { answers: [next] } = await enqueue(
      stage,
      task("b", { dedupe: { key: "k", ttlMs: 9_000 } }),
    );
    assertEquals(
      next?.status,
      isAccepted ? "new" : "duplicate",
      `command ${k} failed`,
    );
  }
  assert(wasAccepted > 0, "it never failed half-way");
});

test("enqueue() that failed half-way and is never repeated leaves no place without its task", async () => {
  for (
    const name of [
      "enqueue() of one task",
      "enqueue() of a batch over several shards",
    ]
  ) {
    for await (const stage of halves(scenarios[name]!)) {
      const { ghosts } = await step(stage, "worker", 1);
      assertEquals(ghosts, 0, `command ${stage.k} of ${name} failed`);
    }
  }
});

for (const [name, scenario] of Object.entries(scenarios)) {
  if (!/^(cancel|purge|redrive)/.test(name)) continue;
  test(`${name} that failed half-way and is never repeated loses no task`, async () => {
    for await (const stage of halves(scenario)) {
      if (/ set aside/.test(name)) await letGo(stage);
      await finish(stage);
      if (/ a key/.test(name)) {
        await stage.advance(2 * 3_600_000);
        await step(stage, "janitor", 1, { limit: 0 });
      }
      const { ready, scheduled, leased } = await stage.broker.stats(
        stage.queue,
      );
      assertEquals([ready, scheduled, leased], [0, 0, 0]);
      const { problems } = await inspectAll(stage.broker, stage.queue);
      const lost = problems.filter(({ kind }) => kind === "unindexed");
      assertEquals(lost, [], `command ${stage.k} failed`);
    }
  });
}

for (const [name, scenario] of Object.entries(scenarios)) {
  if (!/^(schedule|step\(\) that fires)/.test(name)) continue;
  test(`${name} that failed half-way and is never repeated leaves a schedule that comes, once`, async () => {
    for await (const stage of halves(scenario)) {
      const { broker, queue, k } = stage;
      await broker.suspend(queue, {
        operation: "resume",
        id: "tick",
        suspended: false,
      });
      await stage.advance(120_000);
      const { status } = await broker.result(queue, "tick");
      const { deliveries } = await step(stage, "heir", 1);
      const ticks = deliveries.filter(({ id }) => id === "tick");
      const expected = status === "missing" ? 0 : 1;
      assertEquals(ticks.length, expected, `command ${k} failed`);
      await step(stage, "heir", 2, {
        limit: 0,
        settle: ticks.map((tick) =>
          settle(tick, ends.snooze(START + 180_000), {
            enqueue: [task("tick@1"), task("tick@2")],
          })
        ),
      });
      await schedule(stage, "other", START + 180_000);
      const { problems } = await inspectAll(broker, queue);
      assertEquals(problems, [], `command ${k} failed`);
    }
  });
}

/** The stage when the `k`th command inside the request has failed, and nobody repeats it. */
interface HalfDone extends Stage {
  readonly k: number;
}

/** A request that fails at its first command, at its second, and so on until it succeeds; each on a queue of its own, and with good behaviour from then on. */
async function* halves(
  { prepare = () => Promise.resolve(), request }:
    & Pick<Scenario, "request">
    & Partial<Scenario>,
): AsyncGenerator<HalfDone> {
  for (let k = 1;; k++) {
    await using made = await gatewayBroker(START, { attempts: 1 });
    const stage = { ...made, queue: `half-${crypto.randomUUID()}`, k };
    await prepare(stage);
    await made.lane.add({ kind: "script", k, error: "ERR injected" });
    try {
      await request(stage);
      return;
    } catch (error) {
      assert(error instanceof BrokerError, String(error));
    }
    await made.lane.clear();
    await stage.advance(0);
    yield stage;
  }
}

/** Another consumer takes over everything: as in a real life, `done` enqueues its successors with its completion. Says how often each task ended. */
async function finish(
  stage: Stage,
  group?: string,
): Promise<ReadonlyMap<string, number>> {
  const ended = new Map<string, number>();
  let seq = 0;
  let settlements: StepRequest["settle"] = [];
  for (let round = 0; round < 200; round++) {
    const reply = await step(stage, "heir", ++seq, { settle: settlements });
    for (const { id } of settlements) ended.set(id, (ended.get(id) ?? 0) + 1);
    settlements = reply.deliveries.map((delivery) =>
      settle(delivery, ends.complete("2"), {
        enqueue: delivery.id === "done"
          ? [task("child"), delayed("grandchild", 60_000)]
          : [],
        group: delivery.id === "callback" ? undefined : group,
      })
    );
    if (settlements.length > 0) continue;
    if (reply.nextDueAt !== undefined) {
      await stage.advance(Math.max(1, reply.nextDueAt - reply.now));
    } else if (group === undefined || (await isOver(stage, group))) {
      return ended;
    } else await stage.advance(600_000);
  }
  throw new Error("The queue never ran dry");
}

async function isOver({ broker, queue }: Stage, id: string): Promise<boolean> {
  const { status } = await broker.group(queue, id);
  return status !== "open" && status !== "sealed";
}

/**
 * The database after the scenario, with or without a failure; undefined when the script has fewer commands.
 * What a request left in the lanes of keys, or among what is set aside, is taken away by those that come after it.
 */
async function run(
  name: string,
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
  if (/ a key/.test(name)) {
    await finish(stage);
    await stage.advance(2 * 3_600_000);
  }
  if (/aside|go on/.test(name)) await letGo(stage);
  await step(stage, "janitor", 1, { limit: 0 });
  const { problems } = await inspectAll(stage.broker, queue);
  assertEquals(problems, [], `command ${k} failed`);
  return await dump(queue);
}

/** Lets the tasks of a paused name go on. */
async function letGo({ broker, queue }: Stage): Promise<void> {
  for (let more = true; more;) {
    ({ more } = await broker.pause(queue, {
      operation: "let go",
      paused: false,
      name: "resize",
    }));
  }
}

test("step() that failed half-way and is never repeated lets no sweep forget a live task", async () => {
  const halfDone = halves({
    async prepare(stage) {
      await enqueue(stage, task("a"));
      await step(stage, "worker", 1);
    },
    request: (stage) =>
      step(stage, "worker", 2, {
        settle: [settle({ id: "a", token: "worker:1" }, ends.complete("1"))],
      }),
  });
  for await (const stage of halfDone) {
    const { status } = await stage.broker.result(stage.queue, "a");
    await stage.advance(3 * 3_600_000);
    for (let seq = 1; seq <= 3; seq++) {
      await step(stage, "janitor", seq, { limit: 0 });
      await stage.advance(3_600_000);
    }
    if (status === "completed") continue;
    const { deliveries } = await step(stage, "heir", 1);
    assertEquals(deliveries.map(({ id }) => id), ["a"], `command ${stage.k}`);
  }
});

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
