import { assert, assertEquals } from "@std/assert";
import {
  type Declare,
  delayed,
  ends,
  idsOf,
  LEASE,
  MINUTE,
  SECOND,
  settle,
  START,
  task,
} from "./bench.ts";

/** First in, first out; and what moves a task. */
export function order(declare: Declare): void {
  declare("step() claims first in, first out", async (bench) => {
    await bench.enqueue("c", "a", "b");
    await bench.advance(1);
    await bench.enqueue("0");
    const consumer = bench.consumer();
    assertEquals(idsOf(await consumer.claim(2)), ["c", "a"]);
    assertEquals(idsOf(await consumer.claim(5)), ["b", "0"]);
    assertEquals(idsOf(await consumer.claim(5)), []);
  });

  declare(
    "step() says when what it put back or brought is due",
    async (bench) => {
      await bench.enqueue("a", "b");
      const consumer = bench.consumer();
      const [a, b] = await consumer.claim(2);
      const reply = await consumer.settle(
        settle(a!, ends.retry(5 * SECOND)),
        settle(b!, ends.complete(), {
          enqueue: [delayed("c", 3 * SECOND)],
        }),
      );
      assertEquals(reply.nextDueAt, START + 3 * SECOND);
    },
  );

  declare(
    "step() keeps a thousand tasks of one request in order",
    async (bench) => {
      const ids = Array.from({ length: 1000 }, (_, i) => `task ${999 - i}`);
      await bench.enqueue(...ids);
      assertEquals(idsOf(await bench.consumer().claim(1000)), ids);
    },
  );

  declare(
    "step() counts a priority as so many minutes earlier",
    async (bench) => {
      await bench.enqueue("plain");
      await bench.advance(2 * MINUTE - 1);
      await bench.enqueue(task("sooner", { priority: 2 }));
      await bench.advance(2);
      await bench.enqueue(task("later", { priority: 2 }));
      await bench.enqueue(task("last", { priority: -1 }));
      await bench.advance(MINUTE - 1);
      await bench.enqueue("before last");
      assertEquals(idsOf(await bench.consumer().claim()), [
        "sooner",
        "plain",
        "later",
        "before last",
        "last",
      ]);
    },
  );

  declare(
    "step() claims a delayed task when it is due, not before",
    async (bench) => {
      await bench.enqueue(delayed("a", SECOND));
      const consumer = bench.consumer();
      const early = await consumer.step({ limit: 1 });
      assertEquals(early.deliveries, []);
      assertEquals(early.nextDueAt, START + SECOND);
      await bench.advance(SECOND - 1);
      assertEquals(await consumer.claim(), []);
      assertEquals(await bench.result("a"), {
        status: "scheduled",
        attempt: 0,
        dueAt: START + SECOND,
        lastError: undefined,
      });
      await bench.advance(1);
      const [a] = await consumer.claim();
      assertEquals(a?.dueAt, START + SECOND);
      assertEquals(a?.enqueuedAt, START);
    },
  );

  declare(
    "step() claims a task with runAt by the broker's clock",
    async (bench) => {
      const at = START + MINUTE;
      await bench.enqueue(task("a", { due: { kind: "at", at } }));
      await bench.advance(MINUTE - 1);
      assertEquals(await bench.consumer().claim(), []);
      await bench.advance(1);
      const [a] = await bench.consumer().claim();
      assertEquals(a?.dueAt, at);
    },
  );

  declare(
    "enqueue() counts an instant that has passed as now",
    async (bench) => {
      await bench.enqueue(
        "a",
        task("b", { due: { kind: "at", at: START - MINUTE } }),
        task("c", { due: { kind: "at", at: START } }),
        delayed("d", 0),
        "e",
      );
      assertEquals((await bench.result("b")).status, "ready");
      const deliveries = await bench.consumer().claim();
      assertEquals(idsOf(deliveries), ["a", "b", "c", "d", "e"]);
      assertEquals(
        deliveries.map((each) => each.dueAt),
        Array(5).fill(undefined),
      );
    },
  );

  declare("step() counts a delayed task from its due time", async (bench) => {
    await bench.enqueue(delayed("due", SECOND));
    await bench.advance(SECOND - 1);
    await bench.enqueue("before");
    await bench.advance(2);
    await bench.enqueue("after");
    assertEquals(idsOf(await bench.consumer().claim()), [
      "before",
      "due",
      "after",
    ]);
  });

  declare(
    "step() counts a delayed task's priority from its due time",
    async (bench) => {
      await bench.enqueue(
        delayed("plain", SECOND),
        delayed("urgent", SECOND + 1, { priority: 1 }),
        delayed("lazy", SECOND - 1, { priority: -1 }),
      );
      await bench.advance(2 * SECOND);
      await bench.enqueue("now");
      assertEquals(idsOf(await bench.consumer().claim()), [
        "urgent",
        "plain",
        "now",
        "lazy",
      ]);
    },
  );

  declare("step() puts a retried task back in its place", async (bench) => {
    await bench.enqueue("a", "b", "c");
    const consumer = bench.consumer();
    const [a] = await consumer.claim(1);
    assert(a);
    await bench.advance(SECOND);
    await consumer.settle(settle(a, ends.retry()));
    assertEquals(idsOf(await bench.list("ready")), ["a", "b", "c"]);
  });

  declare(
    "step() puts a task retried later back in its place when it is due",
    async (bench) => {
      await bench.enqueue("a", task("b", { priority: -3 }), "c");
      const consumer = bench.consumer();
      const [a, c, b] = await consumer.claim();
      assert(a && b && c);
      await consumer.settle(
        settle(a, ends.retry(2 * SECOND)),
        settle(b, ends.release(SECOND)),
      );
      assertEquals((await bench.result("a")).status, "scheduled");
      await bench.advance(SECOND);
      await bench.enqueue("d", task("e", { priority: -10 }));
      await bench.advance(SECOND);
      assertEquals(idsOf(await consumer.claim()), ["a", "d", "b", "e"]);
    },
  );

  declare(
    "step() puts a task whose lease ended back in its place",
    async (bench) => {
      await bench.enqueue("a", "b");
      const consumer = bench.consumer();
      await consumer.claim(1);
      await bench.advance(LEASE);
      await bench.enqueue("c");
      await consumer.step();
      assertEquals(idsOf(await bench.list("ready")), ["a", "b", "c"]);
    },
  );

  declare("step() claims what it just gave back", async (bench) => {
    await bench.enqueue("a");
    const consumer = bench.consumer();
    const [a] = await consumer.claim();
    assert(a);
    const reply = await consumer.step({
      settle: [settle(a, ends.retry())],
      limit: 1,
    });
    assertEquals(reply.deliveries.map((each) => each.attempt), [2]);
  });

  declare("step() claims no more than its limit", async (bench) => {
    await bench.enqueue("a", "b", "c");
    assertEquals(await bench.consumer().claim(0), []);
    assertEquals(idsOf(await bench.consumer().claim(2)), ["a", "b"]);
    assertEquals(idsOf(await bench.list("ready")), ["c"]);
  });

  declare(
    "step() claims no more than its bytes, but one task always",
    async (bench) => {
      const envelope = "é".repeat(500);
      await bench.enqueue(
        ...["a", "b", "c", "d", "e"].map((id) => task(id, { envelope })),
      );
      const consumer = bench.consumer();
      assertEquals(idsOf(await consumer.claim(10, { maxBytes: 10 })), ["a"]);
      assertEquals(idsOf(await consumer.claim(10, { maxBytes: 2_600 })), [
        "b",
        "c",
      ]);
      assertEquals(idsOf(await bench.list("ready")), ["d", "e"]);
      assertEquals((await bench.result("d")).status, "ready");
      const [d] = await consumer.claim(10);
      assertEquals(d?.attempt, 1);
    },
  );

  declare(
    "step() says that more is due when more is due than it promotes",
    async (bench) => {
      const ids = Array.from({ length: 500 }, (_, i) => `t${i}`);
      await bench.enqueue(...ids.map((id) => delayed(id, SECOND)));
      await bench.advance(SECOND);
      const consumer = bench.consumer();
      let claimed = 0;
      while (claimed < 500) {
        const reply = await consumer.step({ limit: 250 });
        claimed += reply.deliveries.length;
        assert(reply.deliveries.length > 0);
        if (claimed < 500) {
          assert((reply.nextDueAt ?? Infinity) <= reply.now, `${claimed}`);
        }
      }
    },
  );

  declare("step() promotes a great many in steps, none lost", async (bench) => {
    const tasks = Array.from(
      { length: 450 },
      (_, i) => delayed(`t${i}`, i + 1),
    );
    await bench.enqueue(...tasks);
    await bench.advance(MINUTE);
    const consumer = bench.consumer();
    const claimed: string[] = [];
    for (let i = 0; i < 6; i++) {
      claimed.push(...idsOf(await consumer.claim(100)));
    }
    assertEquals(claimed, idsOf(tasks));
  });
}
