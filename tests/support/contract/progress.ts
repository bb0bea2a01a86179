import { assert, assertEquals } from "@std/assert";
import { type Declare, ends, LEASE, settle } from "./bench.ts";

/** What a handler tells while it runs. */
export function progress(declare: Declare): void {
  const told = '{"done":"50%|half"}\n';

  declare(
    "step() keeps the last progress of a task for as long as it is leased",
    async (bench) => {
      await bench.enqueue("a");
      const consumer = bench.consumer();
      const [a] = await consumer.claim();
      assert(a);
      const tell = (progress?: string) =>
        consumer.step({
          extend: [{ id: "a", token: a.token, leaseMs: undefined, progress }],
        });
      const seen = async () => {
        const standing = await bench.result("a");
        return "progress" in standing ? standing.progress : undefined;
      };
      assertEquals(await seen(), undefined);
      await tell("1");
      assertEquals(await seen(), "1");
      await tell(told);
      await tell();
      assertEquals(await seen(), told);
      await consumer.settle(settle(a, ends.retry()));
      assertEquals(await seen(), undefined);
      const [again] = await consumer.claim();
      assert(again);
      assertEquals([again.attempt, again.lastError], [2, "failed"]);
      assertEquals(await seen(), undefined);
    },
  );

  declare(
    "step() keeps no progress of a stale lease, nor of a lease that ended",
    async (bench) => {
      await bench.enqueue("a");
      const late = bench.consumer();
      const [a] = await late.claim();
      assert(a);
      const extend = [{ ...a, leaseMs: undefined, progress: "late" }];
      await late.step({ extend });
      await bench.advance(LEASE);
      const [again] = await bench.consumer().claim();
      assertEquals(again?.attempt, 2);
      assertEquals((await late.step({ extend })).lost, ["a"]);
      const standing = await bench.result("a");
      assertEquals("progress" in standing && standing.progress, false);
    },
  );

  declare(
    "step() that comes late, after a newer one, does not bring old progress back",
    async (bench) => {
      await bench.enqueue("a");
      const consumer = bench.consumer();
      const [a] = await consumer.claim();
      assert(a);
      const tell = (progress: string) =>
        consumer.request({
          extend: [{ id: "a", token: a.token, leaseMs: undefined, progress }],
        });
      const [first, second] = [tell("1"), tell("2")];
      await bench.step(first);
      await bench.step(second);
      assertEquals((await bench.step(second)).status, "replay");
      assertEquals((await bench.step(first)).status, "old");
      const standing = await bench.result("a");
      assertEquals("progress" in standing && standing.progress, "2");
    },
  );
}
