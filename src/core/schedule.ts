import type { Context } from "@opentelemetry/api";
import { checkContext, checkInteger, checkKnown } from "./check.ts";
import { every, LATEST, once, type Recurrence } from "./recurrence.ts";
import { checkRecurrence, cron } from "./recurring.ts";
import { lastSlotBetween, nextSlot, slotsBetween } from "./slot.ts";

/** A slot that nobody looked at for longer was missed; an `at` that has passed for longer never comes. */
const MISSED_MS = 600_000;
/** More often than that, a drain would never come to rest. */
const MIN_EVERY_MS = 100;

const CATCH_UPS: readonly CatchUp[] = ["all", "one", "skip"];
const OVERLAPS: readonly Overlap[] = ["queue", "skip"];
const OPTIONS: readonly (keyof ScheduleOptions)[] = [
  "catchUp",
  "overlap",
  "repeats",
  "startAt",
  "endAt",
  "context",
];

/** When a schedule's slots are: an expression, an interval, an instant, or what a helper such as `weekly()` gives. */
export type When = CronWhen | EveryWhen | AtWhen | Recurrence;

/**
 * The slots of a cron expression.
 *
 * A time of day that the zone's clocks skip has its slot right after the gap, unless that is on another day; one that they show twice has one slot.
 * With a `*` or a step in its minutes or hours an expression means whatever the clocks show: what they skip has no slot, what they show twice has two.
 */
export interface CronWhen {
  /** Five fields, or a nickname such as `@daily`. */
  readonly cron: string;
  /** An IANA zone, such as `Europe/Paris`. @default {"UTC"} */
  readonly timeZone?: string;
}

/** A slot every so many milliseconds. */
export interface EveryWhen {
  /** From one slot to the next, 100 at least; counted from `startAt`, else from the epoch. */
  readonly everyMs: number;
}

/** One slot. */
export interface AtWhen {
  /** The slot: a Date or milliseconds since the epoch. One that passed up to ten minutes ago is due at once, an older one never. */
  readonly at: Date | number;
}

/** What becomes of slots that passed while nobody looked: of downtime, or of a pause. */
export type CatchUp = "all" | "one" | "skip";

/** What becomes of a slot while the task of one before it has not ended. */
export type Overlap = "queue" | "skip";

/** How a schedule goes on. */
export interface ScheduleOptions {
  /**
   * What becomes of slots that passed while nobody looked. `one`: the last of them is run. `all`: each of them is.
   * `skip`: none of them is; a slot was missed if a later one has passed too, or if it is over ten minutes late.
   *
   * @default {"one"}
   */
  readonly catchUp?: CatchUp;
  /** `queue`: each slot has its task. `skip`: a slot has none while the task of one before it waits or runs, for a week at most. @default {"queue"} */
  readonly overlap?: Overlap;
  /** After how many slots it is over; those whose task `overlap` leaves out count. @default {never} */
  readonly repeats?: number;
  /** No slot is before this instant: a Date or milliseconds since the epoch. */
  readonly startAt?: Date | number;
  /** No slot is after this instant: a Date or milliseconds since the epoch. */
  readonly endAt?: Date | number;
  /** The OpenTelemetry Context of the span that each of its traces is linked to. @default {the active one} */
  readonly context?: Context;
}

/** A schedule's times, as data. */
export interface Timetable {
  readonly recurrence: Recurrence;
  readonly catchUp: CatchUp;
  readonly overlap: Overlap;
  readonly repeats: number | undefined;
  readonly startAt: number | undefined;
  readonly endAt: number | undefined;
}

/** What one look at a schedule comes to. */
export interface Turn {
  /** The slots whose tasks are to be enqueued. */
  readonly slots: readonly number[];
  /** The next slot, which may have passed too; absent where none comes any more. */
  readonly nextAt: number | undefined;
}

/**
 * A schedule's times from what its caller said of them.
 *
 * @throws {TypeError} If something is of another type, or unknown.
 * @throws {RangeError} If something is out of its range, there is no such zone, or the cron expression is none or never fires.
 */
export function timetableOf(when: When, options: ScheduleOptions): Timetable {
  checkKnown("of schedule()", options, OPTIONS);
  const { catchUp = "one", overlap = "queue", repeats, context } = options;
  checkWord("catchUp", catchUp, CATCH_UPS);
  checkWord("overlap", overlap, OVERLAPS);
  if (repeats !== undefined) checkInteger("repeats", repeats, 1);
  const startAt = instantOf("startAt", options.startAt);
  const endAt = instantOf("endAt", options.endAt);
  if (endAt !== undefined && endAt < (startAt ?? 0)) {
    throw new RangeError("endAt must not be before startAt");
  }
  checkContext(context);
  const recurrence = recurrenceOf(when, startAt);
  return { recurrence, catchUp, overlap, repeats, startAt, endAt };
}

