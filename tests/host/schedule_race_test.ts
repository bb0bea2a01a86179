/**
 * Promise 6 under faults: 5 consumers race on 1,000 slots of 20 schedules, while replies are lost, requests come late and twice, scripts fail half-way, one of the schedules is entered 1,000 times more, all others again and again, and each consumer in turn is cut off for longer than its leases hold.
 * The database's own log is the witness: see `fault_run/witness.ts`.
 */
import { assert, assertEquals } from "@std/assert";
import {
  BrokerError,
  defineTask,
  Queue,
  type Scheduled,
  UpstashBroker,
} from "../../mod.ts";
import { connect } from "../../src/upstash/mod.ts";
import { inspectAll } from "../support/books.ts";
import { crowd } from "../support/fault_run/crowd.ts";
import { newWitness } from "../support/fault_run/witness.ts";
import type { Lane } from "../support/gateway/mod.ts";
import { startGateway } from "../support/gateway/mod.ts";
import { test } from "../support/suite.ts";

const QUEUE = "race";
const CONSUMERS = 5;
const SCHEDULES = 20;
const SLOTS = 50;
const UPSERTS = 1_000;
const EVERY_MS = 100;
const LEASE_MS = 800;
const LONGEST_MS = 120_000;

const tick = defineTask<number>("tick");
const names = Array.from({ length: SCHEDULES }, (_, n) => `s${n}`);

test("5 consumers that race on 1,000 slots under faults enqueue each slot once", async () => {
  await using gateway = await startGateway({ seed: 11 });
  const { port } = gateway.redis;
  const quiet = new UpstashBroker(
    connect({ url: gateway.url, token: gateway.token }),
  );
  const queue = new Queue({ name: QUEUE, broker: quiet });
  const witness = newWitness(QUEUE);
  await witness.watch(port);

  const slots = new Map<string, Set<number>>();
  const begin = (lane: string) => {
    const url = gateway.url;
    const token = gateway.tokenOf(lane);
    const own = new Queue({
      name: QUEUE,
      broker: new UpstashBroker(connect({ url, token })),
      handlers: [tick.handle((_, { schedule = "", intendedAt = NaN }) => {
        slots.set(schedule, (slots.get(schedule) ?? new Set()).add(intendedAt));
      })],
    });
    return {
      own,
      worker: own.work({
        leaseMs: LEASE_MS,
        settleMs: 20,
        pollMs: { min: 20, max: 100 },
      }),
    };
  };
  const enterOne = (by: Queue, n: number) =>
    by.schedule(names[n]!, tick.with(n), { everyMs: EVERY_MS }, {
      catchUp: "all",
      repeats: SLOTS,
    });
  const enter = (by: Queue) =>
    Promise.all(names.map((_, n) => enterOne(by, n)));
  const entered = await enter(queue);
  assert(entered.every(({ status }) => status === "created"));

  const lanes = Array.from(
    { length: CONSUMERS },
    (_, n) => gateway.faults(`consumer-${n}`),
  );
  lanes.forEach(misbehave);
  const consumers = lanes.map((_, n) => begin(`consumer-${n}`));
  const fired = () => slots.get(names[0]!)?.size ?? 0;
  const producer = gateway.faults("producer");
  misbehave(producer);
  const upserting = upsert(
    new Queue({
      name: QUEUE,
      broker: new UpstashBroker(
        connect({ url: gateway.url, token: gateway.tokenOf("producer") }),
      ),
    }),
    (by) => enterOne(by, 0),
  ).then((statuses) => ({ statuses, fired: fired() }));
  upserting.catch(() => {}); // who awaits it is told
  const deadline = Date.now() + LONGEST_MS;
  try {
    for (let round = 0;; round++) {
      const { schedules } = await queue.schedules();
      const { ready, scheduled, leased } = await queue.stats();
      if (schedules.every(({ repeatsLeft }) => repeatsLeft === 0)) {
        // what is over is scheduled for a day that never comes
        if (ready + leased === 0 && scheduled === SCHEDULES) break;
      }
      assert(Date.now() < deadline, `left: ${JSON.stringify(schedules[0])}`);
      const lane = lanes[round % CONSUMERS]!;
      lane.add({ kind: "cut", when: "after", probability: 1 });
      const again = await enter(consumers[(round + 1) % CONSUMERS]!.own)
        .catch(() => []);
      assert(again.every(({ status }) => status === "unchanged"));
      await new Promise((resolve) => setTimeout(resolve, LEASE_MS * 1.2));
      lane.clear();
      misbehave(lane);
    }
    const { statuses, fired } = await upserting;
    assertEquals(statuses, Array(UPSERTS).fill("unchanged"));
    assert(fired > 1, "slots fired meanwhile");
  } finally {
    for (const lane of [...lanes, producer]) lane.clear();
    await Promise.all(consumers.map(({ worker }) => worker.stop()));
  }

  await witness.caughtUp();
  assertEquals((await inspectAll(quiet, QUEUE)).problems, []);
  assertEquals((await queue.stats()).dead, 0);
  for (const name of names) {
    const own = [...slots.get(name) ?? []].sort((a, b) => a - b);
    assertEquals(own.length, SLOTS, name);
    assertEquals(own.at(-1)! - own[0]!, (SLOTS - 1) * EVERY_MS, name);
    for (const at of own) {
      assertEquals(at % EVERY_MS, 0);
      const id = `${name}@${at}`;
      assertEquals((await quiet.result(QUEUE, id)).status, "completed", id);
      assertEquals(witness.endings.get(`.${id}`) ?? 1, 1, id);
    }
  }
  // an ending whose consumer was cut off before its commit may have been written by another
  const seen = witness.endings.size;
  console.log(`${seen} of ${SCHEDULES * SLOTS} slots were seen to end`);
  assert(seen > 0.95 * SCHEDULES * SLOTS && seen <= SCHEDULES * SLOTS);
  await witness.leave();
});

/** Enters a schedule again and again, each time until it is answered. */
function upsert(
  by: Queue,
  enter: (by: Queue) => Promise<Scheduled>,
): Promise<readonly Scheduled["status"][]> {
  const deadline = Date.now() + LONGEST_MS;
  return crowd(UPSERTS, 8, async () => {
    for (;;) {
      try {
        return (await enter(by)).status;
      } catch (error) {
        const isLate = Date.now() > deadline;
        if (isLate || !(error instanceof BrokerError)) throw error;
      }
    }
  });
}

function misbehave(lane: Lane): void {
  lane.add(
    { kind: "delay", ms: 20, probability: 0.05 },
    { kind: "status", status: 503, when: "after", probability: 0.02 },
    { kind: "cut", when: "before", probability: 0.03 },
    { kind: "cut", when: "after", probability: 0.06 },
    { kind: "truncate", probability: 0.02 },
    { kind: "late", after: 3, probability: 0.03 },
    { kind: "again", after: 3, probability: 0.05 },
    ...Array.from({ length: 20 }, (_, i) => ({
      kind: "script" as const,
      k: i + 1,
      error: "ERR injected",
      probability: 0.003,
    })),
  );
}
