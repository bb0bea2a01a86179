import { assert, assertEquals } from "@std/assert";
import {
  type Declare,
  ends,
  HOUR,
  LEASE,
  SECOND,
  settle,
  START,
} from "./bench.ts";

/** Leases, and how attempts are counted. */
export function attempts(declare: Declare): void {
  declare("step() leases a task to one consumer", async (bench) => {
    await bench.enqueue("a");
    await bench.consumer().claim();
    assertEquals(await bench.consumer().claim(), []);
    assertEquals((await bench.result("a")).status, "leased");
    const [leased] = await bench.list("leased");
    assertEquals(leased?.at, START + LEASE);
  });

  declare(
    "step() gives a task back when its lease ends, its attempt spent",
    async (bench) => {
      await bench.enqueue("a");
      await bench.consumer().claim();
      const other = bench.consumer();
      await bench.advance(LEASE - 1);
      const early = await other.step({ limit: 1 });
      assertEquals(early.reaped, []);
      assertEquals(early.deliveries, []);
      assertEquals(early.nextDueAt, START + LEASE);
      await bench.advance(1);
      const late = await other.step({ limit: 1 });
      assertEquals(late.reaped, ["a"]);
      assertEquals(late.deliveries.map((d) => [d.id, d.attempt, d.suspect]), [
        ["a", 2, true],
      ]);
    },
  );

  declare(
    "step() gives a task back when it claims nothing itself",
    async (bench) => {
      await bench.enqueue("a");
      await bench.consumer().claim();
      await bench.advance(LEASE);
      const { reaped } = await bench.consumer().step();
      assertEquals(reaped, ["a"]);
      assertEquals(await bench.result("a"), {
        status: "ready",
        attempt: 1,
        dueAt: undefined,
        lastError: undefined,
      });
    },
  );

  declare(
    "step() counts an attempt for a retry, none for a release",
    async (bench) => {
      await bench.enqueue("a");
      const consumer = bench.consumer();
      for (
        const [end, attempt] of [
          [ends.retry(), 1],
          [ends.release(), 2],
          [ends.release(SECOND), 2],
          [ends.retry(SECOND), 2],
          [ends.complete(), 3],
        ] as const
      ) {
        const [a] = await consumer.claim();
        assertEquals(a?.attempt, attempt);
        await consumer.settle(settle(a as NonNullable<typeof a>, end));
        await bench.advance(SECOND);
      }
      assertEquals(await bench.result("a"), {
        status: "completed",
        attempt: 3,
        endedAt: START + 4 * SECOND,
        payload: undefined,
      });
    },
  );

  declare(
    "step() tells an attempt what the one before failed with",
    async (bench) => {
      await bench.enqueue("a");
      const consumer = bench.consumer();
      const span = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";
      const [first] = await consumer.claim();
      assert(first);
      const error = '{"name":"Error","message":"a|b\\n,\u{1F3C3}"}\nx|y';
      await consumer.settle(settle(first, ends.retry(0, error), { span }));
      const standing = await bench.result("a");
      assert(standing.status === "ready");
      assertEquals(standing.lastError, error);
      assertEquals((await bench.list("ready"))[0]?.error, error);
      const [second] = await consumer.claim();
      assertEquals(second?.lastError, error);
      assertEquals(second?.previousSpan, span);
    },
  );

  declare("step() keeps an error as it was, percents too", async (bench) => {
    await bench.enqueue("a");
    const consumer = bench.consumer();
    for (const error of ["100 %", "%7C|%257C", "%", "|"]) {
      const [a] = await consumer.claim();
      assert(a);
      await consumer.settle(settle(a, ends.retry(0, error)));
      assertEquals((await bench.list("ready"))[0]?.error, error);
    }
    const [last] = await consumer.claim();
    assertEquals(last?.lastError, "|");
  });

  declare("step() returns no lease before it ends", async (bench) => {
    await bench.enqueue("a", "b");
    await bench.consumer().claim(1, { leaseMs: 10 * SECOND });
    await bench.consumer().claim(1, { leaseMs: 10 * SECOND + 1 });
    await bench.advance(10 * SECOND);
    assertEquals((await bench.consumer().step()).reaped, ["a"]);
    await bench.advance(1);
    assertEquals((await bench.consumer().step()).reaped, ["b"]);
  });

  declare(
    "step() returns a short lease in its time though another lasts long",
    async (bench) => {
      await bench.enqueue("long", "short", "extended");
      await bench.consumer().claim(1, { leaseMs: HOUR });
      await bench.consumer().claim(1, { leaseMs: SECOND });
      const consumer = bench.consumer();
      const held = await consumer.claim(1, { leaseMs: HOUR });
      const { nextDueAt } = await bench.consumer().step();
      assertEquals(nextDueAt, START + SECOND);
      await bench.advance(SECOND);
      const { reaped } = await bench.consumer().step();
      assertEquals(reaped, ["short"]);
      await consumer.extend(held, 2 * SECOND);
      await bench.advance(HOUR - SECOND);
      const last = await bench.consumer().step();
      assertEquals(last.reaped, ["extended", "long"]);
    },
  );

  declare(
    "step() keeps the last error over a crash and a release",
    async (bench) => {
      await bench.enqueue("a");
      const consumer = bench.consumer();
      const [first] = await consumer.claim();
      assert(first);
      await consumer.settle(
        settle(first, ends.retry(0, "first error"), { span: "span of 1" }),
      );
      await consumer.claim();
      await bench.advance(LEASE);
      const [third] = await consumer.claim();
      assertEquals(third?.lastError, "first error");
      assertEquals(third?.previousSpan, "span of 1");
      assert(third);
      await consumer.settle(
        settle(third, ends.release(), { span: "span of 3" }),
      );
      const [fourth] = await consumer.claim();
      assertEquals(fourth?.lastError, "first error");
      assertEquals(fourth?.previousSpan, "span of 1");
      assert(fourth);
      await consumer.settle(
        settle(fourth, ends.retry(0, "second error"), { span: "span of 4" }),
      );
      const [fifth] = await consumer.claim();
      assertEquals(fifth?.lastError, "second error");
      assertEquals(fifth?.previousSpan, "span of 4");
    },
  );

  declare(
    "step() delivers past any number of attempts: it buries nothing",
    async (bench) => {
      await bench.enqueue("a");
      const consumer = bench.consumer();
      for (let attempt = 1; attempt <= 30; attempt++) {
        const [a] = await consumer.claim();
        assertEquals(a?.attempt, attempt);
        await bench.advance(LEASE);
      }
    },
  );
}
