/** Turns beside large backlogs, on both brokers. */
import { assert, assertEquals } from "@std/assert";
import type { NewTask } from "../../src/broker/broker.ts";
import { gatewayBroker } from "../support/gateway_broker.ts";
import {
  type Bench,
  type Consumer,
  ends,
  idsOf,
  LEASE,
  newBench,
  settle,
  START,
  task,
} from "../support/contract/bench.ts";
import { memoryBroker } from "../support/memory_broker.ts";
import { test } from "../support/suite.ts";

const places = {
  MemoryBroker: () => Promise.resolve(memoryBroker(START)),
  UpstashBroker: () => gatewayBroker(START),
} as const;

const MANY = 10_000;
const FEW = 10;

function many(
  kind: string,
  count: number,
  limit: number | undefined,
): readonly NewTask[] {
  return Array.from({ length: count }, (_, i) =>
    task(`${kind}${i}`, {
      envelope: kind,
      concurrency: limit === undefined ? undefined : { key: kind, limit },
    }));
}

/** An unkeyed backlog, then that of a key, and at last the few tasks of another. */
async function fill(bench: Bench, limit: number): Promise<void> {
  const all = [
    ...many("free", MANY, undefined),
    ...many("big", MANY, limit),
    ...many("small", FEW, limit),
  ];
  for (let i = 0; i < all.length; i += 2_000) {
    await bench.enqueue(...all.slice(i, i + 2_000));
    await bench.advance(1);
  }
}

/** Which kinds are claimed, `size` at a time, until all of the small key are; each batch is settled with the claim of the next. */
async function kinds(
  bench: Bench,
  consumer: Consumer,
  size: number,
): Promise<readonly string[]> {
  const order: string[] = [];
  let held: readonly string[] = [];
  let tokens = new Map<string, string>();
  while (order.filter((kind) => kind === "small").length < FEW) {
    await bench.advance(1);
    const { deliveries } = await consumer.step({
      limit: size,
      settle: held.map((id) =>
        settle({ id, token: tokens.get(id)! }, ends.complete())
      ),
    });
    assert(deliveries.length > 0 && order.length < MANY, "it never comes");
    order.push(...deliveries.map(({ envelope }) => envelope));
    held = idsOf(deliveries);
    tokens = new Map(deliveries.map(({ id, token }) => [id, token]));
  }
  return order;
}

for (const [broker, open] of Object.entries(places)) {
  for (const limit of [1, 3, 10]) {
    /*
     * One at a time: every other claim is of a task with a key, and each turn
     * has one task of each of the two keys. The small key has entered in the
     * present turn, and its i-th task is in the i-th turn from there: it comes
     * by the 2·i-th claim of a keyed task, the 4·i-th of all.
     */
    test(
      `${broker} claims the ${FEW} tasks of a key within ${
        4 * FEW
      }, one by one, beside ${MANY} of another and ${MANY} of none, with limits of ${limit}`,
      async () => {
        await using made = await open();
        const bench = newBench(made);
        await fill(bench, limit);
        const order = await kinds(bench, bench.consumer(), 1);
        const last = order.lastIndexOf("small") + 1;
        assert(last <= 4 * FEW, `${last}: ${order}`);
        const free = order.filter((kind) => kind === "free").length;
        assert(free >= Math.floor(last / 2), `${free} of ${last} have no key`);
      },
    );

    /*
     * In batches of 50, of which half at least have no key: 25 turns or fewer
     * for two keys give each 12 at least, if its limit lets it. So of the small
     * key each batch has `limit` tasks, 10 at most.
     */
    test(
      `${broker} claims the ${FEW} tasks of a key within ${
        Math.ceil(FEW / limit)
      } batches of 50 beside ${MANY} of another and ${MANY} of none, with limits of ${limit}`,
      async () => {
        await using made = await open();
        const bench = newBench(made);
        await fill(bench, limit);
        const order = await kinds(bench, bench.consumer(), 50);
        assertEquals(order.length / 50, Math.ceil(FEW / limit), `${order}`);
        for (let i = 0; i < order.length; i += 50) {
          const batch = order.slice(i, i + 50);
          const free = batch.filter((kind) => kind === "free").length;
          assert(free >= 25, `${free} of 50 have no key`);
        }
      },
    );

    test(`${broker} leases no more than ${limit} of a key beside large backlogs when consumers die, and finishes the small key`, async () => {
      await using made = await open();
      const bench = newBench(made);
      await fill(bench, limit);
      const valid = new Map<string, { kind: string; until: number }>();
      let now = 0, done = 0, positions = 0;
      for (let round = 0; done < FEW; round++) {
        assert(round < 200, `${done} of the small key in ${round} rounds`);
        const consumer = bench.consumer();
        const claimed = await consumer.claim(20);
        positions += claimed.length;
        for (const { id, envelope: kind } of claimed) {
          valid.set(id, { kind, until: now + LEASE });
        }
        for (const key of ["big", "small"]) {
          const leases = [...valid.values()].filter(({ kind, until }) =>
            kind === key && until > now
          );
          assert(leases.length <= limit, `${leases.length} of ${key}`);
        }
        const dies = round % 4 === 1;
        if (!dies) {
          await consumer.settle(
            ...claimed.map((each) => settle(each, ends.complete())),
          );
          for (const { id, envelope } of claimed) {
            valid.delete(id);
            if (envelope === "small") done++;
          }
        }
        const ms = dies ? LEASE : 1;
        now += ms;
        await bench.advance(ms);
      }
    });
  }
}
