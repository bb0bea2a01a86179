import { assert, assertEquals } from "@std/assert";
import {
  type Bench,
  type Consumer,
  DAY,
  type Declare,
  delayed,
  ends,
  HOUR,
  idsOf,
  MINUTE,
  operation,
  SECOND,
  settle,
  START,
  task,
} from "./bench.ts";

/** How many entries the whole queue has. */
async function sizeOf(bench: Bench): Promise<number> {
  let checked = 0;
  let cursor: string | undefined;
  do {
    const page = await bench.broker.inspect(bench.queue, {
      repair: false,
      cursor,
    });
    checked += page.checked;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return checked;
}

/** Steps once a minute, as a cron drain does, until a step has nothing left to sweep; says how many steps swept. */
async function sweepAll(bench: Bench, consumer: Consumer): Promise<number> {
  for (let steps = 1; steps <= 100; steps++) {
    await bench.advance(MINUTE);
    const { sweeping } = await consumer.step({ limit: 10 });
    if (!sweeping && steps > 3) return steps;
  }
  throw new Error("100 steps did not sweep all");
}

/** What is past its time leaves nothing behind. */
export function sweeping(declare: Declare): void {
  declare("step() forgets everything in its time", async (bench) => {
    const consumer = bench.consumer();
    await bench.enqueue("first");
    const [first] = await consumer.claim();
    assert(first);
    await consumer.settle(settle(first, ends.complete()));
    await sweepAll(bench, consumer);
    await bench.advance(2 * DAY);
    await sweepAll(bench, consumer);
    const empty = await sizeOf(bench);

    await bench.enqueue(
      ...Array.from(
        { length: 30 },
        (_, i) => task(`t${i}`, { dedupe: { key: `k${i}`, ttlMs: HOUR } }),
      ),
      delayed("scheduled", HOUR),
    );
    const held = await consumer.claim(30);
    const kinds = [
      ends.complete("x"),
      ends.cancel(),
      ends.expire(),
      ends.dead(),
      ends.retry(MINUTE),
    ];
    await consumer.settle(
      ...held.map((d, i) =>
        settle(d, kinds[i % 5] ?? ends.dead(), {
          dedupe: i % 2 === 0 ? `k${i}` : undefined,
        })
      ),
    );
    await bench.advance(MINUTE);
    const retried = await consumer.claim(30);
    assertEquals(retried.length, 6);
    await consumer.settle(
      ...retried.map((d) => settle(d, ends.complete("2"))),
    );
    await bench.cancel("scheduled");
    const dead = await bench.list("dead");
    assertEquals(dead.length, 6);
    await bench.broker.purge(bench.queue, {
      operation: operation(),
      tasks: dead,
      error: "purged",
      keepMs: HOUR,
    });
    assert(await sizeOf(bench) > empty);
    await bench.advance(2 * DAY);
    await sweepAll(bench, consumer);
    assertEquals(await sizeOf(bench), empty);
    assertEquals((await bench.broker.stats(bench.queue)).evicted, []);
    await bench.verify();
  });

  declare("step() forgets in time however busy the queue is", async (bench) => {
    const consumer = bench.consumer();
    const ids = Array.from({ length: 200 }, (_, i) => `t${i}`);
    await bench.enqueue(...ids);
    const held = await consumer.claim(200);
    const end = ends.complete(undefined, { keepMs: MINUTE });
    await consumer.settle(...held.map((d) => settle(d, end)));
    const before = await sizeOf(bench);
    for (let i = 0; i < 12; i++) {
      await bench.advance(20 * SECOND);
      const dedupe = { key: `k${i}`, ttlMs: HOUR };
      await bench.enqueue(task(`a${i}`), delayed(`b${i}`, HOUR, { dedupe }));
      await bench.cancel(`b${i}`);
      const [a] = await consumer.claim();
      assert(a);
      await consumer.settle(settle(a, ends.complete()));
    }
    const after = await sizeOf(bench);
    assert(after < before - 100, `${before} entries before, ${after} after`);
  });

  declare(
    "step() forgets in time whatever else is kept for long",
    async (bench) => {
      const consumer = bench.consumer();
      const dedupe = { key: "k", ttlMs: 30 * DAY };
      await bench.enqueue(task("kept", { dedupe }));
      const [kept] = await consumer.claim();
      assert(kept);
      await consumer.settle(settle(kept, ends.complete()));
      await bench.advance(2 * DAY);
      await sweepAll(bench, consumer);
      const before = await sizeOf(bench);

      await bench.enqueue(...Array.from({ length: 50 }, (_, i) => `t${i}`));
      const held = await consumer.claim(50);
      await consumer.settle(...held.map((d) => settle(d, ends.complete("x"))));
      await bench.advance(3 * HOUR);
      await sweepAll(bench, consumer);
      const after = await sizeOf(bench);
      assert(after < before + 10, `${before} entries before, ${after} after`);
    },
  );

  declare(
    "step() forgets in steps of 2,000 at most and says when more is left",
    async (bench) => {
      const consumer = bench.consumer();
      for (let batch = 0; batch < 5; batch++) {
        await bench.enqueue(
          ...Array.from({ length: 1000 }, (_, i) => `t${batch}.${i}`),
        );
        const held = await consumer.claim(1000);
        const { stale } = await consumer.settle(
          ...held.map((d) => settle(d, ends.complete(undefined))),
        );
        assertEquals(stale, []);
      }
      const before = await sizeOf(bench);
      await bench.advance(HOUR + 2 * MINUTE);
      const first = await consumer.step();
      assertEquals(first.sweeping, true);
      const after = await sizeOf(bench);
      // a record and its place in the line of what ends
      assert(before - after <= 4_000, `${before - after} entries at once`);
      assert(before - after >= 2_000, `${before - after} entries only`);
      assertEquals((await consumer.step()).sweeping, true);
      await sweepAll(bench, consumer);
      assertEquals((await bench.result("t4.999")).status, "missing");
      assert(await sizeOf(bench) < 50);
    },
  );

  declare("step() leaves alone what is not past its time", async (bench) => {
    const consumer = bench.consumer();
    await bench.enqueue(
      "short",
      "long",
      task("keyed", {
        dedupe: { key: "k", ttlMs: 3 * HOUR },
      }),
    );
    const [short, long, keyed] = await consumer.claim();
    assert(short && long && keyed);
    await consumer.settle(
      settle(short, ends.complete("s", { keepMs: MINUTE })),
      settle(long, ends.complete("l", { resultMs: DAY, keepMs: DAY })),
      settle(keyed, ends.dead("d")),
    );
    await bench.advance(2 * HOUR);
    await sweepAll(bench, consumer);
    const standing = await bench.result("long");
    assert(standing.status === "completed");
    assertEquals(standing.payload, "l");
    assertEquals((await bench.result("keyed")).status, "dead");
    assertEquals(
      (await bench.enqueue(task("other", {
        dedupe: { key: "k", ttlMs: HOUR },
      })))[0]?.status,
      "duplicate",
    );
  });

  declare("step() keeps the dead for 180 days", async (bench) => {
    const consumer = bench.consumer();
    await bench.enqueue("a");
    const [a] = await consumer.claim();
    assert(a);
    await consumer.settle(settle(a, ends.dead("why")));
    await bench.advance(179 * DAY);
    await sweepAll(bench, consumer);
    assertEquals(await bench.result("a"), {
      status: "dead",
      attempt: 1,
      endedAt: START,
      error: "why",
    });
    await bench.advance(DAY);
    await sweepAll(bench, consumer);
    await bench.advance(HOUR);
    await sweepAll(bench, consumer);
    assertEquals(await bench.result("a"), { status: "missing" });
    assertEquals(await bench.list("dead"), []);
    assertEquals((await bench.enqueue("a"))[0]?.status, "new");
  });

  declare("step() keeps the newest 10,000 of the dead", async (bench) => {
    const consumer = bench.consumer();
    for (let batch = 0; batch < 11; batch++) {
      await bench.advance(SECOND);
      const ids = Array.from({ length: 1000 }, (_, i) => `t${batch}.${i}`);
      await bench.enqueue(...ids);
      const held = await consumer.claim(1000);
      assertEquals(idsOf(held), ids);
      await consumer.settle(...held.map((d) => settle(d, ends.dead("x"))));
    }
    await sweepAll(bench, consumer);
    await bench.advance(HOUR);
    await sweepAll(bench, consumer);
    const { dead } = await bench.broker.stats(bench.queue);
    assertEquals(dead, 10_000);
    assertEquals((await bench.result("t0.0")).status, "missing");
    assertEquals((await bench.result("t1.0")).status, "dead");
  });
}
