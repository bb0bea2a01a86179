import {
  defineTask,
  fixed,
  type MemberResult,
  type Settled,
} from "../../../mod.ts";

export const QUEUE = "fork-fault-run";

const patient = { maxAttempts: 10_000, backoff: fixed(10) } as const;

/** What is to be done, one after the other. */
export const list = defineTask<readonly number[], readonly number[]>(
  "list",
  patient,
);
/** An element: doubles its input. */
export const double = defineTask<number, number>("double", patient);
/** Reads what came of the elements, and returns it. */
export const publish = defineTask<void, readonly MemberResult[]>(
  "publish",
  patient,
);
/** What comes at a chain's end. */
export const closed = defineTask<Settled>("closed", patient);
