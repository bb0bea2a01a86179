/** What `UpstashBroker` does when the way to the database, or the database, fails. Real HTTP, real Redis; the gateway makes the faults. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Redis } from "@upstash/redis";
import type { Broker, NewTask, Settlement } from "../src/broker/broker.ts";
import { keyOf } from "../src/broker/keys.ts";
import type { UpstashBrokerOptions } from "../src/broker/runner.ts";
import { UpstashBroker } from "../src/broker/upstash.ts";
import { BrokerError, QueueFullError } from "../src/core/error.ts";
import { shardOf } from "../src/core/id.ts";
import type { BrokerFailure } from "../src/core/error.ts";
import { inspectAll } from "./support/books.ts";
import { ends, settle, task } from "./support/contract/bench.ts";
import type { Fault } from "./support/gateway/fault.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import { gateway } from "./support/host.ts";
import { redisCommand } from "./support/redis_command.ts";
import { test } from "./support/suite.ts";

const START = 1_763_800_000_000;
const SECRET = "s3cret-payload";

const name = () => `errors-${crypto.randomUUID()}`;

function enqueue(broker: Broker, queue: string, ...tasks: readonly NewTask[]) {
  return broker.enqueue(queue, { tasks, maxBacklog: undefined });
}

function claim(broker: Broker, queue: string, seq: number) {
  return broker.step(queue, {
    consumer: "worker",
    seq,
    leaseMs: 30_000,
    limit: 10,
    maxBytes: 4_000_000,
    alone: true,
    settle: [],
    extend: [],
  });
}

/** The step after {@link claim}: it settles, and claims nothing. */
function settleAll(
  broker: Broker,
  queue: string,
  settlements: readonly Settlement[],
) {
  return broker.step(queue, {
    consumer: "worker",
    seq: 2,
    leaseMs: 30_000,
    limit: 0,
    maxBytes: 1,
    alone: true,
    extend: [],
    settle: settlements,
  });
}

/** The failure that `act` ends in; nothing of the payload or the token may be in the error, whichever way it is printed. */
async function failure(
  act: () => Promise<unknown>,
  expected: BrokerFailure,
): Promise<BrokerError> {
  const error = await assertRejects(act, BrokerError);
  assertEquals(error.failure, expected, error.message);
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    for (const text of [at.message, at.stack ?? "", JSON.stringify(at)]) {
      assert(!text.includes(SECRET), "the payload is in the error");
      assert(!text.includes(gateway.token), "the token is in the error");
    }
  }
  return error;
}

const secret = task("a", { envelope: SECRET });

const passing: Readonly<Record<string, Fault>> = {
  "a 429": { kind: "status", status: 429, times: 2 },
  "a 500": { kind: "status", status: 500, times: 2 },
  "a 502 page of HTML": { kind: "status", status: 502, times: 2 },
  "a 503 after the command ran": {
    kind: "status",
    status: 503,
    when: "after",
    times: 2,
  },
  "a connection cut before the command ran": {
    kind: "cut",
    when: "before",
    times: 2,
  },
  "a connection cut after the command ran": {
    kind: "cut",
    when: "after",
    times: 2,
  },
  "a connection cut in the middle of the reply": {
    kind: "cut",
    when: "during",
    times: 2,
  },
  "a reply cut short": { kind: "truncate", times: 2 },
};

for (const [what, fault] of Object.entries(passing)) {
  test(`UpstashBroker repeats a request over ${what}, with the effect of one`, async () => {
    await using made = await gatewayBroker(START);
    const { broker, lane } = made;
    const queue = name();
    await enqueue(broker, queue, task("0"));
    await lane.add(fault);
    const enqueued = await enqueue(broker, queue, task("a"));
    assertEquals(enqueued.requests, 3);
    await lane.add(fault);
    const claimed = await claim(broker, queue, 1);
    assertEquals(claimed.deliveries.map((d) => [d.id, d.attempt]), [
      ["0", 1],
      ["a", 1],
    ]);
    await lane.add(fault);
    const settled = await settleAll(
      broker,
      queue,
      claimed.deliveries.map((d) => settle(d, ends.complete("1"))),
    );
    assertEquals(settled.stale, []);
    const { status, attempt } = await broker.result(queue, "a") as {
      status: string;
      attempt: number;
    };
    assertEquals([status, attempt], ["completed", 1]);
    assertEquals((await inspectAll(broker, queue)).problems, []);
  });
}

