import { assert, assertEquals } from "@std/assert";
import type {
  Delivery,
  NewTask,
  RateKey,
  StepRequest,
} from "../../../src/broker/broker.ts";
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
  SECOND,
  settle,
  START,
  task,
} from "./bench.ts";

const ten: RateKey = { key: "k|1,\n", limit: 10, perMs: SECOND };
const slow: RateKey = { key: "slow", limit: 1, perMs: MINUTE };

const rated = (rate: RateKey, ...ids: readonly string[]): readonly NewTask[] =>
  ids.map((id) => task(id, { rate }));

const many = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** Completes what was claimed. */
const complete = (deliveries: readonly Delivery[]) =>
  deliveries.map((each) => settle(each, ends.complete()));

/** When tasks were claimed within a minute, counted from its beginning, by consumers that take turns and come `nextMs` after what they were told. */
async function minute(
  bench: Bench,
  more: Partial<StepRequest>,
  nextMs: (dueInMs: number, turn: number) => number,
): Promise<readonly number[]> {
  const consumers = [bench.consumer(), bench.consumer(), bench.consumer()];
  const held: (readonly Delivery[])[] = [[], [], []];
  const starts: number[] = [];
  for (let turn = 0, now = 0; now < MINUTE; turn++) {
    const who = turn % 3;
    const reply = await consumers[who]!.step({
      limit: 50,
      settle: complete(held[who]!),
      ...more,
    });
    held[who] = reply.deliveries;
    for (const _ of reply.deliveries) starts.push(now);
    assert(reply.nextDueAt !== undefined, "more is to come");
    const ms = nextMs(Math.max(1, reply.nextDueAt - reply.now), turn);
    await bench.advance(ms);
    now += ms;
  }
  for (const who of [0, 1, 2]) {
    await consumers[who]!.settle(...complete(held[who]!));
  }
  return starts;
}

/** The most that began within `ms`, wherever that lies. */
function most(starts: readonly number[], ms: number): number {
  return Math.max(
    ...starts.map((from) =>
      starts.filter((at) => at >= from && at < from + ms).length
    ),
  );
}

/** How consumers come, and how many start within one second then: one window's worth is made good when they are late. */
const comings = {
  "when they are told to": {
    nextMs: (dueInMs: number) => dueInMs,
    atMost: 11,
  },
  "now and then": {
    nextMs: (_: number, turn: number) => 1 + turn * 137 % 480,
    atMost: 21,
  },
  "every 900 ms": { nextMs: () => 900, atMost: 21 },
} as const;

