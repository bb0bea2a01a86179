import { DAY_MS, HOUR_MS, MINUTE_MS } from "./zone.ts";

/** A cron expression, parsed. Its times are those of a calendar and a clock on the wall; a zone makes instants of them. */
export interface CronExpression {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** From 1. */
  readonly months: readonly number[];
  readonly matches: (day: Day) => boolean;
  /** Whether its minutes and hours are named, without wildcard or step: what a change of the clocks skips is then caught up, and what it repeats happens once. */
  readonly isFixedTime: boolean;
}

/** A day of a month that has `last` days; weekday 0 is Sunday. */
interface Day {
  readonly day: number;
  readonly weekday: number;
  readonly last: number;
}

type Rule = (day: Day) => boolean;

interface Field {
  readonly name: string;
  readonly min: number;
  /** The last value of `*`. */
  readonly max: number;
  /** The names of its values from `min` on, of three letters each. */
  readonly names?: string;
}

const MINUTE: Field = { name: "minute", min: 0, max: 59 };
const HOUR: Field = { name: "hour", min: 0, max: 23 };
const DAY: Field = { name: "day of month", min: 1, max: 31 };
const MONTH: Field = {
  name: "month",
  min: 1,
  max: 12,
  names: "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC",
};
const WEEKDAY: Field = {
  name: "day of week",
  min: 0,
  max: 6,
  names: "SUNMONTUEWEDTHUFRISAT",
};

const NICKNAMES: ReadonlyMap<string, string> = new Map([
  ["@HOURLY", "0 * * * *"],
  ["@DAILY", "0 0 * * *"],
  ["@MIDNIGHT", "0 0 * * *"],
  ["@WEEKLY", "0 0 * * 0"],
  ["@MONTHLY", "0 0 1 * *"],
  ["@YEARLY", "0 0 1 1 *"],
  ["@ANNUALLY", "0 0 1 1 *"],
]);

/** A leap day falls on a given weekday every 28 years, and across 2100 every 40: what has not fired by then never will. */
const HORIZON_MONTHS = 41 * 12;

/**
 * Parses an expression of five fields: minute, hour, day of month, month, day of week.
 *
 * Each field takes `*` (or `?`), values, lists, ranges and steps of `*` or of a range; months and weekdays also their English names. Sunday is 0 and 7.
 * Day of month also takes `L` (the last), `15W` (the weekday nearest to the 15th, in its month) and `LW`; day of week `FRI#2` (the second Friday), `FRIL` or `FRI#L` (the last one).
 * Where both day fields are restricted, a day that matches either one fires, as in Vixie cron; with `+` before the day of week it has to match both. Only a field that is `*` alone is unrestricted.
 * Nicknames: `@hourly @daily @midnight @weekly @monthly @yearly @annually`.
 *
 * @throws {TypeError} If it is no string.
 * @throws {RangeError} If it is malformed or a value is out of its range.
 */
export function parseCron(expression: string): CronExpression {
  if (typeof expression !== "string") {
    throw new TypeError(
      `The cron expression must be a string, not ${typeof expression}`,
    );
  }
  const text = expression.trim().toUpperCase();
  const fields = (NICKNAMES.get(text) ?? text)
    .replaceAll("?", "*").split(/\s+/);
  const [minute, hour, day, month, weekday] = fields;
  const refuse: Refuse = (problem) => {
    throw new RangeError(
      `The cron expression ${
        JSON.stringify(expression.slice(0, 80))
      } ${problem}`,
    );
  };
  if (text.startsWith("@") && fields.length === 1) {
    return refuse(
      `is an unknown nickname: the nicknames are ${
        [...NICKNAMES.keys()].join(", ").toLowerCase()
      }`,
    );
  }
  if (weekday === undefined || fields.length > 5) {
    return refuse(
      `must have 5 fields (minute, hour, day of month, month, day of week): it has ${
        text === "" ? 0 : fields.length
      }`,
    );
  }
  return {
    minutes: listed(minute!, MINUTE, refuse),
    hours: listed(hour!, HOUR, refuse),
    months: listed(month!, MONTH, refuse),
    matches: dayRule(day!, weekday, refuse),
    isFixedTime: !/[*/]/.test(`${minute} ${hour}`),
  };
}

/** Every time on the wall after `wall` that the expression names, in order, as milliseconds of a clock that never changes. Ends when nothing can come any more. */
export function* timesAfter(
  { minutes, hours, months, matches }: CronExpression,
  wall: number,
): Generator<number, void> {
  const from = new Date(wall);
  const year = from.getUTCFullYear();
  const begin = from.getUTCMonth();
  for (let month = begin; month <= begin + HORIZON_MONTHS; month++) {
    if (!months.includes(month % 12 + 1)) continue;
    const first = Date.UTC(year, month);
    const last = (Date.UTC(year, month + 1) - first) / DAY_MS;
    const weekday = new Date(first).getUTCDay() - 1;
    for (let day = 1; day <= last; day++) {
      const midnight = first + (day - 1) * DAY_MS;
      if (midnight + DAY_MS <= wall) continue;
      if (!matches({ day, weekday: (weekday + day) % 7, last })) continue;
      for (const hour of hours) {
        for (const minute of minutes) {
          const time = midnight + hour * HOUR_MS + minute * MINUTE_MS;
          if (time > wall) yield time;
        }
      }
    }
  }
}

