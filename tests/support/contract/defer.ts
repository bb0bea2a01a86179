import { assert, assertEquals } from "@std/assert";
import {
  type Declare,
  delayed,
  ends,
  HOUR,
  idsOf,
  SECOND,
  settle,
  START,
  task,
} from "./bench.ts";

/** Tasks that a settlement enqueues. */
export function defer(declare: Declare): void {
  for (
    const end of [
      ends.complete("x"),
      ends.retry(SECOND),
      ends.release(SECOND),
      ends.dead(),
      ends.cancel(),
      ends.expire(),
    ]
  ) {
    declare(
      `step() enqueues what a settlement brings with '${end.kind}', in one commit`,
      async (bench) => {
        await bench.enqueue("a");
        const consumer = bench.consumer();
        const [a] = await consumer.claim();
        assert(a);
        const made = task("next", { name: "second", envelope: "a\n|b" });
        const reply = await consumer.step({
          settle: [
            settle(a, end, { enqueue: [made, delayed("later", SECOND)] }),
          ],
          limit: 10,
        });
        assertEquals(reply.deliveries.map((d) => [d.id, d.name, d.envelope]), [
          ["next", "second", "a\n|b"],
        ]);
        assertEquals(reply.deliveries[0]?.enqueuedAt, START);
        const later = await bench.result("later");
        assert(later.status === "scheduled");
        assertEquals(later.dueAt, START + SECOND);
      },
    );
  }

  declare(
    "step() enqueues nothing a second time when the id is there or was",
    async (bench) => {
      await bench.enqueue("a", "b", task("next", { envelope: "first" }), "old");
      const consumer = bench.consumer();
      const [a, b, next, old] = await consumer.claim();
      assert(a && b && next && old);
      await consumer.settle(settle(old, ends.complete("x")));
      await consumer.settle(
        settle(a, ends.complete(), {
          enqueue: [task("next", { envelope: "second" }), task("old")],
        }),
        settle(b, ends.complete(), {
          enqueue: [
            task("new", { envelope: "1" }),
            task("new", { envelope: "2" }),
          ],
        }),
      );
      assertEquals(
        await consumer.claim().then((all) =>
          all.map((d) => [d.id, d.envelope])
        ),
        [["new", "1"]],
      );
      assertEquals((await bench.result("next")).status, "leased");
      assertEquals((await bench.result("old")).status, "completed");
    },
  );

  declare(
    "step() enqueues what the accepted of its settlements bring, and nothing else",
    async (bench) => {
      await bench.enqueue("a", "b", "c");
      const consumer = bench.consumer();
      const [a, b, c] = await consumer.claim();
      assert(a && b && c);
      const late = { id: b.id, token: "another:1" };
      for (const [first, second] of [[late, a], [c, late]] as const) {
        const { stale } = await consumer.settle(
          settle(first, ends.complete(), { enqueue: [task(`1 ${first.id}`)] }),
          settle(second, ends.complete(), {
            enqueue: [task(`2 ${second.id}`)],
          }),
        );
        assertEquals(stale, ["b"]);
        await bench.advance(1);
      }
      assertEquals(idsOf(await bench.list("ready")), ["2 a", "1 c"]);
    },
  );

  declare(
    "step() takes an id that two settlements bring once",
    async (bench) => {
      await bench.enqueue("a", "b");
      const consumer = bench.consumer();
      const [a, b] = await consumer.claim();
      assert(a && b);
      await consumer.settle(
        settle(a, ends.complete(), { enqueue: [task("n", { envelope: "1" })] }),
        settle(b, ends.complete(), { enqueue: [task("n", { envelope: "2" })] }),
      );
      const claimed = await consumer.claim();
      assertEquals(claimed.map((d) => d.envelope), ["1"]);
    },
  );

  declare(
    "step() puts what settlements bring behind what waits, in their order",
    async (bench) => {
      await bench.enqueue("a", "b", "c");
      const consumer = bench.consumer();
      const [a, b] = await consumer.claim(2);
      assert(a && b);
      await bench.advance(1);
      await consumer.settle(
        settle(b, ends.complete(), { enqueue: [task("z"), task("y")] }),
        settle(a, ends.complete(), {
          enqueue: [task("x"), task("urgent", { priority: 1 })],
        }),
      );
      assertEquals(idsOf(await consumer.claim()), [
        "urgent",
        "c",
        "z",
        "y",
        "x",
      ]);
    },
  );

  declare(
    "step() holds the dedupe key of what a settlement brings",
    async (bench) => {
      const dedupe = { key: "k", ttlMs: HOUR };
      await bench.enqueue(
        "a",
        "b",
        task("holder", { dedupe: { ...dedupe, key: "h" } }),
      );
      await bench.advance(1);
      const consumer = bench.consumer();
      const [a, b] = await consumer.claim(2);
      assert(a && b);
      await consumer.settle(
        settle(a, ends.complete(), {
          enqueue: [
            task("n1", { dedupe }),
            task("n2", { dedupe }),
            task("n3", { dedupe: { ...dedupe, key: "h" } }),
          ],
        }),
      );
      assertEquals(idsOf(await bench.list("ready")), ["holder", "n1"]);
      assertEquals(await bench.enqueue(task("n4", { dedupe })), [
        { status: "duplicate", id: "n1" },
      ]);
      await consumer.settle(
        settle(b, ends.complete(), { enqueue: [task("n5", { dedupe })] }),
      );
      assertEquals((await bench.result("n5")).status, "missing");
    },
  );

  declare(
    "step() lets a settlement free the dedupe key that its successor takes",
    async (bench) => {
      const dedupe = { key: "k", ttlMs: HOUR };
      await bench.enqueue(task("a", { dedupe }));
      const consumer = bench.consumer();
      const [a] = await consumer.claim();
      assert(a);
      await consumer.settle(
        settle(a, ends.complete(), {
          dedupe: "k",
          enqueue: [task("n", { dedupe })],
        }),
      );
      assertEquals((await bench.result("n")).status, "ready");
      assertEquals(await bench.enqueue(task("other", { dedupe })), [
        { status: "duplicate", id: "n" },
      ]);
    },
  );
}
