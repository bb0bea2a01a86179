import { assert, assertEquals } from "@std/assert";
import type { ConcurrencyKey, Delivery } from "../../../src/broker/broker.ts";
import {
  type Bench,
  type Declare,
  delayed,
  ends,
  HOUR,
  idsOf,
  LEASE,
  MINUTE,
  operation,
  settle,
  START,
  task,
} from "./bench.ts";

const one: ConcurrencyKey = { key: "k|1,\n", limit: 1 };
const two: ConcurrencyKey = { key: "two", limit: 2 };

const keyed = (concurrency: ConcurrencyKey, ...ids: readonly string[]) =>
  ids.map((id) => task(id, { concurrency }));

/** Completes what was claimed. */
const complete = (deliveries: readonly Delivery[]) =>
  deliveries.map((each) => settle(each, ends.complete()));

/** Claims and completes all there is, one by one; in which order. */
async function drain(bench: Bench): Promise<readonly string[]> {
  const order: string[] = [];
  for (;;) {
    await bench.advance(1);
    const consumer = bench.consumer();
    const claimed = await consumer.claim(1);
    if (claimed.length === 0) return order;
    order.push(...idsOf(claimed));
    await consumer.settle(...complete(claimed));
  }
}

/** Concurrency keys: at most so many leases. */
export function concurrency(declare: Declare): void {
  declare(
    "step() leases at most 'limit' tasks of a key, and the next when one is settled",
    async (bench) => {
      await bench.enqueue(...keyed(two, "a", "b", "c", "d"), "free");
      const { ready } = await bench.broker.stats(bench.queue);
      assertEquals(ready, 5);
      assertEquals(idsOf(await bench.list("ready")), [
        "a",
        "b",
        "free",
        "c",
        "d",
      ]);
      assertEquals((await bench.result("d")).status, "ready");
      const consumer = bench.consumer();
      const [a, free, b, ...none] = await consumer.claim();
      assertEquals([a?.id, free?.id, b?.id, none], ["a", "free", "b", []]);
      assert(a && b);
      await bench.advance(1);
      const reply = await consumer.step({
        settle: [settle(a, ends.complete())],
        limit: 10,
      });
      assertEquals(idsOf(reply.deliveries), ["c"]);
      await bench.advance(1);
      assertEquals(idsOf(await consumer.claim()), []);
      await consumer.settle(settle(b, ends.dead()), ...complete([]));
      assertEquals(idsOf(await consumer.claim()), ["d"]);
    },
  );

  const terminal = {
    completed: ends.complete(),
    dead: ends.dead(),
    cancelled: ends.cancel(),
    expired: ends.expire(),
    "retried later": ends.retry(HOUR),
    "released for later": ends.release(HOUR),
    "snoozed": ends.snooze(START + HOUR),
  };
  for (const [how, end] of Object.entries(terminal)) {
    declare(
      `step() lets the next task of a key in when one is ${how}`,
      async (bench) => {
        await bench.enqueue(...keyed(one, "a", "b", "c"));
        const consumer = bench.consumer();
        const [a, ...none] = await consumer.claim();
        assertEquals([a?.id, none], ["a", []]);
        assert(a);
        await consumer.settle(settle(a, end));
        const [b] = await consumer.claim();
        assertEquals(b?.id, "b");
        await bench.advance(HOUR);
        assert(b);
        await bench.consumer().step();
        const last = await drain(bench);
        const goesOn = "delayMs" in end || "at" in end;
        assertEquals(last.toSorted(), goesOn ? ["a", "b", "c"] : ["b", "c"]);
      },
    );
  }

  for (const end of [ends.retry(), ends.release()]) {
    declare(
      `step() keeps a key's place for a task that comes again at once by '${end.kind}'`,
      async (bench) => {
        await bench.enqueue(...keyed(one, "a", "b"));
        const consumer = bench.consumer();
        const [a] = await consumer.claim();
        assert(a);
        await consumer.settle(settle(a, end));
        assertEquals(idsOf(await consumer.claim()), ["a"]);
      },
    );
  }

  declare(
    "step() counts a lease that expired until its task is settled",
    async (bench) => {
      await bench.enqueue(...keyed(one, "a", "b"));
      const late = bench.consumer();
      const [a] = await late.claim();
      assert(a);
      await bench.advance(LEASE);
      const consumer = bench.consumer();
      const [again, ...none] = await consumer.claim();
      assertEquals([again?.id, again?.suspect, none], ["a", true, []]);
      assert(again);
      assertEquals((await late.settle(...complete([a]))).stale, ["a"]);
      assertEquals(await bench.consumer().claim(), []);
      await consumer.settle(...complete([again]));
      assertEquals(idsOf(await consumer.claim()), ["b"]);
    },
  );

  declare(
    "step() admits a delayed task of a key when it is due, if there is room",
    async (bench) => {
      const concurrency = one;
      await bench.enqueue(
        delayed("later", 3 * HOUR, { concurrency }),
        delayed("last", 3 * HOUR + 1, { concurrency }),
      );
      assertEquals((await bench.result("later")).status, "scheduled");
      await bench.enqueue(...keyed(one, "a"));
      assertEquals(idsOf(await bench.consumer().claim()), ["a"]);
      for (let i = 0; i < 3; i++) {
        await bench.advance(HOUR);
        await bench.consumer().step();
      }
      const consumer = bench.consumer();
      const [again] = await consumer.claim();
      assertEquals(again?.id, "a");
      assert(again);
      await bench.advance(1);
      await consumer.settle(...complete([again]));
      assertEquals(await drain(bench), ["later", "last"]);
    },
  );

  declare(
    "step() admits a delayed task whose key was forgotten meanwhile",
    async (bench) => {
      const concurrency = one;
      const first = delayed("a", 9 * HOUR, { concurrency });
      await bench.enqueue(first, delayed("b", 9 * HOUR, { concurrency }));
      for (let i = 0; i < 9; i++) {
        await bench.advance(HOUR);
        await bench.enqueue(`t${i}`);
        const consumer = bench.consumer();
        await consumer.settle(
          ...complete((await consumer.claim()).filter(({ id }) => id > "c")),
        );
      }
      await bench.advance(LEASE);
      assertEquals(await drain(bench), ["a", "b"]);
    },
  );

  declare(
    "step() takes what a settlement enqueues into its lane",
    async (bench) => {
      await bench.enqueue(...keyed(one, "a"), "b");
      const consumer = bench.consumer();
      const [a, b] = await consumer.claim();
      assert(a && b);
      await consumer.settle(
        settle(b, ends.complete(), { enqueue: keyed(one, "c", "d") }),
      );
      assertEquals(await consumer.claim(), []);
      await bench.advance(1);
      await consumer.settle(
        settle(a, ends.complete(), { enqueue: keyed(one, "e") }),
      );
      assertEquals(await drain(bench), ["c", "d", "e"]);
    },
  );

  declare(
    "step() lets no key's backlog keep another key, or no key, waiting",
    async (bench) => {
      const big = Array.from({ length: 300 }, (_, i) => `big${i}`);
      const small = Array.from({ length: 10 }, (_, i) => `small${i}`);
      const free = Array.from({ length: 30 }, (_, i) => `free${i}`);
      await bench.enqueue(...keyed(two, ...big));
      await bench.advance(1);
      await bench.enqueue(...keyed({ key: "small", limit: 2 }, ...small));
      await bench.advance(1);
      await bench.enqueue(...free);
      const order = await drain(bench);
      assertEquals(order.length, 340);
      const last = order.lastIndexOf("small9");
      assert(last < 60, `the last of the small key came at ${last}`);
      const ofBig = order.filter((id) => id.startsWith("big"));
      assertEquals(ofBig, big);
      assertEquals(order.filter((id) => id.startsWith("small")), small);
    },
  );

  declare(
    "enqueue() takes the last limit that was given, and more of a raised one at once",
    async (bench) => {
      await bench.enqueue(...keyed(one, "a", "b", "c", "d"));
      const consumer = bench.consumer();
      assertEquals(idsOf(await consumer.claim()), ["a"]);
      await bench.advance(1);
      await bench.enqueue(...keyed({ ...one, limit: 3 }, "e"));
      const more = await consumer.claim();
      assertEquals(idsOf(more), ["b", "c"]);
      await bench.enqueue(...keyed(one, "f"));
      await consumer.settle(...complete(more));
      assertEquals(await consumer.claim(), []);
    },
  );

  declare(
    "enqueue() of a known task of a key counts it once",
    async (bench) => {
      await bench.enqueue(...keyed(one, "a", "b"));
      await bench.enqueue(...keyed(one, "b"));
      await bench.enqueue(...keyed(one, "a"));
      assertEquals(await drain(bench), ["a", "b"]);
      await bench.enqueue(...keyed(one, "c"));
      assertEquals(await drain(bench), ["c"]);
    },
  );

  declare(
    "cancel() and purge() of tasks of a key make room, wherever they wait",
    async (bench) => {
      await bench.enqueue(
        ...keyed(one, "a", "b", "c", "d", "e"),
        delayed("late", HOUR, { concurrency: one }),
      );
      const op = operation();
      assertEquals(await bench.cancel("a", op), "cancelled");
      assertEquals(await bench.cancel("a", op), "cancelled");
      assertEquals(await bench.cancel("d"), "cancelled");
      assertEquals(await bench.cancel("late"), "cancelled");
      const request = {
        operation: operation(),
        tasks: [{ id: "b" }, { id: "never" }],
        error: "purged",
        keepMs: HOUR,
      };
      await bench.broker.purge(bench.queue, request);
      await bench.broker.purge(bench.queue, request);
      const consumer = bench.consumer();
      const [c, ...none] = await consumer.claim();
      assertEquals([c?.id, none], ["c", []]);
      assert(c);
      assertEquals(await bench.cancel("c"), "cancelling");
      await consumer.settle(settle(c, ends.cancel()));
      assertEquals(idsOf(await consumer.claim()), ["e"]);
    },
  );

  declare(
    "cancel() of a related task that waits for its key delivers it at once: it is not to run",
    async (bench) => {
      const [a, b, c] = keyed(one, "a", "b", "c").map((each) => ({
        ...each,
        related: true,
      }));
      assert(a && b && c);
      await bench.enqueue(a, b, c);
      const consumer = bench.consumer();
      const [first] = await consumer.claim();
      assertEquals(await bench.cancel("b"), "cancelling");
      const [second, ...none] = await consumer.claim();
      assertEquals([second?.id, second?.cancelled, none], ["b", true, []]);
      assert(first && second);
      await consumer.settle(settle(second, ends.cancel()));
      assertEquals(await consumer.claim(), []);
      await consumer.settle(...complete([first]));
      assertEquals(idsOf(await consumer.claim()), ["c"]);
    },
  );

  declare(
    "redrive() gives a dead task of a key back to its lane",
    async (bench) => {
      await bench.enqueue(...keyed(one, "a", "b", "c"));
      const consumer = bench.consumer();
      const [a] = await consumer.claim();
      assert(a);
      await consumer.settle(settle(a, ends.dead()));
      const [b] = await consumer.claim();
      assert(b);
      const redriven = {
        operation: operation(),
        tasks: [{ id: "a", diedAt: START }],
      };
      await bench.advance(1);
      await bench.broker.redrive(bench.queue, redriven);
      await bench.broker.redrive(bench.queue, redriven);
      assertEquals(await consumer.claim(), []);
      await consumer.settle(...complete([b]));
      assertEquals(await drain(bench), ["c", "a"]);
    },
  );

  declare(
    "step() takes delayed tasks of a key in the order in which they were due, then by id",
    async (bench) => {
      const lane = { concurrency: one };
      await bench.enqueue(
        delayed("c", 2_000, lane),
        delayed("a", 3_000, lane),
        delayed("d", 1_000, lane),
        delayed("b", 2_000, lane),
      );
      await bench.advance(MINUTE);
      assertEquals(await drain(bench), ["d", "b", "c", "a"]);
    },
  );

  declare(
    "step() never leases more than 'limit' of a key, whatever crashes, and loses none",
    async (bench) => {
      const lanes = [one, two, { key: "three", limit: 3 }];
      const lanesOf = new Map<string, ConcurrencyKey>();
      for (let i = 0; i < 60; i++) {
        const lane = lanes[i % 3]!;
        lanesOf.set(`t${i}`, lane);
        await bench.enqueue(...keyed(lane, `t${i}`));
      }
      const held = new Map<string, { by: string; until: number }>();
      let now = START, done = 0;
      for (let round = 0; round < 400 && done < 60; round++) {
        const consumer = bench.consumer(`c${round}`);
        const claimed = await consumer.claim(1 + round % 5);
        for (const { id, token } of claimed) {
          held.set(id, { by: token, until: now + LEASE });
        }
        for (const lane of lanes) {
          const valid = [...held].filter(([id, { until }]) =>
            until > now && lanesOf.get(id) === lane
          );
          assert(valid.length <= lane.limit, `${valid} of ${lane.key}`);
        }
        const crashes = round % 5 === 0;
        const settled = crashes ? [] : claimed.map((each, i) =>
          settle(
            each,
            i % 3 === 1 ? ends.retry(i % 2 * MINUTE) : ends.complete(),
          )
        );
        await consumer.settle(...settled);
        for (const { id, end } of settled) {
          held.delete(id);
          if (end.kind === "complete") done++;
        }
        const ms = round % 4 === 3 ? LEASE : 1;
        now += ms;
        await bench.advance(ms);
      }
      assertEquals(done, 60);
    },
  );
}
