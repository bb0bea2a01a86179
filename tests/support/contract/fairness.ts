import { assert, assertEquals } from "@std/assert";
import type { ConcurrencyKey, Delivery } from "../../../src/broker/broker.ts";
import {
  type Bench,
  type Declare,
  ends,
  idsOf,
  LEASE,
  settle,
  task,
} from "./bench.ts";

const keyed = (concurrency: ConcurrencyKey, ...ids: readonly string[]) =>
  ids.map((id) => task(id, { concurrency }));

const many = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);

const complete = (deliveries: readonly Delivery[]) =>
  deliveries.map((each) => settle(each, ends.complete()));

/** In which order so many tasks are claimed, `size` at a time, each batch settled with the claim of the next. */
async function claimed(
  bench: Bench,
  count: number,
  size: number,
): Promise<readonly string[]> {
  const consumer = bench.consumer();
  const order: string[] = [];
  let held: readonly Delivery[] = [];
  while (order.length < count) {
    await bench.advance(1);
    const { deliveries } = await consumer.step({
      limit: size,
      settle: complete(held),
    });
    if (deliveries.length === 0) break;
    order.push(...idsOf(deliveries));
    held = deliveries;
  }
  await consumer.settle(...complete(held));
  return order;
}

const count = (ids: readonly string[], prefix: string) =>
  ids.filter((id) => id.startsWith(prefix)).length;

/** Turns of keys with each other and with what has none. */
export function fairness(declare: Declare): void {
  declare(
    "step() claims tasks of keys and of none alternately, and one of each key in a turn",
    async (bench) => {
      await bench.enqueue(...many("free", 20));
      await bench.enqueue(
        ...keyed({ key: "big", limit: 5 }, ...many("big", 20)),
      );
      await bench.enqueue(
        ...keyed({ key: "one", limit: 1 }, ...many("one", 5)),
        ...keyed({ key: "two", limit: 2 }, ...many("two", 5)),
      );
      const order = await claimed(bench, 30, 1);
      const turns = order.filter((_, i) => i % 2 === 0);
      assertEquals(count(turns, "free"), 0, `${order}`);
      assertEquals(count(order, "free"), 15, `${order}`);
      for (let i = 0; i < 15; i += 3) {
        const kinds = turns.slice(i, i + 3).map((id) => id.slice(0, 3));
        assertEquals(kinds.toSorted(), ["big", "one", "two"], `${order}`);
      }
    },
  );

  declare(
    "step() leaves what has no key half of a batch, however many keys there are",
    async (bench) => {
      await bench.enqueue(
        ...many("key", 300).flatMap((key) => keyed({ key, limit: 1 }, key)),
      );
      await bench.enqueue(...many("free", 300));
      const order = await claimed(bench, 200, 20);
      for (let i = 0; i < 200; i += 20) {
        assertEquals(count(order.slice(i, i + 20), "free"), 10, `${order}`);
      }
    },
  );

  declare(
    "step() fills a batch with what there is when keys or the others have none",
    async (bench) => {
      const big = { key: "big", limit: 30 };
      await bench.enqueue(...keyed(big, ...many("big", 60)), ...many("f", 3));
      const order = await claimed(bench, 63, 20);
      assertEquals(order.length, 63);
      assertEquals(count(order.slice(0, 20), "f"), 3);
      await bench.enqueue(...keyed(big, "last"), ...many("f-", 40));
      assertEquals(count(await claimed(bench, 41, 20), "f-"), 40);
    },
  );

  declare(
    "step() claims a suspect of either kind though the other kind goes on",
    async (bench) => {
      const key = { key: "k", limit: 2 };
      await bench.enqueue("lost free", ...keyed(key, "lost k"));
      assertEquals((await bench.consumer("dies").claim()).length, 2);
      await bench.enqueue(...many("free", 20), ...keyed(key, ...many("k", 20)));
      await bench.advance(LEASE);
      const suspects: string[] = [];
      const consumer = bench.consumer();
      for (let i = 0; i < 4; i++) {
        const deliveries = await consumer.claim(5);
        suspects.push(
          ...deliveries.filter(({ suspect }) => suspect).map(({ id }) => id),
        );
        await consumer.settle(...complete(deliveries));
      }
      assertEquals(suspects.toSorted(), ["lost free", "lost k"]);
    },
  );

  declare(
    "step() gives a key that comes late the present turn, not those that it missed",
    async (bench) => {
      const early = { key: "early", limit: 3 };
      await bench.enqueue(...keyed(early, ...many("early", 60)));
      await claimed(bench, 30, 3);
      await bench.enqueue(
        ...keyed({ key: "late", limit: 3 }, ...many("late", 20)),
      );
      const order = await claimed(bench, 20, 1);
      const late = count(order, "late");
      assert(late >= 8 && late <= 12, `${order}`);
    },
  );
}
