import { assert, assertEquals } from "@std/assert";
import type { GroupChunk, GroupStanding } from "../../../src/broker/broker.ts";
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
  settle,
  START,
  task,
} from "./bench.ts";

/** A group as tests begin it; what a test does not say is sealed with two members, and has a callback. */
function chunk(more: Partial<GroupChunk> = {}): GroupChunk {
  return {
    id: "g",
    seal: 2,
    callback: task("callback"),
    sealMs: 10 * MINUTE,
    ttlMs: HOUR,
    ...more,
  };
}

const standing = (
  status: "open" | "sealed" | "complete" | "lost",
  total: number | undefined,
  more: object = {},
): Exclude<GroupStanding, { readonly status: "missing" }> => ({
  status,
  total,
  completed: 0,
  dead: 0,
  cancelled: 0,
  expired: 0,
  callback: "callback",
  ...more,
});

const WAITING = {
  status: "waiting",
  attempt: 0,
  dueAt: undefined,
  lastError: undefined,
} as const;

/** Claims one task and ends it in its group. */
async function finish(
  bench: Bench,
  end = ends.complete("done"),
  span = "",
): Promise<string> {
  const consumer = bench.consumer();
  const [claimed] = await consumer.claim(1);
  assert(claimed);
  await consumer.settle(settle(claimed, end, { group: "g", span }));
  return claimed.id;
}

/** Lets the sweep come round. */
async function sweep(bench: Bench, times = 3): Promise<void> {
  for (let i = 0; i < times; i++) {
    await bench.advance(MINUTE);
    await bench.consumer().step();
  }
}

