/**
 * Promise 5: for every script and every k the k-th command inside fails, and the books end the same.
 * Once the request is repeated, the database must hold to the byte what it holds without the failure;
 * when nobody repeats it (the consumer died too), every task must still end, once, with its successor.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Broker, NewTask, StepRequest } from "../../src/broker/broker.ts";
import { BrokerError } from "../../src/core/error.ts";
import { inspectAll } from "../support/books.ts";
import { delayed, ends, settle, task } from "../support/contract/bench.ts";
import { gatewayBroker } from "../support/gateway_broker.ts";
import { dump } from "../support/dump.ts";
import { test } from "../support/suite.ts";

const START = 1_763_800_000_000;

/** What a scenario has at hand. */
interface Stage {
  readonly broker: Broker;
  readonly queue: string;
  advance(ms: number): Promise<void>;
}

/** A request of one script, after what leads up to it. */
interface Scenario {
  readonly script: string;
  prepare(stage: Stage): Promise<void>;
  request(stage: Stage): Promise<unknown>;
}

const step = (
  { broker, queue }: Stage,
  consumer: string,
  seq: number,
  more: Partial<StepRequest> = {},
) =>
  broker.step(queue, {
    consumer,
    seq,
    leaseMs: 30_000,
    limit: 10,
    maxBytes: 4_000_000,
    alone: true,
    settle: [],
    extend: [],
    ...more,
  });

const enqueue = ({ broker, queue }: Stage, ...tasks: readonly NewTask[]) =>
  broker.enqueue(queue, { tasks, maxBacklog: undefined });

const held = (seq: number, ...ids: readonly string[]) =>
  ids.map((id) => ({ id, token: `worker:${seq}` }));

const nothing = () => Promise.resolve();

