import { assertEquals, assertThrows } from "@std/assert";
import { parseCron, timesAfter } from "../src/core/cron_expression.ts";
import { test } from "./support/suite.ts";

/** The first times on the wall after one, as in `2026-01-31T09:00`. */
function times(expression: string, after: string, count: number): string[] {
  const found: string[] = [];
  for (
    const wall of timesAfter(parseCron(expression), Date.parse(`${after}Z`))
  ) {
    found.push(new Date(wall).toISOString().slice(0, 16));
    if (found.length === count) break;
  }
  return found;
}

/** The days of 2026, as in `01-31`, on which an expression of the three day fields fires. */
function days(fields: string, count: number): string[] {
  return times(`0 0 ${fields}`, "2025-12-31T12:00", count)
    .map((text) => text.slice(5, 10));
}

test("parseCron() reads values, ranges, steps, lists and wildcards", () => {
  for (
    const [fields, minutes, hours] of [
      ["5 6", [5], [6]],
      ["55-59 0-4", [55, 56, 57, 58, 59], [0, 1, 2, 3, 4]],
      ["*/20 */10", [0, 20, 40], [0, 10, 20]],
      ["10-30/10 1-4/2", [10, 20, 30], [1, 3]],
      ["30,0,15,0 23,5-6", [0, 15, 30], [5, 6, 23]],
      ["*/60 ?/24", [0], [0]],
    ] as const
  ) {
    const expression = parseCron(`${fields} * * *`);
    assertEquals(expression.minutes, minutes, fields);
    assertEquals(expression.hours, hours, fields);
  }
  const all = parseCron("* ? * * *");
  assertEquals(all.minutes.length, 60);
  assertEquals(all.hours.length, 24);
  assertEquals(parseCron("0 0 1 */5 *").months, [1, 6, 11]);
});

test("parseCron() reads names in either case, and Sunday as 0 and 7", () => {
  assertEquals(parseCron("0 0 * jan,MAR-may,Dec *").months, [1, 3, 4, 5, 12]);
  const sundays = ["01-04", "01-11", "01-18"];
  for (const sunday of ["0", "7", "SUN", "sun", "7,0"]) {
    assertEquals(days(`* * ${sunday}`, 3), sundays, sunday);
  }
  for (const weekend of ["SAT-SUN", "6-7", "sat,sun", "0,6"]) {
    assertEquals(days(`* * ${weekend}`, 3), ["01-03", "01-04", "01-10"]);
  }
  assertEquals(days("* * SUN-TUE", 3), ["01-04", "01-05", "01-06"]);
  assertEquals(days("* * MON-5/2", 3), ["01-02", "01-05", "01-07"]);
  assertEquals(days("* * 1-7/3", 4), ["01-01", "01-04", "01-05", "01-08"]);
});

test("parseCron() knows the nicknames, and the blanks around an expression", () => {
  for (
    const [nickname, twin] of [
      ["@hourly", "0 * * * *"],
      ["@daily", "0 0 * * *"],
      ["@midnight", "0 0 * * *"],
      ["@weekly", "0 0 * * SUN"],
      ["@monthly", "0 0 1 * *"],
      ["@yearly", "0 0 1 1 *"],
      ["@annually", "0 0 1 1 *"],
      ["  @Daily ", "\t0  0 *\n* * "],
    ] as const
  ) {
    const after = "2026-02-11T10:30";
    assertEquals(times(nickname, after, 5), times(twin, after, 5), nickname);
  }
});

test("parseCron() fires on either day field when both are restricted, on both with +", () => {
  assertEquals(days("13 * FRI", 4), ["01-02", "01-09", "01-13", "01-16"]);
  assertEquals(days("13 * +FRI", 3), ["02-13", "03-13", "11-13"]);
  assertEquals(days("13 * *", 2), ["01-13", "02-13"]);
  assertEquals(days("? * FRI", 2), ["01-02", "01-09"]);
  const either = days("*/10 * FRI", 5);
  assertEquals(either, ["01-01", "01-02", "01-09", "01-11", "01-16"]);
});

test("parseCron() reads L, W and LW as days of the month", () => {
  assertEquals(days("L * *", 4), ["01-31", "02-28", "03-31", "04-30"]);
  assertEquals(days("L,15 2 *", 2), ["02-15", "02-28"]);
  // In 2026 the 15th is a Saturday in August and a Sunday in February and March.
  assertEquals(days("15W * *", 3), ["01-15", "02-16", "03-16"]);
  assertEquals(days("15W 8 *", 1), ["08-14"]);
  // The 1st of August is a Saturday, the 31st of May a Sunday: both stay in their month.
  assertEquals(days("1W 8 *", 1), ["08-03"]);
  assertEquals(days("31W 5 *", 1), ["05-29"]);
  assertEquals(days("31W * *", 3), ["01-30", "03-31", "05-29"]);
  assertEquals(days("LW * *", 3), ["01-30", "02-27", "03-31"]);
  assertEquals(days("1W,LW 8 *", 2), ["08-03", "08-31"]);
});

