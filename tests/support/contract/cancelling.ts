import { assert, assertEquals } from "@std/assert";
import {
  type Declare,
  delayed,
  ends,
  HOUR,
  idsOf,
  LEASE,
  MINUTE,
  operation,
  SECOND,
  settle,
  START,
  task,
} from "./bench.ts";

const CANCELLED = {
  status: "cancelled",
  attempt: 0,
  endedAt: START,
  error: "cancelled",
} as const;

/** `cancel` in every state. */
export function cancelling(declare: Declare): void {
  declare("cancel() ends a ready task at once", async (bench) => {
    await bench.enqueue("a", "b");
    assertEquals(await bench.cancel("a"), "cancelled");
    assertEquals(await bench.result("a"), CANCELLED);
    assertEquals(idsOf(await bench.consumer().claim()), ["b"]);
    assertEquals((await bench.enqueue("a"))[0]?.status, "known");
  });

  declare(
    "cancel() gives the name of the task to the request that ended it, and to its repeat",
    async ({ broker, queue, enqueue, consumer }) => {
      await enqueue(
        task("a", { name: "send mail|ü,;=" }),
        delayed("b", MINUTE),
        task("r", { related: true }),
      );
      const cancel = async (id: string, operation: string) => {
        const { status, name } = await broker.cancel(queue, {
          operation,
          id,
          error: "cancelled",
          keepMs: HOUR,
        });
        return [status, name];
      };
      assertEquals(await cancel("a", "1"), ["cancelled", "send mail|ü,;="]);
      assertEquals(await cancel("a", "2"), ["cancelled", undefined]);
      assertEquals(await cancel("a", "1"), ["cancelled", "send mail|ü,;="]);
      assertEquals(await cancel("b", "3"), ["cancelled", "work"]);
      assertEquals(await cancel("r", "4"), ["cancelling", undefined]);
      assertEquals(await cancel("none", "5"), ["missing", undefined]);
      const [r] = await consumer().claim();
      await consumer("heir").settle(settle(r!, ends.cancel()));
      assertEquals(await cancel("r", "6"), ["cancelled", undefined]);
      assertEquals(await cancel("r", "4"), ["cancelling", undefined]);
    },
  );

  declare("cancel() ends a scheduled task at once", async (bench) => {
    await bench.enqueue(delayed("a", MINUTE));
    assertEquals(await bench.cancel("a"), "cancelled");
    assertEquals(await bench.result("a"), CANCELLED);
    await bench.advance(MINUTE);
    assertEquals(await bench.consumer().claim(), []);
  });

  declare("cancel() ends a task between attempts at once", async (bench) => {
    await bench.enqueue("a", "b");
    const consumer = bench.consumer();
    const [a, b] = await consumer.claim();
    assert(a && b);
    await consumer.settle(
      settle(a, ends.retry(MINUTE)),
      settle(b, ends.retry(0)),
    );
    assertEquals(await bench.cancel("a"), "cancelled");
    assertEquals(await bench.cancel("b"), "cancelled");
    assertEquals(await bench.result("a"), { ...CANCELLED, attempt: 1 });
    assertEquals(await bench.result("b"), { ...CANCELLED, attempt: 1 });
    await bench.advance(MINUTE);
    assertEquals(await consumer.claim(), []);
  });

  declare("cancel() ends a suspect at once", async (bench) => {
    await bench.enqueue("a", "b");
    await bench.consumer().claim(1);
    await bench.advance(LEASE);
    await bench.consumer().step();
    assertEquals(await bench.cancel("a"), "cancelled");
    assertEquals(idsOf(await bench.consumer().claim()), ["b"]);
  });

  declare(
    "cancel() asks a leased task to stop, which extending reports",
    async (bench) => {
      await bench.enqueue("a", "b");
      const consumer = bench.consumer();
      const held = await consumer.claim();
      assertEquals(await bench.cancel("a"), "cancelling");
      assertEquals((await bench.result("a")).status, "leased");
      const { cancelled, lost } = await consumer.extend(held, HOUR);
      assertEquals([cancelled, lost], [["a"], []]);
      const again = await consumer.extend(held, HOUR);
      assertEquals(again.cancelled, ["a"]);
      assertEquals((await bench.list("leased"))[0]?.at, START + HOUR);
      assert(held[0]);
      await consumer.settle(settle(held[0], ends.cancel("stopped")));
      assertEquals(await bench.result("a"), {
        status: "cancelled",
        attempt: 1,
        endedAt: START,
        error: "stopped",
      });
    },
  );

  declare(
    "cancel() lets a leased task complete that did not hear of it",
    async (bench) => {
      await bench.enqueue("a");
      const consumer = bench.consumer();
      const [a] = await consumer.claim();
      assert(a);
      await bench.cancel("a");
      await consumer.settle(settle(a, ends.complete("done")));
      assertEquals((await bench.result("a")).status, "completed");
      assertEquals(await bench.cancel("a"), "ended");
    },
  );

  for (const end of [ends.complete("1"), ends.dead(), ends.expire()]) {
    declare(
      `step() does not take the end '${end.kind}' of a task that was cancelled before when it is to be taken unless cancelled`,
      async (bench) => {
        await bench.enqueueGroup(
          {
            id: "g",
            seal: 2,
            callback: undefined,
            sealMs: HOUR,
            ttlMs: HOUR,
          },
          task("a", { dedupe: { key: "k", ttlMs: HOUR } }),
          "b",
        );
        const consumer = bench.consumer();
        const [a, b] = await consumer.claim();
        assert(a && b);
        await bench.cancel("a");
        const request = consumer.request({
          settle: [a, b].map((each) => ({
            ...settle(each, end, {
              enqueue: [task(`after ${each.id}`)],
              group: "g",
              dedupe: "k",
            }),
            unlessCancelled: true,
          })),
        });
        const { stale } = await bench.step(request);
        assertEquals(stale, ["a"]);
        assertEquals((await bench.step(request)).stale, ["a"]);
        const group = await bench.group("g");
        assert(group.status === "sealed");
        assertEquals(group.completed + group.dead + group.expired, 1);
        const [again] = await bench.enqueue(
          task("other", { dedupe: { key: "k", ttlMs: HOUR } }),
        );
        assertEquals(again, { status: "duplicate", id: "a" });
        const { deliveries } = await consumer.step({ limit: 10 });
        assertEquals(
          deliveries.map(({ id, attempt, cancelled }) => ({
            id,
            attempt,
            cancelled,
          })),
          [
            { id: "a", attempt: 1, cancelled: true },
            { id: "after b", attempt: 1, cancelled: false },
          ],
        );
        await consumer.settle({
          ...settle(deliveries[0]!, ends.cancel()),
          unlessCancelled: false,
        });
        assertEquals((await bench.result("a")).status, "cancelled");
        assertEquals((await bench.result("after a")).status, "missing");
      },
    );
  }

  for (
    const end of [
      ends.retry(),
      ends.retry(MINUTE),
      ends.release(),
      ends.release(MINUTE),
    ]
  ) {
    declare(
      `step() delivers a cancelled task at once as 'cancelled' after '${end.kind} ${
        end.kind === "retry" || end.kind === "release" ? end.delayMs : ""
      }'`,
      async (bench) => {
        await bench.enqueue("a");
        const consumer = bench.consumer();
        const [a] = await consumer.claim();
        assert(a);
        await bench.cancel("a");
        await consumer.settle(settle(a, end));
        const [again] = await consumer.claim();
        assertEquals([again?.id, again?.cancelled], ["a", true]);
        assert(again);
        await consumer.settle(settle(again, ends.cancel()));
        assertEquals((await bench.result("a")).status, "cancelled");
      },
    );
  }

  for (const lane of [undefined, { key: "k", limit: 1 }]) {
    for (const end of [ends.release(MINUTE), ends.retry(MINUTE)]) {
      declare(
        `step() delivers a cancelled task after the delay of '${end.kind}' where its consumer says so${
          lane ? ", with a key" : ""
        }`,
        async (bench) => {
          const concurrency = lane ? { concurrency: lane } : {};
          await bench.enqueue(task("a", { related: true, ...concurrency }));
          await bench.cancel("a");
          const consumer = bench.consumer();
          const [a] = await consumer.claim();
          assertEquals([a?.id, a?.cancelled], ["a", true]);
          const patient = settle(a!, end, { thoughCancelled: true });
          const request = consumer.request({ settle: [patient] });
          for (let repeat = 0; repeat < 2; repeat++) {
            assertEquals((await bench.step(request)).stale, []);
          }
          assertEquals((await bench.result("a")).status, "scheduled");
          await bench.verify();
          await bench.advance(MINUTE - 1);
          assertEquals(await consumer.claim(), []);
          await bench.advance(1);
          const [again] = await consumer.claim();
          assertEquals([again?.id, again?.cancelled], ["a", true]);
          await consumer.settle(
            settle(again!, end, { thoughCancelled: true }),
          );
          assertEquals(await bench.cancel("a"), "cancelling");
          const [hurried] = await consumer.claim();
          assertEquals([hurried?.id, hurried?.cancelled], ["a", true]);
          await consumer.settle(settle(hurried!, ends.cancel()));
          assertEquals((await bench.result("a")).status, "cancelled");
        },
      );
    }
  }

  declare(
    "step() delivers a cancelled task as 'cancelled' when its consumer died",
    async (bench) => {
      await bench.enqueue("a");
      await bench.consumer().claim();
      await bench.cancel("a");
      for (let crash = 1; crash <= 2; crash++) {
        await bench.advance(LEASE);
        const [a] = await bench.consumer().claim();
        assertEquals([a?.cancelled, a?.suspect, a?.attempt], [
          true,
          true,
          crash + 1,
        ]);
      }
    },
  );

  declare(
    "cancel() ends a task at once that waits to be delivered as cancelled",
    async (bench) => {
      await bench.enqueue("a");
      const consumer = bench.consumer();
      const [a] = await consumer.claim();
      assert(a);
      await bench.cancel("a");
      await consumer.settle(settle(a, ends.retry()));
      assertEquals(await bench.cancel("a"), "cancelled");
      assertEquals(await consumer.claim(), []);
    },
  );

  declare(
    "cancel() says 'cancelling' of a task whose lease ended but nobody took it",
    async (bench) => {
      await bench.enqueue("a");
      await bench.consumer().claim();
      await bench.advance(LEASE + SECOND);
      assertEquals(await bench.cancel("a"), "cancelling");
      const [a] = await bench.consumer().claim();
      assertEquals([a?.cancelled, a?.attempt], [true, 2]);
    },
  );

  declare(
    "cancel() says 'missing' of what never was, or is forgotten",
    async (bench) => {
      assertEquals(await bench.cancel("never"), "missing");
      await bench.enqueue("a");
      await bench.cancel("a");
      await bench.advance(HOUR);
      assertEquals(await bench.cancel("a"), "missing");
    },
  );

  declare(
    "cancel() says 'ended' of a task that ended, and changes nothing",
    async (bench) => {
      await bench.enqueue("a", "b", "c");
      const consumer = bench.consumer();
      const [a, b, c] = await consumer.claim();
      assert(a && b && c);
      await consumer.settle(
        settle(a, ends.complete("done")),
        settle(b, ends.dead()),
        settle(c, ends.expire()),
      );
      const before = await bench.snapshot();
      assertEquals(await bench.cancel("a"), "ended");
      assertEquals(await bench.cancel("b"), "ended");
      assertEquals(await bench.cancel("c"), "ended");
      assertEquals(await bench.snapshot(), before);
    },
  );

  declare(
    "cancel() says 'cancelled' of a cancelled task, and changes nothing",
    async (bench) => {
      await bench.enqueue("a");
      await bench.cancel("a");
      const before = await bench.snapshot();
      await bench.advance(MINUTE);
      assertEquals(await bench.cancel("a"), "cancelled");
      assertEquals(await bench.snapshot(), before);
    },
  );

  declare(
    "cancel() keeps why, as it was given, for its keepMs",
    async (bench) => {
      await bench.enqueue("a");
      const error = '{"message":"no|more\\n"}\n|';
      await bench.broker.cancel(bench.queue, {
        operation: operation(),
        id: "a",
        error,
        keepMs: MINUTE,
      });
      await bench.advance(MINUTE - 1);
      assertEquals(await bench.result("a"), { ...CANCELLED, error });
      await bench.advance(1);
      assertEquals((await bench.result("a")).status, "missing");
      assertEquals((await bench.enqueue("a"))[0]?.status, "new");
    },
  );
}
