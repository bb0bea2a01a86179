import type { Context } from "@opentelemetry/api";
import type { Attributes } from "./attributes.ts";
import { MAX_SETS } from "./bounds.ts";
import { exemplar, type Exemplars } from "./exemplar.ts";
import type { Metric, MetricDescriptor, Series } from "./metric.ts";
import { type AttributeSet, makeSets } from "./sets.ts";

/** What was collected of a stream, and how to take it back should the export fail. */
export interface Collected extends Metric {
  readonly restore: () => void;
}

/** The numbers of one instrument between its exports. */
export interface Stream {
  /** Takes a value in, unless it is not finite: it would spoil every sum. */
  record(value: number, attributes?: Attributes, context?: Context): void;
  /** Forgets the numbers since the last export. */
  clear(): void;
  /** What there is to export; changes begin anew, totals stay. */
  collect(at: number): Collected | undefined;
}

/**
 * Makes the stream of an instrument.
 *
 * @param observed Whether its values are observed anew for each export, and no measurements.
 * @param resets Whether it begins anew after each export.
 * @param least The least value that it takes; more than any for none.
 */
export function makeStream(
  examples: Exemplars,
  descriptor: MetricDescriptor,
  observed: boolean,
  resets: boolean,
  least: number,
): Stream {
  const { boundaries, integer, delta } = descriptor;
  const isGauge = descriptor.kind === "gauge";
  const all = new Set<Series>();
  /** Since when there are changes: when they were collected before, at first the first value. */
  let since: number | undefined;

  const sets = makeSets(() => all.size < MAX_SETS - 1);

  /** The numbers of a set or, without room for it, of the overflow; new ones when it has none. */
  const begin = (wanted: AttributeSet): Series => {
    const set = sets.place(wanted);
    const now = examples.clock.now();
    since ??= now;
    set.startAt ??= observed ? since : now;
    set.series ??= {
      set,
      startAt: set.startAt,
      count: 0,
      value: 0,
      min: Infinity,
      max: -Infinity,
      buckets: new Array(boundaries.length + 1).fill(0),
      exemplars: [],
    };
    all.add(set.series);
    return set.series;
  };

  const clear = () => {
    for (const { set } of all) set.series = undefined;
    all.clear();
  };

  /** Takes back changes that did not arrive, and the last value of a gauge that has no later one. */
  const restore = (collected: readonly Series[], startAt: number) => {
    if (!resets) return;
    since = Math.min(since!, startAt);
    for (const earlier of collected) {
      if (observed) {
        earlier.set.exported -= earlier.value;
        continue;
      }
      const own = begin(earlier.set);
      // the later value counts
      if (isGauge && own.count > 0) continue;
      own.value += earlier.value;
      own.count += earlier.count;
      own.min = Math.min(own.min, earlier.min);
      own.max = Math.max(own.max, earlier.max);
      earlier.buckets.forEach((count, i) => own.buckets[i]! += count);
      earlier.exemplars.forEach((one, i) => own.exemplars[i] ??= one);
    }
  };

  return {
    record(given, attributes, context) {
      if (!Number.isFinite(given) || given < least) return;
      const value = integer ? Math.trunc(given) : given;
      const set = sets.find(attributes);
      const series = set.series ?? begin(set);
      series.count++;
      if (value < series.min) series.min = value;
      if (value > series.max) series.max = value;
      let bucket = 0;
      while (bucket < boundaries.length && value > boundaries[bucket]!) {
        bucket++;
      }
      series.buckets[bucket]! += 1;
      // of what is observed the last value counts; without room, several sets add up
      const replaces = isGauge || observed && series.set !== sets.overflow;
      series.value = replaces ? value : series.value + value;
      // each measurement of a bucket is as likely its example as any other
      const seen = series.buckets[bucket]!;
      if (!series.exemplars[bucket] || seen * examples.random() < 1) {
        const example = exemplar(examples, value, context);
        if (example) series.exemplars[bucket] = example;
      }
    },
    clear,
    collect(at) {
      const series = [...all];
      const startAt = since ?? at;
      since = at;
      sets.tidy();
      if (resets) clear();
      if (delta) {
        for (const one of series) {
          one.startAt = startAt;
          if (observed) toChange(one);
        }
      }
      return series.length === 0 ? undefined : {
        ...descriptor,
        at,
        series,
        restore: () => restore(series, startAt),
      };
    },
  };
}

/** Makes a change of an observed total: less what has been exported of it, all of it when it fell. */
function toChange(series: Series): void {
  const { set, value } = series;
  if (value >= set.exported) series.value -= set.exported;
  set.exported = value;
}