const scenarios: Readonly<Record<string, Scenario>> = {
  "enqueue() of one task": {
    script: "enqueue",
    prepare: nothing,
    request: (stage) => enqueue(stage, task("a")),
  },
  "enqueue() of a delayed task with a dedupe key": {
    script: "enqueue",
    prepare: nothing,
    request: (stage) =>
      enqueue(
        stage,
        delayed("a", 5_000, { dedupe: { key: "k", ttlMs: 9_000 } }),
      ),
  },
  "enqueue() of a batch over several shards": {
    script: "enqueue",
    prepare: (stage) => enqueue(stage, task("b")).then(() => {}),
    request: (stage) =>
      enqueue(
        stage,
        ...["a", "b", "c", "d", "e"].map((id) => task(id)),
        delayed("f", 1_000, { priority: 3 }),
        task("g", { dedupe: { key: "k", ttlMs: 9_000 } }),
      ),
  },
  "step() that claims": {
    script: "step",
    prepare: (stage) =>
      enqueue(stage, task("a"), task("b"), delayed("c", 50)).then(() =>
        stage.advance(100)
      ),
    request: (stage) => step(stage, "worker", 1),
  },
  "step() that does everything at once": {
    script: "step",
    async prepare(stage) {
      await enqueue(
        stage,
        ...["done", "again", "later", "back", "doomed", "stopped", "stale"]
          .map((id) => task(id)),
        task("keyed", { dedupe: { key: "k", ttlMs: 900_000 } }),
      );
      await step(stage, "worker", 1, { limit: 8 });
      await enqueue(stage, task("lost"));
      await step(stage, "dead", 1, { limit: 1, leaseMs: 1_000 });
      await enqueue(stage, task("running"));
      await step(stage, "worker", 2, { limit: 1 });
      await enqueue(stage, task("next"), delayed("due", 10));
      await stage.advance(2_000);
    },
    request: (stage) => {
      const [done, again, later, back, doomed, stopped, keyed] = held(
        1,
        "done",
        "again",
        "later",
        "back",
        "doomed",
        "stopped",
        "keyed",
      );
      return step(stage, "worker", 3, {
        alone: false,
        settle: [
          settle(done!, ends.complete("1"), {
            enqueue: [
              task("child"),
              delayed("grandchild", 60_000, {
                dedupe: { key: "g", ttlMs: 900_000 },
              }),
            ],
          }),
          settle(again!, ends.retry(0, `{"name":"E"}`), { span: "00-x" }),
          settle(later!, ends.retry(5_000)),
          settle(back!, ends.release()),
          settle(doomed!, ends.dead(`{"name":"D"}`)),
          settle(stopped!, ends.cancel()),
          settle(keyed!, ends.expire(), { dedupe: "k" }),
          settle({ id: "stale", token: "worker:9" }, ends.complete()),
        ],
        extend: [...held(2, "running"), { id: "next", token: "worker:2" }].map(
          (each) => ({ ...each, leaseMs: undefined }),
        ),
      });
    },
  },
  "step() that sweeps": {
    script: "step",
    async prepare(stage) {
      await enqueue(stage, task("a"), task("b"));
      await step(stage, "worker", 1);
      await step(stage, "worker", 2, {
        settle: held(1, "a", "b").map((each) =>
          settle(each, ends.complete("1"))
        ),
      });
      await stage.advance(30 * 3_600_000);
      await enqueue(stage, task("c"));
    },
    request: (stage) => step(stage, "other", 1),
  },
  "cancel() of a waiting task": {
    script: "cancel",
    prepare: (stage) =>
      enqueue(stage, task("a", { dedupe: { key: "k", ttlMs: 9_000 } })).then(
        () => {},
      ),
    request: ({ broker, queue }) =>
      broker.cancel(queue, {
        operation: "op",
        id: "a",
        error: "{}",
        keepMs: 600_000,
      }),
  },
  "cancel() of a leased task": {
    script: "cancel",
    prepare: (stage) =>
      enqueue(stage, task("a")).then(() => step(stage, "worker", 1)).then(
        () => {},
      ),
    request: ({ broker, queue }) =>
      broker.cancel(queue, {
        operation: "op",
        id: "a",
        error: "{}",
        keepMs: 600_000,
      }),
  },
  "pause()": {
    script: "pause",
    prepare: (stage) => enqueue(stage, task("a")).then(() => {}),
    request: ({ broker, queue }) =>
      broker.pause(queue, { operation: "op", paused: true }),
  },
  "pause() that resumes": {
    script: "pause",
    prepare: (stage) =>
      enqueue(stage, task("a")).then(() =>
        stage.broker.pause(stage.queue, { operation: "before", paused: true })
      ).then(() => {}),
    request: ({ broker, queue }) =>
      broker.pause(queue, { operation: "op", paused: false }),
  },
  "purge()": {
    script: "purge",
    async prepare(stage) {
      await enqueue(stage, task("dead"));
      await step(stage, "worker", 1);
      await step(stage, "worker", 2, {
        limit: 0,
        settle: held(1, "dead").map((each) => settle(each, ends.dead())),
      });
      await enqueue(stage, task("ready"), delayed("due", 5_000));
    },
    request: ({ broker, queue }) =>
      broker.purge(queue, {
        operation: "op",
        tasks: ["dead", "ready", "due"].map((id) => ({
          id,
          enqueuedAt: START,
        })),
        error: "{}",
        keepMs: 600_000,
      }),
  },
  "redrive()": {
    script: "redrive",
    async prepare(stage) {
      await enqueue(stage, task("a"), task("b"));
      await step(stage, "worker", 1);
      await step(stage, "worker", 2, {
        limit: 0,
        settle: held(1, "a", "b").map((each) => settle(each, ends.dead("{}"))),
      });
    },
    request: ({ broker, queue }) =>
      broker.redrive(queue, {
        operation: "op",
        tasks: ["a", "b"].map((id) => ({ id, diedAt: START })),
      }),
  },
};

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
