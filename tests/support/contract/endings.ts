import { assert, assertEquals } from "@std/assert";
import type { Delivery, Settlement } from "../../../src/broker/broker.ts";
import {
  type Bench,
  type Declare,
  ends,
  HOUR,
  MINUTE,
  settle,
  START,
} from "./bench.ts";

async function endOne(
  bench: Bench,
  end: Settlement["end"],
): Promise<Delivery> {
  await bench.enqueue("a");
  const consumer = bench.consumer();
  const [a] = await consumer.claim();
  assert(a);
  const { stale } = await consumer.settle(settle(a, end));
  assertEquals(stale, []);
  return a;
}

/** How a task ends, what is remembered of it and how long. */
export function endings(declare: Declare): void {
  declare(
    "result() gives the payload of a completed task as it was",
    async (bench) => {
      const payload = '|1\n{"a":"\u{1F3C3}"}|\u0000';
      await endOne(bench, ends.complete(payload));
      assertEquals(await bench.result("a"), {
        status: "completed",
        attempt: 1,
        endedAt: START,
        payload,
      });
    },
  );

  declare("result() tells an empty payload from none", async (bench) => {
    await bench.enqueue("a", "b");
    const consumer = bench.consumer();
    const [a, b] = await consumer.claim();
    assert(a && b);
    await consumer.settle(
      settle(a, ends.complete("")),
      settle(b, ends.complete(undefined)),
    );
    const [one, two] = [await bench.result("a"), await bench.result("b")];
    assert(one.status === "completed" && two.status === "completed");
    assertEquals([one.payload, two.payload], ["", undefined]);
  });

  declare(
    "result() gives the payload for resultMs, the status for keepMs",
    async (bench) => {
      const end = ends.complete("done", { resultMs: MINUTE, keepMs: HOUR });
      await endOne(bench, end);
      const payload = async () => {
        const standing = await bench.result("a");
        assert(standing.status === "completed");
        return standing.payload;
      };
      await bench.advance(MINUTE - 1);
      assertEquals(await payload(), "done");
      await bench.advance(1);
      assertEquals(await payload(), undefined);
      await bench.advance(HOUR - MINUTE - 1);
      assertEquals(await payload(), undefined);
      await bench.advance(1);
      assertEquals(await bench.result("a"), { status: "missing" });
    },
  );

  declare("result() gives no payload when resultMs is 0", async (bench) => {
    await endOne(bench, ends.complete("done", { resultMs: 0 }));
    assertEquals(await bench.result("a"), {
      status: "completed",
      attempt: 1,
      endedAt: START,
      payload: undefined,
    });
  });

  for (const kind of ["cancel", "expire"] as const) {
    const status = kind === "cancel" ? "cancelled" : "expired";
    declare(`result() says '${status}' and why, for keepMs`, async (bench) => {
      const error = '{"name":"E","message":"a|b"}\n|';
      await endOne(bench, ends[kind](error, MINUTE));
      const standing = { status, attempt: 1, endedAt: START, error } as const;
      await bench.advance(MINUTE - 1);
      assertEquals(await bench.result("a"), standing);
      await bench.advance(1);
      assertEquals(await bench.result("a"), { status: "missing" });
    });
  }

  declare(
    "result() says 'dead' and why, and list() shows it",
    async (bench) => {
      const error = '{"name":"E","message":"a|b\\n"}\n|\u{1F3C3}';
      await bench.advance(5);
      await endOne(bench, ends.dead(error));
      assertEquals(await bench.result("a"), {
        status: "dead",
        attempt: 1,
        endedAt: START + 5,
        error,
      });
      assertEquals(await bench.list("dead"), [{
        id: "a",
        name: "work",
        state: "dead",
        attempt: 1,
        enqueuedAt: START + 5,
        at: START + 5,
        error,
      }]);
    },
  );

  for (
    const end of [
      ends.complete("x"),
      ends.cancel(),
      ends.expire(),
      ends.dead(),
    ]
  ) {
    declare(
      `enqueue() answers 'known' after '${end.kind}', and runs nothing again`,
      async (bench) => {
        await endOne(bench, end);
        await bench.advance(MINUTE);
        assertEquals(await bench.enqueue("a"), [{ status: "known", id: "a" }]);
        assertEquals(await bench.enqueue("a", "b"), [
          { status: "known", id: "a" },
          { status: "new", id: "b" },
        ]);
        const [b, ...more] = await bench.consumer().claim();
        assertEquals([b?.id, more], ["b", []]);
      },
    );
  }

  for (
    const end of [
      ends.complete("x", { resultMs: MINUTE, keepMs: MINUTE }),
      ends.cancel("x", MINUTE),
      ends.expire("x", MINUTE),
    ]
  ) {
    declare(
      `enqueue() takes the id again keepMs after '${end.kind}', swept or not`,
      async (bench) => {
        await endOne(bench, end);
        await bench.advance(MINUTE - 1);
        assertEquals((await bench.enqueue("a"))[0]?.status, "known");
        await bench.advance(1);
        assertEquals((await bench.enqueue("a", "b"))[0]?.status, "new");
        assertEquals(await bench.result("a"), {
          status: "ready",
          attempt: 0,
          dueAt: undefined,
          lastError: undefined,
        });
        const consumer = bench.consumer();
        const [a] = await consumer.claim(1);
        assertEquals([a?.id, a?.attempt], ["a", 1]);
        // the end of the first life must not sweep the second one away
        for (let i = 0; i < 20; i++) {
          await bench.advance(MINUTE);
          await consumer.extend(a ? [a] : [], HOUR);
        }
        assertEquals((await bench.result("a")).status, "leased");
        assert(a);
        const { stale } = await consumer.settle(settle(a, ends.complete("2")));
        assertEquals(stale, []);
      },
    );

    declare(
      `enqueue() of one takes the id again keepMs after '${end.kind}'`,
      async (bench) => {
        await endOne(bench, end);
        await bench.advance(MINUTE);
        assertEquals(await bench.enqueue("a"), [{ status: "new", id: "a" }]);
        assertEquals(await bench.enqueue("a"), [{ status: "known", id: "a" }]);
        assertEquals((await bench.consumer().claim())[0]?.attempt, 1);
      },
    );
  }
}
