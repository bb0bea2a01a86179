import { assert, assertEquals, assertRejects } from "@std/assert";
import type { NewTask, Settlement } from "../../../src/broker/broker.ts";
import { QueueFullError } from "../../../src/core/error.ts";
import {
  type Bench,
  type Declare,
  ends,
  HOUR,
  LEASE,
  MINUTE,
  operation,
  settle,
  START,
  task,
} from "./bench.ts";

function keyed(id: string, ttlMs: number = HOUR): NewTask {
  return task(id, { dedupe: { key: "key", ttlMs } });
}

async function endFirst(
  bench: Bench,
  end: Settlement["end"],
  dedupe: string | undefined,
): Promise<void> {
  await bench.enqueue(keyed("a"));
  const consumer = bench.consumer();
  const [a] = await consumer.claim();
  assert(a);
  await consumer.settle(settle(a, end, { dedupe }));
}

/** At most one task per key. */
export function dedupe(declare: Declare): void {
  declare(
    "enqueue() answers with the task that holds the dedupe key",
    async (bench) => {
      assertEquals(await bench.enqueue(keyed("a")), [{
        status: "new",
        id: "a",
      }]);
      assertEquals(await bench.enqueue(keyed("b"), "c"), [
        { status: "duplicate", id: "a" },
        { status: "new", id: "c" },
      ]);
      assertEquals((await bench.result("b")).status, "missing");
      assertEquals(await bench.enqueue(keyed("a")), [
        { status: "known", id: "a" },
      ]);
    },
  );

  declare(
    "enqueue() answers with the first of a request that holds the dedupe key",
    async (bench) => {
      const answers = await bench.enqueue(keyed("a"), keyed("b"), keyed("a"));
      assertEquals(answers, [
        { status: "new", id: "a" },
        { status: "duplicate", id: "a" },
        { status: "known", id: "a" },
      ]);
    },
  );

  declare(
    "enqueue() takes no dedupe key for a task that is known without it",
    async (bench) => {
      await bench.enqueue("a");
      assertEquals(await bench.enqueue(keyed("a")), [{
        status: "known",
        id: "a",
      }]);
      assertEquals(await bench.enqueue(keyed("a"), "c"), [
        { status: "known", id: "a" },
        { status: "new", id: "c" },
      ]);
      assertEquals((await bench.enqueue(keyed("b")))[0]?.status, "new");
    },
  );

  declare(
    "enqueue() takes a dedupe key no second time when it comes again late",
    async (bench) => {
      await bench.enqueue(keyed("live", MINUTE));
      await bench.advance(MINUTE);
      assertEquals(
        (await bench.enqueue(keyed("live", MINUTE)))[0]?.status,
        "known",
      );
      assertEquals((await bench.enqueue(keyed("a")))[0]?.status, "new");
      const consumer = bench.consumer();
      const held = await consumer.claim();
      await consumer.settle(
        ...held.map((d) => settle(d, ends.complete(), { dedupe: "key" })),
      );
      assertEquals((await bench.enqueue(keyed("a")))[0]?.status, "known");
      assertEquals((await bench.enqueue(keyed("b")))[0]?.status, "new");
    },
  );

  declare(
    "enqueue() answers as known, however late, what was accepted before another took the dedupe key",
    async (bench) => {
      await endFirst(bench, ends.complete(), "key");
      await bench.enqueue(keyed("b"));
      const known = { status: "known", id: "a" } as const;
      assertEquals(await bench.enqueue(keyed("a")), [known]);
      assertEquals(await bench.enqueue(keyed("a"), keyed("c"), keyed("c")), [
        known,
        { status: "duplicate", id: "b" },
        { status: "duplicate", id: "b" },
      ]);
    },
  );

  declare(
    "enqueue() refuses in a full queue a task whose own dedupe key outlives it, as any that adds to it",
    async (bench) => {
      const consumer = bench.consumer();
      await bench.enqueue(keyed("a"));
      const [a] = await consumer.claim();
      assert(a);
      const end = ends.complete("1", { resultMs: MINUTE, keepMs: MINUTE });
      await consumer.settle(settle(a, end));
      await bench.advance(MINUTE);
      await bench.enqueue("other");
      const request = { tasks: [keyed("a")], maxBacklog: 1 };
      await assertRejects(
        () => bench.broker.enqueue(bench.queue, request),
        QueueFullError,
      );
    },
  );

  declare(
    "enqueue() takes a dedupe key again when its ttlMs has passed",
    async (bench) => {
      await bench.enqueue(keyed("a", MINUTE));
      await bench.advance(MINUTE - 1);
      assertEquals((await bench.enqueue(keyed("b")))[0]?.status, "duplicate");
      await bench.advance(1);
      assertEquals((await bench.enqueue(keyed("b")))[0]?.status, "new");
      assertEquals(await bench.enqueue(keyed("c")), [
        { status: "duplicate", id: "b" },
      ]);
    },
  );

  for (
    const end of [
      ends.complete(),
      ends.dead(),
      ends.cancel(),
      ends.expire(),
    ]
  ) {
    declare(
      `step() frees the dedupe key that '${end.kind}' names`,
      async (bench) => {
        await endFirst(bench, end, "key");
        assertEquals((await bench.enqueue(keyed("b")))[0]?.status, "new");
      },
    );

    declare(
      `step() keeps the dedupe key that '${end.kind}' does not name`,
      async (bench) => {
        await endFirst(bench, end, undefined);
        assertEquals(await bench.enqueue(keyed("b")), [
          { status: "duplicate", id: "a" },
        ]);
        await bench.advance(HOUR);
        assertEquals((await bench.enqueue(keyed("b")))[0]?.status, "new");
      },
    );
  }

  for (const end of [ends.retry(), ends.release(), ends.retry(MINUTE)]) {
    declare(
      `step() keeps the dedupe key when the task comes again by '${end.kind}'`,
      async (bench) => {
        await endFirst(bench, end, "key");
        assertEquals(await bench.enqueue(keyed("b")), [
          { status: "duplicate", id: "a" },
        ]);
      },
    );
  }

  declare(
    "step() and cancel() free a dedupe key with separators",
    async (bench) => {
      const dedupe = { key: "|a b%7C|1|\u{1F511}", ttlMs: HOUR };
      const consumer = bench.consumer();
      await bench.enqueue(task("a", { dedupe }));
      const [a] = await consumer.claim();
      assert(a);
      await consumer.settle(
        settle(a, ends.complete(), { dedupe: dedupe.key }),
      );
      assertEquals(
        (await bench.enqueue(task("b", { dedupe })))[0]?.status,
        "new",
      );
      await bench.cancel("b");
      assertEquals(
        (await bench.enqueue(task("c", { dedupe })))[0]?.status,
        "new",
      );
    },
  );

  declare(
    "redrive() finds a task as it was whose name and dedupe key hold separators",
    async (bench) => {
      const more = { name: "|1|2|", dedupe: { key: "|3|4|", ttlMs: HOUR } };
      await bench.enqueue(task("a", more));
      const consumer = bench.consumer();
      const [a] = await consumer.claim();
      assert(a);
      await consumer.settle(settle(a, ends.dead("why")));
      const [dead] = await bench.list("dead");
      assert(dead);
      assertEquals([dead.name, dead.attempt, dead.error], ["|1|2|", 1, "why"]);
      await bench.broker.redrive(bench.queue, {
        operation: operation(),
        tasks: [{ id: "a", diedAt: dead.at ?? 0 }],
      });
      const [again] = await consumer.claim();
      assertEquals([again?.name, again?.envelope], ["|1|2|", a.envelope]);
    },
  );

  declare("step() keeps the dedupe key over a crash", async (bench) => {
    await bench.enqueue(keyed("a"));
    await bench.consumer().claim();
    await bench.advance(LEASE);
    await bench.consumer().step();
    assertEquals((await bench.enqueue(keyed("b")))[0]?.status, "duplicate");
  });

  declare(
    "step() leaves a dedupe key alone that another task holds by now",
    async (bench) => {
      await bench.enqueue(keyed("a", MINUTE));
      const consumer = bench.consumer();
      const [a] = await consumer.claim(1, { leaseMs: HOUR });
      assert(a);
      await bench.advance(MINUTE);
      await bench.enqueue(keyed("b"));
      await consumer.settle(settle(a, ends.complete(), { dedupe: "key" }));
      assertEquals(await bench.enqueue(keyed("c")), [
        { status: "duplicate", id: "b" },
      ]);
    },
  );

  declare("cancel() frees the task's dedupe key", async (bench) => {
    await bench.enqueue(keyed("a"));
    await bench.cancel("a");
    assertEquals((await bench.enqueue(keyed("b")))[0]?.status, "new");
  });

  declare(
    "cancel() keeps the dedupe key of a leased task until it ends",
    async (bench) => {
      await bench.enqueue(keyed("a"));
      const consumer = bench.consumer();
      const [a] = await consumer.claim();
      assert(a);
      await bench.cancel("a");
      assertEquals((await bench.enqueue(keyed("b")))[0]?.status, "duplicate");
      await consumer.settle(settle(a, ends.cancel(), { dedupe: "key" }));
      assertEquals((await bench.enqueue(keyed("b")))[0]?.status, "new");
    },
  );

  declare(
    "cancel() leaves a dedupe key alone that another task holds by now",
    async (bench) => {
      await bench.enqueue(keyed("a", MINUTE));
      await bench.advance(MINUTE);
      await bench.enqueue(keyed("b"));
      await bench.cancel("a");
      assertEquals(await bench.enqueue(keyed("c")), [
        { status: "duplicate", id: "b" },
      ]);
    },
  );

  declare("purge() frees the task's dedupe key", async (bench) => {
    await bench.enqueue(keyed("a"));
    await bench.broker.purge(bench.queue, {
      operation: operation(),
      tasks: [{ id: "a", enqueuedAt: START }],
      error: "purged",
      keepMs: HOUR,
    });
    assertEquals((await bench.enqueue(keyed("b")))[0]?.status, "new");
  });
}
