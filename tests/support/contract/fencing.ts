import { assert, assertEquals } from "@std/assert";
import {
  type Declare,
  ends,
  HOUR,
  LEASE,
  SECOND,
  settle,
  START,
  task,
} from "./bench.ts";

/** Every way to settle. */
const ALL_ENDS = [
  ends.complete("late"),
  ends.retry(0, "late"),
  ends.retry(SECOND, "late"),
  ends.release(),
  ends.release(SECOND),
  ends.dead("late"),
  ends.cancel("late"),
  ends.expire("late"),
] as const;

/** A consumer that lost its lease, or never had it, changes nothing. */
export function fencing(declare: Declare): void {
  for (const end of ALL_ENDS) {
    const word = `${end.kind}${"delayMs" in end ? ` ${end.delayMs}` : ""}`;

    declare(
      `step() reports '${word}' as stale and changes nothing when another consumer has the task`,
      async (bench) => {
        const dedupe = { key: "k", ttlMs: HOUR };
        await bench.enqueue(task("a", { dedupe }));
        const slow = bench.consumer();
        const [lost] = await slow.claim();
        assert(lost);
        await bench.advance(LEASE);
        await bench.consumer().claim();
        const before = await bench.snapshot();
        const reply = await slow.settle(
          settle(lost, end, {
            span: "late",
            dedupe: "k",
            enqueue: [task("successor")],
          }),
        );
        assertEquals(reply.stale, ["a"]);
        assertEquals((await bench.result("successor")).status, "missing");
        const { standings: _, ...after } = await bench.snapshot();
        assertEquals(after, {
          lists: before.lists,
          groups: before.groups,
          stats: before.stats,
        });
        assertEquals(await bench.enqueue(task("b", { dedupe })), [
          { status: "duplicate", id: "a" },
        ]);
      },
    );
  }

  declare(
    "step() reports a settlement as stale when the task waits again",
    async (bench) => {
      await bench.enqueue("a");
      const slow = bench.consumer();
      const [lost] = await slow.claim();
      assert(lost);
      await bench.advance(LEASE);
      await bench.consumer().step();
      const before = await bench.snapshot();
      const reply = await slow.settle(settle(lost, ends.complete("late")));
      assertEquals(reply.stale, ["a"]);
      assertEquals(await bench.snapshot(), before);
    },
  );

  declare(
    "step() reports a settlement as stale when the task has ended, or never was",
    async (bench) => {
      await bench.enqueue("a", "b");
      const consumer = bench.consumer();
      const [a, b] = await consumer.claim();
      assert(a && b);
      await consumer.settle(
        settle(a, ends.complete("1")),
        settle(b, ends.dead("1")),
      );
      const before = await bench.snapshot();
      const reply = await consumer.settle(
        settle(a, ends.complete("2")),
        settle(b, ends.retry()),
        settle({ id: "never", token: a.token }, ends.complete("2")),
      );
      assertEquals(reply.stale, ["a", "b", "never"]);
      assertEquals(await bench.snapshot(), before);
      assertEquals((await bench.result("never")).status, "missing");
    },
  );

  declare(
    "step() reports a settlement as stale when its token is of an earlier claim",
    async (bench) => {
      await bench.enqueue("a");
      const consumer = bench.consumer();
      const [first] = await consumer.claim();
      assert(first);
      await consumer.settle(settle(first, ends.retry()));
      const [second] = await consumer.claim();
      assert(second);
      const { stale } = await consumer.settle(settle(first, ends.complete()));
      assertEquals(stale, ["a"]);
      const late = await consumer.settle(settle(second, ends.complete("2")));
      assertEquals(late.stale, []);
    },
  );

  declare("step() settles what it may and reports the rest", async (bench) => {
    await bench.enqueue("a");
    const slow = bench.consumer();
    const [a] = await slow.claim();
    await bench.advance(LEASE);
    await bench.consumer().claim();
    await bench.enqueue("b");
    const [b] = await slow.claim();
    assert(a && b);
    const { stale } = await slow.settle(
      settle(a, ends.complete()),
      settle(b, ends.complete()),
    );
    assertEquals(stale, ["a"]);
    assertEquals((await bench.result("b")).status, "completed");
    assertEquals((await bench.result("a")).status, "leased");
  });

  declare(
    "step() still settles when the lease has ended but nobody took the task",
    async (bench) => {
      await bench.enqueue("a");
      const consumer = bench.consumer();
      const [a] = await consumer.claim();
      assert(a);
      await bench.advance(LEASE + HOUR);
      const { stale, reaped } = await consumer.settle(
        settle(a, ends.complete()),
      );
      assertEquals(stale, []);
      assertEquals(reaped, []);
      assertEquals((await bench.result("a")).status, "completed");
    },
  );

  declare(
    "step() extends a lease by its own time, or by the step's",
    async (bench) => {
      await bench.enqueue("a", "b");
      const consumer = bench.consumer();
      const held = await consumer.claim();
      await bench.advance(LEASE - 1);
      const [a, b] = held;
      assert(a && b);
      const { lost, cancelled } = await consumer.step({
        leaseMs: 2 * LEASE,
        extend: [
          { id: a.id, token: a.token, leaseMs: HOUR },
          { id: b.id, token: b.token, leaseMs: undefined },
        ],
      });
      assertEquals([lost, cancelled], [[], []]);
      assertEquals((await bench.list("leased")).map((t) => [t.id, t.at]), [
        ["b", START + LEASE - 1 + 2 * LEASE],
        ["a", START + LEASE - 1 + HOUR],
      ]);
      await bench.advance(2 * LEASE);
      assertEquals((await bench.consumer().step()).reaped, ["b"]);
    },
  );

  declare(
    "step() still extends when the lease has ended but nobody took the task",
    async (bench) => {
      await bench.enqueue("a");
      const consumer = bench.consumer();
      const held = await consumer.claim();
      await bench.advance(LEASE);
      const { lost, reaped } = await consumer.extend(held);
      assertEquals([lost, reaped], [[], []]);
      assertEquals((await bench.result("a")).status, "leased");
    },
  );

  declare(
    "step() reports an extension as lost and changes nothing when another consumer has the task",
    async (bench) => {
      await bench.enqueue("a");
      const slow = bench.consumer();
      const held = await slow.claim();
      await bench.advance(LEASE);
      await bench.consumer().claim();
      const before = await bench.snapshot();
      const { lost, cancelled } = await slow.extend(held, HOUR);
      assertEquals(lost, ["a"]);
      assertEquals(cancelled, []);
      assertEquals(await bench.snapshot(), before);
    },
  );

  declare(
    "step() reports an extension as lost when the task waits again, ended, or never was",
    async (bench) => {
      await bench.enqueue("a", "b");
      const slow = bench.consumer();
      const [a, b] = await slow.claim();
      assert(a && b);
      await slow.settle(settle(a, ends.complete()), settle(b, ends.retry()));
      const before = await bench.snapshot();
      const never = { id: "never", token: a.token };
      const { lost } = await slow.extend([a, b, never], HOUR);
      assertEquals(lost, ["a", "b", "never"]);
      assertEquals(await bench.snapshot(), before);
    },
  );
}
