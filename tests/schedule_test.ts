/** Schedules: slots that come once, on time and without drift, whoever looks at them and when. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  biweekly,
  type Clock,
  daily,
  defineTask,
  every,
  fixed,
  type HandlerContext,
  monthly,
  Queue,
  type QueueOptions,
  type ScheduleOptions,
  type StandardSchema,
  type StepRequest,
  type When,
} from "../mod.ts";
import { SCHEDULE_TASK, writeSchedule } from "../src/codec/schedule.ts";
import { readEnvelope } from "../src/codec/opened.ts";
import { admit } from "../src/queue/attempt/admission.ts";
import { systemClock } from "../src/core/clock.ts";
import { timetableOf } from "../src/core/schedule.ts";
import { onBoth, type Place, START } from "./support/both_brokers.ts";
import { recording } from "./support/recording_broker.ts";
import { test } from "./support/suite.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The first whole hour of every test. */
const FIRST = Math.ceil(START / HOUR) * HOUR;
/** The clock of those who ask; the broker's moves. */
const CLOCK: Clock = { ...systemClock, now: () => START, stands: true };
const hourly: When = { everyMs: HOUR };

const tick = defineTask<string>("tick", { backoff: fixed(0, { jitter: 0 }) });

/** A queue whose `tick` writes down what it saw. */
function ticking(
  place: Place,
  options: Partial<QueueOptions> = {},
  run: (ctx: HandlerContext) => unknown = () => {},
) {
  const seen: HandlerContext[] = [];
  const queue = place.queue({
    handlers: [tick.handle((_, ctx) => {
      seen.push(ctx);
      return run(ctx);
    })],
    clock: CLOCK,
    ...options,
  });
  const slots = () => seen.map(({ intendedAt = NaN }) => intendedAt);
  const set = (when = hourly, options?: ScheduleOptions, input = "x") =>
    queue.schedule("s", tick.with(input), when, options);
  return { queue, seen, slots, set };
}

/** Moves on to an instant. */
function mover(place: Place): (to: number) => Promise<void> {
  let now = START;
  return async (to) => {
    await place.advance(to - now);
    now = to;
  };
}

const times = (count: number, from = FIRST, by = HOUR) =>
  Array.from({ length: count }, (_, i) => from + i * by);

onBoth(
  "schedule() runs a task once at each slot, which it reads as ctx.intendedAt",
  async (place) => {
    const { queue, seen, slots, set } = ticking(place);
    const to = mover(place);
    assertEquals((await set()).status, "created");
    await queue.drain();
    assertEquals(seen.length, 0);
    for (const slot of times(5)) {
      await to(slot - 1);
      await queue.drain();
      await to(slot);
      const { fired, claimed, completed } = await queue.drain();
      assertEquals([fired, claimed, completed], [1, 1, 1]);
      await queue.drain();
    }
    assertEquals(slots(), times(5));
    assertEquals(seen.map(({ id }) => id), times(5).map((at) => `s@${at}`));
    assertEquals(seen[0]?.schedule, "s");
    const { id } = await queue.enqueue(tick, "plain");
    await queue.drain();
    assertEquals(seen.at(-1)?.id, id);
    assert(!("intendedAt" in seen.at(-1)! || "schedule" in seen.at(-1)!));
  },
);

onBoth(
  "schedule() never drifts, however late its consumers look",
  async (place) => {
    const { queue, slots, set } = ticking(place);
    await set();
    await queue.drain();
    for (let i = 0; i < 20; i++) {
      await place.advance(HOUR + i * 2_345);
      await queue.drain();
    }
    assertEquals(slots(), times(20));
  },
);

const paris = (when: string, ...expected: readonly string[]) =>
  [when, expected] as const;

for (
  const [when, expected] of [
    paris(
      "2026-03-27T12:00Z",
      "2026-03-28T01:30Z",
      "2026-03-29T01:00Z",
      "2026-03-30T00:30Z",
    ),
    paris(
      "2026-10-23T12:00Z",
      "2026-10-24T00:30Z",
      "2026-10-25T00:30Z",
      "2026-10-26T01:30Z",
    ),
  ]
) {
  onBoth(
    `schedule() keeps the time of day when the clocks change, from ${when}`,
    async (place) => {
      const { queue, slots, set } = ticking(place);
      const to = mover(place);
      const at = Date.parse(when);
      await to(at);
      await set({ cron: "30 2 * * *", timeZone: "Europe/Paris" });
      for (let hour = 0; hour < 72; hour++) {
        await queue.drain();
        await to(at + (hour + 1) * HOUR - 1);
      }
      assertEquals(slots(), expected.map(Date.parse));
    },
  );
}

