import type { HrTime } from "@opentelemetry/api";
import {
  attributeList,
  type Attributes,
  toAttributeValue,
} from "./attributes.ts";
import { later } from "./clock.ts";
import type { MetricDescriptor, Series } from "./metric.ts";

/** The specification's default: so many sets of attributes an instrument, the overflow included. */
const MAX_SERIES = 2000;

/** Beyond so many remembered spellings of attribute sets, a set is looked up by its sorted text. */
const MAX_PATHS = 4 * MAX_SERIES;

const OVERFLOW: Attributes = { "otel.metric.overflow": true };

/** A step of the look-up: a key, then its value, then the next key. */
class Path {
  readonly next: Map<unknown, Path> = new Map();
  series: Series | undefined;
}

/** One instrument's numbers since an instant. */
export class Book {
  readonly #descriptor: MetricDescriptor;
  readonly #series = new Map<string, Series>();
  readonly #root = new Path();
  #paths = 0;
  #overflow: Series | undefined;
  #startAt: HrTime;

  constructor(descriptor: MetricDescriptor, startAt: HrTime) {
    this.#descriptor = descriptor;
    this.#startAt = startAt;
  }

  /** Since when the book is kept. */
  get startAt(): HrTime {
    return this.#startAt;
  }

  /** The numbers of all sets of attributes. */
  get series(): Series[] {
    const all = [...this.#series.values()];
    return this.#overflow === undefined ? all : [...all, this.#overflow];
  }

  /** Writes down a value in place of the one before. */
  observe(value: number, attributes: Attributes): void {
    this.#find(attributes).value = value;
  }

  /** Writes down a value; of a gauge, in place of the one before. */
  record(value: number, attributes: Attributes): void {
    const series = this.#find(attributes);
    const { kind, boundaries } = this.#descriptor;
    series.value = kind === "gauge" ? value : series.value + value;
    if (kind !== "histogram") return;
    series.count++;
    if (value < series.min) series.min = value;
    if (value > series.max) series.max = value;
    const bucket = bucketOf(value, boundaries);
    series.buckets[bucket] = series.buckets[bucket]! + 1;
  }

  /** Takes in an earlier book whose export failed; of a gauge, what this one does not know better. */
  merge(earlier: Book): void {
    if (later(this.#startAt, earlier.#startAt) === this.#startAt) {
      this.#startAt = earlier.#startAt;
    }
    for (const [id, series] of earlier.#series) {
      const own = this.#series.get(id);
      if (own !== undefined) this.#add(own, series);
      else if (this.#hasRoom()) this.#series.set(id, series);
      else this.#add(this.#overflowing(), series);
    }
    if (earlier.#overflow) this.#add(this.#overflowing(), earlier.#overflow);
  }

  #find(attributes: Attributes): Series {
    let path: Path | undefined = this.#root;
    for (const key in attributes) {
      const value: unknown = attributes[key];
      if (value === undefined || value === null) continue;
      path = path.next.get(key)?.next.get(value);
      if (path === undefined) break;
    }
    return path?.series ?? this.#learn(attributes);
  }

  #learn(attributes: Attributes): Series {
    const id = identify(attributes);
    let series = this.#series.get(id);
    if (series === undefined) {
      if (!this.#hasRoom()) return this.#overflowing();
      series = this.#open(attributes);
      this.#series.set(id, series);
    }
    this.#remember(attributes, series);
    return series;
  }

  #remember(attributes: Attributes, series: Series): void {
    const entries = Object.entries(attributes)
      .filter(([, value]) => value !== undefined && value !== null);
    const isPlain = entries.every(([, value]) => typeof value !== "object");
    if (!isPlain || this.#paths + entries.length > MAX_PATHS) return;
    let path = this.#root;
    for (const step of entries.flat()) {
      let next = path.next.get(step);
      if (next === undefined) path.next.set(step, next = new Path());
      path = next;
    }
    path.series = series;
    this.#paths += entries.length;
  }

  #hasRoom(): boolean {
    return this.#series.size < MAX_SERIES - 1;
  }

  #overflowing(): Series {
    return this.#overflow ??= this.#open(OVERFLOW);
  }

  #open(attributes: Attributes): Series {
    const { kind, boundaries } = this.#descriptor;
    return {
      attributes: attributeList(attributes),
      count: 0,
      value: 0,
      min: Infinity,
      max: -Infinity,
      buckets: kind === "histogram"
        ? new Array(boundaries.length + 1).fill(0)
        : [],
    };
  }

  #add(own: Series, earlier: Series): void {
    if (this.#descriptor.kind === "gauge") return;
    own.value += earlier.value;
    own.count += earlier.count;
    own.min = Math.min(own.min, earlier.min);
    own.max = Math.max(own.max, earlier.max);
    earlier.buckets.forEach((count, i) => own.buckets[i]! += count);
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

/** The same text for the same attributes, in whatever order they are given. */
function identify(attributes: Attributes): string {
  const parts: unknown[] = [];
  for (const key of Object.keys(attributes).sort()) {
    const value = attributes[key];
    if (value === undefined || value === null) continue;
    const isPlain = typeof value !== "object";
    const text = isPlain ? String(value) : toAttributeValue(value, Infinity);
    parts.push(key, typeof value, text);
  }
  return JSON.stringify(
    parts,
    (_, value) => typeof value === "bigint" ? String(value) : value,
  );
}