test("UpstashBroker gives up after its attempts, and says what failed", async () => {
  await using made = await gatewayBroker(START, { attempts: 3 });
  await made.lane.add({ kind: "status", status: 503, times: 9 });
  const act = () => enqueue(made.broker, name(), secret);
  const error = await failure(act, "unavailable");
  assert(error.retryable);
  assertEquals(error.attempts, 3);
});

test("UpstashBroker gives up at its deadline when the database hangs", async () => {
  const hang = () => new Promise<never>(() => {});
  const broker = new UpstashBroker({ eval: hang, evalsha: hang }, {
    deadlineMs: 50,
  });
  const error = await failure(() => enqueue(broker, name(), secret), "timeout");
  assert(error.retryable);
});

test("UpstashBroker repeats what its client gave up waiting for", async () => {
  await using made = await gatewayBroker(START, { timeoutMs: 1_000 });
  await made.lane.add({ kind: "delay", ms: 2_000 });
  const { requests } = await enqueue(made.broker, name(), task("a"));
  assertEquals(requests, 2);
});

test("UpstashBroker says that nothing listens, within its deadline", async () => {
  const broker = new UpstashBroker(
    new Redis({
      url: "http://127.0.0.1:9",
      token: gateway.token,
      retry: { retries: 0 },
    }),
    { deadlineMs: 2_000 },
  );
  const error = await failure(
    () => enqueue(broker, name(), secret),
    "unavailable",
  );
  assert(error.retryable);
});

test("UpstashBroker does not repeat what a wrong token was refused", async () => {
  const broker = new UpstashBroker(
    new Redis({ url: gateway.url, token: "wrong", retry: { retries: 0 } }),
  );
  const error = await failure(
    () => enqueue(broker, name(), secret),
    "unauthorized",
  );
  assertEquals([error.attempts, error.retryable], [1, false]);
});

test("UpstashBroker names a key of the wrong type as what it is", async () => {
  await using made = await gatewayBroker(START);
  const queue = name();
  await redisCommand(["SET", keyOf(queue, "ready"), "somebody else's"]);
  const error = await failure(
    () => enqueue(made.broker, queue, secret),
    "wrong_type",
  );
  assert(error.message.includes("baton:1:"));
});

test("UpstashBroker refuses an option that it does not know", () => {
  const client = {
    eval: () => Promise.resolve(""),
    evalsha: () => Promise.resolve(""),
  };
  const options = { retries: 0 } as UpstashBrokerOptions;
  assertThrows(
    () => new UpstashBroker(client, options),
    TypeError,
    "Unknown option 'retries' of UpstashBroker",
  );
});

test("UpstashBroker says that an answer is none of its scripts'", async () => {
  const broker = new UpstashBroker({
    eval: () => Promise.resolve(SECRET),
    evalsha: () => Promise.resolve(SECRET),
  }, { attempts: 1 });
  await failure(() => enqueue(broker, name(), secret), "invalid_reply");
});

test("UpstashBroker sends a script again when the server has forgotten it", async () => {
  await using made = await gatewayBroker(START);
  const queue = name();
  await enqueue(made.broker, queue, task("a"));
  await redisCommand(["SCRIPT", "FLUSH"]);
  await enqueue(made.broker, queue, task("b"));
  const { deliveries } = await claim(made.broker, queue, 1);
  assertEquals(deliveries.map((d) => d.id), ["a", "b"]);
});

test("UpstashBroker works where the server refuses the key-locking flag", async () => {
  const sources: string[] = [];
  const broker = new UpstashBroker({
    evalsha: () =>
      Promise.reject(
        new Error("NOSCRIPT No matching script. Please use EVAL."),
      ),
    eval: (source) => {
      sources.push(source);
      return source.startsWith("#!")
        ? Promise.reject(
          new Error("ERR Unexpected flag in script shebang: allow-key-locking"),
        )
        : Promise.resolve(["#done|4", "+"]);
    },
  });
  await enqueue(broker, name(), task("a"));
  await enqueue(broker, name(), task("b"));
  assertEquals(sources.map((source) => source.startsWith("#!")), [
    true,
    false,
    false,
  ]);
});

test("UpstashBroker's scripts touch no key that they do not declare", async () => {
  await using made = await gatewayBroker(START, { keyLocking: true });
  const queue = name();
  await enqueue(made.broker, queue, task("a"), task("b"));
  await claim(made.broker, queue, 1);
  await inspectAll(made.broker, queue);
});

