import { assert, assertEquals } from "@std/assert";
import {
  type Bench,
  type Declare,
  ends,
  HOUR,
  MINUTE,
  operation,
  settle,
  START,
} from "./bench.ts";

/** Enqueues a task and buries it. */
async function kill(bench: Bench, id: string): Promise<void> {
  await bench.enqueue(id);
  const consumer = bench.consumer();
  const held = await consumer.claim();
  await consumer.settle(...held.map((each) => settle(each, ends.dead())));
}

/** Administrative verbs that come again after the queue went on. */
export function operations(declare: Declare): void {
  declare(
    "cancel() of what was missing does not end, when it comes again, what came since",
    async (bench) => {
      const op = operation();
      assertEquals(await bench.cancel("a", op), "missing");
      await bench.enqueue("a");
      assertEquals(await bench.cancel("a", op), "missing");
      assertEquals((await bench.result("a")).status, "ready");
    },
  );

  declare(
    "cancel() of an ended task does not end, when it comes again, its redriven self",
    async (bench) => {
      await kill(bench, "dead");
      const op = operation();
      assertEquals(await bench.cancel("dead", op), "ended");
      await bench.broker.redrive(bench.queue, {
        operation: operation(),
        tasks: [{ id: "dead", diedAt: START }],
      });
      assertEquals(await bench.cancel("dead", op), "ended");
      assertEquals((await bench.result("dead")).status, "ready");
    },
  );

  declare(
    "cancel() of a leased task does not end, when it comes again, the task given back",
    async (bench) => {
      await bench.enqueue("a");
      const consumer = bench.consumer();
      const [a] = await consumer.claim();
      assert(a);
      const op = operation();
      assertEquals(await bench.cancel("a", op), "cancelling");
      await consumer.settle(settle(a, ends.retry()));
      assertEquals(await bench.cancel("a", op), "cancelling");
      assertEquals((await bench.result("a")).status, "ready");
    },
  );

  declare(
    "cancel() does not end, when it comes again, the next task of the id",
    async (bench) => {
      await bench.enqueue("a");
      const op = operation();
      assertEquals(await bench.cancel("a", op), "cancelled");
      await bench.advance(2 * HOUR);
      await bench.enqueue("a");
      assertEquals(await bench.cancel("a", op), "cancelled");
      assertEquals((await bench.result("a")).status, "ready");
    },
  );

  declare(
    "pause() does not pause, when it comes again, a queue that was resumed since",
    async (bench) => {
      const pausing = operation();
      const resuming = operation();
      await bench.pause(true, pausing);
      await bench.pause(false, resuming);
      await bench.pause(true, pausing);
      assertEquals((await bench.snapshot()).stats.paused, false);
      await bench.pause(true);
      await bench.pause(false, resuming);
      assertEquals((await bench.snapshot()).stats.paused, true);
    },
  );

  declare(
    "redrive() does not revive, when it comes again, a task that died since",
    async (bench) => {
      await kill(bench, "dead");
      const request = {
        operation: operation(),
        tasks: [{ id: "dead", diedAt: START }],
      };
      const { changed } = await bench.broker.redrive(bench.queue, request);
      assertEquals(changed, 1);
      const consumer = bench.consumer();
      const all = await consumer.claim();
      const dead = all.find((each) => each.id === "dead");
      assert(dead);
      await consumer.settle(settle(dead, ends.dead("again")));
      const before = await bench.snapshot();
      const again = await bench.broker.redrive(bench.queue, request);
      assertEquals(again.changed, 1);
      assertEquals(await bench.snapshot(), before);
    },
  );

  declare(
    "purge() does not end, when it comes again, a task that was redriven or enqueued since",
    async (bench) => {
      await bench.enqueue("a");
      const request = {
        operation: operation(),
        tasks: [{ id: "a", enqueuedAt: START }, { id: "b", enqueuedAt: START }],
        error: "purged",
        keepMs: MINUTE,
      };
      const purge = () => bench.broker.purge(bench.queue, request);
      assertEquals((await purge()).changed, 1);
      await bench.enqueue("b");
      assertEquals((await purge()).changed, 1);
      assertEquals((await bench.result("b")).status, "ready");
    },
  );

  declare(
    "verbs remember the operations of a day, the last 500 at least",
    async (bench) => {
      const first = operation();
      await bench.enqueue("a");
      assertEquals(await bench.cancel("a", first), "cancelled");
      await bench.advance(2 * HOUR);
      await bench.enqueue("a");
      for (let i = 2; i < 500; i++) await bench.pause(i % 2 === 0);
      await bench.advance(22 * HOUR - 1);
      await bench.pause(false);
      assertEquals(await bench.cancel("a", first), "cancelled");
      assertEquals((await bench.result("a")).status, "ready");
    },
  );
}
