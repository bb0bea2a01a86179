import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  bimonthly,
  biweekly,
  type CalendarRecurrence,
  daily,
  every,
  hourly,
  minutes,
  monthly,
  once,
  quarterly,
  type Recurrence,
  weekly,
  yearly,
} from "../src/core/recurrence.ts";
import { checkRecurrence, cron } from "../src/core/recurring.ts";
import { lastSlotBetween, nextSlot, slotsBetween } from "../src/core/slot.ts";
import { offsetAt } from "../src/core/zone.ts";
import { test } from "./support/suite.ts";

const at = (iso: string): number => Date.parse(`${iso}:00Z`);

/** The first slots after an instant, in UTC to the minute. */
function slots(
  recurrence: Recurrence,
  after: string,
  count: number,
): readonly string[] {
  return slotsBetween(recurrence, at(after), at("9999-01-01T00:00"), count)
    .map((slot) => new Date(slot).toISOString().replace(":00.000Z", ""));
}

/** Expression, after when, slots in UTC. */
type Case = readonly [cron: string, after: string, slots: readonly string[]];

function holds(timeZone: string, cases: readonly Case[]): void {
  for (const [expression, after, expected] of cases) {
    const found = slots(cron(expression, { timeZone }), after, expected.length);
    assertEquals(found, expected, `${expression} in ${timeZone}`);
  }
}

test("nextSlot() follows Europe/Paris into summer time", () => {
  // On 29 March 2026 02:00 becomes 03:00, at 01:00 UTC.
  holds("Europe/Paris", [
    ["30 2 * * *", "2026-03-28T00:00", [
      "2026-03-28T01:30",
      "2026-03-29T01:00",
      "2026-03-30T00:30",
    ]],
    ["0 3 * * *", "2026-03-28T03:00", ["2026-03-29T01:00", "2026-03-30T01:00"]],
    ["15,45 2,3 * * *", "2026-03-28T12:00", [
      "2026-03-29T01:00",
      "2026-03-29T01:15",
      "2026-03-29T01:45",
      "2026-03-30T00:15",
    ]],
    ["*/30 2 * * *", "2026-03-28T12:00", [
      "2026-03-30T00:00",
      "2026-03-30T00:30",
    ]],
    ["0 * * * *", "2026-03-28T23:00", [
      "2026-03-29T00:00",
      "2026-03-29T01:00",
      "2026-03-29T02:00",
    ]],
  ]);
});

test("nextSlot() follows Europe/Paris out of summer time", () => {
  // On 25 October 2026 03:00 becomes 02:00, at 01:00 UTC.
  holds("Europe/Paris", [
    ["30 2 * * *", "2026-10-24T12:00", [
      "2026-10-25T00:30",
      "2026-10-26T01:30",
    ]],
    ["30 2 * * *", "2026-10-25T00:30", ["2026-10-26T01:30"]],
    ["0 2,3 * * *", "2026-10-24T12:00", [
      "2026-10-25T00:00",
      "2026-10-25T02:00",
      "2026-10-26T01:00",
    ]],
    ["*/30 2 * * *", "2026-10-24T12:00", [
      "2026-10-25T00:00",
      "2026-10-25T00:30",
      "2026-10-25T01:00",
      "2026-10-25T01:30",
      "2026-10-26T01:00",
    ]],
    ["*/20 2,3 * * *", "2026-10-25T00:20", [
      "2026-10-25T00:40",
      "2026-10-25T01:00",
      "2026-10-25T01:20",
      "2026-10-25T01:40",
      "2026-10-25T02:00",
    ]],
    ["0 * * * *", "2026-10-24T23:00", [
      "2026-10-25T00:00",
      "2026-10-25T01:00",
      "2026-10-25T02:00",
    ]],
  ]);
});

