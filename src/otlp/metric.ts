import type { HrTime } from "@opentelemetry/api";
import type { AttributeList } from "./attributes.ts";
import type { Library } from "./resource.ts";

/** What an instrument's numbers are: a running total, a value of the moment, or a distribution. */
export type MetricKind = "sum" | "gauge" | "histogram";

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
  readonly attributes: AttributeList;
  /** How many values a histogram has seen. */
  count: number;
  /** The sum of the values; of a gauge the last one. */
  value: number;
  min: number;
  max: number;
  /** How many values fell into each bucket of a histogram, one more than it has boundaries. */
  readonly buckets: number[];
}

/** A metric as it is exported. */
export interface Metric {
  readonly descriptor: MetricDescriptor;
  readonly startAt: HrTime;
  readonly at: HrTime;
  readonly series: readonly Series[];
}

const DELTA = 1;
const CUMULATIVE = 2;

/** OTLP's number for how a metric's exports relate. */
export function temporality({ delta }: MetricDescriptor): number {
  return delta ? DELTA : CUMULATIVE;
}
