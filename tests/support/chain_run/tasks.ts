import { defineTask, fixed, type Settled } from "../../../mod.ts";

export const QUEUE = "chain-run";

const patient = { maxAttempts: 10_000, backoff: fixed(10) } as const;

/** A link, which hands on how far its chain has come. */
export const link = defineTask<{ readonly chain: number; readonly at: number }>(
  "link",
  patient,
);
/** What comes at a chain's end. */
export const end = defineTask<Settled>("end", patient);
/** What comes with the end of each last link. */
export const hook = defineTask<Settled>("hook", patient);