test("nextSlot() follows America/New_York through both changes", () => {
  // On 8 March 2026 02:00 becomes 03:00, at 07:00 UTC; on 1 November 02:00 becomes 01:00, at 06:00 UTC.
  holds("America/New_York", [
    ["0 2 * * *", "2026-03-07T12:00", ["2026-03-08T07:00", "2026-03-09T06:00"]],
    ["30 2 8 3 *", "2026-03-01T00:00", [
      "2026-03-08T07:00",
      "2027-03-08T07:30",
    ]],
    ["30 1 * * *", "2026-11-01T00:00", [
      "2026-11-01T05:30",
      "2026-11-02T06:30",
    ]],
    ["30 * * * *", "2026-11-01T04:00", [
      "2026-11-01T04:30",
      "2026-11-01T05:30",
      "2026-11-01T06:30",
      "2026-11-01T07:30",
    ]],
    ["59 23 * * SUN", "2026-03-03T00:00", [
      "2026-03-09T03:59",
      "2026-03-16T03:59",
    ]],
  ]);
});

test("nextSlot() follows Australia/Lord_Howe, whose clocks change by half an hour", () => {
  // On 5 April 2026 02:00 becomes 01:30, at 15:00 UTC of the 4th; on 4 October 02:00 becomes 02:30, at 15:30 UTC of the 3rd.
  holds("Australia/Lord_Howe", [
    ["45 1 * * *", "2026-04-04T00:00", [
      "2026-04-04T14:45",
      "2026-04-05T15:15",
    ]],
    ["*/15 1 * * *", "2026-04-04T13:50", [
      "2026-04-04T14:00",
      "2026-04-04T14:15",
      "2026-04-04T14:30",
      "2026-04-04T14:45",
      "2026-04-04T15:00",
      "2026-04-04T15:15",
      "2026-04-05T14:30",
    ]],
    ["15 2 * * *", "2026-10-03T00:00", [
      "2026-10-03T15:30",
      "2026-10-04T15:15",
    ]],
    ["*/15 2 * * *", "2026-10-03T00:00", [
      "2026-10-03T15:30",
      "2026-10-03T15:45",
      "2026-10-04T15:00",
    ]],
  ]);
});

test("nextSlot() follows clocks that change at midnight, and skips a day, or the end of one, that its zone skips", () => {
  // Cairo: on 24 April 2026 00:00 becomes 01:00. Apia: from 29 to 31 December 2011.
  holds("Africa/Cairo", [
    ["30 0 * * *", "2026-04-23T00:00", [
      "2026-04-23T22:00",
      "2026-04-24T21:30",
    ]],
  ]);
  const timeZone = "Pacific/Apia";
  const expected = ["2011-12-29T19:00", "2011-12-30T19:00", "2011-12-31T19:00"];
  holds(timeZone, [
    ["0 9 * * *", "2011-12-29T00:00", expected],
    ["30 0 * * *", "2011-12-29T00:00", [
      "2011-12-29T10:30",
      "2011-12-30T10:30",
      "2011-12-31T10:30",
    ]],
  ]);
  // Nuuk: on 28 March 2026 23:00 becomes 00:00 of the 29th.
  holds("America/Nuuk", [
    ["30 23 * * *", "2026-03-28T00:00", [
      "2026-03-28T01:30",
      "2026-03-30T00:30",
    ]],
    ["0 0,23 * * *", "2026-03-28T00:00", [
      "2026-03-28T01:00",
      "2026-03-28T02:00",
      "2026-03-29T01:00",
    ]],
  ]);
  const everyDay = daily({ anchor: "2011-12-01T09:00", timeZone });
  assertEquals(slots(everyDay, "2011-12-29T00:00", 3), expected);
});

test("nextSlot() is undefined at once for an expression that never fires", () => {
  const timeZone = "Europe/Paris";
  for (
    const never of ["0 0 30 2 *", "* * 31 4,6,9,11 *", "*/30 2 * 3 SUN#L"]
  ) {
    const recurrence = cron(never, { timeZone });
    assertEquals(
      nextSlot(recurrence, at("2026-01-01T00:00")),
      undefined,
      never,
    );
    const from = at("2026-01-01T00:00");
    const found = slotsBetween(recurrence, from, at("2030-01-01T00:00"), 9);
    assertEquals(found, [], never);
  }
});

