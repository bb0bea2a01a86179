import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { NewTask, StepRequest } from "../../../src/broker/broker.ts";
import { PRESENT_MS, RING_MS } from "../../../src/broker/wake.ts";
import {
  type Bench,
  type Declare,
  delayed,
  ends,
  idsOf,
  LEASE,
  settle,
  task,
} from "./bench.ts";

/** Enqueues as who rings if told to, and gives the mark. */
async function ask(
  { broker, queue }: Bench,
  ...tasks: readonly (string | NewTask)[]
): Promise<string | undefined> {
  const { mark } = await broker.enqueue(queue, {
    tasks: tasks.map((one) => typeof one === "string" ? task(one) : one),
    maxBacklog: undefined,
    rings: true,
  });
  return mark;
}

/** Who is rung for, and by what. */
export function waking(declare: Declare): void {
  declare("enqueue() tells nobody to ring who does not ask", async (bench) => {
    const { mark } = await bench.broker.enqueue(bench.queue, {
      tasks: [task("a")],
      maxBacklog: undefined,
    });
    assertEquals(mark, undefined);
    assert(await ask(bench, "b") !== undefined);
  });

  declare(
    "enqueue() tells the first to ring, and the others not",
    async (bench) => {
      assert(await ask(bench, "a") !== undefined);
      for (const id of ["b", "c"]) {
        assertEquals(
          await ask(bench, id),
          undefined,
        );
      }
    },
  );

  declare(
    "enqueue() tells to ring again when a ring was lost",
    async (bench) => {
      const first = await ask(bench, "a");
      await bench.advance(RING_MS - 1);
      assertEquals(await ask(bench, "b"), undefined);
      await bench.advance(2);
      const second = await ask(bench, "c");
      assert(second !== undefined);
      assertNotEquals(first, second);
    },
  );

  declare(
    "enqueue() that is repeated, its reply lost, is told the same ring",
    async (bench) => {
      const mark = await ask(bench, "a");
      assertEquals(await ask(bench, "a"), mark);
      assertEquals(await ask(bench, "b"), undefined);
    },
  );

  declare(
    "enqueue() that is repeated when a consumer is there is told no ring",
    async (bench) => {
      const mark = await ask(bench, "a");
      await bench.consumer().claim(1, { wake: { mark } });
      assertEquals(await ask(bench, "a"), undefined);
    },
  );

  declare(
    "enqueue() of what is due later tells nobody to ring",
    async (bench) => {
      assertEquals(await ask(bench, delayed("later", 1_000)), undefined);
      assert(await ask(bench, delayed("other", 1_000), "now") !== undefined);
    },
  );

  declare(
    "enqueue() of what waits for others of its key tells nobody to ring",
    async (bench) => {
      const concurrency = { key: "k", limit: 1 };
      const mark = await ask(bench, task("a", { concurrency }));
      await bench.consumer().claim(1, { wake: { mark } });
      await bench.advance(PRESENT_MS + 1);
      assertEquals(await ask(bench, task("b", { concurrency })), undefined);
      assert(await ask(bench, "c") !== undefined);
    },
  );

  declare("enqueue() of a duplicate tells nobody to ring", async (bench) => {
    const dedupe = { key: "k", ttlMs: 60_000 };
    const mark = await ask(bench, task("a", { dedupe }));
    await bench.consumer().claim(1, { wake: { mark } });
    await bench.advance(PRESENT_MS + 1);
    assertEquals(await ask(bench, task("b", { dedupe })), undefined);
  });

  declare(
    "enqueue() of a seal that releases a callback tells to ring, and its repeat",
    async (bench) => {
      const { broker, queue } = bench;
      const seal = {
        tasks: [],
        maxBacklog: undefined,
        rings: true,
        group: {
          id: "g",
          seal: 0,
          callback: task("callback"),
          sealMs: 60_000,
          ttlMs: 600_000,
        },
      };
      const { mark } = await broker.enqueue(queue, seal);
      assert(mark !== undefined);
      assertEquals((await broker.enqueue(queue, seal)).mark, mark);
    },
  );

  declare(
    "step() that brings its ring is present while it has something to do",
    async (bench) => {
      const mark = await ask(bench, "a");
      const consumer = bench.consumer();
      const claimed = await consumer.step({ limit: 5, wake: { mark } });
      assertEquals(idsOf(claimed.deliveries), ["a"]);
      assertEquals(claimed.isPresent, true);
      await bench.advance(PRESENT_MS - 1);
      assertEquals(await ask(bench, "b"), undefined);
      const next = await consumer.step({ limit: 5, alone: false });
      assertEquals(idsOf(next.deliveries), ["b"]);
      await bench.advance(PRESENT_MS - 1);
      assertEquals(await ask(bench, "c"), undefined);
    },
  );

  declare("step() that died present lets others ring soon", async (bench) => {
    const mark = await ask(bench, "a");
    await bench.consumer().claim(1, { wake: { mark } });
    await bench.advance(PRESENT_MS);
    assert(await ask(bench, "b") !== undefined);
  });

  declare(
    "step() that found nothing lets the next enqueue() ring",
    async (bench) => {
      const mark = await ask(bench, "a");
      const consumer = bench.consumer();
      const [held] = await consumer.claim(5, { wake: { mark } });
      const end = { settle: [settle(held!, ends.complete())], limit: 5 };
      const empty = await consumer.step(end);
      assertEquals(empty.deliveries, []);
      assertEquals(empty.isPresent, undefined);
      assert(await ask(bench, "b") !== undefined);
    },
  );

  declare("step() that had no room leaves the mark as it is", async (bench) => {
    const mark = await ask(bench, "a");
    const consumer = bench.consumer();
    await consumer.claim(1, { wake: { mark } });
    await consumer.step({ limit: 0 });
    assertEquals(await ask(bench, "b"), undefined);
    await bench.advance(PRESENT_MS);
    const second = await ask(bench, "c");
    await consumer.step({ limit: 0 });
    const heir = bench.consumer();
    const rung = await heir.step({ limit: 5, wake: { mark: second } });
    assertEquals(idsOf(rung.deliveries), ["b", "c"]);
  });

  declare(
    "step() that brings a ring that was answered does nothing",
    async (bench) => {
      const mark = await ask(bench, "a");
      const first = bench.consumer();
      const [held] = await first.claim(5, { wake: { mark } });
      await bench.enqueue("b");
      const replayed = await bench.consumer().step({
        limit: 5,
        wake: { mark },
      });
      assertEquals(replayed.status, "answered");
      assertEquals(replayed.deliveries, []);
      await first.step({ settle: [settle(held!, ends.complete())], limit: 5 });
      const late = await bench.consumer().step({ limit: 5, wake: { mark } });
      assertEquals(late.status, "answered");
    },
  );

  declare(
    "step() that is repeated, its reply lost, has answered its own ring",
    async (bench) => {
      const mark = await ask(bench, "a");
      const request = bench.consumer().request({ limit: 5, wake: { mark } });
      const first = await bench.step(request);
      const again = await bench.step(request);
      assertEquals(again.status, "replay");
      assertEquals(idsOf(again.deliveries), idsOf(first.deliveries));
      assertEquals(again.isPresent, true);
    },
  );

  declare(
    "step() answers a ring that comes late, when nobody else did",
    async (bench) => {
      const first = await ask(bench, "a");
      await bench.advance(RING_MS + 1);
      const second = await ask(bench, "b");
      const late = await bench.consumer().step({
        limit: 5,
        wake: { mark: first },
      });
      assertEquals(idsOf(late.deliveries), ["a", "b"]);
      const other = await bench.consumer().step({
        limit: 5,
        wake: { mark: second },
      });
      assertEquals(other.status, "answered");
    },
  );

  declare(
    "step() that claims while another's ring is on its way lets it come",
    async (bench) => {
      const mark = await ask(bench, "a", "b", "c");
      await bench.consumer().claim(1);
      const rung = await bench.consumer().step({ limit: 5, wake: { mark } });
      assertEquals(idsOf(rung.deliveries), ["b", "c"]);
    },
  );

  declare("step() that leaves takes its presence away", async (bench) => {
    const mark = await ask(bench, "a");
    const consumer = bench.consumer();
    const [held] = await consumer.claim(5, { wake: { mark } });
    const last = await consumer.step({
      settle: [settle(held!, ends.complete())],
      wake: { leaving: "silently" },
    });
    assertEquals(last.mark, undefined);
    assert(await ask(bench, "b") !== undefined);
  });

  declare(
    "step() that leaves takes no ring away that is on its way",
    async (bench) => {
      const mark = await ask(bench, "a");
      for (const leaving of ["silently", "ringing"] as const) {
        const left = await bench.consumer().step({ wake: { leaving } });
        assertEquals(left.mark, leaving === "ringing" ? mark : undefined);
      }
      const rung = await bench.consumer().step({ limit: 5, wake: { mark } });
      assertEquals(idsOf(rung.deliveries), ["a"]);
    },
  );

  declare(
    "step() that leaves is told to ring for what came while it was present",
    async (bench) => {
      const mark = await ask(bench, "a");
      const consumer = bench.consumer();
      const [held] = await consumer.claim(1, { wake: { mark } });
      assertEquals(await ask(bench, "b"), undefined);
      const request: StepRequest = consumer.request({
        settle: [settle(held!, ends.complete())],
        wake: { leaving: "ringing" },
      });
      const last = await bench.step(request);
      assert(last.mark !== undefined);
      assertEquals((await bench.step(request)).mark, last.mark);
      assertEquals(await ask(bench, "c"), undefined);
      const heir = bench.consumer();
      const rung = await heir.step({ limit: 5, wake: { mark: last.mark } });
      assertEquals(idsOf(rung.deliveries), ["b", "c"]);
    },
  );

  declare("step() that leaves rings for what it hands back", async (bench) => {
    const mark = await ask(bench, "a");
    const consumer = bench.consumer();
    const [held] = await consumer.claim(1, { wake: { mark } });
    const last = await consumer.step({
      settle: [settle(held!, ends.release())],
      wake: { leaving: "ringing" },
    });
    assert(last.mark !== undefined);
  });

  declare(
    "step() that leaves a paused queue rings for nothing",
    async (bench) => {
      await ask(bench, "a");
      await bench.pause(true);
      await bench.consumer().claim(1);
      const { mark } = await bench.consumer().step({
        wake: { leaving: "ringing" },
      });
      assertEquals(mark, undefined);
      await bench.pause(false);
    },
  );

  declare(
    "step() reaps and promotes although it was rung for something else",
    async (bench) => {
      await bench.enqueue("crashed", delayed("later", 1_000));
      await bench.consumer().claim(1, { leaseMs: LEASE });
      await bench.advance(LEASE + 1);
      const mark = await ask(bench, "a");
      const consumer = bench.consumer();
      const rung = await consumer.step({ limit: 5, wake: { mark } });
      assertEquals(rung.reaped, ["crashed"]);
    },
  );
}
