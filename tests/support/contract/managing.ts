import { assert, assertEquals } from "@std/assert";
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
} from "./bench.ts";

async function purge(
  bench: Bench,
  ids: readonly string[],
  enqueuedAt: number = START,
): Promise<number> {
  const { changed } = await bench.broker.purge(bench.queue, {
    operation: operation(),
    tasks: ids.map((id) => ({ id, enqueuedAt })),
    error: "purged|\n",
    keepMs: MINUTE,
  });
  return changed;
}

async function redrive(
  bench: Bench,
  ids: readonly string[],
  diedAt: number = START,
): Promise<number> {
  const { changed } = await bench.broker.redrive(bench.queue, {
    operation: operation(),
    tasks: ids.map((id) => ({ id, diedAt })),
  });
  return changed;
}

/** Enqueues and buries. */
async function kill(bench: Bench, ...ids: readonly string[]): Promise<void> {
  await bench.enqueue(...ids);
  const consumer = bench.consumer();
  const held = await consumer.claim();
  await consumer.settle(...held.map((d) => settle(d, ends.dead(`of ${d.id}`))));
}

/** What people do to a queue. */
export function managing(declare: Declare): void {
  declare("pause() stops claiming, and nothing else", async (bench) => {
    await bench.enqueue("a", "b", delayed("c", SECOND));
    const consumer = bench.consumer();
    const [a] = await consumer.claim(1);
    assert(a);
    await bench.pause(true);
    const reply = await consumer.step({
      settle: [settle(a, ends.complete("done"))],
      limit: 10,
    });
    assertEquals([reply.paused, reply.deliveries, reply.stale], [true, [], []]);
    assertEquals((await bench.result("a")).status, "completed");
    await bench.advance(SECOND);
    await consumer.step({ limit: 10 });
    assertEquals(idsOf(await bench.list("ready")), ["b", "c"]);
    await bench.enqueue("d");
    const { stats } = await bench.snapshot();
    assertEquals(stats, {
      ready: 3,
      scheduled: 0,
      leased: 0,
      dead: 0,
      paused: true,
      pausedNames: [],
      oldestAt: START,
      evicted: [],
    });
  });

  declare("pause() lets leases be extended, and reaps them", async (bench) => {
    await bench.enqueue("a", "b");
    const consumer = bench.consumer();
    const [a] = await consumer.claim();
    assert(a);
    await bench.pause(true);
    assertEquals((await consumer.extend([a], HOUR)).lost, []);
    await bench.advance(LEASE);
    assertEquals((await consumer.step({ limit: 1 })).reaped, ["b"]);
  });

  declare("pause() lets claiming go on", async (bench) => {
    await bench.enqueue("a");
    await bench.pause(true);
    await bench.pause(true);
    await bench.pause(false);
    const reply = await bench.consumer().step({ limit: 1 });
    assertEquals([reply.paused, idsOf(reply.deliveries)], [false, ["a"]]);
    assertEquals((await bench.snapshot()).stats.paused, false);
  });

  declare(
    "pause() of a queue without tasks holds for those to come",
    async (bench) => {
      await bench.pause(true);
      await bench.enqueue("a");
      assertEquals(await bench.consumer().claim(), []);
      await bench.cancel("a");
      await bench.enqueue("b");
      assertEquals((await bench.consumer().step({ limit: 1 })).paused, true);
    },
  );

  declare(
    "purge() ends what waits or is dead, and leaves the rest alone",
    async (bench) => {
      await kill(bench, "dead", "retrying dead");
      await bench.enqueue("ended", "leased", "retrying");
      const consumer = bench.consumer();
      const [ended, , retrying] = await consumer.claim();
      assert(ended && retrying);
      await consumer.settle(
        settle(ended, ends.complete("done")),
        settle(retrying, ends.retry(MINUTE)),
      );
      await bench.enqueue("ready", delayed("scheduled", MINUTE));
      const ids = [
        "dead",
        "ended",
        "leased",
        "retrying",
        "ready",
        "scheduled",
        "never",
      ];
      assertEquals(await purge(bench, ids), 4);
      const standings = await Promise.all(ids.map((id) => bench.result(id)));
      assertEquals(standings.map((each) => each.status), [
        "cancelled",
        "completed",
        "leased",
        "cancelled",
        "cancelled",
        "cancelled",
        "missing",
      ]);
      assertEquals(standings[0], {
        status: "cancelled",
        attempt: 1,
        endedAt: START,
        error: "purged|\n",
      });
      assertEquals(idsOf(await bench.list("dead")), ["retrying dead"]);
      await bench.advance(MINUTE - 1);
      assertEquals((await bench.enqueue("ready"))[0]?.status, "known");
      await bench.advance(1);
      assertEquals((await bench.result("ready")).status, "missing");
      assertEquals((await bench.enqueue("ready"))[0]?.status, "new");
    },
  );

  declare("purge() counts no task that was cancelled before", async (bench) => {
    await bench.enqueue("a", "b");
    await bench.cancel("a");
    const { changed } = await bench.broker.purge(bench.queue, {
      operation: operation(),
      tasks: ["a", "b"].map((id) => ({ id, enqueuedAt: START })),
      error: "purged",
      keepMs: HOUR,
    });
    assertEquals(changed, 1);
    const standing = await bench.result("a");
    assert(standing.status === "cancelled");
    assertEquals(standing.error, "cancelled");
  });

  declare(
    "purge() ends a task only if it was accepted at that very instant",
    async (bench) => {
      await bench.enqueue("a");
      assertEquals(await purge(bench, ["a"], START - 1), 0);
      assertEquals(await purge(bench, ["a"], START + 1), 0);
      assertEquals((await bench.result("a")).status, "ready");
      assertEquals(await purge(bench, ["a"], START), 1);
    },
  );

  declare("purge() ends all that list() shows", async (bench) => {
    await bench.enqueue("a", "b", delayed("c", HOUR));
    await bench.advance(7);
    await bench.enqueue("d", delayed("e", 2 * HOUR));
    const listed = [
      ...await bench.list("ready"),
      ...await bench.list("scheduled"),
    ];
    const { changed } = await bench.broker.purge(bench.queue, {
      operation: operation(),
      tasks: listed,
      error: "purged",
      keepMs: MINUTE,
    });
    assertEquals(changed, 5);
    const { stats } = await bench.snapshot();
    assertEquals([stats.ready, stats.scheduled], [0, 0]);
  });

  declare(
    "redrive() gives a dead task all its attempts again",
    async (bench) => {
      await kill(bench, "a", "b");
      await bench.enqueue("c");
      await bench.advance(1);
      assertEquals(await redrive(bench, ["b", "a", "never", "c"]), 2);
      const standing = await bench.result("a");
      assertEquals(
        [standing.status, "attempt" in standing && standing.attempt],
        [
          "ready",
          0,
        ],
      );
      assertEquals(await bench.list("dead"), []);
      const deliveries = await bench.consumer().claim();
      assertEquals(
        deliveries.map((
          d,
        ) => [d.id, d.attempt, d.suspect, d.enqueuedAt, d.envelope]),
        [
          ["c", 1, false, START, "envelope of c"],
          ["b", 1, false, START, "envelope of b"],
          ["a", 1, false, START, "envelope of a"],
        ],
      );
    },
  );

  declare(
    "redrive() revives a task only if it is dead since that very instant",
    async (bench) => {
      await kill(bench, "a");
      assertEquals(await redrive(bench, ["a"], START - 1), 0);
      assertEquals(await redrive(bench, ["a"], START + 1), 0);
      assertEquals((await bench.result("a")).status, "dead");
      assertEquals(await redrive(bench, ["a"]), 1);
    },
  );

  declare(
    "redrive() revives all that list() shows, and they can die again",
    async (bench) => {
      await kill(bench, "a", "b", "c");
      for (let life = 2; life <= 3; life++) {
        await bench.advance(SECOND);
        const tasks = (await bench.list("dead")).map(({ id, at = 0 }) => ({
          id,
          diedAt: at,
        }));
        const { changed } = await bench.broker.redrive(bench.queue, {
          operation: operation(),
          tasks,
        });
        assertEquals(changed, 3);
        const consumer = bench.consumer();
        const held = await consumer.claim();
        assertEquals(idsOf(held), ["a", "b", "c"]);
        await consumer.settle(
          ...held.map((d) => settle(d, ends.dead(`life ${life} of ${d.id}`))),
        );
        const dead = await bench.list("dead");
        assertEquals(dead.map((d) => d.error), [
          `life ${life} of a`,
          `life ${life} of b`,
          `life ${life} of c`,
        ]);
      }
    },
  );

  declare(
    "redrive() runs a task that was cancelled before it died",
    async (bench) => {
      await bench.enqueue("a");
      const consumer = bench.consumer();
      const [a] = await consumer.claim();
      assert(a);
      await bench.cancel("a");
      await consumer.settle(settle(a, ends.dead()));
      await redrive(bench, ["a"]);
      const [again] = await consumer.claim();
      assertEquals([again?.cancelled, again?.suspect], [false, false]);
    },
  );

  declare(
    "redrive() lets a task be cancelled and purged again",
    async (bench) => {
      await kill(bench, "a", "b");
      await redrive(bench, ["a", "b"]);
      assertEquals(await bench.cancel("a"), "cancelled");
      assertEquals(await purge(bench, ["b"]), 1);
      assertEquals(await bench.consumer().claim(), []);
    },
  );
}