test("monthly() returns to the 31st after shorter months", () => {
  const timeZone = "Europe/Paris";
  const recurrence = monthly({ anchor: "2026-01-31T09:00", timeZone });
  assertEquals(slots(recurrence, "2026-01-01T00:00", 8), [
    "2026-01-31T08:00",
    "2026-02-28T08:00",
    "2026-03-31T07:00",
    "2026-04-30T07:00",
    "2026-05-31T07:00",
    "2026-06-30T07:00",
    "2026-07-31T07:00",
    "2026-08-31T07:00",
  ]);
  assertEquals(slots(recurrence, "2028-02-01T00:00", 2), [
    "2028-02-29T08:00",
    "2028-03-31T07:00",
  ]);
});

test("yearly() keeps to 29 February, and to the 28th between leap years", () => {
  const recurrence = yearly({ anchor: "2024-02-29T12:00" });
  assertEquals(slots(recurrence, "2024-02-29T11:59", 5), [
    "2024-02-29T12:00",
    "2025-02-28T12:00",
    "2026-02-28T12:00",
    "2027-02-28T12:00",
    "2028-02-29T12:00",
  ]);
  assertEquals(slots(recurrence, "2099-03-01T00:00", 2), [
    "2100-02-28T12:00",
    "2101-02-28T12:00",
  ]);
});

test("bimonthly() and quarterly() count from the anchor's month, across years", () => {
  assertEquals(
    slots(quarterly({ anchor: "2025-11-30T06:00" }), "2025-12-01T00:00", 4),
    [
      "2026-02-28T06:00",
      "2026-05-30T06:00",
      "2026-08-30T06:00",
      "2026-11-30T06:00",
    ],
  );
  assertEquals(
    slots(bimonthly({ anchor: "2025-12-31T00:00" }), "2026-01-15T00:00", 3),
    ["2026-02-28T00:00", "2026-04-30T00:00", "2026-06-30T00:00"],
  );
});

test("daily(), weekly() and biweekly() keep their time of day through changes of the clocks", () => {
  const timeZone = "Europe/Paris";
  const everyDay = daily({ anchor: "2026-01-01T02:30", timeZone });
  assertEquals(slots(everyDay, "2026-03-28T00:00", 3), [
    "2026-03-28T01:30",
    "2026-03-29T01:00",
    "2026-03-30T00:30",
  ]);
  assertEquals(slots(everyDay, "2026-10-24T12:00", 2), [
    "2026-10-25T00:30",
    "2026-10-26T01:30",
  ]);
  assertEquals(
    slots(
      weekly({ anchor: "2026-03-23T08:00", timeZone }),
      "2026-03-23T07:00",
      2,
    ),
    ["2026-03-30T06:00", "2026-04-06T06:00"],
  );
  assertEquals(
    slots(
      biweekly({ anchor: "2026-10-19T08:00", timeZone }),
      "2026-10-01T00:00",
      3,
    ),
    ["2026-10-19T06:00", "2026-11-02T07:00", "2026-11-16T07:00"],
  );
});

test("the eleven types begin on round times when they are given no anchor", () => {
  const after = "2026-02-03T04:05";
  for (
    const [recurrence, expected] of [
      [minutes(15), ["2026-02-03T04:15", "2026-02-03T04:30"]],
      [hourly(), ["2026-02-03T05:00", "2026-02-03T06:00"]],
      [daily(), ["2026-02-04T00:00", "2026-02-05T00:00"]],
      [weekly(), ["2026-02-09T00:00", "2026-02-16T00:00"]],
      [biweekly(), ["2026-02-09T00:00", "2026-02-23T00:00"]],
      [monthly(), ["2026-03-01T00:00", "2026-04-01T00:00"]],
      [bimonthly(), ["2026-03-01T00:00", "2026-05-01T00:00"]],
      [quarterly(), ["2026-04-01T00:00", "2026-07-01T00:00"]],
      [yearly(), ["2027-01-01T00:00", "2028-01-01T00:00"]],
      [cron("0 6 * * *"), ["2026-02-03T06:00", "2026-02-04T06:00"]],
      [once(at("2026-02-03T05:00")), ["2026-02-03T05:00"]],
    ] as const
  ) {
    assertEquals(slots(recurrence, after, 2), expected, recurrence.kind);
  }
});

