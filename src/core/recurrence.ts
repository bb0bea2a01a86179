import { checkInteger } from "./check.ts";
import { checkZone, HOUR_MS, MINUTE_MS, wallAt } from "./zone.ts";

/** The last instant that is reckoned with: the end of the year 9999. */
export const LATEST = 253_402_300_799_999;

/** When something is to happen again, as data: it travels as JSON. A slot is one of its instants, in milliseconds since the epoch. */
export type Recurrence =
  | OnceRecurrence
  | EveryRecurrence
  | CronRecurrence
  | CalendarRecurrence;

/** One slot. */
export interface OnceRecurrence {
  /** Tells it from the other kinds. */
  readonly kind: "once";
  /** The slot. */
  readonly at: number;
}

/** A slot every so many milliseconds, whatever the clocks on the wall do. */
export interface EveryRecurrence {
  /** Tells it from the other kinds. */
  readonly kind: "every";
  /** From one slot to the next, in milliseconds. */
  readonly everyMs: number;
  /** The first slot. */
  readonly anchorAt: number;
}

/** The slots of a cron expression. */
export interface CronRecurrence {
  /** Tells it from the other kinds. */
  readonly kind: "cron";
  /** The expression, of five fields. */
  readonly cron: string;
  /** The IANA zone whose clocks count. */
  readonly timeZone: string;
}

/** The same time of day every so many days or months. Each slot is reckoned from the anchor: of a month that is too short the last day, and the anchor's own day again in the next. */
export interface CalendarRecurrence {
  /** Tells it from the other kinds. */
  readonly kind: "calendar";
  /** What is counted. */
  readonly unit: "day" | "month";
  /** How many of them are from one slot to the next. */
  readonly count: number;
  /** The first slot as the zone's clocks show it, as in `2026-01-31T09:00:00.000`. */
  readonly anchor: string;
  /** The IANA zone whose clocks count. */
  readonly timeZone: string;
}

/** Options of {@link every} and its like. */
export interface EveryOptions {
  /** The first slot. @default {0, the epoch: every whole hour, every whole minute} */
  readonly anchor?: Date | number;
}

/** Options of {@link cron}. */
export interface CronOptions {
  /** An IANA zone, such as `Europe/Paris`. @default {"UTC"} */
  readonly timeZone?: string;
}

/** Options of {@link daily} and its like. */
export interface CalendarOptions extends CronOptions {
  /**
   * The first slot: an instant, or what the zone's clocks show, as in `2026-01-31T09:00`.
   *
   * @default {"2001-01-01T00:00", a Monday: midnight, of a Monday, of the 1st, of January}
   */
  readonly anchor?: string | Date | number;
}

/**
 * One slot, at this instant: a Date, or milliseconds since the epoch.
 *
 * @throws {RangeError} If `at` is no instant.
 */
export function once(at: Date | number): OnceRecurrence {
  const slot = Number(at);
  checkInteger("at", slot, 0, LATEST);
  return { kind: "once", at: slot };
}

/**
 * A slot every `everyMs` milliseconds, counted from the anchor. A schedule takes 100 at least.
 *
 * @throws {TypeError} If `everyMs` is no number.
 * @throws {RangeError} If a number is out of its range.
 */
export function every(
  everyMs: number,
  { anchor = 0 }: EveryOptions = {},
): EveryRecurrence {
  const anchorAt = Number(anchor);
  checkInteger("everyMs", everyMs, 1, LATEST);
  checkInteger("anchor", anchorAt, 0, LATEST);
  return { kind: "every", everyMs, anchorAt };
}

/**
 * A slot every `count` minutes, at whole multiples of it since the epoch unless `anchor` says otherwise.
 *
 * @throws {RangeError} If a number is out of its range.
 */
export function minutes(
  count: number,
  options?: EveryOptions,
): EveryRecurrence {
  return every(count * MINUTE_MS, options);
}

