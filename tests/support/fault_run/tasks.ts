import { defineTask, fixed } from "../../../mod.ts";

export const QUEUE = "fault-run";

const patient = { maxAttempts: 10_000, backoff: fixed(10) } as const;

/** Its completion defers exactly one `next`. */
export const work = defineTask<{ readonly n: number }>("work", patient);
/** The successor, under an id that says of whom. */
export const next = defineTask<{ readonly n: number }>("next", patient);
