import { BrokerError, type BrokerFailure } from "../../core/error.ts";

/** The longest pause between two attempts to reach a broker that fails. */
const MAX_PAUSE_MS = 5_000;
/** How many failures in a row that nobody foresaw are enough. */
const MAX_UNFORESEEN = 3;

/** What passes by itself, or when the database has room again. */
const PASSING: ReadonlySet<BrokerFailure> = new Set(
  ["unavailable", "throttled", "timeout", "full"],
);
/** What no repeat changes. The rest may pass once, and not again and again. */
const LASTING: ReadonlySet<BrokerFailure> = new Set(
  ["unauthorized", "wrong_type"],
);

/** What a worker makes of the steps that fail: it waits for what passes, and gives up over what does not. */
export class Setbacks {
  #unforeseen = 0;
  #defeat: { readonly error: unknown } | undefined;

  /** Why no step will ever succeed, if that is so. */
  get defeat(): { readonly error: unknown } | undefined {
    return this.#defeat;
  }

  /** After `failures` failed steps in a row: how long until the next one; undefined when it is no use. */
  pauseMs(error: unknown, failures: number): number | undefined {
    if (failures === 1) this.#unforeseen = 0;
    if (this.#isLasting(error)) this.#defeat ??= { error };
    if (this.#defeat !== undefined) return undefined;
    return Math.min(MAX_PAUSE_MS, 100 * 2 ** Math.min(failures, 10));
  }

  #isLasting(error: unknown): boolean {
    if (error instanceof BrokerError) {
      if (LASTING.has(error.failure)) return true;
      if (PASSING.has(error.failure)) return false;
    }
    return ++this.#unforeseen >= MAX_UNFORESEEN;
  }
}
