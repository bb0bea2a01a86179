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

/**
 * How long a run has. A drain expects up to a quarter more than what it has
 * seen, and keeps a tenth of its time: a second round of `slow` fits although
 * a second and a half are lost on the way, and a third one never does.
 */
export const BUDGET_MS = 6_700;
/** How long `slow` takes. */
export const SLOW_MS = 2_000;
