import type { Context, HrTime } from "@opentelemetry/api";
import type { Attributes } from "./attributes.ts";
import { fromMillis, later } from "./clock.ts";
import { exemplar, type Exemplars } from "./exemplar.ts";
import type { Metric, MetricDescriptor, Series } from "./metric.ts";
import {
  type AttributeSet,
  AttributeSets,
  MAX_SETS,
  OVERFLOW_ID,
} from "./sets.ts";

/** What was collected of a stream, and how to take it back should the export fail. */
export interface Collected {
  readonly metric: Metric;
  readonly restore: () => void;
}

/** How a stream keeps its numbers. */
export interface StreamSettings extends Exemplars {
  /** The least value that it takes; more than any for none. */
  readonly least: number;
  /** Whether its values are observed anew for each export, and no measurements. */
  readonly observed: boolean;
  /** Whether it begins anew after each export. */
  readonly resets: boolean;
}

/** The numbers of one instrument between its exports. */
export class Stream {
  readonly descriptor: MetricDescriptor;
  readonly #settings: StreamSettings;
  readonly #sets = new AttributeSets();
  #series: Series[] = [];
  /** Since when there are changes: the export before, at first the first value. */
  #startAt: HrTime | undefined;

  constructor(descriptor: MetricDescriptor, settings: StreamSettings) {
    this.descriptor = descriptor;
    this.#settings = settings;
  }

  /** Takes a value in, unless it is not finite: it would spoil every sum. */
  record(given: number, attributes: Attributes = {}, context?: Context): void {
    if (!(given >= this.#settings.least && given < Infinity)) return;
    const { kind, boundaries, integer } = this.descriptor;
    const value = integer ? Math.trunc(given) : given;
    const set = this.#sets.find(attributes) ??
      this.#sets.learn(attributes, this.#hasRoom());
    const series = set.series ?? this.#begin(set);
    let bucket = 0;
    if (kind === "histogram") {
      series.count++;
      if (value < series.min) series.min = value;
      if (value > series.max) series.max = value;
      bucket = bucketOf(value, boundaries);
      series.buckets[bucket]! += 1;
    }
    if (this.#replaces(series)) series.value = value;
    else series.value += value;
    const example = exemplar(this.#settings, value, context);
    if (example !== undefined) series.exemplars[bucket] = example;
  }

  /** Forgets the numbers since the last export. */
  clear(): void {
    for (const { set } of this.#series) set.series = undefined;
    this.#series = [];
  }

  /** What there is to export; changes begin anew, totals stay. */
  collect(at: HrTime): Collected | undefined {
    const { descriptor } = this;
    const series = this.#series;
    const startAt = this.#startAt;
    if (startAt === undefined) return undefined;
    this.#startAt = at;
    this.#sets.tidy();
    if (this.#settings.resets) this.clear();
    if (descriptor.delta) {
      for (const one of series) this.#toChange(one, startAt);
    }
    return series.length === 0 ? undefined : {
      metric: { descriptor, at, series },
      restore: () => this.#restore(series, startAt),
    };
  }

  #hasRoom(): boolean {
    return this.#series.length < MAX_SETS - 1;
  }

  /** Of a gauge and of what is observed the last value counts; without room, several sets add up. */
  #replaces({ set }: Series): boolean {
    return this.descriptor.kind === "gauge" ||
      this.#settings.observed && set.id !== OVERFLOW_ID;
  }

  /** The numbers of a set, or of the overflow when there is no room for another set. */
  #begin(wanted: AttributeSet): Series {
    const set = wanted.series || this.#hasRoom()
      ? wanted
      : this.#sets.overflow();
    if (set.series !== undefined) return set.series;
    const { descriptor: { kind, boundaries } } = this;
    const now = fromMillis(this.#settings.clock.now());
    const since = this.#startAt ??= now;
    set.startAt ??= this.#settings.observed ? since : now;
    const series: Series = {
      set,
      startAt: set.startAt,
      count: 0,
      value: 0,
      min: Infinity,
      max: -Infinity,
      buckets: kind === "histogram"
        ? new Array(boundaries.length + 1).fill(0)
        : [],
      exemplars: [],
    };
    this.#series.push(series);
    return set.series = series;
  }

  /** Makes changes of what is collected: an observed total less what has been exported of it, all of it when it fell. */
  #toChange(series: Series, startAt: HrTime): void {
    series.startAt = startAt;
    if (!this.#settings.observed) return;
    const { set, value } = series;
    if (value >= set.exported) series.value -= set.exported;
    set.exported = value;
  }

  /** Takes back changes that did not arrive, and the last value of a gauge that has no later one. */
  #restore(collected: readonly Series[], startAt: HrTime): void {
    const { delta, kind } = this.descriptor;
    const { observed, resets } = this.#settings;
    if (!resets || (observed && !delta)) return;
    if (later(this.#startAt ?? startAt, startAt) !== startAt) {
      this.#startAt = startAt;
    }
    for (const earlier of collected) {
      const set = this.#sets.known(earlier.set);
      if (observed) set.exported -= earlier.value;
      else if (set.series === undefined || kind !== "gauge") {
        this.#add(this.#begin(set), earlier);
      }
    }
  }

  #add(own: Series, earlier: Series): void {
    const isGauge = this.descriptor.kind === "gauge";
    own.value = isGauge ? earlier.value : own.value + earlier.value;
    own.count += earlier.count;
    own.min = Math.min(own.min, earlier.min);
    own.max = Math.max(own.max, earlier.max);
    earlier.buckets.forEach((count, i) => own.buckets[i]! += count);
    earlier.exemplars.forEach((example, i) => own.exemplars[i] ??= example);
  }
}

/** The first bucket whose boundary is not below the value, by halving. */
function bucketOf(value: number, boundaries: readonly number[]): number {
  let low = 0;
  let high = boundaries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= boundaries[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}