test("parseCron() reads # and L as days of the week", () => {
  assertEquals(days("* * MON#2", 3), ["01-12", "02-09", "03-09"]);
  assertEquals(days("* * 5#5", 3), ["01-30", "05-29", "07-31"]);
  const last = ["01-30", "02-27", "03-27"];
  for (const friday of ["5L", "FRIL", "fri#L", "5#l"]) {
    assertEquals(days(`* * ${friday}`, 3), last, friday);
  }
  assertEquals(days("* * 7#1", 2), ["01-04", "02-01"]);
  assertEquals(days("* * SAT-SUN#1", 4), ["01-03", "01-04", "02-01", "02-07"]);
  assertEquals(days("* * MON,FRI#1", 4), ["01-02", "01-05", "01-12", "01-19"]);
});

test("timesAfter() goes in order from the minute after, over months and years", () => {
  assertEquals(times("*/30 23 31 12 *", "2025-12-31T23:00", 3), [
    "2025-12-31T23:30",
    "2026-12-31T23:00",
    "2026-12-31T23:30",
  ]);
  assertEquals(times("59 23 * * *", "2026-02-28T23:59", 1), [
    "2026-03-01T23:59",
  ]);
  assertEquals(times("* * * * *", "2026-02-28T23:58:30.500", 2), [
    "2026-02-28T23:59",
    "2026-03-01T00:00",
  ]);
  assertEquals(times("0 0 29 2 *", "2096-03-01T00:00", 2), [
    "2104-02-29T00:00",
    "2108-02-29T00:00",
  ]);
});

test("timesAfter() finds what comes every 40 years, and ends when nothing can come", () => {
  assertEquals(times("0 0 29 2 +MON", "2072-03-01T00:00", 1), [
    "2112-02-29T00:00",
  ]);
  assertEquals(times("0 0 * 2 MON#5", "2072-03-01T00:00", 1), [
    "2112-02-29T00:00",
  ]);
  for (const never of ["30 2", "31 4,6,9,11", "31W 2,4,6,9,11", "30,31 FEB"]) {
    assertEquals(times(`* * ${never} *`, "2026-01-01T00:00", 1), [], never);
  }
});

test("parseCron() tells expressions that name times of day from those that sweep over them", () => {
  for (
    const [fields, isFixedTime] of [
      ["30 2", true],
      ["0,30 1-3", true],
      ["* 2", false],
      ["30 *", false],
      ["*/30 2", false],
      ["0 0-23/2", false],
      ["? 2", false],
    ] as const
  ) {
    const expression = parseCron(`${fields} */2 * *`);
    assertEquals(expression.isFixedTime, isFixedTime, fields);
  }
});

test("parseCron() says what is wrong with an expression, and what to write", () => {
  for (
    const [expression, words] of [
      ["", "must have 5 fields"],
      ["* * * *", "it has 4"],
      ["0 * * * * *", "it has 6"],
      ["@reboot", "is an unknown nickname: the nicknames are @hourly, @daily"],
      ["constructor", "must have 5 fields"],
      ["60 * * * *", "has '60' as minute: it must be from 0 to 59"],
      ["* 24 * * *", "has '24' as hour: it must be from 0 to 23"],
      ["* * 0 * *", "has '0' as day of month: it must be from 1 to 31"],
      ["* * 32W * *", "has '32' as day of month: it must be from 1 to 31"],
      ["* * * 13 *", "has '13' as month: it must be from 1 to 12"],
      ["* * * * 8", "has '8' as day of week: it must be from 0 to 7"],
      ["* * * FOO *", "has 'FOO' as month"],
      ["* * * ANF *", "has 'ANF' as month"],
      ["* * * JANFEB *", "has 'JANFEB' as month"],
      ["* MON * * *", "has 'MON' as hour"],
      ["* 1-SUN * * *", "has 'SUN' as hour"],
      ["*/61 * * * *", "has '*/61' as minute"],
      ["*/0 * * * *", "with a step from 1 to 60"],
      ["* * * * */8", "with a step from 1 to 7"],
      ["* 22-2 * * *", "a range must end after it begins"],
      ["* * * * FRI-MON", "a range must end after it begins"],
      ["5/10 * * * *", "write 5-59/10 or */10"],
      ["/10 * * * *", "has '/10' as minute: use *"],
      ["1,,2 * * * *", "has '' as minute"],
      ["1-2-3 * * * *", "has '1-2-3' as minute"],
      ["-5 * * * *", "has '-5' as minute"],
      ["1.5 * * * *", "has '1.5' as minute"],
      ["L * * * *", "has 'L' as minute"],
      ["* * 5L * *", "has '5L' as day of month"],
      ["* * 1-5W * *", "has '5W' as day of month"],
      ["* * * * L", "has 'L' as day of week"],
      ["* * * * MON#6", "has 'MON#6' as day of week"],
      ["* * * * *#2", "has '*#2' as day of week"],
      ["* * * * +", "has '' as day of week"],
      ["* * +1 * *", "has '+1' as day of month"],
    ] as const
  ) {
    const error = assertThrows(() => parseCron(expression), RangeError, words);
    assertEquals(
      error.message.startsWith(
        `The cron expression ${JSON.stringify(expression)} `,
      ),
      true,
      error.message,
    );
  }
  for (const none of [undefined, null, 5, ["* * * * *"]]) {
    assertThrows(
      () => parseCron(none as unknown as string),
      TypeError,
      "The cron expression must be a string, not ",
    );
  }
});