test("step() delivers a corrupt record as it is, and the others after it", async () => {
  await using made = await gatewayBroker(START);
  const { broker } = made;
  const queue = name();
  await enqueue(broker, queue, task("a"), task("b"));
  const shards = await Promise.all(
    Array.from({ length: 8 }, (_, i) => `baton:1:${queue}:body.${i}`).map(
      async (key) => [key, await redisCommand(["HEXISTS", key, ".a"])] as const,
    ),
  );
  const [key] = shards.find(([, exists]) => exists === 1)!;
  await redisCommand(["HSET", key, ".a", "\u0000 garbage"]);
  const { deliveries } = await claim(broker, queue, 1);
  assertEquals(deliveries.map((d) => [d.id, d.envelope]), [
    ["a", "\u0000 garbage"],
    ["b", "envelope of b"],
  ]);
  await settleAll(broker, queue, [
    settle(deliveries[0]!, ends.dead("{}")),
    settle(deliveries[1]!, ends.complete()),
  ]);
  assertEquals((await broker.result(queue, "a")).status, "dead");
  assertEquals((await inspectAll(broker, queue)).problems, []);
});

test("step() and list() read past a record whose header is damaged", async () => {
  await using made = await gatewayBroker(START);
  const { broker } = made;
  for (
    const header of [
      "L|1763800000000000||0|%E0%A4%A|",
      "L|soon||0|work|",
      "L|",
      "L|1763800000000000|never|0|work|",
    ]
  ) {
    const queue = name();
    await enqueue(broker, queue, task("a"), task("b"));
    const key = `baton:1:${queue}:body.${shardOf("a")}`;
    await redisCommand(["HSET", key, ".a", `${header}\nenvelope`]);
    await broker.list(queue, { state: "ready", limit: 5, cursor: undefined });
    const { deliveries } = await claim(broker, queue, 1);
    assertEquals(deliveries.map((each) => each.id), ["a", "b"], header);
    assert(deliveries.every((each) => Number.isSafeInteger(each.enqueuedAt)));
    const { stale } = await settleAll(
      broker,
      queue,
      deliveries.map((each) => settle(each, ends.dead("{}"))),
    );
    assertEquals(stale, []);
    await broker.list(queue, { state: "dead", limit: 5, cursor: undefined });
    assertEquals((await inspectAll(broker, queue)).problems, []);
  }
});

test("step() promotes a delayed task that the leftover of another of its id stands beside", async () => {
  await using made = await gatewayBroker(START);
  const { broker, advance } = made;
  const queue = name();
  await redisCommand(["HSET", keyOf(queue, "state"), "t:.a", "!"]);
  const due = { kind: "after", delayMs: 1_000 } as const;
  await enqueue(broker, queue, task("a", { due }));
  await advance(1_000);
  const { deliveries } = await claim(broker, queue, 1);
  assertEquals(deliveries.map((each) => [each.id, each.attempt]), [["a", 1]]);
  assertEquals((await inspectAll(broker, queue)).problems, []);
});

test("step() counts and drops an entry whose record the database lost", async () => {
  await using made = await gatewayBroker(START);
  const { broker } = made;
  const queue = name();
  await enqueue(broker, queue, task("b"));
  await redisCommand(["ZADD", keyOf(queue, "ready"), 1, ".lost"]);
  const { deliveries, ghosts } = await claim(broker, queue, 1);
  assertEquals([deliveries.length, ghosts], [1, 1]);
  assertEquals((await inspectAll(broker, queue)).problems, []);
});

test("stats() names the keys that the database evicted, and inspect() mends what is left", async () => {
  await using made = await gatewayBroker(START);
  const { broker } = made;
  const queue = name();
  await enqueue(broker, queue, task("a"), task("b"));
  await claim(broker, queue, 1);
  await enqueue(broker, queue, task("c"));
  await redisCommand(["DEL", keyOf(queue, "ready")]);
  assertEquals((await broker.stats(queue)).evicted, [keyOf(queue, "ready")]);
  const { problems } = await inspectAll(broker, queue, true);
  assertEquals(problems.map((p) => p.kind).sort(), ["marker", "unindexed"]);
  assertEquals((await inspectAll(broker, queue)).problems, []);
  assertEquals((await broker.stats(queue)).ready, 1);
});

test("enqueue() over maxBacklog is refused whole, but for a repeat of what was accepted", async () => {
  await using made = await gatewayBroker(START);
  const queue = name();
  const ask = (...ids: readonly string[]) =>
    made.broker.enqueue(queue, {
      tasks: ids.map((id) => task(id)),
      maxBacklog: 2,
    });
  await ask("a", "b");
  await assertRejects(() => ask("a", "c"), QueueFullError, "maxBacklog is 2");
  assertEquals((await ask("a", "b")).answers.map((a) => a.status), [
    "known",
    "known",
  ]);
});
