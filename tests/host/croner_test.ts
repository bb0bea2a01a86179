/** Cron expressions in time zones, held against croner, a maintained library. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseCron } from "../../src/core/cron_expression.ts";
import { cron } from "../../src/core/recurring.ts";
import { nextSlot, slotsBetween } from "../../src/core/slot.ts";
import { offsetAt } from "../../src/core/zone.ts";
import { generator, type Random } from "../support/model/random.ts";
import { test } from "../support/suite.ts";
import { required } from "../support/tools.ts";

interface Options {
  readonly timezone?: string;
  readonly mode?: "5-part";
  readonly fixedTimeRule?: "no-wildcard";
}

interface Croner {
  readonly Cron: new (expression: string, options?: Options) => {
    nextRuns(count: number, after: Date): readonly Date[];
  };
}

/** As we read expressions: five fields, and no wildcard or step in minutes and hours makes times of day. */
const ours: Options = { mode: "5-part", fixedTimeRule: "no-wildcard" };

function theirs(
  expression: string,
  timeZone: string,
  after: number,
  count: number,
  options: Options = ours,
): readonly number[] {
  const { Cron } = required<Croner>("croner");
  return new Cron(expression, { ...options, timezone: timeZone })
    .nextRuns(count, new Date(after))
    .map(Number);
}

const DAY_MS = 86_400_000;
const [BEGIN, END] = [Date.UTC(1995, 0), Date.UTC(2060, 0)];

const zones = [
  "UTC",
  "Europe/Paris",
  "America/New_York",
  "Australia/Lord_Howe",
  "Africa/Cairo",
  "Africa/Casablanca",
  "America/Havana",
  "America/Nuuk",
  "America/Sao_Paulo",
  "America/St_Johns",
  "Antarctica/Casey",
  "Antarctica/Troll",
  "Asia/Beirut",
  "Asia/Kolkata",
  "Asia/Pyongyang",
  "Asia/Tehran",
  "Europe/Istanbul",
  "Pacific/Apia",
  "Pacific/Chatham",
] as const;

/** The same throws on each run. */
class Dice {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = generator(seed);
  }

  /** A whole number from `low` to `high`. */
  from(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1));
  }

  /** True once in `n` throws. */
  once(n: number): boolean {
    return this.from(1, n) === 1;
  }

  of<T>(list: readonly T[]): T {
    return list[this.from(0, list.length - 1)]!;
  }
}

const monthNames = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");
const dayNames = "SUN MON TUE WED THU FRI SAT".split(" ");

function item(
  dice: Dice,
  low: number,
  high: number,
  names: readonly string[],
): string {
  const some = dice.from(low, high);
  const more = dice.from(some, high);
  switch (dice.from(0, 5)) {
    case 0:
      return `*/${dice.from(1, Math.max(1, high - 1))}`;
    case 1:
      return `${some}-${more}`;
    case 2:
      return `${some}-${more}/${dice.from(1, high - low)}`;
    case 3:
      return names[some - low] ?? `${some}`;
    default:
      return `${some}`;
  }
}

function field(
  dice: Dice,
  low: number,
  high: number,
  names: readonly string[] = [],
): string {
  if (dice.once(3)) return dice.once(6) ? "?" : "*";
  const length = dice.once(3) ? dice.from(2, 3) : 1;
  return Array.from({ length }, () => item(dice, low, high, names)).join(",");
}

function randomExpression(dice: Dice): string {
  const day = dice.from(0, 5);
  const weekday = dice.from(0, 5);
  return [
    dice.once(4) ? `*/${dice.from(1, 60)}` : item(dice, 0, 59, []),
    dice.once(2) ? item(dice, 0, 4, []) : field(dice, 0, 23),
    day > 2 ? "*" : day > 1 ? field(dice, 1, 31) : dice.of([
      "L",
      "LW",
      "?",
      `L,${dice.from(1, 31)}`,
      `${dice.from(1, 31)}W`,
    ]),
    dice.once(4) ? field(dice, 1, 12, monthNames) : "*",
    weekday > 2 ? "*" : weekday > 1 ? field(dice, 0, 7, dayNames) : dice.of([
      "MON-FRI",
      "SAT-SUN",
      "+1-5",
      "5#4,MON",
      `${dice.of(dayNames)}${dice.of(["L", "#L", "#1", "#2", "#5"])}`,
    ]),
  ].join(" ");
}

/** The days on which a zone's clocks change. */
function changesOf(timeZone: string): readonly number[] {
  const changes: number[] = [];
  let before = offsetAt(timeZone, BEGIN);
  for (let at = BEGIN; at < END; at += DAY_MS) {
    const after = offsetAt(timeZone, at + DAY_MS);
    if (after !== before) changes.push(at);
    before = after;
  }
  return changes;
}

const iso = (slots: readonly number[]): readonly string[] =>
  slots.map((slot) => new Date(slot).toISOString());