/** Rates, of keys and of the whole queue. */
export function rates(declare: Declare): void {
  for (const [how, { nextMs, atMost }] of Object.entries(comings)) {
    declare(
      `step() holds the rate of a key within 5 % over a minute when consumers come ${how}`,
      async (bench) => {
        await bench.enqueue(...rated(ten, ...many("t", 700)));
        const starts = await minute(bench, {}, nextMs);
        assert(starts.length >= 570 && starts.length <= 611, `${starts}`);
        const burst = most(starts, SECOND);
        assert(burst <= atMost, `${burst} in a second`);
      },
    );
    declare(
      `step() holds the rate of the queue within 5 % over a minute when consumers come ${how}`,
      async (bench) => {
        await bench.enqueue(...many("t", 700));
        const rate = { limit: 10, perMs: SECOND };
        const starts = await minute(bench, { rate }, nextMs);
        assert(starts.length >= 570 && starts.length <= 611, `${starts}`);
        const burst = most(starts, SECOND);
        assert(burst <= atMost, `${burst} in a second`);
      },
    );
  }

  declare(
    "step() holds a rate whose interval is no whole number of milliseconds",
    async (bench) => {
      const rate = { key: "odd", limit: 700, perMs: 60_000 };
      await bench.enqueue(...rated(rate, ...many("t", 800)));
      const starts = await minute(bench, {}, (dueInMs) => dueInMs);
      assert(
        starts.length >= 698 && starts.length <= 702,
        `${starts.length}`,
      );
    },
  );

  declare(
    "step() brings what is faster than 50 ms in batches, and all of it",
    async (bench) => {
      const rate = { key: "fast", limit: 1_000, perMs: SECOND };
      await bench.enqueue(...rated(rate, ...many("t", 200)));
      const consumer = bench.consumer();
      const batches: number[] = [];
      for (let left = 200; left > 0;) {
        const reply = await consumer.step({ limit: 200 });
        batches.push(reply.deliveries.length);
        left -= reply.deliveries.length;
        const more = await consumer.settle(...complete(reply.deliveries));
        if (left > 0) await bench.advance(more.nextDueAt! - more.now);
      }
      assertEquals(batches, [1, 50, 50, 50, 49]);
    },
  );

  declare(
    "step() begins with one task of a key that was idle, and tells when the next comes",
    async (bench) => {
      await bench.enqueue(...rated(slow, "a", "b"), "free");
      const consumer = bench.consumer();
      const reply = await consumer.step({ limit: 10 });
      assertEquals(idsOf(reply.deliveries), ["a", "free"]);
      assertEquals((await bench.result("b")).status, "ready");
      const { ready, scheduled } = await bench.broker.stats(bench.queue);
      assertEquals([ready, scheduled], [1, 0]);
      assertEquals(idsOf(await bench.list("scheduled")), []);
      const next = await consumer.settle(...complete(reply.deliveries));
      assertEquals(next.nextDueAt, START + MINUTE);
      await bench.advance(MINUTE - 1);
      assertEquals(await consumer.claim(), []);
      await bench.advance(1);
      const last = await consumer.claim();
      assertEquals(idsOf(last), ["b"]);
      await consumer.settle(...complete(last));
      await bench.advance(HOUR);
      await bench.enqueue(...rated(slow, "c", "d"));
      assertEquals(idsOf(await consumer.claim()), ["c"]);
      assertEquals(await consumer.claim(), []);
    },
  );

  declare(
    "step() begins with one task of a queue that was idle, and tells when the next comes",
    async (bench) => {
      const rate = { limit: 1, perMs: MINUTE };
      const consumer = bench.consumer();
      for (const [a, b] of [["a", "b"], ["c", "d"]] as const) {
        await bench.enqueue(a, b);
        const first = await consumer.step({ limit: 10, rate });
        assertEquals(idsOf(first.deliveries), [a]);
        await consumer.settle(...complete(first.deliveries));
        const none = await bench.consumer().step({ limit: 10, rate });
        assertEquals([none.deliveries, none.nextDueAt], [
          [],
          none.now + MINUTE,
        ]);
        await bench.advance(MINUTE);
        const second = await consumer.step({ limit: 10, rate });
        assertEquals(idsOf(second.deliveries), [b]);
        await consumer.settle(...complete(second.deliveries));
        await bench.advance(HOUR);
      }
      await bench.enqueue("e", "f");
      const unbound = await consumer.claim(10);
      assertEquals(idsOf(unbound), ["e", "f"]);
    },
  );

  declare(
    "step() counts a claim once in the queue's rate, however often it is repeated",
    async (bench) => {
      await bench.enqueue("a", "b", "c");
      const consumer = bench.consumer();
      const rate = { limit: 1, perMs: MINUTE };
      const request = consumer.request({ limit: 5, rate });
      assertEquals(idsOf((await bench.step(request)).deliveries), ["a"]);
      await bench.advance(1);
      const again = await bench.step(request);
      assertEquals([again.status, idsOf(again.deliveries)], ["replay", ["a"]]);
      await bench.advance(MINUTE - 1);
      const next = await bench.consumer().step({ limit: 5, rate });
      assertEquals(idsOf(next.deliveries).length, 1);
    },
  );

  declare(
    "step() counts what comes again in the rate of its key, but does not hold it back",
    async (bench) => {
      await bench.enqueue(...rated(slow, "a", "b"));
      const consumer = bench.consumer();
      for (const end of [ends.retry(), ends.release()]) {
        const [a, ...none] = await consumer.claim();
        assertEquals([a?.id, none], ["a", []]);
        await consumer.settle(settle(a!, end));
      }
      const [lost] = await bench.consumer().claim();
      assertEquals(lost?.id, "a");
      await bench.advance(LEASE);
      const [again] = await consumer.claim();
      assertEquals([again?.id, again?.suspect], ["a", true]);
      await consumer.settle(...complete([again!]));
      await bench.advance(4 * MINUTE - LEASE - 1);
      assertEquals(await consumer.claim(), []);
      await bench.advance(1);
      assertEquals(idsOf(await consumer.claim()), ["b"]);
    },
  );

  declare(
    "purge() leaves no part of a key's rate to those that it asks to stop",
    async (bench) => {
      const related = { rate: slow, related: true };
      await bench.enqueue(...rated(slow, "first"));
      const consumer = bench.consumer();
      await consumer.settle(...complete(await consumer.claim()));
      await bench.enqueue(task("a", related), task("b", related));
      await bench.advance(2 * MINUTE);
      await bench.broker.purge(bench.queue, {
        operation: operation(),
        tasks: [{ id: "a" }, { id: "b" }],
        error: "purged",
        keepMs: HOUR,
      });
      await bench.enqueue(...rated(slow, "c"));
      assertEquals(idsOf(await consumer.claim(5)), ["a", "b", "c"]);
    },
  );

  declare(
    "step() keeps to a key's limit and to its rate where it has both",
    async (bench) => {
      const concurrency = { key: slow.key, limit: 2 };
      const both = (id: string) => task(id, { concurrency, rate: slow });
      await bench.enqueue(...["a", "b", "c", "d"].map(both));
      const consumer = bench.consumer();
      const held: Delivery[] = [];
      for (const expected of [["a"], ["b"], []]) {
        const claimed = await consumer.claim(5, { leaseMs: HOUR });
        assertEquals(idsOf(claimed), expected);
        held.push(...claimed);
        await bench.advance(MINUTE);
      }
      const reply = await consumer.step({
        limit: 5,
        leaseMs: HOUR,
        settle: complete(held),
      });
      assertEquals(idsOf(reply.deliveries), ["c"]);
      await bench.advance(MINUTE);
      assertEquals(idsOf(await consumer.claim()), ["d"]);
    },
  );

  declare(
    "step() claims no more than a window's worth at once after a pause",
    async (bench) => {
      const rate = { key: "paused", limit: 3, perMs: SECOND };
      await bench.pause(true);
      await bench.enqueue(...rated(rate, ...many("t", 20)));
      for (let i = 0; i < 10; i++) {
        await bench.advance(SECOND);
        await bench.consumer().claim();
      }
      await bench.pause(false);
      await bench.advance(1);
      const consumer = bench.consumer();
      const first = await consumer.claim(20);
      assertEquals(first.length, 4);
      await consumer.settle(...complete(first));
      assertEquals(await consumer.claim(20), []);
      await bench.advance(SECOND);
      assertEquals((await consumer.claim(20)).length, 3);
    },
  );

  declare(
    "enqueue() takes the last rate that was given, and none at all",
    async (bench) => {
      await bench.enqueue(...rated(slow, "a", "b", "c", "d"));
      const consumer = bench.consumer();
      const next = async () => {
        const claimed = await consumer.claim();
        await consumer.settle(...complete(claimed));
        return idsOf(claimed);
      };
      assertEquals(await next(), ["a"]);
      await bench.advance(1);
      await bench.enqueue(...rated({ ...slow, perMs: 2 * MINUTE }, "e"));
      await bench.advance(MINUTE);
      assertEquals(await next(), ["b"]);
      await bench.advance(MINUTE);
      assertEquals(await next(), []);
      const concurrency = { key: slow.key, limit: 5 };
      await bench.enqueue(task("f", { concurrency }));
      assertEquals(await next(), ["c", "d", "e", "f"]);
    },
  );

  declare(
    "step() holds back a delayed task of a key when it is due, and one that comes again later",
    async (bench) => {
      await bench.enqueue(
        delayed("x", SECOND, { rate: slow }),
        delayed("y", SECOND + 1, { rate: slow }),
      );
      await bench.advance(2 * SECOND);
      const consumer = bench.consumer();
      const [x, ...none] = await consumer.claim();
      assertEquals([x?.id, none], ["x", []]);
      await consumer.settle(settle(x!, ends.retry(SECOND)));
      await bench.advance(SECOND);
      assertEquals(await consumer.claim(), []);
      await bench.advance(MINUTE);
      const [second, ...more] = await consumer.claim();
      assertEquals(more, []);
      await consumer.settle(...complete([second!]));
      await bench.advance(MINUTE);
      const [third] = await consumer.claim();
      assertEquals([second?.id, third?.id].toSorted(), ["x", "y"]);
    },
  );

  declare(
    "cancel(), purge() and redrive() keep to a key's rate",
    async (bench) => {
      await bench.enqueue(...rated(slow, "a", "b", "c", "d"));
      assertEquals(await bench.cancel("a"), "cancelled");
      assertEquals(await bench.cancel("c"), "cancelled");
      const consumer = bench.consumer();
      const [b, ...none] = await consumer.claim();
      assertEquals([b?.id, none], ["b", []]);
      await consumer.settle(settle(b!, ends.dead()));
      await bench.advance(1);
      await bench.broker.redrive(bench.queue, {
        operation: operation(),
        tasks: [{ id: "b", diedAt: START }],
      });
      assertEquals(await consumer.claim(), []);
      await bench.advance(MINUTE);
      assertEquals(idsOf(await consumer.claim()), ["d"]);
      await bench.broker.purge(bench.queue, {
        operation: operation(),
        tasks: [{ id: "b" }],
        error: "purged",
        keepMs: HOUR,
      });
      assertEquals((await bench.result("b")).status, "cancelled");
      await bench.advance(LEASE);
      assertEquals(idsOf(await consumer.claim()), ["d"]);
    },
  );

  declare(
    "step() delivers what was cancelled, and schedules, beside the queue's rate",
    async (bench) => {
      const rate = { limit: 1, perMs: HOUR };
      await bench.enqueue("a", task("b", { related: true }), "c");
      assertEquals(await bench.cancel("b"), "cancelling");
      await bench.broker.schedule(bench.queue, {
        operation: operation(),
        hash: "hourly",
        task: task("tick", { due: { kind: "at", at: START } }),
      });
      const consumer = bench.consumer();
      const { deliveries } = await consumer.step({ limit: 10, rate });
      assertEquals(idsOf(deliveries).toSorted(), ["a", "b", "tick"]);
    },
  );
}
