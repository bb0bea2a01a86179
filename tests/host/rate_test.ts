/** Rates in real time, by when handlers start. */
import { assert, assertEquals } from "@std/assert";
import { defineTask, Queue } from "../../mod.ts";
import type { WorkflowBroker } from "../../src/broker/broker.ts";
import { MemoryBroker } from "../../src/broker/memory.ts";
import { UpstashBroker } from "../../src/broker/upstash.ts";
import { Redis } from "@upstash/redis";
import { startGateway } from "../support/gateway/mod.ts";
import { test } from "../support/suite.ts";

const SECONDS = 10;
const A_SECOND = 20;
const bound = { limit: A_SECOND, perMs: 1_000 };

/** A machine that stops for a second loses a second's starts: it is measured again, so often. */
const ROUNDS = 4;

interface Measured {
  readonly starts: number;
  readonly requests: number;
}

/** How often handlers started within the time, by two workers of one queue, and how many requests they sent. */
async function measure(
  broker: WorkflowBroker,
  name: string,
  of: "queue" | "key",
): Promise<Measured> {
  let starts = 0;
  let until = Infinity;
  const tick = defineTask("tick", {
    run: (_: number) => void (performance.now() < until && starts++),
  });
  const rate = of === "queue" ? { rate: bound } : {};
  const queue = new Queue({ name, broker, handlers: [tick], ...rate });
  const options = of === "key" ? { rate: { key: "k", ...bound } } : {};
  await queue.enqueueMany(
    Array.from(
      { length: 2 * SECONDS * A_SECOND },
      (_, i) => tick.with(i, options),
    ),
  );
  until = performance.now() + SECONDS * 1_000;
  const workers = [queue.work(), queue.work()];
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1_000));
  const reports = await Promise.all(workers.map((worker) => worker.stop()));
  const requests = reports.reduce((sum, report) => sum + report.requests, 0);
  return { starts, requests };
}

test("work() starts so many tasks a second as the rates of queues and keys say, within 10 % over 10 s", async () => {
  await using gateway = await startGateway();
  const redis = new UpstashBroker(
    new Redis({
      url: gateway.url,
      token: gateway.token,
      enableTelemetry: false,
    }),
  );
  const memory = new MemoryBroker();
  const expected = SECONDS * A_SECOND;
  const isNear = ({ starts }: Measured) =>
    starts >= 0.9 * expected && starts <= 1.1 * expected;
  for (let round = 1;; round++) {
    const found = await Promise.all([
      measure(memory, `memory-queue-${round}`, "queue"),
      measure(memory, `memory-key-${round}`, "key"),
      measure(redis, `redis-queue-${round}`, "queue"),
      measure(redis, `redis-key-${round}`, "key"),
    ]);
    const said = JSON.stringify(found);
    console.log(`${expected} starts are expected: ${said}`);
    assertEquals(found.length, 4);
    for (const { starts, requests } of found) {
      assert(requests <= 4 * starts, said);
    }
    if (found.every(isNear)) return;
    assert(round < ROUNDS, said);
  }
});