onBoth("schedule() takes what the helpers give", async (place) => {
  const { queue, seen, set } = ticking(place);
  const to = mover(place);
  const at = Date.UTC(2026, 0, 30);
  await to(at);
  await set(monthly({ anchor: "2026-01-31T00:00" }));
  await queue.schedule("b", tick.with("b"), biweekly());
  const days = new Map<string, number[]>();
  for (let day = 0; day < 65; day++) {
    await queue.drain();
    await to(at + (day + 1) * DAY);
  }
  for (const { schedule = "", intendedAt = NaN } of seen) {
    days.set(schedule, [...days.get(schedule) ?? [], intendedAt]);
  }
  assertEquals(
    days.get("s")?.map((at) => new Date(at).toISOString().slice(0, 10)),
    ["2026-01-31", "2026-02-28", "2026-03-31"],
  );
  assertEquals(
    days.get("b")?.map((at, _, all) => (at - all[0]!) / DAY),
    [0, 14, 28, 42],
  );
});

for (
  const [catchUp, lateMs, expected] of [
    ["all", 5 * HOUR, times(6)],
    ["one", 5 * HOUR, times(1, FIRST + 5 * HOUR)],
    ["skip", 5 * HOUR + 11 * MINUTE, []],
    ["skip", 5 * HOUR + 9 * MINUTE, times(1, FIRST + 5 * HOUR)],
  ] as const
) {
  onBoth(
    `schedule() with catchUp '${catchUp}' runs ${expected.length} of 6 slots when nobody looked for ${
      lateMs / MINUTE
    } min`,
    async (place) => {
      const { queue, slots, set } = ticking(place);
      await set(hourly, { catchUp });
      await queue.drain();
      await mover(place)(FIRST + lateMs);
      await queue.drain();
      assertEquals(slots(), [...expected]);
      await place.advance(HOUR - lateMs % HOUR);
      await queue.drain();
      assertEquals(slots(), [...expected, FIRST + 6 * HOUR]);
    },
  );
}

onBoth(
  "schedule() with catchUp 'all' enqueues many missed slots in bounded steps, in their order",
  async (place) => {
    const { queue, slots, set } = ticking(place);
    await set({ everyMs: MINUTE }, { catchUp: "all" });
    await queue.drain();
    await mover(place)(FIRST + 449 * MINUTE);
    const { fired } = await queue.drain();
    const first = Math.ceil(START / MINUTE) * MINUTE;
    const expected = times((FIRST - first) / MINUTE + 450, first, MINUTE);
    assertEquals(slots().sort((a, b) => a - b), expected);
    assertEquals(fired, expected.length);
    const most = Math.max(
      ...place.broker.of<StepRequest>("step").flatMap(({ settle }) =>
        settle.map(({ enqueue }) => enqueue.length)
      ),
    );
    assertEquals(most, 100);
  },
);

for (
  const [overlap, expected] of [
    ["skip", [0, 3]],
    ["queue", [0, 1, 2, 3]],
  ] as const
) {
  onBoth(
    `schedule() with overlap '${overlap}' runs ${expected.length} of 4 slots when the first takes two hours`,
    async (place) => {
      let isBusy = true;
      const done: number[] = [];
      const { queue, set } = ticking(place, {}, (ctx) => {
        if (isBusy && ctx.intendedAt === FIRST) {
          return ctx.release({ delayMs: 2 * HOUR + 30 * MINUTE });
        }
        done.push((ctx.intendedAt! - FIRST) / HOUR);
      });
      await set(hourly, { overlap });
      await queue.drain();
      const to = mover(place);
      for (let hour = 0; hour < 3; hour++) {
        await to(FIRST + hour * HOUR);
        await queue.drain();
      }
      isBusy = false;
      await to(FIRST + 2.5 * HOUR);
      await queue.drain();
      await to(FIRST + 3 * HOUR);
      await queue.drain();
      assertEquals(done.sort(), [...expected]);
    },
  );
}

