/** A minute, in milliseconds. */
export const MINUTE_MS = 60_000;
/** An hour, in milliseconds. */
export const HOUR_MS: number = 60 * MINUTE_MS;
/** A day of a clock that never changes, in milliseconds. */
export const DAY_MS: number = 24 * HOUR_MS;

/** By how much a zone's clocks are ever put back at once. */
const LARGEST_CHANGE_MS = 3 * HOUR_MS;

const clocks = new Map<string, Intl.DateTimeFormat>();

/**
 * A time zone by its IANA name.
 *
 * @throws {TypeError} If it is no string.
 * @throws {RangeError} If this host knows no such zone; offsets such as `+02:00` are none, as not every host takes them.
 */
export function checkZone(timeZone: unknown): asserts timeZone is string {
  if (typeof timeZone !== "string") {
    throw new TypeError(
      `The timeZone must be a string, not ${typeof timeZone}`,
    );
  }
  clockOf(timeZone);
}

/** How far a zone's clocks are ahead of UTC at an instant, in milliseconds. */
export function offsetAt(timeZone: string, at: number): number {
  if (timeZone === "UTC") return 0;
  const [month, day, year, hour, minute, second] = clockOf(timeZone)
    .format(at).match(/\d+/g)!.map(Number);
  const wall = Date.UTC(year!, month! - 1, day, hour, minute, second);
  return wall - Math.floor(at / 1_000) * 1_000;
}

/** What a zone's clocks show at an instant, as milliseconds of a clock that never changes: the form in which all times on the wall are reckoned. */
export function wallAt(timeZone: string, at: number): number {
  return at + offsetAt(timeZone, at);
}

/** How far back a zone's clocks will be put within the next hours, in milliseconds. */
export function setBackAfter(timeZone: string, at: number): number {
  const change = offsetAt(timeZone, at) -
    offsetAt(timeZone, at + LARGEST_CHANGE_MS);
  return Math.max(0, change);
}

/** The instants at which a zone's clocks show `wall`, in order: one, two where they are put back over it, none where they skip it. */
export function instantsOf(timeZone: string, wall: number): readonly number[] {
  const [before, after] = offsetsAround(timeZone, wall);
  return [...new Set([wall - before, wall - after])]
    .filter((at) => wallAt(timeZone, at) === wall);
}

/** The first instant at which a zone's clocks show `wall`; where they skip it the first one after, if that is on the same day. */
export function firstInstantOf(
  timeZone: string,
  wall: number,
): number | undefined {
  return instantsOf(timeZone, wall)[0] ?? endOfGap(timeZone, wall);
}

function endOfGap(timeZone: string, wall: number): number | undefined {
  const [before, after] = offsetsAround(timeZone, wall);
  let low = wall - after;
  let high = wall - before;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(timeZone, middle) === before) low = middle;
    else high = middle;
  }
  return dayOf(wallAt(timeZone, high)) === dayOf(wall) ? high : undefined;
}

/** The offsets on either side of a change that is near the time `wall`. */
function offsetsAround(
  timeZone: string,
  wall: number,
): readonly [before: number, after: number] {
  const at = wall - offsetAt(timeZone, wall);
  return [
    offsetAt(timeZone, at - LARGEST_CHANGE_MS),
    offsetAt(timeZone, at + LARGEST_CHANGE_MS),
  ];
}

function dayOf(wall: number): number {
  return Math.floor(wall / DAY_MS);
}

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone);
  if (known !== undefined) return known;
  const clock = newClock(timeZone);
  if (clocks.size >= 100) clocks.clear();
  clocks.set(timeZone, clock);
  return clock;
}

function newClock(timeZone: string): Intl.DateTimeFormat {
  try {
    if (/^[A-Za-z]/.test(timeZone)) {
      return new Intl.DateTimeFormat("en-US", {
        timeZone,
        calendar: "gregory",
        numberingSystem: "latn",
        hourCycle: "h23",
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
      });
    }
  } catch {
    // said below
  }
  throw new RangeError(
    `Unknown timeZone ${
      JSON.stringify(timeZone.slice(0, 80))
    }: pass an IANA name, such as "Europe/Paris" or "UTC"`,
  );
}