/** Groups: members that are counted, and a callback that fires once. */
export function groups(declare: Declare): void {
  declare(
    "enqueue() keeps a group's callback waiting until every member ended",
    async (bench) => {
      const answers = await bench.enqueueGroup(chunk(), "a", "b");
      assertEquals(idsOf(answers), ["a", "b"]);
      assertEquals(await bench.group("g"), standing("sealed", 2));
      assertEquals(await bench.result("callback"), WAITING);
      assertEquals(await finish(bench), "a");
      assertEquals(
        await bench.group("g"),
        standing("sealed", 2, { completed: 1 }),
      );
      assertEquals(await bench.result("callback"), WAITING);
      assertEquals(await finish(bench, ends.complete("2"), "00-last"), "b");
      assertEquals(
        await bench.group("g"),
        standing("complete", 2, { completed: 2 }),
      );
      const consumer = bench.consumer();
      const [callback, ...others] = await consumer.claim();
      assertEquals(others, []);
      assert(callback);
      assertEquals(
        [callback.id, callback.attempt, callback.releasedBy],
        ["callback", 1, "00-last"],
      );
      assertEquals(callback.envelope, "envelope of callback");
      await consumer.settle(settle(callback, ends.retry()));
      const [again] = await consumer.claim();
      assertEquals([again?.attempt, again?.releasedBy], [2, "00-last"]);
    },
  );

  declare(
    "a sealed group waits 'idleMs' for its members, and is remembered 'ttlMs' once it is complete",
    async (bench) => {
      const idleMs = 5 * HOUR;
      await bench.enqueueGroup(chunk({ idleMs }), "a", "b");
      await bench.advance(3 * HOUR);
      assertEquals(await finish(bench), "a");
      await sweep(bench);
      await bench.advance(4 * HOUR);
      await sweep(bench);
      assertEquals((await bench.group("g")).status, "sealed");
      assertEquals(await finish(bench), "b");
      assertEquals((await bench.group("g")).status, "complete");
      await bench.advance(HOUR);
      assertEquals((await bench.group("g")).status, "missing");
      await bench.enqueueGroup(
        chunk({ id: "h", idleMs, callback: undefined }),
        "c",
      );
      await bench.advance(idleMs);
      await sweep(bench);
      assertEquals((await bench.group("h")).status, "lost");
    },
  );

  const terminal = {
    completed: ends.complete(),
    dead: ends.dead(),
    cancelled: ends.cancel(),
    expired: ends.expire(),
  };
  for (const [how, end] of Object.entries(terminal)) {
    declare(`step() counts a member that is ${how}`, async (bench) => {
      await bench.enqueueGroup(chunk({ seal: 1 }), "a");
      await finish(bench, end);
      assertEquals(
        await bench.group("g"),
        standing("complete", 1, { [how]: 1 }),
      );
      assertEquals(idsOf(await bench.consumer().claim()), ["callback"]);
    });
  }

  for (
    const end of [ends.retry(), ends.release(), ends.snooze(START + MINUTE)]
  ) {
    declare(
      `step() does not count a member that goes on by '${end.kind}'`,
      async (bench) => {
        await bench.enqueueGroup(chunk({ seal: 1 }), "a");
        await finish(bench, end);
        assertEquals(await bench.group("g"), standing("sealed", 1));
        await bench.advance(MINUTE);
        await finish(bench);
        assertEquals((await bench.group("g")).status, "complete");
      },
    );
  }

  declare("step() does not count a settlement that is stale", async (bench) => {
    await bench.enqueueGroup(chunk({ seal: 1 }), "a");
    const late = bench.consumer();
    const [a] = await late.claim();
    assert(a);
    await bench.advance(LEASE);
    const other = bench.consumer();
    const [again] = await other.claim();
    assert(again);
    await late.settle(settle(a, ends.complete(), { group: "g" }));
    assertEquals(await bench.group("g"), standing("sealed", 1));
    await other.settle(settle(again, ends.complete(), { group: "g" }));
    assertEquals(
      await bench.group("g"),
      standing("complete", 1, { completed: 1 }),
    );
  });

  declare("step() counts a repeated settlement once", async (bench) => {
    await bench.enqueueGroup(chunk({ seal: 3 }), "a", "b", "c");
    const consumer = bench.consumer();
    const claimed = await consumer.claim(2);
    const request = consumer.request({
      settle: claimed.map((each) =>
        settle(each, ends.complete(), { group: "g" })
      ),
    });
    await bench.step(request);
    await bench.step(request);
    assertEquals(
      await bench.group("g"),
      standing("sealed", 3, { completed: 2 }),
    );
  });

  declare(
    "step() completes several groups at once, in the order of their members",
    async (bench) => {
      for (const id of ["g", "h|i", "é"]) {
        await bench.enqueueGroup(
          chunk({ id, seal: 1, callback: task(`callback of ${id}`) }),
          task(`member of ${id}`),
        );
      }
      const consumer = bench.consumer();
      const claimed = await consumer.claim();
      const { deliveries } = await consumer.step({
        limit: 10,
        settle: claimed.toReversed().map((each) =>
          settle(each, ends.complete(), {
            group: each.id.slice("member of ".length),
            enqueue: [task(`next of ${each.id}`)],
            span: each.id,
          })
        ),
      });
      assertEquals(idsOf(deliveries), [
        "next of member of é",
        "next of member of h|i",
        "next of member of g",
        "callback of é",
        "callback of h|i",
        "callback of g",
      ]);
      assertEquals(deliveries[3]?.releasedBy, "member of é");
    },
  );

  declare(
    "step() counts in no group that is unknown or forgotten",
    async (bench) => {
      await bench.enqueue(task("a", { group: "g" }));
      await finish(bench);
      assertEquals(await bench.group("g"), { status: "missing" });
      assertEquals((await bench.result("a")).status, "completed");
    },
  );

  declare(
    "enqueue() takes a group's chunks with the effect of one each, repeated, late and out of order",
    async (bench) => {
      const first = chunk({ seal: undefined });
      const second = chunk({ seal: undefined, callback: undefined });
      const last = chunk({ seal: 3, callback: undefined });
      await bench.enqueueGroup(last, "c");
      assertEquals(
        await bench.group("g"),
        standing("sealed", 3, { callback: undefined }),
      );
      await bench.enqueueGroup(first, "a");
      await bench.enqueueGroup(second, "b");
      await bench.enqueueGroup(first, "a");
      assertEquals(await bench.group("g"), standing("sealed", 3));
      await finish(bench);
      await bench.enqueueGroup(last, "c");
      await finish(bench);
      await bench.enqueueGroup(second, "b");
      await finish(bench);
      const consumer = bench.consumer();
      const [callback] = await consumer.claim();
      assertEquals(callback?.id, "callback");
      assert(callback);
      await consumer.settle(settle(callback, ends.complete("1")));
      const books = await bench.snapshot();
      for (const [each, id] of [[first, "a"], [last, "c"]] as const) {
        await bench.enqueueGroup(each, id);
      }
      assertEquals(await bench.snapshot(), books);
      assertEquals(await consumer.claim(), []);
    },
  );

  declare(
    "enqueue() completes a group whose members had ended before it was sealed",
    async (bench) => {
      await bench.enqueueGroup(chunk({ seal: undefined }), "a", "b");
      await finish(bench);
      await finish(bench, ends.dead());
      assertEquals(
        await bench.group("g"),
        standing("open", undefined, { completed: 1, dead: 1 }),
      );
      assertEquals(await bench.result("callback"), WAITING);
      const seal = chunk({ callback: undefined });
      await bench.enqueueGroup(seal);
      await bench.enqueueGroup(seal);
      assertEquals((await bench.group("g")).status, "complete");
      const [callback] = await bench.consumer().claim();
      assertEquals([callback?.id, callback?.releasedBy], [
        "callback",
        undefined,
      ]);
    },
  );

  declare("enqueue() completes an empty group at once", async (bench) => {
    await bench.enqueueGroup(chunk({ seal: 0 }));
    await bench.enqueueGroup(chunk({ seal: 0 }));
    assertEquals(await bench.group("g"), standing("complete", 0));
    assertEquals(idsOf(await bench.consumer().claim()), ["callback"]);
    await bench.enqueueGroup(chunk({ id: "h", seal: 0, callback: undefined }));
    assertEquals((await bench.group("h")).status, "complete");
  });

  declare(
    "enqueue() releases a callback that comes after its group is complete",
    async (bench) => {
      await bench.enqueueGroup(chunk({ seal: 0, callback: undefined }));
      await bench.enqueueGroup(chunk({ seal: 0 }));
      assertEquals(await bench.group("g"), standing("complete", 0));
      assertEquals(idsOf(await bench.consumer().claim()), ["callback"]);
    },
  );

  declare(
    "enqueue() gives a released callback its priority among the others",
    async (bench) => {
      const callback = task("callback", { priority: 5 });
      await bench.enqueueGroup(chunk({ seal: 1, callback }), "a");
      await bench.enqueue("b", "c");
      await finish(bench);
      assertEquals(idsOf(await bench.consumer().claim()), [
        "callback",
        "b",
        "c",
      ]);
    },
  );

  declare(
    "redrive() gives a dead member back as counted, and its callback has fired",
    async (bench) => {
      await bench.enqueueGroup(chunk({ seal: 1 }), "a");
      await finish(bench, ends.dead());
      const consumer = bench.consumer();
      const [callback] = await consumer.claim();
      assert(callback);
      assertEquals(callback.counted, false);
      await consumer.settle(settle(callback, ends.complete()));
      const { broker, queue } = bench;
      for (let time = 0; time < 2; time++) {
        const diedAt = START + time;
        const { changed } = await broker.redrive(queue, {
          operation: operation(),
          tasks: [{ id: "a", diedAt }],
        });
        assertEquals(changed, 1);
        const [again] = await consumer.claim();
        assertEquals([again?.id, again?.counted], ["a", true]);
        assert(again);
        await bench.advance(1);
        await consumer.settle(settle(again, ends.dead()));
      }
      assertEquals(
        await bench.group("g"),
        standing("complete", 1, { dead: 1 }),
      );
      assertEquals(await consumer.claim(), []);
    },
  );

  declare(
    "cancel() ends a waiting callback at once, and its group completes without it",
    async (bench) => {
      await bench.enqueueGroup(chunk({ seal: 1 }), "a");
      assertEquals(await bench.cancel("callback"), "cancelled");
      await finish(bench);
      assertEquals((await bench.group("g")).status, "complete");
      assertEquals((await bench.result("callback")).status, "cancelled");
      assertEquals(await bench.consumer().claim(), []);
    },
  );

  declare(
    "enqueue() of a chunk for a group that is complete leaves its callback alone",
    async (bench) => {
      const callback = task("~0callback");
      await bench.enqueueGroup(chunk({ seal: 0, callback }));
      for (
        const [i, late] of [
          { seal: undefined, callback: undefined },
          { seal: undefined, callback: task("~3other") },
          { seal: 5, callback: undefined },
          { callback },
        ].entries()
      ) {
        await bench.enqueueGroup(chunk(late), `~5late${i}`);
      }
      const claimed = idsOf(await bench.consumer().claim());
      assertEquals(claimed, [
        "~0callback",
        ...[0, 1, 2, 3].map((i) => `~5late${i}`),
      ]);
      assertEquals(
        await bench.group("g"),
        standing("complete", 0, { callback: "~0callback" }),
      );
    },
  );

  declare(
    "cancel() of a related callback lets it be delivered as cancelled, once its group is complete",
    async (bench) => {
      const callback = task("callback", { related: true });
      await bench.enqueueGroup(chunk({ seal: 1, callback }), "a");
      assertEquals(await bench.cancel("callback"), "cancelling");
      assertEquals(await bench.result("callback"), WAITING);
      await finish(bench, ends.complete(), "span");
      const [claimed] = await bench.consumer().claim();
      assertEquals([claimed?.id, claimed?.cancelled], ["callback", true]);
    },
  );

  declare(
    "step() closes a group without a seal that hears nothing, with what it has",
    async (bench) => {
      await bench.enqueueGroup(chunk({ seal: undefined }), "a", "b");
      await bench.advance(9 * MINUTE);
      await finish(bench);
      await bench.advance(9 * MINUTE);
      await bench.consumer().step();
      assertEquals((await bench.group("g")).status, "open");
      await sweep(bench);
      const lost = standing("lost", undefined, { completed: 1 });
      assertEquals(await bench.group("g"), lost);
      const consumer = bench.consumer();
      const claimed = await consumer.claim();
      assertEquals(idsOf(claimed), ["b", "callback"]);
      const [b] = claimed;
      assert(b);
      await consumer.settle(settle(b, ends.complete(), { group: "g" }));
      assertEquals(await bench.group("g"), { ...lost, completed: 2 });
      const late = chunk({ seal: 3, callback: undefined });
      await bench.enqueueGroup(late, "c");
      assertEquals(await bench.group("g"), { ...lost, completed: 2, total: 3 });
      await finish(bench);
      assertEquals((await bench.result("callback")).status, "leased");
    },
  );

  declare(
    "step() closes a sealed group whose members never end, after its ttlMs without news",
    async (bench) => {
      await bench.enqueueGroup(chunk(), delayed("a", 99 * HOUR), "b");
      await bench.advance(30 * MINUTE);
      await finish(bench);
      await bench.advance(HOUR - MINUTE);
      await bench.consumer().step();
      assertEquals((await bench.group("g")).status, "sealed");
      await sweep(bench, 4);
      assertEquals(
        await bench.group("g"),
        standing("lost", 2, { completed: 1 }),
      );
      assertEquals(idsOf(await bench.consumer().claim()), ["callback"]);
    },
  );

  declare(
    "step() forgets a complete group after its ttlMs, and a new one may have its id",
    async (bench) => {
      await bench.enqueueGroup(chunk({ seal: 0, callback: undefined }));
      await bench.advance(HOUR - 1);
      assertEquals((await bench.group("g")).status, "complete");
      await bench.advance(1);
      assertEquals(await bench.group("g"), { status: "missing" });
      await bench.enqueueGroup(chunk({ seal: 1, callback: undefined }), "a");
      assertEquals(
        await bench.group("g"),
        standing("sealed", 1, { callback: undefined }),
      );
      await finish(bench);
      await bench.advance(HOUR);
      await sweep(bench, 4);
      assertEquals(await bench.group("g"), { status: "missing" });
    },
  );

  declare("results() says where several tasks stand", async (bench) => {
    await bench.enqueueGroup(chunk({ seal: 6 }), "a", "b", "c", "d");
    await bench.enqueue(delayed("later", HOUR));
    await finish(bench);
    await finish(bench, ends.dead("why"));
    await finish(bench, ends.retry(MINUTE, "again"));
    await bench.consumer().claim(1);
    const ids = ["never", "a", "b", "c", "d", "later", "callback", "a"];
    const { standings } = await bench.broker.results(bench.queue, {
      ids,
      maxBytes: 1_000_000,
    });
    assertEquals(standings, await Promise.all(ids.map(bench.result)));
    assertEquals(standings.map((each) => each.status), [
      "missing",
      "completed",
      "dead",
      "scheduled",
      "leased",
      "scheduled",
      "waiting",
      "completed",
    ]);
  });

  declare(
    "results() answers 500 at once, fewer when they are too large, but one",
    async (bench) => {
      const ids = Array.from({ length: 500 }, (_, i) => `t${i}`);
      await bench.enqueue(...ids);
      const consumer = bench.consumer();
      const claimed = await consumer.claim(500);
      await consumer.settle(
        ...claimed.map((each) =>
          settle(each, ends.complete("x".repeat(1_000)))
        ),
      );
      const answered = async (maxBytes: number) => {
        const request = { ids, maxBytes };
        const reply = await bench.broker.results(bench.queue, request);
        assert(reply.standings.every((each) => each.status === "completed"));
        return reply.standings.length;
      };
      assertEquals(await answered(10_000_000), 500);
      const some = await answered(150_500);
      assert(some > 100 && some < 151, `${some}`);
      assertEquals(await answered(0), 1);
    },
  );

  declare(
    "forget() takes ended tasks and a closed group away, and nothing else",
    async (bench) => {
      await bench.enqueueGroup(chunk({ seal: 3 }), "a", "b", "c");
      await finish(bench);
      await finish(bench, ends.dead());
      const { broker, queue } = bench;
      const ids = ["a", "b", "c", "callback", "never"];
      const forget = (op: string) =>
        broker.forget(queue, { operation: op, ids, group: "g" });
      const first = operation();
      await forget(first);
      const left = standing("sealed", 3, { completed: 1, dead: 1 });
      assertEquals(await bench.group("g"), left);
      const states = async () =>
        await Promise.all(
          ids.map(async (id) => (await bench.result(id)).status),
        );
      assertEquals(await states(), [
        "missing",
        "missing",
        "ready",
        "waiting",
        "missing",
      ]);
      await finish(bench);
      await bench.consumer().claim();
      await forget(first);
      assertEquals((await bench.group("g")).status, "complete");
      await forget(operation());
      assertEquals(await bench.group("g"), { status: "missing" });
      assertEquals((await bench.result("c")).status, "missing");
      assertEquals((await bench.result("callback")).status, "leased");
      assertEquals((await bench.enqueue("a"))[0]?.status, "new");
    },
  );
}