onBoth(
  "schedule() is over after its repeats, and stays so when it is entered again",
  async (place) => {
    const { queue, slots, set } = ticking(place);
    const options = { repeats: 3, catchUp: "all" } as const;
    await set(hourly, options);
    const to = mover(place);
    await to(FIRST);
    await queue.drain();
    const [shown] = (await queue.schedules()).schedules;
    assertEquals(
      [shown?.repeatsLeft, shown?.lastAt, shown?.nextAt],
      [2, FIRST, FIRST + HOUR],
    );
    await to(FIRST + 10 * HOUR);
    const { nextDueInMs } = await queue.drain();
    assertEquals(slots(), times(3));
    assertEquals(nextDueInMs, undefined);
    assertEquals((await set(hourly, options)).status, "unchanged");
    await place.advance(DAY);
    await queue.drain();
    assertEquals(slots(), times(3));
    const { schedules: [over] } = await queue.schedules();
    assertEquals([over?.repeatsLeft, over?.lastAt, over && "nextAt" in over], [
      0,
      FIRST + 2 * HOUR,
      false,
    ]);
    assertEquals((await set(hourly, { repeats: 1 })).status, "changed");
    await place.advance(HOUR);
    await queue.drain();
    assertEquals(slots().length, 4);
  },
);

onBoth(
  "schedule() has no slot before startAt or after endAt",
  async (place) => {
    const { queue, slots, set } = ticking(place);
    const startAt = new Date(FIRST + HOUR + 1);
    const endAt = FIRST + 4 * HOUR;
    const { nextAt } = await set(every(HOUR), {
      startAt,
      endAt,
      catchUp: "all",
    });
    assertEquals(nextAt, FIRST + 2 * HOUR);
    await queue.drain();
    await mover(place)(FIRST + DAY);
    await queue.drain();
    assertEquals(slots(), times(3, FIRST + 2 * HOUR));
    assertEquals((await queue.schedules()).schedules[0]?.nextAt, undefined);
    await queue.unschedule("s");
    const anchored = { startAt: FIRST + 2 * DAY + 7, endAt: FIRST + 3 * DAY };
    assertEquals((await set(hourly, anchored)).nextAt, FIRST + 2 * DAY + 7);
  },
);

for (
  const [catchUp, expected] of [["all", 4], ["one", 3], ["skip", 0]] as const
) {
  onBoth(
    `schedule() with catchUp '${catchUp}' has no slot after endAt when nobody looked till long after`,
    async (place) => {
      const { queue, slots, set } = ticking(place);
      await set(hourly, { catchUp, endAt: FIRST + 3 * HOUR + 5 });
      await queue.drain();
      await mover(place)(FIRST + DAY);
      await queue.drain();
      const last = expected === 4
        ? times(4)
        : times(1, FIRST + expected * HOUR);
      assertEquals(slots(), expected === 0 ? [] : last);
      await place.advance(DAY);
      await queue.drain();
      assertEquals(slots().length, expected === 0 ? 0 : last.length);
    },
  );
}

for (
  const [what, at, expected] of [
    ["to come", START + 90_000, 1],
    ["ten minutes past", START - 10 * MINUTE, 1],
    ["longer past", START - 10 * MINUTE - 1, 0],
  ] as const
) {
  onBoth(
    `schedule() of an instant that is ${what} runs ${expected} time(s), however often it is entered`,
    async (place) => {
      const { queue, slots, set } = ticking(place, {
        clock: CLOCK,
      });
      const { nextAt } = await set({ at: new Date(at) });
      assertEquals(nextAt, expected === 0 ? undefined : at);
      for (let hour = 0; hour < 5; hour++) {
        await queue.drain();
        assertEquals(
          (await set({ at })).status,
          "unchanged",
        );
        await place.advance(HOUR);
      }
      assertEquals(slots(), expected === 0 ? [] : [at]);
    },
  );
}