/** The first slot of a schedule that began at this instant. */
export function firstSlot(
  { recurrence, startAt = 0, endAt = LATEST }: Timetable,
  beganAt: number,
): number | undefined {
  const late = recurrence.kind === "once" ? MISSED_MS : 0;
  const from = Math.max(0, startAt, beganAt - late);
  const first = nextSlot(recurrence, from - 1);
  return first !== undefined && first <= endAt ? first : undefined;
}

/** The turn of a schedule that was due at the slot `dueAt`: which slots have come by `now`, `most` of them at a time, and when the next one does. */
export function turnOf(
  timetable: Timetable,
  { dueAt, now, left = Infinity, most }: {
    readonly dueAt: number;
    readonly now: number;
    /** How many tasks it may still have. */
    readonly left: number | undefined;
    readonly most: number;
  },
): Turn {
  const { recurrence, catchUp, endAt = LATEST } = timetable;
  const until = Math.max(dueAt, Math.min(now, endAt));
  const slots = catchUp === "all"
    ? [
      dueAt,
      ...slotsBetween(recurrence, dueAt, until, Math.min(most, left) - 1),
    ]
    : lastOf(timetable, dueAt, until, now);
  const reached = catchUp === "all" ? slots.at(-1)! : until;
  const next = nextSlot(recurrence, reached);
  const isOver = slots.length >= left || next === undefined || next > endAt;
  return { slots, nextAt: isOver ? undefined : next };
}

/** The last slot that has come, unless missed ones are not to be caught up. */
function lastOf(
  { recurrence, catchUp }: Timetable,
  dueAt: number,
  until: number,
  now: number,
): readonly number[] {
  const last = lastSlotBetween(recurrence, dueAt, until) ?? dueAt;
  return catchUp === "skip" && now - last > MISSED_MS ? [] : [last];
}

function recurrenceOf(when: When, startAt: number | undefined): Recurrence {
  const recurrence = givenRecurrence(when, startAt);
  if (recurrence.kind === "every" && recurrence.everyMs < MIN_EVERY_MS) {
    throw new RangeError(
      `everyMs must be at least ${MIN_EVERY_MS}: current value is ${recurrence.everyMs}`,
    );
  }
  if (recurrence.kind === "cron" && nextSlot(recurrence, 0) === undefined) {
    throw new RangeError(
      `The cron expression ${
        JSON.stringify(recurrence.cron)
      } never fires: there is no such day`,
    );
  }
  return recurrence;
}

function givenRecurrence(when: When, startAt: number | undefined): Recurrence {
  if (typeof when !== "object" || when === null) throw noTimes();
  if ("kind" in when) {
    checkRecurrence(when);
    return when;
  }
  if ("cron" in when) {
    checkKnown("of a cron schedule", when, ["cron", "timeZone"]);
    const { timeZone } = when;
    return cron(when.cron, timeZone === undefined ? {} : { timeZone });
  }
  if ("everyMs" in when) {
    checkKnown("of an everyMs schedule", when, ["everyMs"]);
    return every(
      when.everyMs,
      startAt === undefined ? {} : { anchor: startAt },
    );
  }
  checkKnown("of a schedule", when, ["cron", "timeZone", "everyMs", "at"]);
  const at = instantOf("at", when.at);
  if (at === undefined) throw noTimes();
  return once(at);
}

function noTimes(): TypeError {
  return new TypeError(
    "Pass when a schedule fires as { cron, timeZone }, { everyMs }, { at } or what a helper such as weekly() gives",
  );
}

function instantOf(
  what: string,
  given: Date | number | undefined,
): number | undefined {
  if (given === undefined) return undefined;
  const at = given instanceof Date ? given.getTime() : given;
  checkInteger(what, at, 0, LATEST);
  return at;
}

function checkWord<Word extends string>(
  what: string,
  given: Word,
  words: readonly Word[],
): void {
  if (words.includes(given)) return;
  throw new TypeError(
    `${what} must be ${
      words.map((word) => `'${word}'`).join(" or ")
    }: current value is ${JSON.stringify(given)}`,
  );
}
