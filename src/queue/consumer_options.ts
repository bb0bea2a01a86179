import {
  checkContext,
  checkInteger,
  checkKnown,
  checkSignal,
} from "../core/check.ts";
import type { Pace } from "./consume/pace.ts";

/** The longest wait that every host's timers take, in milliseconds. */
export const MAX_WAIT_MS: number = 2 ** 31 - 1;

/** How many tasks one step claims at most. */
const MAX_BATCH = 250;

/** What a drain and a worker are told alike, as it holds for them. */
export interface ConsumerLimits extends Pace {
  readonly leaseMs: number;
  readonly maxBytes: number;
  readonly graceMs: number;
}

/** What they are told. */
type Given = Partial<ConsumerLimits> & {
  readonly signal?: unknown;
  readonly context?: unknown;
};

/** The options that `given` may have, by name, and those that cannot be told by a range. */
export function checkConsumer(
  where: string,
  given: Given,
  allowed: readonly string[],
): void {
  checkKnown(where, given, allowed);
  checkSignal(given.signal);
  checkContext(given.context);
}

/** What is given, within its ranges, over the defaults. */
export function limitsOf(
  given: Given,
  defaults: Pick<ConsumerLimits, "leaseMs" | "graceMs">,
): ConsumerLimits {
  const {
    settleMs = 1_000,
    leaseMs = defaults.leaseMs,
    maxBytes = 4_000_000,
    graceMs = defaults.graceMs,
  } = given;
  checkInteger("settleMs", settleMs, 0, 600_000);
  checkInteger("leaseMs", leaseMs, 100, MAX_WAIT_MS);
  checkInteger("maxBytes", maxBytes, 1_000, 8_000_000);
  checkInteger("graceMs", graceMs, 0, MAX_WAIT_MS);
  return { ...lanesOf(given), settleMs, leaseMs, maxBytes, graceMs };
}

/** A handler needs a lease of its own, so one of the two that is not given follows the other. */
function lanesOf(
  given: Given,
): Pick<ConsumerLimits, "batchSize" | "concurrency"> {
  const { batchSize: most = MAX_BATCH } = given;
  checkInteger("batchSize", most, 1, MAX_BATCH);
  const { concurrency = Math.min(10, most) } = given;
  checkInteger("concurrency", concurrency, 1, MAX_BATCH);
  const { batchSize = Math.max(50, concurrency) } = given;
  if (batchSize < concurrency) {
    throw new RangeError(
      `batchSize must be at least concurrency, for each handler that runs holds a task: ${batchSize} is less than ${concurrency}`,
    );
  }
  return { batchSize, concurrency };
}
