/**
 * What the Worker of `worker.ts` runs, and how long it may.
 *
 * @module
 */
import { defineTask } from "../../../src/core/task.ts";

/** Without I/O. */
export const add = defineTask<number>("add", { maxAttempts: 1 });
/** Takes more than a second. */
export const slow = defineTask<number>("slow", { maxAttempts: 1 });
/** Sends a request. */
export const relay = defineTask<number>("relay", { maxAttempts: 1 });

/** How long a run has. */
export const BUDGET_MS = 4_000;
/** How long `slow` takes. */
export const SLOW_MS = 1_500;
