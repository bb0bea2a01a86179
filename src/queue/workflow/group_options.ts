import {
  checkContext,
  checkEffect,
  checkHookShape,
  checkInteger,
  checkName,
} from "../../core/check.ts";
import type { GroupOptions } from "../../core/group.ts";
import type { EnqueueOptions, Hook } from "../../core/options.ts";
import { MAX_MEMBERS } from "./group.ts";

/** How long a group is remembered, where nothing is said. */
export const DAY_MS = 86_400_000;
const YEAR_MS = 366 * DAY_MS;
/** The options of a group. */
export const GROUP_OPTIONS: readonly (keyof GroupOptions)[] = [
  "id",
  "onSettled",
  "ttlMs",
  "sealMs",
  "idleMs",
  "maxBacklog",
  "context",
];

/** What a member cannot say for itself. */
export const NOT_OF_MEMBERS: readonly (keyof EnqueueOptions)[] = [
  "id",
  "group",
  "dedupe",
  "maxBacklog",
  "context",
];

/** What a callback cannot say: it is due when its group has ended. */
const NOT_OF_CALLBACKS: readonly (keyof EnqueueOptions)[] = [
  "group",
  "delayMs",
  "runAt",
  "dedupe",
];

/**
 * What a group is told beside its members.
 *
 * @throws {TypeError} If an option is of the wrong type.
 * @throws {RangeError} If one is out of its range.
 */
export function checkGroup(options: GroupOptions): void {
  const { id, onSettled, ttlMs, sealMs, idleMs, maxBacklog, context } = options;
  if (id !== undefined) checkName("id", id);
  if (onSettled !== undefined) {
    checkHookShape("onSettled", onSettled as Hook);
    checkEffect("on a group's callback", onSettled.options, NOT_OF_CALLBACKS);
  }
  if (ttlMs !== undefined) checkInteger("ttlMs", ttlMs, 1_000, 10 * YEAR_MS);
  if (sealMs !== undefined) checkInteger("sealMs", sealMs, 1_000, YEAR_MS);
  if (idleMs !== undefined) {
    checkInteger("idleMs", idleMs, 1_000, 10 * YEAR_MS);
  }
  if (maxBacklog !== undefined) checkInteger("maxBacklog", maxBacklog, 1);
  checkContext(context);
}

/** What `map` and `enqueueGroup` are made from. */
export function checkInputs(verb: string, what: string, inputs: unknown): void {
  const { [Symbol.iterator]: each, [Symbol.asyncIterator]: eachAsync } = Object(
    inputs,
  ) as Partial<Iterable<unknown> & AsyncIterable<unknown>>;
  const isFunction = typeof (each ?? eachAsync) === "function";
  if (isFunction && typeof inputs !== "string") return;
  throw new TypeError(
    `${verb} takes its ${what} as a list, or as anything else to iterate over that is no string`,
  );
}

/**
 * How many members there are to be.
 *
 * @throws {RangeError} If that is over 100,000.
 */
export function checkLength(length: number): void {
  if (length <= MAX_MEMBERS) return;
  throw new RangeError(
    `A group has at most ${MAX_MEMBERS} members: send more in several groups`,
  );
}
