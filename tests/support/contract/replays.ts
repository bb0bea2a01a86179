import { assert, assertEquals } from "@std/assert";
import {
  type Declare,
  ends,
  HOUR,
  idsOf,
  LEASE,
  MINUTE,
  settle,
  START,
} from "./bench.ts";

/** What a step says when it comes again. */
export function replays(declare: Declare): void {
  declare(
    "step() answers a repeat with the deliveries that are still held",
    async (bench) => {
      await bench.enqueue("a", "b", "c");
      const consumer = bench.consumer("c");
      const request = consumer.request({ limit: 3 });
      const first = await bench.step(request);
      assertEquals((await bench.step(request)).deliveries, first.deliveries);
      assertEquals((await bench.step(request)).status, "replay");
      await bench.advance(LEASE);
      const other = await bench.consumer().claim();
      assertEquals(idsOf(other), ["a"]);
      const { deliveries, status } = await bench.step(request);
      assertEquals(status, "replay");
      assertEquals(deliveries, []);
      assertEquals(idsOf(await bench.list("ready")), ["b", "c"]);
    },
  );

  declare(
    "step() answers a repeat of a suspect's claim as suspect again",
    async (bench) => {
      await bench.enqueue("a");
      await bench.consumer().claim();
      await bench.advance(LEASE);
      const request = bench.consumer().request({ limit: 3 });
      const first = await bench.step(request);
      const again = await bench.step(request);
      assertEquals(first.deliveries[0]?.suspect, true);
      assertEquals(again.deliveries, first.deliveries);
    },
  );

  declare(
    "step() answers a repeat of what was stale with the same stale ids, and of what was accepted with none",
    async (bench) => {
      await bench.enqueue("a", "b");
      const consumer = bench.consumer();
      const [a, b] = await consumer.claim(2);
      assert(a && b);
      const request = consumer.request({
        settle: [
          settle(a, ends.complete()),
          settle({ ...b, token: "other:1" }, ends.complete()),
          settle({ id: "id,with|signs;", token: "x:1" }, ends.complete()),
        ],
      });
      const first = await bench.step(request);
      assertEquals(first.stale, ["b", "id,with|signs;"]);
      const again = await bench.step(request);
      assertEquals(again.status, "replay");
      assertEquals(again.stale, first.stale);
      assertEquals((await bench.result("b")).status, "leased");
    },
  );

  declare(
    "step() tells a repeat anew what is lost and what is to stop, and extends nothing",
    async (bench) => {
      await bench.enqueue("a", "b", "c", "d");
      const consumer = bench.consumer();
      const [a, b, c] = await consumer.claim(3);
      assert(a && b && c);
      const request = consumer.request({
        settle: [settle(a, ends.complete())],
        extend: [b, c, { id: "d", token: "another:1" }]
          .map(({ id, token }) => ({ id, token, leaseMs: HOUR })),
      });
      const first = await bench.step(request);
      assertEquals([first.lost, first.cancelled], [["d"], []]);
      await bench.cancel("b");
      await bench.advance(MINUTE);
      const again = await bench.step(request);
      assertEquals([again.lost, again.cancelled], [["d"], ["b"]]);
      const at = START + HOUR;
      assertEquals((await bench.list("leased")).map((t) => t.at), [at, at]);
    },
  );

  declare(
    "step() answers 'old' when a later step came first, and does nothing",
    async (bench) => {
      await bench.enqueue("a", "b", "c");
      const consumer = bench.consumer();
      const [a] = await consumer.claim(1);
      assert(a);
      const late = consumer.request({
        settle: [settle(a, ends.complete("late"))],
        extend: [{ id: a.id, token: a.token, leaseMs: HOUR }],
        limit: 10,
      });
      await consumer.claim(1);
      await bench.advance(LEASE);
      const before = await bench.snapshot();
      const reply = await bench.step(late);
      assertEquals(reply.status, "old");
      assertEquals(
        [
          reply.stale,
          reply.lost,
          reply.cancelled,
          reply.reaped,
          reply.deliveries,
        ],
        [[], [], [], [], []],
      );
      assertEquals(await bench.snapshot(), before);
    },
  );

  declare(
    "step() forgets a step that found nothing: its repeat may claim",
    async (bench) => {
      const consumer = bench.consumer();
      const request = consumer.request({ limit: 1 });
      assertEquals((await bench.step(request)).deliveries, []);
      await bench.enqueue("a");
      const again = await bench.step(request);
      assertEquals(again.status, "done");
      assertEquals(idsOf(again.deliveries), ["a"]);
      assertEquals((await bench.step(request)).status, "replay");
    },
  );

  declare(
    "step() claims nothing for a repeat when what it claimed then has ended",
    async (bench) => {
      await bench.enqueue("a");
      const late = bench.consumer();
      const request = late.request({ limit: 10 });
      assertEquals(idsOf((await bench.step(request)).deliveries), ["a"]);
      await bench.advance(LEASE);
      const other = bench.consumer();
      const [a] = await other.claim();
      assert(a);
      await other.settle(settle(a, ends.complete()));
      await bench.enqueue("b");
      const again = await bench.step(request);
      assertEquals([again.status, again.deliveries], ["replay", []]);
      assertEquals((await bench.result("b")).status, "ready");
    },
  );

  declare("step() keeps consumers apart", async (bench) => {
    await bench.enqueue("a", "b");
    const [one, two] = [bench.consumer("one"), bench.consumer("two")];
    assertEquals(idsOf(await one.claim(1)), ["a"]);
    assertEquals(idsOf(await two.claim(1)), ["b"]);
  });

  declare(
    "step() remembers a consumer for 24 hours after its last step",
    async (bench) => {
      const consumer = bench.consumer();
      await bench.enqueue("a", "b");
      await consumer.claim(1, { leaseMs: 90 * HOUR });
      await bench.advance(20 * HOUR);
      const request = consumer.request({ limit: 1, leaseMs: 90 * HOUR });
      await bench.step(request);
      await bench.advance(22 * HOUR);
      for (let i = 0; i < 4; i++) {
        await bench.enqueue(`t${i}`);
        await bench.consumer().claim(1);
        await bench.advance(2 * MINUTE);
      }
      const again = await bench.step(request);
      assertEquals([again.status, idsOf(again.deliveries)], ["replay", ["b"]]);
    },
  );

  declare(
    "step() remembers a consumer for 24 hours, however many its steps",
    async (bench) => {
      await bench.enqueue(...Array.from({ length: 140 }, (_, i) => `t${i}`));
      const consumer = bench.consumer();
      let request = consumer.request();
      for (let i = 0; i < 70; i++) {
        request = consumer.request({ limit: 1, leaseMs: 30 * HOUR });
        await bench.step(request);
      }
      await bench.advance(23 * HOUR);
      for (let i = 0; i < 8; i++) {
        await bench.consumer().claim(1, { leaseMs: 30 * HOUR });
        await bench.advance(2 * MINUTE);
      }
      const before = await bench.snapshot();
      const again = await bench.step(request);
      assertEquals([again.status, idsOf(again.deliveries)], ["replay", [
        "t69",
      ]]);
      assertEquals(await bench.snapshot(), before);
    },
  );
}