test("once() has one slot, and none after it", () => {
  const recurrence = once(new Date(5_000));
  assertEquals(recurrence, { kind: "once", at: 5_000 });
  assertEquals(nextSlot(recurrence, 4_999), 5_000);
  assertEquals(nextSlot(recurrence, 5_000), undefined);
});

test("every() counts from its anchor, whichever instant is asked for", () => {
  const recurrence = every(7_000, { anchor: new Date(1_000) });
  assertEquals(recurrence, { kind: "every", everyMs: 7_000, anchorAt: 1_000 });
  for (
    const [after, slot] of [
      [-1, 1_000],
      [999, 1_000],
      [1_000, 8_000],
      [7_999, 8_000],
      [8_000, 15_000],
      [700_000_000_999, 700_000_001_000],
      [700_000_001_000, 700_000_008_000],
    ] as const
  ) assertEquals(nextSlot(recurrence, after), slot, `after ${after}`);
  assertEquals(nextSlot(every(1), 77), 78);
});

test("a calendar's anchor is what the clocks show, or an instant in its zone", () => {
  const timeZone = "America/New_York";
  const expected: CalendarRecurrence = {
    kind: "calendar",
    unit: "day",
    count: 7,
    anchor: "2026-07-04T09:30:00.000",
    timeZone,
  };
  for (
    const anchor of [
      "2026-07-04T09:30",
      "2026-07-04T09:30:00",
      "2026-07-04T09:30:00.000",
      new Date("2026-07-04T13:30Z"),
      Date.parse("2026-07-04T13:30Z"),
    ]
  ) assertEquals(weekly({ anchor, timeZone }), expected);
});

test("a recurrence gives the same slots after it travelled as JSON", () => {
  const after = at("2026-05-05T05:05");
  for (
    const recurrence of [
      once(at("2027-01-01T00:00")),
      every(90_000),
      cron("*/5 1-3 * * MON-FRI", { timeZone: "Asia/Kolkata" }),
      monthly({ anchor: "2026-01-31T23:00", timeZone: "Pacific/Chatham" }),
    ]
  ) {
    const travelled: Recurrence = JSON.parse(JSON.stringify(recurrence));
    checkRecurrence(travelled);
    assertEquals(travelled, recurrence);
    assertEquals(
      slotsBetween(travelled, after, at("2028-01-01T00:00"), 20),
      slotsBetween(recurrence, after, at("2028-01-01T00:00"), 20),
    );
  }
});

test("slotsBetween() excludes its beginning, includes its end, and stops at the limit", () => {
  const recurrence = every(1_000);
  assertEquals(slotsBetween(recurrence, 1_000, 3_000, 9), [2_000, 3_000]);
  assertEquals(slotsBetween(recurrence, 1_000, 9_000, 2), [2_000, 3_000]);
  assertEquals(slotsBetween(recurrence, 1_000, 1_999, 9), []);
  assertEquals(slotsBetween(recurrence, 3_000, 1_000, 9), []);
  assertEquals(slotsBetween(recurrence, 1_000, 9_000, 0), []);
  assertEquals(slotsBetween(once(5), 0, 9, 9), [5]);
});

