import { assert, assertEquals } from "@std/assert";
import { NEVER_AT } from "../../../src/broker/workflow.ts";
import type { Delivery, ScheduleRequest } from "../../../src/broker/broker.ts";
import {
  type Bench,
  type Consumer,
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

/** A schedule as tests enter it: first due a minute after the start. */
function spec(
  hash = "every minute",
  more: Partial<ScheduleRequest> = {},
  at = START + MINUTE,
): ScheduleRequest {
  return {
    operation: operation(),
    hash,
    task: task("tick", {
      name: "schedule",
      envelope: `{"hash":"${hash}"}\n|`,
      due: { kind: "at", at },
    }),
    ...more,
  };
}

const enter = async (
  { broker, queue }: Bench,
  request: ScheduleRequest = spec(),
): Promise<string> => (await broker.schedule(queue, request)).status;

const suspend = async (
  { broker, queue }: Bench,
  suspended: boolean,
  op = operation(),
): Promise<string> =>
  (await broker.suspend(queue, { operation: op, id: "tick", suspended }))
    .status;

const leave = async (
  { broker, queue }: Bench,
  op = operation(),
): Promise<string> =>
  (await broker.unschedule(queue, { operation: op, id: "tick" })).status;

const listed = async ({ broker, queue }: Bench) =>
  (await broker.schedules(queue, { limit: 10, cursor: undefined })).schedules;

/** What a consumer settles a firing with: the slot's task, and the next slot. */
function fire(delivery: Delivery, everyMs = MINUTE) {
  const slot = delivery.dueAt ?? 0;
  return settle(delivery, ends.snooze(slot + everyMs), {
    enqueue: [task(`tick@${slot}`)],
  });
}

/** Claims one task and says which. */
async function next(consumer: Consumer): Promise<Delivery> {
  const [claimed] = await consumer.claim(1);
  assert(claimed);
  return claimed;
}

/** Schedules: tasks that come again. */
export function schedules(declare: Declare): void {
  declare(
    "schedule() enters a task that comes at its slots, each with what was settled",
    async (bench) => {
      assertEquals(await enter(bench), "created");
      const consumer = bench.consumer();
      assertEquals(await consumer.claim(), []);
      for (let slot = START + MINUTE; slot < START + HOUR; slot += MINUTE) {
        await bench.advance(MINUTE);
        const tick = await next(consumer);
        assertEquals(
          [tick.id, tick.name, tick.dueAt, tick.attempt, tick.suspect],
          ["tick", "schedule", slot, 1, false],
        );
        assertEquals(tick.envelope, spec().task.envelope);
        const { deliveries, nextDueAt } = await consumer.step({
          settle: [fire(tick)],
          limit: 10,
        });
        assertEquals(idsOf(deliveries), [`tick@${slot}`]);
        assertEquals(nextDueAt, Math.min(slot + MINUTE, slot + LEASE));
        await consumer.settle(
          ...deliveries.map((each) => settle(each, ends.complete())),
        );
      }
    },
  );

  declare(
    "step() claims a due schedule before any backlog, in the order of their slots",
    async (bench) => {
      await bench.enqueue(task("urgent", { priority: 10 }), "a", "b");
      await enter(bench);
      const other = spec("other", {}, START + MINUTE - 1);
      const before = { ...other.task, id: "before" };
      await enter(bench, { ...other, task: before });
      await bench.enqueue(delayed("late", MINUTE - 2));
      await bench.advance(MINUTE);
      const consumer = bench.consumer();
      assertEquals(idsOf(await consumer.claim(3)), [
        "before",
        "tick",
        "urgent",
      ]);
      const { oldestAt } = await bench.broker.stats(bench.queue);
      assertEquals(oldestAt, START);
    },
  );

  declare(
    "schedule() is due at once when its slot has passed",
    async (bench) => {
      await bench.enqueue("a");
      await enter(bench, spec("late", {}, START - HOUR));
      const claimed = await bench.consumer().claim();
      assertEquals(idsOf(claimed), ["tick", "a"]);
      assertEquals(claimed[0]?.dueAt, START - HOUR);
      const { oldestAt } = await bench.broker.stats(bench.queue);
      assertEquals(oldestAt, undefined);
    },
  );

  declare(
    "schedule() changes nothing when the hash is the same",
    async (bench) => {
      await enter(bench);
      const consumer = bench.consumer();
      await bench.advance(MINUTE);
      const tick = await next(consumer);
      const books = await bench.snapshot();
      assertEquals(await enter(bench), "unchanged");
      assertEquals(
        await enter(bench, spec("every minute", {}, START)),
        "unchanged",
      );
      assertEquals(await bench.snapshot(), books);
      await consumer.settle(fire(tick));
      assertEquals(
        (await bench.result(`tick@${START + MINUTE}`)).status,
        "ready",
      );
      assertEquals(await enter(bench), "unchanged");
      assertEquals((await listed(bench))[0]?.dueAt, START + 2 * MINUTE);
    },
  );

  declare(
    "schedule() voids a firing under way when it changes the schedule",
    async (bench) => {
      await enter(bench);
      await bench.advance(MINUTE);
      const consumer = bench.consumer();
      const tick = await next(consumer);
      const changed = spec("hourly", {}, START + HOUR);
      assertEquals(await enter(bench, changed), "changed");
      const books = await bench.snapshot();
      const { stale } = await consumer.settle(fire(tick));
      assertEquals(stale, ["tick"]);
      assertEquals((await bench.snapshot()).lists, books.lists);
      assertEquals(
        (await bench.result(`tick@${tick.dueAt}`)).status,
        "missing",
      );
      assertEquals(await consumer.claim(), []);
      await bench.advance(HOUR - MINUTE);
      const again = await next(consumer);
      assertEquals(
        [again.id, again.attempt, again.dueAt, again.envelope],
        ["tick", 1, START + HOUR, changed.task.envelope],
      );
      assertEquals(again.suspect, false);
    },
  );

  declare(
    "schedule() answers a repeat as before, and changes nothing, when it comes late",
    async (bench) => {
      const first = spec();
      const second = spec("hourly", {}, START + HOUR);
      assertEquals(await enter(bench, first), "created");
      assertEquals(await enter(bench, first), "created");
      assertEquals(await enter(bench, second), "changed");
      await bench.advance(MINUTE);
      const books = [await bench.snapshot(), await listed(bench)];
      assertEquals(await enter(bench, first), "created");
      assertEquals(await enter(bench, second), "changed");
      assertEquals([await bench.snapshot(), await listed(bench)], books);
      await bench.advance(HOUR);
      const consumer = bench.consumer();
      const tick = await next(consumer);
      assertEquals(await enter(bench, second), "changed");
      const { stale } = await consumer.settle(fire(tick));
      assertEquals(stale, []);
    },
  );

  declare(
    "step() gives back a schedule whose consumer died, and its slot is enqueued once",
    async (bench) => {
      await enter(bench);
      await bench.advance(MINUTE);
      const late = bench.consumer();
      const tick = await next(late);
      await bench.advance(LEASE);
      const consumer = bench.consumer();
      const again = await next(consumer);
      assertEquals([again.attempt, again.suspect, again.dueAt], [
        2,
        true,
        START + MINUTE,
      ]);
      await consumer.settle(fire(again));
      assertEquals((await late.settle(fire(tick))).stale, ["tick"]);
      assertEquals(idsOf(await consumer.claim()), [`tick@${tick.dueAt}`]);
      await bench.advance(MINUTE);
      assertEquals((await next(consumer)).attempt, 1);
    },
  );

  declare("unschedule() takes a schedule out for good", async (bench) => {
    await enter(bench);
    await bench.advance(MINUTE);
    const consumer = bench.consumer();
    const tick = await next(consumer);
    const op = operation();
    assertEquals(await leave(bench, op), "removed");
    assertEquals((await consumer.settle(fire(tick))).stale, ["tick"]);
    assertEquals(await listed(bench), []);
    assertEquals((await bench.result("tick")).status, "missing");
    assertEquals(await leave(bench), "missing");
    assertEquals(await enter(bench), "created");
    assertEquals(await leave(bench, op), "removed");
    assertEquals((await listed(bench)).length, 1);
    await bench.advance(HOUR);
    assertEquals((await next(consumer)).attempt, 1);
  });

  declare("unschedule() leaves a task alone", async (bench) => {
    await bench.enqueue("tick");
    assertEquals(await leave(bench), "missing");
    assertEquals(await suspend(bench, true), "missing");
    assertEquals(idsOf(await bench.consumer().claim()), ["tick"]);
  });

  declare("cancel() and purge() leave a schedule alone", async (bench) => {
    await enter(bench);
    assertEquals(await bench.cancel("tick"), "missing");
    const { changed } = await bench.broker.purge(bench.queue, {
      operation: operation(),
      tasks: [{ id: "tick", enqueuedAt: START }],
      error: "purged",
      keepMs: HOUR,
      stop: true,
    });
    assertEquals(changed, 0);
    await bench.advance(MINUTE);
    assertEquals((await next(bench.consumer())).id, "tick");
  });

  declare(
    "suspend() lets no slot come until it is resumed, and then the one that passed",
    async (bench) => {
      await enter(bench);
      const op = operation();
      assertEquals(await suspend(bench, true, op), "done");
      await bench.advance(HOUR);
      const consumer = bench.consumer();
      const { deliveries, nextDueAt } = await consumer.step({ limit: 10 });
      assertEquals([deliveries, nextDueAt], [[], undefined]);
      assertEquals(await enter(bench), "unchanged");
      assertEquals((await listed(bench))[0]?.suspended, true);
      const resumed = operation();
      assertEquals(await suspend(bench, false, resumed), "done");
      assertEquals(await suspend(bench, true, op), "done");
      const tick = await next(consumer);
      assertEquals([tick.id, tick.dueAt], ["tick", START + MINUTE]);
      assertEquals(await suspend(bench, false, resumed), "done");
      await consumer.settle(fire(tick, 2 * HOUR));
      assertEquals((await listed(bench))[0]?.dueAt, START + MINUTE + 2 * HOUR);
      assertEquals(await suspend(bench, true), "done");
      assertEquals(await suspend(bench, false), "done");
      assertEquals((await bench.result("tick")).status, "scheduled");
    },
  );

  declare(
    "suspend() holds for a firing under way, and for a changed schedule",
    async (bench) => {
      await enter(bench);
      await bench.advance(MINUTE);
      const consumer = bench.consumer();
      const tick = await next(consumer);
      await suspend(bench, true);
      assertEquals((await consumer.settle(fire(tick))).stale, []);
      await bench.advance(HOUR);
      const [slot, ...none] = await consumer.claim();
      assertEquals([slot?.id, none], [`tick@${tick.dueAt}`, []]);
      assert(slot);
      await consumer.settle(settle(slot, ends.complete()));
      assertEquals(await enter(bench, spec("hourly")), "changed");
      const [shown] = await listed(bench);
      assertEquals([shown?.suspended, shown?.hash], [true, "hourly"]);
      await bench.advance(HOUR);
      assertEquals(await consumer.claim(), []);
      await suspend(bench, false);
      assertEquals(
        (await next(consumer)).envelope,
        spec("hourly").task.envelope,
      );
    },
  );

  declare("step() snoozes a schedule that is over for ever", async (bench) => {
    await enter(bench);
    await bench.advance(MINUTE);
    const consumer = bench.consumer();
    const tick = await next(consumer);
    const { nextDueAt } = await consumer.settle(
      settle(tick, ends.snooze(NEVER_AT, "over")),
    );
    assertEquals(nextDueAt, undefined);
    assertEquals(await enter(bench), "unchanged");
    await bench.advance(90 * HOUR);
    assertEquals(await consumer.claim(), []);
    assertEquals((await listed(bench))[0]?.envelope, "over");
    assertEquals(await enter(bench, spec("again")), "changed");
    assertEquals((await next(consumer)).envelope, spec("again").task.envelope);
  });

  declare(
    "schedule() enters a schedule anew that a settlement ended",
    async (bench) => {
      for (const end of [ends.dead(), ends.complete(), ends.cancel()]) {
        await enter(bench);
        await bench.advance(HOUR);
        const consumer = bench.consumer();
        await consumer.settle(settle(await next(consumer), end));
        assertEquals(await enter(bench), "changed");
        assertEquals((await next(consumer)).attempt, 1);
        assertEquals(await leave(bench), "removed");
      }
    },
  );

  declare("schedules() lists them by id, over pages", async (bench) => {
    const { broker, queue } = bench;
    const ids = ["a", "b|c", "s:x", "é", "\u{1F3C3}"];
    for (const id of ids.toReversed()) {
      const { task: made, ...rest } = spec(`hash of ${id}`);
      await broker.schedule(queue, { ...rest, task: { ...made, id } });
    }
    await bench.advance(MINUTE);
    const [claimed] = await bench.consumer().claim(1);
    assertEquals(claimed?.id, "a");
    const found: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page = await broker.schedules(queue, { limit: 2, cursor });
      assert(page.schedules.length <= 2);
      found.push(...page.schedules);
      cursor = page.cursor;
    } while (cursor !== undefined);
    assertEquals(
      found,
      ids.map((id, i) => ({
        id,
        name: "schedule",
        hash: `hash of ${id}`,
        envelope: `{"hash":"hash of ${id}"}\n|`,
        dueAt: START + MINUTE,
        suspended: false,
        state: i === 0 ? "leased" : "ready",
      })),
    );
  });

  declare(
    "schedule() loses and doubles no slot when it is entered 1,000 times while slots fire and consumers die",
    async (bench) => {
      await enter(bench);
      const seen: string[] = [];
      const slots = 100;
      let owed = MINUTE;
      for (let i = 0; i < slots; i++) {
        await bench.advance(owed);
        owed = MINUTE;
        const entering = Array.from({ length: 10 }, () => enter(bench));
        const one = bench.consumer(), two = bench.consumer();
        const [first, second] = await Promise.all([
          one.claim(1),
          two.claim(1),
          ...entering,
        ]);
        const claimed = [...first, ...second];
        assertEquals(idsOf(claimed), ["tick"]);
        const by = first.length > 0 ? one : two;
        let [tick] = claimed;
        let holder = by;
        assert(tick);
        if (i % 7 === 0) {
          await bench.advance(LEASE);
          owed -= LEASE;
          holder = bench.consumer();
          tick = await next(holder);
        }
        const request = holder.request({ settle: [fire(tick)], limit: 50 });
        const [{ deliveries }] = await Promise.all([
          bench.step(request),
          enter(bench),
        ]);
        if (i % 5 === 0) await bench.step(request);
        seen.push(...idsOf(deliveries));
        await holder.settle(
          ...deliveries.map((each) => settle(each, ends.complete())),
        );
      }
      assertEquals(
        seen,
        Array.from(
          { length: slots },
          (_, i) => `tick@${START + (i + 1) * MINUTE}`,
        ),
      );
    },
  );
}
