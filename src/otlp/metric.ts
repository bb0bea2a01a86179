import type { Exemplar } from "./exemplar.ts";
import type { Library } from "./resource.ts";
import type { AttributeSet } from "./sets.ts";

/** What an instrument's numbers are: a running total, a value of the moment, or a distribution. */
export type MetricKind = "sum" | "gauge" | "histogram";

/**
 * What a metric's exports tell, by kind of instrument.
 *
 * - `"delta"`: what is new since the export before, of counters and histograms; the whole of up-down counters.
 * - `"cumulative"`: the whole, of all of them.
 * - `"lowmemory"`: what is new, of counters and histograms that are written to; the whole of all others.
 */
export type Temporality = "delta" | "cumulative" | "lowmemory";

/** What a metric is, apart from its numbers. */
export interface MetricDescriptor {
  readonly library: Library;
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly kind: MetricKind;
  /** Whether a sum only grows. */
  readonly monotonic: boolean;
  /** Whether each export tells the change since the last one, and not the whole. */
  readonly delta: boolean;
  /** Whether the values are whole numbers. */
  readonly integer: boolean;
  /** The upper bounds of a histogram's buckets, each inclusive. */
  readonly boundaries: readonly number[];
}

/** The numbers of one set of attributes. */
export interface Series {
  readonly set: AttributeSet;
  startAt: number;
  /** How many values a histogram has seen. */
  count: number;
  /** The sum of the values; of a gauge the last one. */
  value: number;
  min: number;
  max: number;
  /** How many values fell into each bucket of a histogram, one more than it has boundaries. */
  readonly buckets: number[];
  /** Examples, each in its bucket's place, of anything else than a histogram in the first; the others are holes. */
  readonly exemplars: Exemplar[];
}

/** A metric as it is exported; its times are in milliseconds since the epoch. */
export interface Metric extends MetricDescriptor {
  readonly at: number;
  readonly series: readonly Series[];
}
