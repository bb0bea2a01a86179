import { checkInteger } from "../core/check.ts";
import type { Pace } from "./pace.ts";

/** The longest wait that every host's timers take, in milliseconds. */
export const MAX_WAIT_MS: number = 2 ** 31 - 1;

/** What a drain and a worker are told alike. */
export interface ConsumerOptions extends Pace {
  readonly leaseMs: number;
  readonly maxBytes: number;
  readonly graceMs: number;
}

/** The options that `given` may have, by name, and those that it is to be without. */
export function checkConsumer(
  given: object,
  allowed: readonly string[],
  where: string,
): void {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`The options ${where} must be an object`);
  }
  for (const name of Object.keys(given)) {
    if (allowed.includes(name)) continue;
    throw new TypeError(
      `Unknown option '${name}' ${where}: the options are ${
        allowed.join(", ")
      }`,
    );
  }
  const { signal, context } = given as {
    readonly signal?: Partial<AbortSignal> | null;
    readonly context?: { readonly getValue?: unknown } | null;
  };
  if (
    signal !== undefined && typeof signal?.addEventListener !== "function"
  ) {
    throw new TypeError("The option 'signal' must be an AbortSignal");
  }
  if (context !== undefined && typeof context?.getValue !== "function") {
    throw new TypeError(
      "The option 'context' must be an OpenTelemetry Context, such as context.active()",
    );
  }
}

/** The ranges of what both are told. */
export function checkRanges(options: ConsumerOptions): ConsumerOptions {
  checkInteger("batchSize", options.batchSize, 1, 250);
  checkInteger("concurrency", options.concurrency, 1, 1_000);
  checkInteger("settleMs", options.settleMs, 0, 600_000);
  checkInteger("leaseMs", options.leaseMs, 100, MAX_WAIT_MS);
  checkInteger("maxBytes", options.maxBytes, 1_000, 8_000_000);
  checkInteger("graceMs", options.graceMs, 0, MAX_WAIT_MS);
  return options;
}
