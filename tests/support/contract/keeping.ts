import { assertEquals } from "@std/assert";
import { type Bench, type Declare, ends, MINUTE, settle } from "./bench.ts";

/** Which of the tasks have their result still, all of them being remembered. */
async function kept(
  bench: Bench,
  ids: readonly string[],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const id of ids) {
    const standing = await bench.result(id);
    assertEquals(standing.status, "completed", id);
    if ("payload" in standing && standing.payload !== undefined) found.push(id);
  }
  return found;
}

/** Completes tasks, a second apart, and lets the sweep come round. */
async function complete(
  bench: Bench,
  keepResults: number | undefined,
  ...ids: readonly string[]
): Promise<void> {
  await bench.enqueue(...ids);
  const consumer = bench.consumer();
  for (const _ of ids) {
    const [task] = await consumer.claim(1, { keepResults });
    await consumer.step({
      keepResults,
      settle: [settle(task!, ends.complete(`"${task!.id}"`))],
    });
    await bench.advance(1_000);
  }
  await sweep(bench, keepResults);
}

async function sweep(
  bench: Bench,
  keepResults: number | undefined,
): Promise<void> {
  const consumer = bench.consumer();
  await bench.advance(MINUTE);
  for (let sweeping = true; sweeping;) {
    ({ sweeping } = await consumer.step({ keepResults }));
  }
}

/** How many results are kept. */
export function keeping(declare: Declare): void {
  declare(
    "step() drops the oldest results beyond 'keepResults', and remembers their tasks",
    async (bench) => {
      const ids = ["a", "b", "c", "d", "e"];
      await complete(bench, 3, ...ids);
      assertEquals(await kept(bench, ids), ["c", "d", "e"]);
      const again = await bench.enqueue("a");
      assertEquals(again, [{ status: "known", id: "a" }]);
      await complete(bench, 3, "f");
      assertEquals(await kept(bench, [...ids, "f"]), ["d", "e", "f"]);
    },
  );

  declare(
    "step() drops no result when no 'keepResults' is given",
    async (bench) => {
      await complete(bench, undefined, "a", "b", "c");
      assertEquals(await kept(bench, ["a", "b", "c"]), ["a", "b", "c"]);
    },
  );

  declare(
    "step() keeps the results of a group's members, whatever 'keepResults' says, and counts no task without a result",
    async (bench) => {
      const members = ["m1", "m2", "m3"];
      await bench.enqueueGroup({
        id: "g",
        seal: 3,
        callback: undefined,
        sealMs: MINUTE,
        ttlMs: 60 * MINUTE,
      }, ...members);
      const consumer = bench.consumer();
      const deliveries = await consumer.claim();
      await consumer.step({
        keepResults: 1,
        settle: deliveries.map((each) =>
          settle(each, ends.complete("1"), { group: "g" })
        ),
      });
      await bench.enqueue("a", "none");
      const [a, none] = await consumer.claim();
      await consumer.step({
        keepResults: 1,
        settle: [
          settle(a!, ends.complete("1")),
          settle(none!, ends.complete(undefined)),
        ],
      });
      await sweep(bench, 1);
      assertEquals(
        await kept(bench, [...members, "a", "none"]),
        [...members, "a"],
      );
    },
  );

  declare(
    "step() drops more than one sweep takes",
    async (bench) => {
      const ids = Array.from({ length: 2_500 }, (_, i) => `t${i}`);
      await bench.enqueue(...ids);
      const consumer = bench.consumer();
      for (let i = 0; i < 5; i++) {
        const deliveries = await consumer.claim(500);
        await consumer.step({
          keepResults: 10,
          settle: deliveries.map((each) => settle(each, ends.complete("1"))),
        });
        await bench.advance(1);
      }
      await sweep(bench, 10);
      const { standings } = await bench.broker.results(bench.queue, {
        ids: ids.slice(-500),
        maxBytes: 1_000_000,
      });
      const left = standings.filter((standing) =>
        "payload" in standing && standing.payload !== undefined
      );
      assertEquals(left.length, 10);
      assertEquals(await kept(bench, ["t0", "t1499"]), []);
    },
  );
}