type Refuse = (problem: string) => never;

/** All values of a field, in order and once each. */
function listed(text: string, field: Field, refuse: Refuse): readonly number[] {
  const all = text.split(",").flatMap((item) => values(item, field, refuse));
  return [...new Set(all)].sort((a, b) => a - b);
}

/** The values of one item of a list: a wildcard, a value or a range, the first and last with a step. */
function values(
  item: string,
  field: Field,
  refuse: Refuse,
): readonly number[] {
  const [, any, low = "", high, step] =
    /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(item) ??
      refuse(`has '${item}' as ${field.name}: ${HOW}`);
  const from = any ? field.min : valueOf(low, field, refuse);
  const to = any
    ? field.max
    : high === undefined
    ? from
    : valueOf(field === WEEKDAY && high === "SUN" ? "7" : high, field, refuse);
  if (step !== undefined && !any && high === undefined) {
    return refuse(
      `steps from a single value in '${item}' as ${field.name}: write ${low}-${field.max}/${step} or */${step}`,
    );
  }
  const size = field.max - field.min + 1;
  const by = Number(step ?? 1);
  if (from > to || by < 1 || by > size) {
    return refuse(
      `has '${item}' as ${field.name}: a range must end after it begins, with a step from 1 to ${size}`,
    );
  }
  const found: number[] = [];
  for (let value = from; value <= to; value += by) found.push(value);
  return found;
}

const HOW =
  "use *, a value, a range such as 1-5, a step such as */2, or a list";

/** A number, or a name of the field. */
function valueOf(
  text: string,
  { name, min, max, names = "" }: Field,
  refuse: Refuse,
): number {
  const at = text.length === 3 ? names.indexOf(text) : -1;
  const value = /^\d+$/.test(text)
    ? Number(text)
    : at % 3 === 0
    ? at / 3 + min
    : NaN;
  const highest = max === WEEKDAY.max ? 7 : max;
  if (value >= min && value <= highest) return value;
  return refuse(
    `has '${text}' as ${name}: it must be from ${min} to ${highest}`,
  );
}

function dayRule(day: string, weekday: string, refuse: Refuse): Rule {
  const both = weekday.startsWith("+");
  const days = rules(day, (item) => monthRule(item, refuse));
  const weekdays = rules(
    both ? weekday.slice(1) : weekday,
    (item) => weekRule(item, refuse),
  );
  if (both || day === "*" || weekday === "*") {
    return (it) => days(it) && weekdays(it);
  }
  return (it) => days(it) || weekdays(it);
}

/** A list matches where one of its items does. */
function rules(text: string, ruleOf: (item: string) => Rule): Rule {
  const all = text.split(",").map(ruleOf);
  return (day) => all.some((rule) => rule(day));
}

function monthRule(item: string, refuse: Refuse): Rule {
  if (item === "L") return ({ day, last }) => day === last;
  if (item === "LW") return (it) => it.day === nearest(it, it.last);
  const target = /^(\d+)W$/.exec(item)?.[1];
  if (target !== undefined) {
    const [wanted = 0] = values(target, DAY, refuse);
    return (it) => it.day === nearest(it, wanted);
  }
  const days = values(item, DAY, refuse);
  return ({ day }) => days.includes(day);
}

/** The day from Monday to Friday that is nearest to the day `wanted`, in the month of `it`. */
function nearest({ day, weekday, last }: Day, wanted: number): number {
  if (wanted > last) return 0;
  const falls = (weekday + wanted - day + 35) % 7;
  if (falls === 6) return wanted === 1 ? 3 : wanted - 1;
  if (falls === 0) return wanted === last ? wanted - 2 : wanted + 1;
  return wanted;
}

function weekRule(item: string, refuse: Refuse): Rule {
  const [, of = item, nth] = /^(\w.*?)(?:#([1-5L])|L)$/.exec(item) ?? [];
  const weekdays = values(of, WEEKDAY, refuse).map((value) => value % 7);
  const falls: Rule = ({ weekday }) => weekdays.includes(weekday);
  if (of === item) return falls;
  return nth === undefined || nth === "L"
    ? (it) => falls(it) && it.day + 7 > it.last
    : (it) => falls(it) && Math.ceil(it.day / 7) === Number(nth);
}
