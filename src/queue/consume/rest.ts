import type { StepReply } from "../../broker/broker.ts";

/** How long the line is left alone. One that began while something was held ends with that. */
export interface Rest {
  readonly since: number;
  readonly until: number;
  readonly isQuiet: boolean;
}

/** The line may hold something. */
export const NO_REST: Rest = {
  since: -Infinity,
  until: -Infinity,
  isQuiet: false,
};

/** In how many milliseconds something is next to be done, by the broker's clock alone; undefined where nothing is known of. */
export function nextDueInMs({ nextDueAt, now }: StepReply): number | undefined {
  return nextDueAt === undefined ? undefined : Math.max(0, nextDueAt - now);
}

/** What is due and yet not claimed is asked for less and less often: after so many empty steps in a row, how long until the next one, `maxMs` at most. */
export function pauseAfter(empties: number, maxMs: number): number {
  return empties <= 1 ? 1 : Math.min(10 * 2 ** empties, maxMs);
}
