/**
 * Task ids that a client could take for JSON, through `@upstash/redis` with each of its options that change how replies are read or requests are sent.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Redis } from "@upstash/redis";
import type { NewTask } from "../src/broker/broker.ts";
import { UpstashBroker } from "../src/broker/upstash.ts";
import { gateway } from "./support/host.ts";
import { test } from "./support/suite.ts";

const IDS = ["123", "null", "true", "{}", '"a"', "007", "1e5"];
const HOUR = 3_600_000;

function task(id: string, more: Partial<NewTask> = {}): NewTask {
  return {
    id,
    name: id,
    envelope: id,
    priority: 0,
    due: { kind: "now" },
    dedupe: undefined,
    ...more,
  };
}

const idsOf = (tasks: readonly { readonly id: string }[]): string[] =>
  tasks.map(({ id }) => id).sort();

const expected = [...IDS].sort();

async function survives(broker: UpstashBroker, queue: string): Promise<void> {
  const tasks = IDS.map((id) => task(id));
  const enqueued = await broker.enqueue(queue, {
    tasks,
    maxBacklog: undefined,
  });
  assertEquals(
    enqueued.answers,
    IDS.map((id) => ({ status: "new", id })),
  );
  const list = async (state: "ready" | "leased" | "dead") => {
    const page = await broker.list(queue, {
      state,
      limit: 100,
      cursor: undefined,
    });
    return idsOf(page.tasks);
  };
  assertEquals(await list("ready"), expected);

  const step = {
    consumer: "consumer",
    leaseMs: HOUR,
    limit: 100,
    maxBytes: 4_000_000,
    alone: true,
    settle: [],
    extend: [],
  } as const;
  const { deliveries } = await broker.step(queue, { ...step, seq: 1 });
  assertEquals(deliveries.map(({ id }) => id), IDS);
  for (const { id, name, envelope } of deliveries) {
    assertEquals([name, envelope], [id, id]);
  }
  assertEquals(await list("leased"), expected);

  const half = deliveries.filter((_, i) => i % 2 === 0);
  const rest = deliveries.filter((_, i) => i % 2 === 1);
  const settled = await broker.step(queue, {
    ...step,
    seq: 2,
    limit: 0,
    settle: deliveries.map(({ id, token }) => ({
      id,
      token,
      end: half.some((one) => one.id === id)
        ? { kind: "complete", payload: id, resultMs: HOUR, keepMs: HOUR }
        : { kind: "dead", error: id },
      span: "",
      dedupe: undefined,
      enqueue: [],
    })),
  });
  assertEquals(settled.stale, []);
  for (const { id } of half) {
    const result = await broker.result(queue, id);
    assert(result.status === "completed", result.status);
    assertEquals(result.payload, id);
  }
  for (const { id } of rest) {
    const result = await broker.result(queue, id);
    assert(result.status === "dead", result.status);
    assertEquals(result.error, id);
  }
  assertEquals(await list("dead"), idsOf(rest));

  const stale = await broker.step(queue, {
    ...step,
    seq: 3,
    limit: 0,
    settle: half.map(({ id, token }) => ({
      id,
      token,
      end: { kind: "release", delayMs: 0 },
      span: "",
      dedupe: undefined,
      enqueue: [],
    })),
  });
  assertEquals([...stale.stale], half.map(({ id }) => id));
}

async function cancels(broker: UpstashBroker, queue: string): Promise<void> {
  const dedupe = (i: number) => ({ key: IDS[i]!, ttlMs: HOUR });
  const request = {
    tasks: IDS.map((id, i) => task(id, { dedupe: dedupe(i) })),
    maxBacklog: undefined,
  };
  await broker.enqueue(queue, request);
  const again = IDS.map((_, i) => task(`other-${i}`, { dedupe: dedupe(i) }));
  const { answers } = await broker.enqueue(queue, { ...request, tasks: again });
  assertEquals(answers, IDS.map((id) => ({ status: "duplicate", id })));
  for (const [i, id] of IDS.entries()) {
    const order = { operation: `${queue}-${i}`, id, error: id, keepMs: HOUR };
    const { status } = await broker.cancel(queue, order);
    assertEquals(status, "cancelled");
    const result = await broker.result(queue, id);
    assert(result.status === "cancelled", result.status);
    assertEquals(result.error, id);
  }
}

for (const automaticDeserialization of [true, false]) {
  for (const responseEncoding of ["base64", false] as const) {
    for (const enableAutoPipelining of [true, false]) {
      const options = {
        automaticDeserialization,
        responseEncoding,
        enableAutoPipelining,
      };
      test(`UpstashBroker() keeps ids that look like JSON when the client has ${JSON.stringify(options)}`, async () => {
        const broker = new UpstashBroker(
          new Redis({ ...gateway, ...options, enableTelemetry: false }),
        );
        const queue = `ids-${crypto.randomUUID().slice(0, 8)}`;
        await survives(broker, queue);
        await cancels(broker, `${queue}-cancel`);
      });
    }
  }
}
