import { defineTask, fixed, type GroupSettled } from "../../../mod.ts";

export const QUEUE = "map-fault-run";

const patient = { maxAttempts: 10_000, backoff: fixed(10) } as const;

/** A member: doubles its input. */
export const double = defineTask<number, number>("double", patient);
/** The callback: what it is given, it returns. */
export const closed = defineTask<GroupSettled, GroupSettled>("closed", patient);
