import { assert, assertEquals } from "@std/assert";
import {
  type Bench,
  type Consumer,
  type Declare,
  ends,
  idsOf,
  LEASE,
  SECOND,
  settle,
  START,
  task,
} from "./bench.ts";

/** What a crash does to the neighbours of the task that caused it: as little as can be. */
export function suspects(declare: Declare): void {
  declare("step() claims a suspect alone", async (bench) => {
    await bench.enqueue("a", "b", "c");
    await bench.consumer().claim(2);
    await bench.advance(LEASE);
    const consumer = bench.consumer();
    const first = await consumer.claim(10);
    assertEquals(first.map((d) => [d.id, d.suspect]), [["a", true]]);
    const second = await consumer.claim(10);
    assertEquals(second.map((d) => [d.id, d.suspect]), [["b", true]]);
    const third = await consumer.claim(10);
    assertEquals(third.map((d) => [d.id, d.suspect]), [["c", false]]);
  });

  declare(
    "step() passes over a suspect that is not the first",
    async (bench) => {
      await bench.enqueue("a");
      await bench.advance(1);
      await bench.enqueue("b");
      await bench.advance(1);
      await bench.enqueue("c");
      const crashing = bench.consumer();
      const [a] = await crashing.claim(2);
      assert(a);
      await crashing.settle(settle(a, ends.release()));
      await bench.advance(LEASE);
      const consumer = bench.consumer();
      const first = await consumer.step({ limit: 10 });
      assertEquals(idsOf(first.deliveries), ["a", "c"]);
      assertEquals(first.suspects, true);
      const second = await consumer.step({ limit: 10 });
      assertEquals(idsOf(second.deliveries), ["b"]);
      assertEquals(second.suspects, false);
    },
  );

  declare(
    "step() leaves a suspect to a consumer that holds nothing else, and claims what is behind it",
    async (bench) => {
      await bench.enqueue("a", "b");
      await bench.consumer().claim(1);
      await bench.advance(LEASE);
      const consumer = bench.consumer();
      const busy = await consumer.step({ limit: 10, alone: false });
      assertEquals(busy.reaped, ["a"]);
      assertEquals(idsOf(busy.deliveries), ["b"]);
      assertEquals(busy.suspects, true);
      assertEquals(await bench.result("a"), {
        status: "ready",
        attempt: 1,
        dueAt: undefined,
        lastError: undefined,
      });
      assertEquals(idsOf(await consumer.claim(10)), ["a"]);
    },
  );

  declare(
    "step() suspects a task no more when an attempt of it has ended",
    async (bench) => {
      await bench.enqueue("a", "b");
      const consumer = bench.consumer();
      for (const delayMs of [0, SECOND]) {
        await consumer.claim(1);
        await bench.advance(LEASE);
        const [a, ...more] = await consumer.claim(10);
        assert(a?.suspect && more.length === 0);
        await consumer.settle(settle(a, ends.retry(delayMs)));
        await bench.advance(delayMs);
        const all = await consumer.claim(10);
        assertEquals(all.map((d) => [d.id, d.suspect]), [
          ["a", false],
          ["b", false],
        ]);
        await consumer.settle(...all.map((d) => settle(d, ends.retry())));
      }
    },
  );

  declare(
    "step() suspects a task as before when it was given back unrun",
    async (bench) => {
      await bench.enqueue("a", "b");
      await bench.consumer().claim(1);
      await bench.advance(LEASE);
      const consumer = bench.consumer();
      for (const delayMs of [0, SECOND]) {
        const alone = await consumer.claim(10);
        assertEquals(alone.map((d) => [d.id, d.suspect]), [["a", true]]);
        await consumer.settle(
          ...alone.map((d) => settle(d, ends.release(delayMs))),
        );
        await bench.advance(delayMs);
      }
      assertEquals(idsOf(await consumer.claim(10)), ["a"]);
    },
  );

  declare(
    "step() lets one task that kills its consumer spend only its own attempts",
    async (bench) => {
      const ids = Array.from({ length: 200 }, (_, i) => `t${i}`);
      await bench.enqueue(...ids.map((id) => task(id)));
      const outcome = await drain(bench, "t77", 5);
      assertEquals(outcome.dead, ["t77"]);
      assertEquals(outcome.completed.length, 199);
      assert(Math.max(...outcome.completed.map((each) => each.attempt)) <= 2);
      assertEquals(await bench.result("t77"), {
        status: "dead",
        attempt: 6,
        endedAt: outcome.now,
        error: "exhausted",
      });
    },
  );

  declare(
    "step() reaps a great many leases in steps, none lost",
    async (bench) => {
      const ids = Array.from({ length: 450 }, (_, i) => `t${i}`);
      await bench.enqueue(...ids);
      await bench.consumer().claim(450);
      await bench.advance(LEASE);
      const consumer = bench.consumer();
      const reaped: string[] = [];
      for (let i = 0; i < 4; i++) {
        reaped.push(
          ...(await consumer.step()).reaped,
        );
      }
      assertEquals(reaped.length, 450);
      assertEquals(new Set(reaped), new Set(ids));
      assertEquals(idsOf(await bench.list("ready")), ids);
    },
  );
}

/** Drains with consumers that die whenever they hold `poison`; a delivery past `maxAttempts` is buried, not run. */
async function drain(bench: Bench, poison: string, maxAttempts: number) {
  const dead: string[] = [];
  const completed: { id: string; attempt: number }[] = [];
  let consumer: Consumer = bench.consumer();
  let now = START;
  for (let i = 0; i < 400 && dead.length + completed.length < 200; i++) {
    const held = await consumer.claim(50);
    if (held.some((d) => d.id === poison && d.attempt <= maxAttempts)) {
      consumer = bench.consumer();
      await bench.advance(LEASE);
      now += LEASE;
      continue;
    }
    const { stale } = await consumer.settle(
      ...held.map((d) =>
        settle(
          d,
          d.attempt > maxAttempts ? ends.dead("exhausted") : ends.complete(),
        )
      ),
    );
    assertEquals(stale, []);
    for (const { id, attempt } of held) {
      if (attempt > maxAttempts) dead.push(id);
      else completed.push({ id, attempt });
    }
  }
  return { dead, completed, now };
}