onBoth(
  "pauseSchedule() lets no slot come, resumeSchedule() catches up as was said",
  async (place) => {
    const { queue, slots, set } = ticking(place);
    await set();
    await queue.drain();
    assertEquals(await queue.pauseSchedule("s"), true);
    const to = mover(place);
    await to(FIRST + 5 * HOUR + 1);
    await queue.drain();
    assertEquals((await set()).status, "unchanged");
    await queue.drain();
    const { schedules: [shown] } = await queue.schedules();
    assertEquals([slots(), shown?.paused, shown?.nextAt], [[], true, FIRST]);
    assertEquals(await queue.resumeSchedule("s"), true);
    await queue.drain();
    assertEquals(slots(), [FIRST + 5 * HOUR]);
    assertEquals((await queue.schedules()).schedules[0]?.paused, false);
    assertEquals(await queue.pauseSchedule("other"), false);
    assertEquals(await queue.resumeSchedule("other"), false);
  },
);

onBoth(
  "unschedule() takes a schedule out and leaves what it enqueued",
  async (place) => {
    const { queue, slots, set } = ticking(place);
    await set();
    await mover(place)(FIRST);
    await place.queue().drain();
    assertEquals(await queue.unschedule("s"), "removed");
    assertEquals(await queue.unschedule("s"), "missing");
    assertEquals((await queue.schedules()).schedules, []);
    await place.advance(DAY);
    await queue.drain();
    assertEquals(slots(), [FIRST]);
  },
);

onBoth(
  "schedule() that changes a schedule makes a firing under way stale",
  async (place) => {
    const { queue, slots, set } = ticking(place);
    const events: unknown[] = [];
    queue.on("scheduleFired", ({ intendedAt }) => void events.push(intendedAt));
    await set();
    await queue.drain();
    const to = mover(place);
    await to(FIRST);
    let isChanged = false;
    const slow = recording(place.broker, {
      async step(name, request) {
        const isFiring = request.settle.some(({ id }) => id === "schedule:s");
        if (isFiring && !isChanged) {
          isChanged = true;
          const later = { startAt: FIRST + 30 * MINUTE };
          assertEquals((await set(hourly, later)).status, "changed");
        }
        return await place.broker.step(name, request);
      },
    });
    const consumer = new Queue({
      name: queue.name,
      broker: slow,
      clock: CLOCK,
    });
    consumer.on(
      "scheduleFired",
      ({ intendedAt }) => void events.push(intendedAt),
    );
    const report = await consumer.drain();
    assertEquals([isChanged, report.fired, report.stale], [true, 0, 0]);
    assertEquals([slots(), events], [[], []]);
    assertEquals((await queue.result(`s@${FIRST}`)).status, "missing");
    await to(FIRST + 30 * MINUTE);
    await queue.drain();
    assertEquals([slots(), events], [[FIRST + 30 * MINUTE], [
      FIRST + 30 * MINUTE,
    ]]);
  },
);

onBoth(
  "step() that delivers a schedule before its slot, as after a change that was cut short, has it wait for the slot",
  async (place) => {
    const { queue, slots, set } = ticking(place);
    await set();
    await queue.drain();
    const to = mover(place);
    await to(FIRST);
    let isEarly = false;
    const broker = recording(place.broker, {
      async step(name, request) {
        const reply = await place.broker.step(name, request);
        const deliveries = reply.deliveries.map((one) => {
          if (isEarly || one.id !== "schedule:s") return one;
          isEarly = true;
          return { ...one, dueAt: FIRST + 5 * HOUR };
        });
        return { ...reply, deliveries };
      },
    });
    const consumer = new Queue({ name: queue.name, broker, clock: CLOCK });
    const { fired, released, claimed } = await consumer.drain();
    assertEquals([isEarly, fired, released, claimed], [true, 0, 0, 0]);
    const { schedules: [shown] } = await queue.schedules();
    assertEquals([shown?.nextAt, shown && "lastAt" in shown], [
      FIRST + 5 * HOUR,
      false,
    ]);
    await to(FIRST + 5 * HOUR);
    await queue.drain();
    assertEquals(slots(), [FIRST + 5 * HOUR]);
  },
);

onBoth(
  "schedule() 1,000 times while slots fire changes nothing, and each slot comes once",
  async (place) => {
    const { queue, slots, set } = ticking(place);
    await set();
    await queue.drain();
    const to = mover(place);
    for (const slot of times(100)) {
      await to(slot);
      const entering = Array.from({ length: 10 }, () => ticking(place).set());
      const [, , ...entered] = await Promise.all([
        queue.drain(),
        queue.drain(),
        ...entering,
      ]);
      assert(entered.every(({ status }) => status === "unchanged"));
      await queue.drain();
    }
    assertEquals(slots(), times(100));
  },
);

