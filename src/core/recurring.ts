import { parseCron } from "./cron_expression.ts";
import {
  type CronOptions,
  type CronRecurrence,
  LATEST,
  parseWall,
  type Recurrence,
} from "./recurrence.ts";
import { checkInteger } from "./check.ts";
import { checkZone } from "./zone.ts";

/** The slots of a cron expression of five fields. */
export function cron(
  expression: string,
  { timeZone = "UTC" }: CronOptions = {},
): CronRecurrence {
  const recurrence = { kind: "cron", cron: expression, timeZone } as const;
  checkRecurrence(recurrence);
  return recurrence;
}

/**
 * Refuses what is no recurrence, as where one comes from outside.
 *
 * @throws {TypeError} If it is no object, of no known kind, or a field is of another type.
 * @throws {RangeError} If a field is out of its range: a number, the cron expression, the zone, the anchor.
 */
export function checkRecurrence(recurrence: Recurrence): void {
  if (typeof recurrence !== "object" || recurrence === null) {
    throw new TypeError(
      "The recurrence must be an object, as daily() or cron() give it",
    );
  }
  switch (recurrence.kind) {
    case "once":
      return checkInteger("at", recurrence.at, 0, LATEST);
    case "every":
      checkInteger("everyMs", recurrence.everyMs, 1, LATEST);
      return checkInteger("anchor", recurrence.anchorAt, 0, LATEST);
    case "cron":
      checkZone(recurrence.timeZone);
      parseCron(recurrence.cron);
      return;
    case "calendar":
      if (recurrence.unit !== "day" && recurrence.unit !== "month") {
        throw new TypeError(
          `The recurrence's unit must be 'day' or 'month': current value is ${recurrence.unit}`,
        );
      }
      checkInteger("count", recurrence.count, 1, 100_000);
      checkZone(recurrence.timeZone);
      parseWall(recurrence.anchor);
      return;
    default:
      throw new TypeError(
        `The recurrence's kind must be 'once', 'every', 'cron' or 'calendar': current value is ${
          String((recurrence as { kind?: unknown }).kind)
        }`,
      );
  }
}