test("lastSlotBetween() is the last of slotsBetween(), without looking at each", () => {
  const from = at("2026-03-20T00:00");
  const timeZone = "Europe/Paris";
  for (
    const recurrence of [
      cron("*/7 1-3 * * *", { timeZone }),
      cron("30 2 * * SUN", { timeZone }),
      cron("0 0 1 1 *"),
      monthly({ anchor: "2026-01-31T09:00", timeZone }),
      every(3_600_001),
      once(from + 1),
      once(from),
    ]
  ) {
    for (const hours of [0, 1, 24, 217, 218.5, 1_000, 5_300]) {
      const to = from + hours * 3_600_000;
      assertEquals(
        lastSlotBetween(recurrence, from, to),
        slotsBetween(recurrence, from, to, Infinity).at(-1),
        `${JSON.stringify(recurrence)} after ${hours} hours`,
      );
    }
  }
  const to = at("2126-01-01T00:00");
  assertEquals(lastSlotBetween(cron("* * * * *", { timeZone }), from, to), to);
});

test("nextSlot() gives one slot a week for a hundred years of changes", () => {
  for (const timeZone of ["Europe/Paris", "Australia/Lord_Howe", "UTC"]) {
    const recurrence = cron("30 2 * * SUN", { timeZone });
    const found = slotsBetween(recurrence, -1, at("2070-01-01T00:00"), 9_999);
    assertEquals(found.length, 5_218);
    const weeks = found.map((slot, i) => slot - (found[i - 1] ?? -Infinity));
    assert(weeks.every((week) => week > 6.9 * 86_400_000), timeZone);
  }
});

test("offsetAt() is exact to the second on either side of a change, at midnight too", () => {
  const change = at("2026-03-29T01:00");
  assertEquals(offsetAt("Europe/Paris", change - 1), 3_600_000);
  assertEquals(offsetAt("Europe/Paris", change), 7_200_000);
  assertEquals(offsetAt("Europe/Paris", at("2026-03-28T23:00")), 3_600_000);
  assertEquals(offsetAt("Asia/Kolkata", at("2026-03-28T18:30")), 19_800_000);
  assertEquals(offsetAt("America/St_Johns", -1), -12_600_000);
});

test("checkRecurrence() says what is wrong with a recurrence", () => {
  const refused = (make: () => unknown, words: string): void => {
    assertThrows(make, RangeError, words);
  };
  const zone = 'pass an IANA name, such as "Europe/Paris" or "UTC"';
  for (const timeZone of ["", "Europe/Pari", "+02:00", "-01:00", "local"]) {
    refused(
      () => daily({ timeZone }),
      `Unknown timeZone "${timeZone}": ${zone}`,
    );
    refused(() => cron("* * * * *", { timeZone }), zone);
  }
  refused(() => cron("61 * * * *"), "has '61' as minute");
  refused(() => minutes(0), "everyMs must be a whole number from 1");
  refused(() => every(1.5), "current value is 1.5");
  refused(() => once(new Date(NaN)), "at must be a whole number");
  refused(() => once(-1), "at must be a whole number");
  refused(() => daily({ anchor: new Date(NaN) }), "anchor must be");
  for (
    const anchor of [
      "2026-02-30T00:00",
      "2026-01-31",
      "2026-01-31T09:00Z",
      "2026-01-31T09:00+01:00",
      "2026-01-31 09:00",
      "2026-01-31T24:00",
      "1969-12-31T23:59",
      "soon",
    ]
  ) refused(() => monthly({ anchor }), "must be a date and time since 1970");
  for (
    const [recurrence, words] of [
      [null, "must be an object"],
      [{ kind: "sometimes" }, "current value is sometimes"],
      [{ ...daily(), unit: "week" }, "'day' or 'month'"],
      [{ ...daily(), timeZone: 1 }, "The timeZone must be a string"],
      [{ ...daily(), anchor: 1 }, "The anchor must be a string"],
      [{ ...once(1), at: "1" }, "at must be a number"],
    ] as const
  ) {
    const check = () => checkRecurrence(recurrence as unknown as Recurrence);
    assertThrows(check, TypeError, words);
  }
  refused(() => nextSlot(daily(), NaN), "The instant after which to look");
  refused(() => slotsBetween(daily(), 0, NaN, 1), "The instant up to which");
});