onBoth(
  "schedule() is another one when its task, input, options or times differ",
  async (place) => {
    const { queue, set } = ticking(place);
    const other = defineTask<string>("other");
    const call = tick.with("x", { priority: 1, onSuccess: other.with("y") });
    const enter = async (made = call, when: When = hourly, options = {}) =>
      (await queue.schedule("s", made, when, options)).status;
    await set();
    assertEquals(await enter(), "changed");
    assertEquals(await enter(), "unchanged");
    const more = { priority: 2, onSuccess: other.with("y") };
    assertEquals(await enter(tick.with("x", more)), "changed");
    const hooked = { priority: 1, onSuccess: other.with("z") };
    assertEquals(await enter(tick.with("x", hooked)), "changed");
    assertEquals(await enter(call, { everyMs: 2 * HOUR }), "changed");
    assertEquals(await enter(call, hourly, { catchUp: "all" }), "changed");
    assertEquals(await enter(call, hourly, { overlap: "skip" }), "changed");
    assertEquals(await enter(call, hourly, { repeats: 2 }), "changed");
    assertEquals(await enter(call, hourly, { repeats: 2 }), "unchanged");
    assertEquals(await enter(other.with("x")), "changed");
  },
);

for (const [when, off] of [["ahead", HOUR], ["behind", -HOUR]] as const) {
  onBoth(
    `schedule() keeps its slots when the clocks of all who ask are an hour ${when}`,
    async (place) => {
      const clock = { ...systemClock, now: () => START + off, stands: true };
      const { queue, slots, set } = ticking(place, { clock });
      const to = mover(place);
      await set({ everyMs: 10 * MINUTE });
      const first = Math.ceil(START / (10 * MINUTE)) * 10 * MINUTE;
      for (const slot of times(8, first, 10 * MINUTE)) {
        await to(slot - 1);
        await queue.drain();
        await to(slot);
        await queue.drain();
      }
      assertEquals(slots(), times(8, first, 10 * MINUTE));
    },
  );
}

onBoth(
  "schedule() gives each slot its own hooks, and its retries the same slot",
  async (place) => {
    const heard: string[] = [];
    const after = defineTask<string>("after", {
      onSettled: defineTask<string>("last").with("z"),
    });
    const run = (name: string) => (_: unknown, ctx: HandlerContext) => {
      heard.push(`${name} ${ctx.previous?.id}`);
    };
    const seen: unknown[] = [];
    const queue = place.queue({
      clock: CLOCK,
      handlers: [
        tick.handle((_, ctx) => {
          seen.push([ctx.intendedAt, ctx.attempt]);
          if (ctx.attempt === 1) throw new Error("no");
        }),
        after.handle(run("after")),
        defineTask<string>("last").handle(run("last")),
      ],
    });
    const call = tick.with("x", { onSuccess: after.with("y") });
    await queue.schedule("s", call, { everyMs: 10 * MINUTE });
    const slots = times(
      3,
      Math.ceil(START / (10 * MINUTE)) * 10 * MINUTE,
      10 * MINUTE,
    );
    await queue.drain();
    const to = mover(place);
    for (const slot of slots) {
      await to(slot);
      await queue.drain();
      await place.advance(0);
      await queue.drain();
    }
    assertEquals(seen, slots.flatMap((at) => [[at, 1], [at, 2]]));
    const after3 = heard.filter((line) => line.startsWith("after"));
    assertEquals(after3, slots.map((at) => `after s@${at}`));
    assertEquals(new Set(heard).size, 6);
  },
);

onBoth(
  "drain() does not count a schedule among the tasks, and tells only of its slots",
  async (place) => {
    const { queue, set } = ticking(place);
    const events: unknown[] = [];
    for (
      const name of [
        "enqueued",
        "claimed",
        "released",
        "succeeded",
        "scheduleFired",
        "stale",
      ] as const
    ) {
      queue.on(name, ({ id }) => void events.push([name, id]));
    }
    await set();
    const first = await queue.drain();
    assertEquals([first.claimed, first.released, first.fired], [0, 0, 0]);
    assertEquals(events, []);
    await mover(place)(FIRST);
    const second = await queue.drain();
    assertEquals(
      [second.claimed, second.completed, second.released, second.fired],
      [1, 1, 0, 1],
    );
    const id = `s@${FIRST}`;
    assertEquals(events, [
      ["enqueued", id],
      ["scheduleFired", id],
      ["claimed", id],
      ["succeeded", id],
    ]);
  },
);

