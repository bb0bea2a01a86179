import { assert, assertEquals } from "@std/assert";
import type { NewTask } from "../../../src/broker/broker.ts";
import {
  type Bench,
  type Declare,
  delayed,
  ends,
  idsOf,
  LEASE,
  operation,
  SECOND,
  settle,
  START,
  task,
} from "./bench.ts";

const named = (name: string, more: Partial<NewTask> = {}) => (id: string) =>
  task(id, { name, ...more });

/** Pauses a name, or lets it go until nothing more is to be done. */
async function pause(
  { broker, queue }: Bench,
  paused: boolean,
  name = "resize",
  op = operation(),
): Promise<void> {
  for (let more = true; more;) {
    ({ more } = await broker.pause(queue, { operation: op, paused, name }));
  }
}

/** Everything that a new consumer can claim, in order; it is completed. */
async function claimAll(bench: Bench, limit = 100): Promise<readonly string[]> {
  const consumer = bench.consumer();
  const all: string[] = [];
  for (;;) {
    const { deliveries, nextDueAt, now } = await consumer.step({ limit });
    all.push(...idsOf(deliveries));
    await consumer.settle(
      ...deliveries.map((each) => settle(each, ends.complete())),
    );
    if (deliveries.length === 0 && (nextDueAt ?? Infinity) > now) return all;
  }
}

async function pausedNames(bench: Bench): Promise<readonly string[]> {
  return (await bench.broker.stats(bench.queue)).pausedNames;
}

