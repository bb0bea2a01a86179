import { assert, assertEquals } from "@std/assert";
import {
  type Bench,
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

const related = { related: true } as const;

const purge = async (
  { broker, queue }: Bench,
  ids: readonly string[],
  more: object = {},
): Promise<number> => {
  const { changed } = await broker.purge(queue, {
    operation: operation(),
    tasks: ids.map((id) => ({ id })),
    error: "purged",
    keepMs: HOUR,
    ...more,
  });
  return changed;
};

/** Tasks whose end has consequences: only a settlement ends them. */
export function relations(declare: Declare): void {
  const waiting = {
    ready: task("a", related),
    scheduled: delayed("a", HOUR, related),
    member: task("a", { group: "g" }),
  };
  for (const [state, made] of Object.entries(waiting)) {
    declare(
      `cancel() lets a related task be delivered next, as cancelled, when it is ${state}`,
      async (bench) => {
        await bench.enqueue("first", made, "last");
        assertEquals(await bench.cancel("a"), "cancelling");
        assertEquals((await bench.result("a")).status, "ready");
        const consumer = bench.consumer();
        const [a, first] = await consumer.claim(2);
        assertEquals([a?.id, a?.cancelled, a?.attempt], ["a", true, 1]);
        assertEquals([first?.id, first?.cancelled], ["first", false]);
        assert(a);
        await bench.advance(1);
        await consumer.settle(
          settle(a, ends.cancel("stopped"), { enqueue: [task("next")] }),
        );
        assertEquals(await bench.result("a"), {
          status: "cancelled",
          attempt: 1,
          endedAt: START + 1,
          error: "stopped",
        });
        assertEquals(idsOf(await consumer.claim()), ["last", "next"]);
        assertEquals(await bench.cancel("a"), "cancelled");
      },
    );
  }

  declare(
    "cancel() may be asked again of a related task that waits to be delivered as cancelled",
    async (bench) => {
      await bench.enqueue(delayed("a", HOUR, related));
      const op = operation();
      assertEquals(await bench.cancel("a", op), "cancelling");
      const books = await bench.snapshot();
      assertEquals(await bench.cancel("a", op), "cancelling");
      assertEquals(await bench.cancel("a"), "cancelling");
      assertEquals(await bench.snapshot(), books);
      assertEquals(idsOf(await bench.consumer().claim()), ["a"]);
    },
  );

  declare(
    "cancel() of a related task between attempts keeps its attempts and its error",
    async (bench) => {
      await bench.enqueue(task("a", related));
      const consumer = bench.consumer();
      const [a] = await consumer.claim();
      assert(a);
      await consumer.settle(settle(a, ends.retry(HOUR, "why"), { span: "s" }));
      assertEquals(await bench.cancel("a"), "cancelling");
      const [again] = await consumer.claim();
      assertEquals(
        [again?.attempt, again?.lastError, again?.previousSpan],
        [2, "why", "s"],
      );
      assertEquals(again?.cancelled, true);
    },
  );

  declare(
    "cancel() of a related task is not forgotten when its consumer dies or puts it back",
    async (bench) => {
      await bench.enqueue(delayed("a", HOUR, related), "b");
      await bench.cancel("a");
      await bench.consumer().claim(1);
      await bench.advance(LEASE);
      const consumer = bench.consumer();
      const [a] = await consumer.claim(1);
      assertEquals([a?.id, a?.cancelled, a?.suspect], ["a", true, true]);
      assert(a);
      await consumer.settle(settle(a, ends.release(MINUTE)));
      assertEquals((await consumer.claim(1))[0]?.cancelled, true);
    },
  );

  declare(
    "cancel() counts a cancelled related task's age from when it was cancelled",
    async (bench) => {
      await bench.enqueue("b", task("a", related));
      await bench.advance(SECOND);
      await bench.cancel("a");
      const { oldestAt } = await bench.broker.stats(bench.queue);
      assertEquals(oldestAt, START + SECOND);
    },
  );

  declare(
    "purge() lets related tasks be delivered as cancelled, and counts them",
    async (bench) => {
      await bench.enqueue(
        task("a", related),
        "b",
        delayed("c", HOUR, related),
        "d",
      );
      assertEquals(await purge(bench, ["a", "b", "c", "never"]), 3);
      assertEquals((await bench.result("b")).status, "cancelled");
      const claimed = await bench.consumer().claim();
      assertEquals(claimed.map((each) => [each.id, each.cancelled]), [
        ["a", true],
        ["c", true],
        ["d", false],
      ]);
    },
  );

  declare(
    "purge() ends a related task at once that is dead: that end had its settlement",
    async (bench) => {
      await bench.enqueue(task("a", related));
      const consumer = bench.consumer();
      const [a] = await consumer.claim();
      assert(a);
      await consumer.settle(settle(a, ends.dead()));
      assertEquals(await purge(bench, ["a"]), 1);
      assertEquals((await bench.result("a")).status, "cancelled");
    },
  );

  declare(
    "purge() does what cancel() does when it is to stop: leased ones are asked, dead ones left",
    async (bench) => {
      await bench.enqueue("dead", "leased", "ready", task("member", related));
      const consumer = bench.consumer();
      const [dead, leased] = await consumer.claim(2);
      assert(dead && leased);
      await consumer.settle(settle(dead, ends.dead()));
      const ids = ["dead", "leased", "ready", "member"];
      assertEquals(await purge(bench, ids, { stop: true }), 3);
      assertEquals((await consumer.extend([leased])).cancelled, ["leased"]);
      const states = await Promise.all(
        ids.map(async (id) => (await bench.result(id)).status),
      );
      assertEquals(states, ["dead", "leased", "cancelled", "ready"]);
      assertEquals((await consumer.claim())[0]?.cancelled, true);
    },
  );

  declare(
    "redrive() revives a related task as a related one",
    async (bench) => {
      await bench.enqueue(task("a", related));
      const consumer = bench.consumer();
      const [a] = await consumer.claim();
      assert(a);
      await consumer.settle(settle(a, ends.dead()));
      await bench.broker.redrive(bench.queue, {
        operation: operation(),
        tasks: [{ id: "a", diedAt: START }],
      });
      assertEquals(await bench.cancel("a"), "cancelling");
      const [again] = await consumer.claim();
      assertEquals([again?.cancelled, again?.attempt], [true, 1]);
    },
  );

  for (
    const end of [
      ends.complete("done"),
      ends.retry(MINUTE),
      ends.release(MINUTE),
      ends.snooze(START + MINUTE),
      ends.dead(),
      ends.cancel(),
      ends.expire(),
    ]
  ) {
    declare(
      `step() enqueues what comes with a settlement as '${end.kind}', once`,
      async (bench) => {
        await bench.enqueue("a");
        const consumer = bench.consumer();
        const [a] = await consumer.claim();
        assert(a);
        const enqueue = [task("next"), delayed("later", HOUR)];
        const stale = settle({ ...a, token: "no:1" }, end, {
          enqueue: [task("never")],
        });
        await bench.consumer().settle(stale);
        const request = consumer.request({
          settle: [settle(a, end, { enqueue })],
        });
        await bench.step(request);
        await bench.step(request);
        assertEquals((await bench.result("never")).status, "missing");
        assertEquals(idsOf(await bench.consumer().claim()), ["next"]);
        assertEquals((await bench.result("later")).status, "scheduled");
      },
    );
  }

  declare(
    "step() snoozes a task till an instant, its attempts counted anew",
    async (bench) => {
      await bench.enqueue("a", "b");
      const consumer = bench.consumer();
      const [a] = await consumer.claim(1);
      assert(a);
      await consumer.settle(settle(a, ends.retry(0, "why")));
      const [again] = await consumer.claim(1);
      assert(again);
      assertEquals(again.attempt, 2);
      const at = START + HOUR;
      await consumer.settle(settle(again, ends.snooze(at), { span: "s" }));
      assertEquals(await bench.result("a"), {
        status: "scheduled",
        attempt: 0,
        dueAt: at,
        lastError: undefined,
      });
      await bench.advance(HOUR);
      const [later] = await consumer.claim(1);
      assertEquals(
        [later?.id, later?.attempt, later?.dueAt, later?.previousSpan],
        ["a", 1, at, "s"],
      );
      assertEquals(later?.envelope, a.envelope);
      assertEquals(later?.lastError, undefined);
    },
  );

  declare(
    "step() puts another envelope into a task that it snoozes",
    async (bench) => {
      await bench.enqueue(task("a", { priority: 3 }));
      const consumer = bench.consumer();
      const [a] = await consumer.claim();
      assert(a);
      await consumer.settle(settle(a, ends.snooze(START, "other\n|")));
      const [again] = await consumer.claim();
      assertEquals(
        [again?.envelope, again?.enqueuedAt, again?.name],
        ["other\n|", START, "work"],
      );
      assertEquals(again?.attempt, 1);
    },
  );
}