/** A schedule of another library version. */
const stored = (recurrence: unknown) =>
  writeSchedule({
    timetable: { ...timetableOf(hourly, {}), recurrence: recurrence as never },
    plan: { n: "tick" },
    carrier: {},
    hasBegun: true,
    left: undefined,
    lastAt: undefined,
  });

for (
  const [what, envelope, says] of [
    ["kind", stored({ kind: "lunar" }), "must be 'once', 'every'"],
    [
      "zone",
      stored({ kind: "cron", cron: "* * * * *", timeZone: "Moon/Sea" }),
      "Moon/Sea",
    ],
    ["version", '{"v":99}', "version 99"],
  ] as const
) {
  onBoth(
    `step() gives a schedule back for another consumer when its ${what} is unknown`,
    async (place) => {
      const errors: string[] = [];
      const { queue, slots, set } = ticking(place, {
        onError: (error) => void errors.push((error as Error).message),
      });
      await place.broker.schedule(queue.name, {
        operation: "o",
        hash: "h",
        task: {
          id: "schedule:s",
          name: SCHEDULE_TASK,
          envelope,
          priority: 0,
          due: { kind: "at", at: START - HOUR },
          dedupe: undefined,
        },
      });
      for (let day = 0; day < 3; day++) {
        const { released, dead } = await queue.drain();
        assertEquals([released, dead], [0, 0]);
        await place.advance(DAY);
      }
      assertEquals(errors.length, 3);
      assert(errors[0]!.includes(says), errors[0]);
      const { schedules: [shown] } = await queue.schedules();
      assertEquals([shown?.name, shown?.recurrence], ["s", undefined]);
      assertEquals((await set()).status, "changed");
      await place.advance(HOUR);
      await queue.drain();
      assertEquals(slots().length, 1);
    },
  );
}

onBoth(
  "schedule() enters a schedule anew that could not be read at all",
  async (place) => {
    const errors: unknown[] = [];
    const { queue, slots, set } = ticking(place, {
      onError: (_, about) => void errors.push(about),
    });
    await place.broker.schedule(queue.name, {
      operation: "o",
      hash: "h",
      task: {
        id: "schedule:s",
        name: SCHEDULE_TASK,
        envelope: "{",
        priority: 0,
        due: { kind: "now" },
        dedupe: undefined,
      },
    });
    await queue.drain();
    assertEquals(errors.length, 1);
    assertEquals((await queue.stats()).dead, 1);
    assertEquals((await set()).status, "changed");
    await place.advance(HOUR);
    await queue.drain();
    assertEquals(slots().length, 1);
  },
);

test("admit() of a consumer that knows no schedules puts one back", () => {
  const delivery = {
    id: "schedule:s",
    token: "c:1",
    attempt: 9,
    enqueuedAt: START - 30 * DAY,
    dueAt: START,
    name: SCHEDULE_TASK,
    envelope: stored({ kind: "every", everyMs: 1_000, anchorAt: 0 }),
    previousSpan: undefined,
    lastError: undefined,
    suspect: false,
    cancelled: false,
  };
  const opened = readEnvelope(delivery.envelope);
  const admission = admit(new Map(), delivery, opened, START + HOUR);
  assert(admission.kind === "refused");
  assertEquals(admission.outcome.kind, "released");
});

onBoth("schedules() lists them by name, over pages", async (place) => {
  const { queue } = ticking(place);
  for (const name of ["c", "a", "b"]) {
    await queue.schedule(name, tick.with("x"), daily(), { overlap: "skip" });
  }
  const first = await queue.schedules({ limit: 2 });
  assertEquals(first.schedules.map(({ name }) => name), ["a", "b"]);
  const rest = await queue.schedules({ limit: 2, cursor: first.cursor! });
  assertEquals([rest.schedules.map(({ name }) => name), rest.cursor], [
    ["c"],
    undefined,
  ]);
  assertEquals(first.schedules[0], {
    name: "a",
    paused: false,
    nextAt: Math.ceil(START / DAY) * DAY,
    task: "tick",
    recurrence: daily(),
    catchUp: "one",
    overlap: "skip",
  });
  await assertRejects(() => queue.schedules({ limit: 0 }), RangeError);
});

