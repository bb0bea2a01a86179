import type {
  Concurrency,
  EnqueueOptions,
  Rate,
  RateOfKey,
} from "./options.ts";
import { checkInteger, checkKnown, checkName, quote } from "./shape.ts";

/**
 * The options that bound how many tasks of a key run, and how often they start.
 *
 * @throws {TypeError} If one is of another type, or they name two keys: a task waits for one.
 * @throws {RangeError} If a value is out of its range.
 */
export function checkFlow(
  { concurrency, rate }: Pick<EnqueueOptions, "concurrency" | "rate">,
): void {
  if (concurrency !== undefined) checkConcurrency(concurrency);
  if (rate !== undefined) checkRateOfKey(rate);
  if (concurrency === undefined || rate === undefined) return;
  if (concurrency.key === rate.key) return;
  throw new TypeError(
    `concurrency.key and rate.key must be the same, for a task waits for one key: they are ${
      quote(concurrency.key)
    } and ${quote(rate.key)}`,
  );
}

function checkConcurrency(concurrency: Concurrency): void {
  if (typeof concurrency !== "object" || concurrency === null) {
    throw new TypeError("concurrency must be an object with a 'key'");
  }
  checkKnown("of concurrency", concurrency, ["key", "limit"]);
  checkName("concurrency.key", concurrency.key);
  checkInteger("concurrency.limit", concurrency.limit, 1, 1_000);
}

function checkRateOfKey(rate: RateOfKey): void {
  if (typeof rate !== "object" || rate === null) {
    throw new TypeError("rate must be an object with a 'key'");
  }
  checkName("rate.key", rate.key);
  checkRate(rate, ["key"]);
}

/**
 * A bound on how often tasks start; `more` are the names that it has beside.
 *
 * @throws {TypeError} If it is no rate, or has other names.
 * @throws {RangeError} If a number is out of its range.
 */
export function checkRate(rate: Rate, more: readonly string[] = []): void {
  if (typeof rate !== "object" || rate === null) {
    throw new TypeError("rate must be an object with 'limit' and 'perMs'");
  }
  checkKnown("of rate", rate, [...more, "limit", "perMs"]);
  checkInteger("rate.limit", rate.limit, 1, 1_000_000);
  checkInteger("rate.perMs", rate.perMs, 1, 31 * 86_400_000);
}