/** Pauses of one task name. */
export function pausing(declare: Declare): void {
  declare(
    "pause() of a name stops the tasks of that name only, and resume() lets them go on in their order",
    async (bench) => {
      const resize = ["a", "b", "c"].map(named("resize"));
      await bench.enqueue(...resize, "d", "e");
      await pause(bench, true);
      assertEquals(await pausedNames(bench), ["resize"]);
      assertEquals(await claimAll(bench), ["d", "e"]);
      assertEquals((await bench.result("a")).status, "ready");
      assertEquals(idsOf(await bench.list("ready")), ["a", "b", "c"]);
      assertEquals((await bench.snapshot()).stats.ready, 3);
      await bench.advance(SECOND);
      await bench.enqueue("f", named("resize")("g"));
      await pause(bench, false);
      assertEquals(await pausedNames(bench), []);
      assertEquals(await claimAll(bench), ["a", "b", "c", "f", "g"]);
    },
  );

  declare(
    "pause() of a name finds it behind a long line, and what comes behind it",
    async (bench) => {
      const ids = Array.from({ length: 1_200 }, (_, i) => `r${i}`);
      await bench.enqueue(...ids.map(named("resize")), "last");
      await pause(bench, true);
      assertEquals(await claimAll(bench, 10), ["last"]);
      assertEquals((await bench.broker.stats(bench.queue)).ready, 1_200);
      await pause(bench, false);
      assertEquals(await claimAll(bench), ids);
    },
  );

  declare(
    "pause() of a name lets its leased tasks go on, and holds back those that are tried again",
    async (bench) => {
      await bench.enqueue(...["a", "b", "c"].map(named("resize")));
      const consumer = bench.consumer();
      const [a, b] = await consumer.claim();
      assert(a && b);
      await pause(bench, true);
      await consumer.settle(
        settle(a, ends.complete("1")),
        settle(b, ends.retry(0, "again")),
      );
      await bench.advance(LEASE);
      assertEquals((await consumer.step({ limit: 10 })).deliveries, []);
      assertEquals(idsOf(await bench.list("ready")), ["b", "c"]);
      assertEquals((await bench.result("a")).status, "completed");
      await pause(bench, false);
      const [first] = await consumer.claim();
      assertEquals([first?.id, first?.attempt], ["b", 2]);
      assertEquals(first?.lastError, "again");
      await consumer.settle(settle(first!, ends.complete()));
      const [second] = await consumer.claim();
      assertEquals([second?.id, second?.suspect], ["c", true]);
    },
  );

  declare("pause() of several names is undone name by name", async (bench) => {
    await bench.enqueue(
      named("resize")("a"),
      named("mail|%{}")("b"),
      named("-other")("c"),
      "d",
    );
    for (const name of ["resize", "mail|%{}", "-other"]) {
      await pause(bench, true, name);
    }
    assertEquals(await pausedNames(bench), ["resize", "mail|%{}", "-other"]);
    assertEquals(await claimAll(bench), ["d"]);
    await pause(bench, false, "mail|%{}");
    assertEquals(await pausedNames(bench), ["resize", "-other"]);
    assertEquals(await claimAll(bench), ["b"]);
    await pause(bench, false, "unknown");
    await pause(bench, false, "-other");
    assertEquals(await claimAll(bench), ["c"]);
    await pause(bench, false);
    assertEquals(await claimAll(bench), ["a"]);
  });

  declare("pause() of the queue and of a name are apart", async (bench) => {
    await bench.enqueue(named("resize")("a"), "b");
    await pause(bench, true);
    await bench.pause(true);
    const consumer = bench.consumer();
    const reply = await consumer.step({ limit: 10 });
    assertEquals([reply.paused, reply.deliveries], [true, []]);
    const { paused, pausedNames: names, oldestAt } = await bench.broker.stats(
      bench.queue,
    );
    assertEquals([paused, names, oldestAt], [true, ["resize"], START]);
    await bench.pause(false);
    assertEquals(await claimAll(bench), ["b"]);
    await pause(bench, false);
    assertEquals(await claimAll(bench), ["a"]);
  });

  declare(
    "pause() of a name that comes late changes nothing",
    async (bench) => {
      await bench.enqueue(named("resize")("a"));
      await pause(bench, true, "resize", "stop");
      assertEquals(await claimAll(bench), []);
      await pause(bench, false, "resize", "go");
      await pause(bench, true, "resize", "stop");
      assertEquals(await claimAll(bench), ["a"]);
      await bench.enqueue(named("resize")("b"));
      await pause(bench, true);
      await pause(bench, false, "resize", "go");
      assertEquals(await claimAll(bench), []);
      await pause(bench, false);
    },
  );

  declare(
    "a task that is set aside can be cancelled, purged and enqueued again",
    async (bench) => {
      const resize = named("resize");
      await bench.enqueue(
        resize("a"),
        resize("b"),
        named("resize", { related: true })("c"),
        resize("d"),
      );
      await pause(bench, true);
      assertEquals(await claimAll(bench), []);
      await bench.verify();
      const again = await bench.enqueue(resize("d"));
      assertEquals(again, [{ status: "known", id: "d" }]);
      assertEquals(await bench.cancel("a"), "cancelled");
      const { changed } = await bench.broker.purge(bench.queue, {
        operation: operation(),
        tasks: [{ id: "b", enqueuedAt: START }],
        error: "purged",
        keepMs: SECOND,
      });
      assertEquals(changed, 1);
      assertEquals(await bench.cancel("c"), "cancelling");
      const consumer = bench.consumer();
      const deliveries = await consumer.claim();
      assertEquals(
        deliveries.map(({ id, cancelled }) => [id, cancelled]),
        [["c", true]],
      );
      await consumer.settle(settle(deliveries[0]!, ends.cancel()));
      await bench.verify();
      assertEquals(idsOf(await bench.list("ready")), ["d"]);
      await pause(bench, false);
      assertEquals(await claimAll(bench), ["d"]);
    },
  );

  declare(
    "pause() of a name leaves its key's room to others, and never more are leased than may",
    async (bench) => {
      const concurrency = { key: "k", limit: 1 };
      const resize = named("resize", { concurrency });
      const ids = Array.from({ length: 20 }, (_, i) => `r${i}`);
      await bench.enqueue(...ids.map(resize), task("other", { concurrency }));
      await pause(bench, true);
      assertEquals(await claimAll(bench), ["other"]);
      assertEquals((await bench.broker.stats(bench.queue)).ready, 20);
      await bench.verify();
      await pause(bench, false);
      const consumer = bench.consumer();
      assertEquals(idsOf(await consumer.claim()), ["r0"]);
      assertEquals(await consumer.claim(), []);
    },
  );

  declare(
    "pause() of a name leaves its schedules alone, and sets aside what they enqueue",
    async (bench) => {
      await bench.broker.schedule(bench.queue, {
        operation: operation(),
        hash: "1",
        task: task("tick", { name: "resize", due: { kind: "at", at: START } }),
      });
      await pause(bench, true);
      const consumer = bench.consumer();
      const [tick] = await consumer.claim();
      assertEquals(tick?.id, "tick");
      await consumer.settle(
        settle(tick!, ends.snooze(START + LEASE), {
          enqueue: [named("resize")("tick@1"), delayed("tick@2", SECOND)],
        }),
      );
      assertEquals(await consumer.claim(), []);
      await bench.advance(SECOND);
      assertEquals(idsOf(await consumer.claim()), ["tick@2"]);
      await pause(bench, false);
      assertEquals(idsOf(await consumer.claim()), ["tick@1"]);
    },
  );

  declare(
    "pause() of a name ends when consumers come, though nobody asks for more",
    async (bench) => {
      const ids = Array.from({ length: 1_100 }, (_, i) => `r${i}`);
      await bench.enqueue(...ids.map(named("resize")));
      await pause(bench, true);
      assertEquals(await claimAll(bench), []);
      await bench.broker.pause(bench.queue, {
        operation: operation(),
        paused: false,
        name: "resize",
      });
      assertEquals(await pausedNames(bench), []);
      assertEquals((await claimAll(bench)).toSorted(), ids.toSorted());
    },
  );
}