const even: StandardSchema<string> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      value === "even" ? { value } : { issues: [{ message: "odd" }] },
  },
};

onBoth(
  "schedule() refuses what would not work, and sends nothing",
  async (place) => {
    const queue = place.queue({ handlers: [tick.handle(() => {})] });
    const call = tick.with("x");
    const refused: readonly [() => Promise<unknown>, string, string][] = [
      [() => queue.schedule("", call, hourly), "RangeError", "empty"],
      [
        () => queue.schedule("é".repeat(91), call, hourly),
        "RangeError",
        "at most 180 bytes: it is 182",
      ],
      [
        () => queue.schedule("s", tick as never, hourly),
        "TypeError",
        "pass task.with(input)",
      ],
      [
        () => queue.schedule("s", call, undefined as never),
        "TypeError",
        "{ cron, timeZone }",
      ],
      [
        () => queue.schedule("s", call, {} as never),
        "TypeError",
        "{ cron, timeZone }",
      ],
      [
        () => queue.schedule("s", call, { cron: "* * * *" }),
        "RangeError",
        "5 fields",
      ],
      [
        () => queue.schedule("s", call, { cron: "0 0 30 2 *" }),
        "RangeError",
        "never fires",
      ],
      [
        () => queue.schedule("s", call, { cron: "* * * * *", timeZone: "X" }),
        "RangeError",
        "X",
      ],
      [
        () => queue.schedule("s", call, { everyMs: HOUR, at: 5 } as never),
        "TypeError",
        "Unknown option 'at'",
      ],
      [
        () => queue.schedule("s", call, { everyMs: 99 }),
        "RangeError",
        "at least 100",
      ],
      [
        () => queue.schedule("s", call, every(1)),
        "RangeError",
        "at least 100",
      ],
      [
        () => queue.schedule("s", call, hourly, { catchUp: "some" as never }),
        "TypeError",
        "'all' or 'one' or 'skip'",
      ],
      [
        () => queue.schedule("s", call, hourly, { overlap: "no" as never }),
        "TypeError",
        "'queue' or 'skip'",
      ],
      [
        () => queue.schedule("s", call, hourly, { repeats: 0 }),
        "RangeError",
        "repeats",
      ],
      [
        () => queue.schedule("s", call, hourly, { startAt: 2, endAt: 1 }),
        "RangeError",
        "endAt",
      ],
      [
        () => queue.schedule("s", call, hourly, { until: 1 } as never),
        "TypeError",
        "Unknown option 'until'",
      ],
      [
        () => queue.schedule("s", tick.with("x", { id: "a" }), hourly),
        "TypeError",
        "'id' has no effect on a schedule's task",
      ],
      [
        () => queue.schedule("s", tick.with("x", { runAt: 1 }), hourly),
        "TypeError",
        "'runAt' has no effect",
      ],
      [
        () =>
          queue.schedule(
            "s",
            tick.with("x", { onSettled: tick.with("y", { id: "a" }) }),
            hourly,
          ),
        "TypeError",
        "'id' has no effect on a hook of a schedule's task",
      ],
      [
        () =>
          queue.schedule(
            "s",
            tick.with("x", { dedupe: { key: "a" } }),
            hourly,
            {
              overlap: "skip",
            },
          ),
        "TypeError",
        "'dedupe' has no effect",
      ],
      [
        () =>
          queue.schedule(
            "s",
            defineTask("even", { input: even }).with("odd"),
            hourly,
          ),
        "PayloadError",
        "even",
      ],
      [
        () => queue.enqueue(tick, "x", { id: "schedule:s" }),
        "RangeError",
        "begins as those of schedules do",
      ],
    ];
    for (const [call, kind, says] of refused) {
      const error = await assertRejects(call, Error);
      assertEquals(error.name, kind, error.message);
      assert(error.message.includes(says), error.message);
    }
    assertEquals(place.broker.asked, []);
  },
);
