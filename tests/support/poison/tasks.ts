import { defineTask } from "../../../mod.ts";

export const QUEUE = "poison";

/** One of them kills the process that runs it. */
export const work = defineTask<{ readonly poison: boolean }>("work", {
  maxAttempts: 3,
});
