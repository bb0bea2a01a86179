/** Promise 11: a database that is full, the real one's `maxmemory`. A Redis of its own, because memory is everybody's. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Redis } from "@upstash/redis";
import type { Delivery, StepReply } from "../../src/broker/broker.ts";
import { UpstashBroker } from "../../src/broker/upstash.ts";
import { BrokerError, QueueFullError } from "../../src/core/error.ts";
import { inspectAll } from "../support/books.ts";
import { ends, settle, task } from "../support/contract/bench.ts";
import { startGateway } from "../support/gateway/mod.ts";
import { test } from "../support/suite.ts";

const QUEUE = "full";
const TASKS = 400;

test("a full database refuses tasks and still drains, and nothing is lost", async () => {
  await using gateway = await startGateway();
  const client = new Redis({
    url: gateway.url,
    token: gateway.token,
    retry: { retries: 0 },
  });
  const broker = new UpstashBroker(client);
  const envelope = "x".repeat(10_000);
  const enqueue = (ids: readonly string[]) =>
    broker.enqueue(QUEUE, {
      tasks: ids.map((id) => task(id, { envelope })),
      maxBacklog: undefined,
    });
  const ids = Array.from({ length: TASKS }, (_, i) => `task-${i}`);
  for (let i = 0; i < TASKS; i += 100) await enqueue(ids.slice(i, i + 100));
  let held = await claim(broker, 1, []);
  await gateway.manage({ maxmemory: 1_000_000 });

  const refused = await assertRejects(
    () => enqueue(["refused"]),
    QueueFullError,
    "the database is full",
  );
  assert(refused.cause instanceof BrokerError);
  assert(!String(refused.cause.message).includes("xxx"));

  let seq = 1;
  while (held.deliveries.length > 0) {
    held = await claim(broker, ++seq, held.deliveries);
    assertEquals(held.stale, []);
    assertEquals(held.status, "done");
  }
  for (const id of ids) {
    const standing = await broker.result(QUEUE, id);
    assertEquals(standing.status, "completed", id);
  }
  for (const id of ids.filter((id) => id.endsWith("0"))) {
    const next = await broker.result(QUEUE, `${id}-next`);
    assertEquals(next.status, "completed", `${id}-next`);
  }
  assertEquals((await broker.result(QUEUE, "refused")).status, "missing");
  assertEquals((await inspectAll(broker, QUEUE)).problems, []);

  await gateway.manage({ maxmemory: 0 });
  await enqueue(["after"]);
  const again = await claim(broker, ++seq, []);
  assertEquals(again.deliveries.map((d) => d.id), ["after"]);
});

/** Settles what is held, with its successor for every tenth, and claims the next. */
function claim(
  broker: UpstashBroker,
  seq: number,
  held: readonly Delivery[],
): Promise<StepReply> {
  return broker.step(QUEUE, {
    consumer: "worker",
    seq,
    leaseMs: 30_000,
    limit: 50,
    maxBytes: 4_000_000,
    alone: held.length === 0,
    extend: [],
    settle: held.map((delivery) =>
      settle(delivery, ends.complete("1"), {
        enqueue: /^task-\d*0$/.test(delivery.id)
          ? [task(`${delivery.id}-next`)]
          : [],
      })
    ),
  });
}
