import type { Rate } from "../core/options.ts";

export type { Rate } from "../core/options.ts";

/**
 * At most `limit` tasks of one key are leased at a time, counting valid leases; the others wait their turn, and of each key no more than `limit` stand in line.
 *
 * Of what stands in line, tasks of keys and tasks of none are claimed in turn, one for one; the keys take turns among themselves, one task of each in a round.
 * So with `n` keys of which tasks wait, each has a `2n`th part of what is claimed, and what has no key has half of it; a key whose `limit` is reached leaves its part to the others. Before both comes what was cancelled, and schedules.
 */
export interface ConcurrencyKey {
  /** What the tasks have in common. */
  readonly key: string;
  /** How many; the last one given holds for all. */
  readonly limit: number;
}

/**
 * At most `limit` tasks of one key are claimed in `perMs` on average, evenly spaced. A key that was idle begins with one; while tasks wait, a claim that comes late makes good what was missed, up to one `perMs`.
 * What comes again at once, because its lease expired or by a `retry` or `release` without delay, is not held back, but counts.
 */
export interface RateKey extends Rate {
  /** What the tasks have in common: that of the task's `concurrency`, if it has any. */
  readonly key: string;
}
