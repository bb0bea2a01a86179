import { checkInteger } from "./check.ts";
import {
  type CronExpression,
  parseCron,
  timesAfter,
} from "./cron_expression.ts";
import {
  type CalendarRecurrence,
  type EveryRecurrence,
  LATEST,
  parseWall,
  type Recurrence,
} from "./recurrence.ts";
import {
  DAY_MS,
  firstInstantOf,
  instantsOf,
  setBackAfter,
  wallAt,
} from "./zone.ts";

/** The first slot after an instant, if there is one. */
type Next = (after: number) => number | undefined;

/**
 * The first slot of a recurrence after an instant, in milliseconds since the epoch; `undefined` when none comes any more.
 *
 * A time of day that the clocks skip has its slot at the first instant after the gap, and none where that is on another day; one that they show twice has it at the first of both. A cron expression with a wildcard or a step in its minutes or hours counts readings instead: what is skipped has no slot, what is repeated has two.
 *
 * @throws {TypeError} If the recurrence or the instant is none.
 * @throws {RangeError} If the instant is before 1970 or after 9999.
 */
export function nextSlot(
  recurrence: Recurrence,
  after: number,
): number | undefined {
  return follow(recurrence)(after);
}

/** The slots after `from` and up to `to`, in order, the first `limit` of them. Throws as {@link nextSlot}. */
export function slotsBetween(
  recurrence: Recurrence,
  from: number,
  to: number,
  limit: number,
): readonly number[] {
  checkInteger("The instant up to which to look", to, -1, LATEST);
  const next = follow(recurrence);
  const slots: number[] = [];
  let slot: number | undefined = from;
  while (slots.length < limit) {
    slot = next(slot);
    if (slot === undefined || slot > to) break;
    slots.push(slot);
  }
  return slots;
}

/** The last of the slots after `from` and up to `to`, however many there are: found by halves. Throws as {@link nextSlot}. */
export function lastSlotBetween(
  recurrence: Recurrence,
  from: number,
  to: number,
): number | undefined {
  checkInteger("The instant up to which to look", to, -1, LATEST);
  const next = follow(recurrence);
  let last: number | undefined;
  let low = from;
  let high = to;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const slot = next(middle);
    if (slot !== undefined && slot <= to) low = last = slot;
    else high = middle;
  }
  return last;
}

function follow(recurrence: Recurrence): Next {
  const next = nextOf(recurrence);
  return (after) => {
    checkInteger("The instant after which to look", after, -1, LATEST);
    return next(after);
  };
}

function nextOf(recurrence: Recurrence): Next {
  switch (recurrence.kind) {
    case "once":
      return (after) => recurrence.at > after ? recurrence.at : undefined;
    case "every":
      return (after) => nextEvery(recurrence, after);
    case "cron": {
      const { cron, timeZone } = recurrence;
      const expression = parseCron(cron);
      const next = expression.isFixedTime ? nextTime : nextReading;
      return (after) => next(expression, timeZone, after);
    }
    case "calendar":
      return (after) => nextInCalendar(recurrence, after);
  }
}

function nextEvery(
  { everyMs, anchorAt }: EveryRecurrence,
  after: number,
): number {
  if (after < anchorAt) return anchorAt;
  return after + everyMs - (after - anchorAt) % everyMs;
}

/** For an expression that names times of day: each is one instant. */
function nextTime(
  expression: CronExpression,
  timeZone: string,
  after: number,
): number | undefined {
  for (const wall of timesAfter(expression, wallAt(timeZone, after))) {
    const at = firstInstantOf(timeZone, wall);
    if (at !== undefined && at > after) return at;
  }
  return undefined;
}

/** For an expression with a wildcard: whenever the clocks show a time that matches. Those that they show twice come before later ones that they show once, so both passes are looked through. */
function nextReading(
  expression: CronExpression,
  timeZone: string,
  after: number,
): number | undefined {
  const from = wallAt(timeZone, after) - setBackAfter(timeZone, after);
  let repeated = Infinity;
  for (const wall of timesAfter(expression, from)) {
    const [first, second] = instantsOf(timeZone, wall);
    if (first === undefined) continue;
    if (first > after) return Math.min(first, repeated);
    if (second !== undefined && second > after) {
      repeated = Math.min(repeated, second);
    }
  }
  return undefined;
}

function nextInCalendar(
  { unit, count, anchor, timeZone }: CalendarRecurrence,
  after: number,
): number | undefined {
  const first = parseWall(anchor);
  const wall = wallAt(timeZone, after);
  const passed = unit === "day"
    ? (wall - first) / DAY_MS
    : monthOf(wall) - monthOf(first);
  const nearest = Math.max(0, Math.floor(passed / count));
  for (let n = nearest; n < nearest + 4; n++) {
    const slot = unit === "day"
      ? first + n * count * DAY_MS
      : monthsAfter(first, n * count);
    const at = firstInstantOf(timeZone, slot);
    if (at !== undefined && at > after) return at;
  }
  return undefined;
}

function monthOf(wall: number): number {
  const date = new Date(wall);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** The same day and time of another month, or its last day where it is too short. */
function monthsAfter(wall: number, count: number): number {
  const date = new Date(wall);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + count];
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const day = Math.min(date.getUTCDate(), last);
  return Date.UTC(year, month, day) + wall % DAY_MS;
}