test("slotsBetween() agrees with croner on 10,000 expressions, zones and instants", () => {
  const dice = new Dice(20_260_329);
  const changes = new Map(zones.map((zone) => [zone, changesOf(zone)]));
  let near = 0, fixed = 0;
  for (let i = 0; i < 10_000; i++) {
    const expression = randomExpression(dice);
    const timeZone = dice.of(zones);
    const days = changes.get(timeZone)!;
    const isNear = days.length > 0 && !dice.once(4);
    const after = isNear
      ? dice.of(days) + dice.from(-8 * 3_600_000, 32 * 3_600_000)
      : dice.from(BEGIN, END);
    const recurrence = cron(expression, { timeZone });
    const found = slotsBetween(recurrence, after, END * 2, 3);
    const expected = theirs(expression, timeZone, after, 3);
    const subject = `${expression} in ${timeZone} after ${iso([after])}`;
    assertEquals(iso(found), iso(expected), subject);
    if (isNear) near++;
    if (parseCron(expression).isFixedTime) fixed++;
  }
  assert(near > 6_000, `${near} near a change of the clocks`);
  assert(fixed > 1_500 && fixed < 8_000, `${fixed} name times of day`);
});

test("parseCron() takes what croner takes and refuses what it refuses, in 20,000 garbled expressions", () => {
  const { Cron } = required<Croner>("croner");
  const dice = new Dice(5);
  const bits = "* ? 0 1 5 7 8 12 13 23 24 31 32 59 60 - - / / , , , L W # #2 + "
    .concat("MON SUN FRI JAN DEC JUL l w mon X 1-5 */2 LW").split(" ");
  const takes = (read: () => unknown): boolean => {
    try {
      read();
      return true;
    } catch {
      return false;
    }
  };
  let taken = 0;
  for (let i = 0; i < 20_000; i++) {
    const expression = Array.from(
      { length: 5 },
      () =>
        dice.once(2)
          ? "*"
          : Array.from({ length: dice.from(1, 4) }, () => dice.of(bits)).join(
            "",
          ),
    )
      .join(" ");
    const expected = takes(() => new Cron(expression, ours));
    const found = takes(() => parseCron(expression));
    const isMore = /(^|\s|,)LW,|,LW(\s|,|$)/i.test(expression);
    if (isMore && found) continue;
    assertEquals(found, expected, expression);
    if (found) taken++;
  }
  assert(taken > 500, `${taken} are taken`);
});

test("parseCron() takes less than croner: no seconds, no years, no dates", () => {
  const { Cron } = required<Croner>("croner");
  for (
    const text of ["0 0 3 * * *", "0 0 3 * * * 2030", "2030-01-01T00:00:00"]
  ) {
    new Cron(text);
    assertThrows(() => parseCron(text), RangeError, "must have 5 fields");
  }
});

test("parseCron() takes LW in a list, which croner does not", () => {
  const { Cron } = required<Croner>("croner");
  assertThrows(() => new Cron("0 0 1,LW * *"), TypeError);
  const after = Date.UTC(2026, 0, 2);
  assertEquals(
    iso(slotsBetween(cron("0 0 1,LW * *"), after, END, 2)),
    ["2026-01-30T00:00:00.000Z", "2026-02-01T00:00:00.000Z"],
  );
});

test("nextSlot() gives a list or range of times one slot each at a change of the clocks, unlike croner by default", () => {
  const timeZone = "Europe/Paris";
  const expression = "30 1,2 * * *";
  const recurrence = cron(expression, { timeZone });
  const spring = Date.UTC(2026, 2, 28, 12), autumn = Date.UTC(2026, 9, 24, 12);
  assertEquals(iso(slotsBetween(recurrence, spring, END, 3)), [
    "2026-03-29T00:30:00.000Z",
    "2026-03-29T01:00:00.000Z",
    "2026-03-29T23:30:00.000Z",
  ]);
  assertEquals(iso(theirs(expression, timeZone, spring, 2, {})), [
    "2026-03-29T00:30:00.000Z",
    "2026-03-29T23:30:00.000Z",
  ]);
  assertEquals(iso(slotsBetween(recurrence, autumn, END, 3)), [
    "2026-10-24T23:30:00.000Z",
    "2026-10-25T00:30:00.000Z",
    "2026-10-26T00:30:00.000Z",
  ]);
  assertEquals(iso(theirs(expression, timeZone, autumn, 3, {})), [
    "2026-10-24T23:30:00.000Z",
    "2026-10-25T00:30:00.000Z",
    "2026-10-25T01:30:00.000Z",
  ]);
});

test("nextSlot() takes no time worth naming over what never fires", () => {
  const never = ["0 0 30 2 *", "* * 31 4,6,9,11 *", "*/30 2 * 3 SUN#L"];
  const timeZone = "Europe/Paris";
  for (const expression of never) {
    assertEquals(theirs(expression, timeZone, Date.UTC(2026, 0), 1), []);
  }
  const began = performance.now();
  for (let i = 0; i < 100; i++) {
    const after = Date.UTC(2026, 0, 1) + i * DAY_MS * 30;
    for (const expression of never) {
      const recurrence = cron(expression, { timeZone });
      assertEquals(nextSlot(recurrence, after), undefined);
    }
  }
  const each = (performance.now() - began) / 300;
  assert(each < 20, `${each.toFixed(2)} ms each`);
});