/**
 * A slot every hour, on the hour of UTC unless `anchor` says otherwise.
 *
 * @throws {RangeError} If the anchor is out of its range.
 */
export function hourly(options?: EveryOptions): EveryRecurrence {
  return every(HOUR_MS, options);
}

/**
 * A slot every day, at midnight of the zone, unless `anchor` says otherwise.
 *
 * @throws {RangeError} If there is no such zone, or the anchor is no date and time since 1970.
 */
export function daily(options?: CalendarOptions): CalendarRecurrence {
  return calendar("day", 1, options);
}

/**
 * A slot every week, at midnight of Monday, unless `anchor` says otherwise.
 *
 * @throws {RangeError} If there is no such zone, or the anchor is no date and time since 1970.
 */
export function weekly(options?: CalendarOptions): CalendarRecurrence {
  return calendar("day", 7, options);
}

/**
 * A slot every two weeks, at midnight of every other Monday, unless `anchor` says otherwise.
 *
 * @throws {RangeError} If there is no such zone, or the anchor is no date and time since 1970.
 */
export function biweekly(options?: CalendarOptions): CalendarRecurrence {
  return calendar("day", 14, options);
}

/**
 * A slot every month, at midnight of the 1st, unless `anchor` says otherwise.
 *
 * @throws {RangeError} If there is no such zone, or the anchor is no date and time since 1970.
 */
export function monthly(options?: CalendarOptions): CalendarRecurrence {
  return calendar("month", 1, options);
}

/**
 * A slot every two months, at midnight of 1 January, 1 March and so on, unless `anchor` says otherwise.
 *
 * @throws {RangeError} If there is no such zone, or the anchor is no date and time since 1970.
 */
export function bimonthly(options?: CalendarOptions): CalendarRecurrence {
  return calendar("month", 2, options);
}

/**
 * A slot every three months, at midnight of 1 January, 1 April, 1 July and 1 October, unless `anchor` says otherwise.
 *
 * @throws {RangeError} If there is no such zone, or the anchor is no date and time since 1970.
 */
export function quarterly(options?: CalendarOptions): CalendarRecurrence {
  return calendar("month", 3, options);
}

/**
 * A slot every year, at midnight of 1 January, unless `anchor` says otherwise.
 *
 * @throws {RangeError} If there is no such zone, or the anchor is no date and time since 1970.
 */
export function yearly(options?: CalendarOptions): CalendarRecurrence {
  return calendar("month", 12, options);
}

function calendar(
  unit: "day" | "month",
  count: number,
  { anchor = "2001-01-01T00:00", timeZone = "UTC" }: CalendarOptions = {},
): CalendarRecurrence {
  checkZone(timeZone);
  const wall = typeof anchor === "string"
    ? parseWall(anchor)
    : wallOf(anchor, timeZone);
  return { kind: "calendar", unit, count, anchor: spell(wall), timeZone };
}

function wallOf(anchor: Date | number, timeZone: string): number {
  const at = Number(anchor);
  checkInteger("anchor", at, 0, LATEST);
  return wallAt(timeZone, at);
}

/**
 * What clocks show, as in `2026-01-31T09:00`, in milliseconds of a clock that never changes.
 *
 * @throws {TypeError} If it is no string.
 * @throws {RangeError} If it is no such time, or before 1970.
 */
export function parseWall(text: string): number {
  if (typeof text !== "string") {
    throw new TypeError(`The anchor must be a string, not ${typeof text}`);
  }
  const wall = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{3})?)?$/.test(text)
    ? Date.parse(`${text}Z`)
    : NaN;
  if (wall >= 0 && spell(wall).startsWith(text)) return wall;
  throw new RangeError(
    `The anchor ${
      JSON.stringify(text.slice(0, 80))
    } must be a date and time since 1970 without an offset, as in "2026-01-31T09:00"; pass an instant as a Date`,
  );
}

function spell(wall: number): string {
  return new Date(wall).toISOString().slice(0, -1);
}
