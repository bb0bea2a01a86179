import type { Context, HrTime } from "@opentelemetry/api";
import type { Attributes } from "./attributes.ts";
import { MAX_SETS } from "./bounds.ts";
import { fromMillis, later } from "./clock.ts";
import { exemplar, type Exemplars } from "./exemplar.ts";
import type { Metric, MetricDescriptor, Series } from "./metric.ts";
import { type AttributeSet, makeSets, OVERFLOW_ID } from "./sets.ts";

/** What was collected of a stream, and how to take it back should the export fail. */
export interface Collected extends Metric {
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
export interface Stream {
  /** Takes a value in, unless it is not finite: it would spoil every sum. */
  record(value: number, attributes?: Attributes, context?: Context): void;
  /** Forgets the numbers since the last export. */
  clear(): void;
  /** What there is to export; changes begin anew, totals stay. */
  collect(at: HrTime): Collected | undefined;
}

/** Makes the stream of an instrument. */
export function makeStream(
  descriptor: MetricDescriptor,
  settings: StreamSettings,
): Stream {
  const { kind, boundaries, integer, delta } = descriptor;
  const { least, observed, resets, clock } = settings;
  const isGauge = kind === "gauge";
  const isHistogram = kind === "histogram";
  const sets = makeSets();
  let all: Series[] = [];
  /** Since when there are changes: the export before, at first the first value. */
  let since: HrTime | undefined;

  const hasRoom = () => all.length < MAX_SETS - 1;

  /** The numbers of a set, or of the overflow when there is no room for another set. */
  const begin = (wanted: AttributeSet): Series => {
    const set = wanted.series || hasRoom() ? wanted : sets.overflow();
    if (set.series) return set.series;
    const now = fromMillis(clock.now());
    since ??= now;
    set.startAt ??= observed ? since : now;
    set.series = {
      set,
      startAt: set.startAt,
      count: 0,
      value: 0,
      min: Infinity,
      max: -Infinity,
      buckets: isHistogram ? new Array(boundaries.length + 1).fill(0) : [],
      exemplars: [],
    };
    all.push(set.series);
    return set.series;
  };

  const clear = () => {
    for (const { set } of all) set.series = undefined;
    all = [];
  };

  /** Takes back changes that did not arrive, and the last value of a gauge that has no later one. */
  const restore = (collected: readonly Series[], startAt: HrTime) => {
    if (!resets || (observed && !delta)) return;
    if (later(since!, startAt) === since) since = startAt;
    for (const earlier of collected) {
      const { value } = earlier;
      const set = sets.known(earlier.set);
      if (observed) set.exported -= value;
      else if (!set.series || !isGauge) {
        const own = begin(set);
        own.value = isGauge ? value : own.value + value;
        own.count += earlier.count;
        own.min = Math.min(own.min, earlier.min);
        own.max = Math.max(own.max, earlier.max);
        earlier.buckets.forEach((count, i) => own.buckets[i]! += count);
        earlier.exemplars.forEach((one, i) => own.exemplars[i] ??= one);
      }
    }
  };

  return {
    record(given, attributes = {}, context) {
      if (!Number.isFinite(given) || given < least) return;
      const value = integer ? Math.trunc(given) : given;
      const set = sets.find(attributes) ?? sets.learn(attributes, hasRoom());
      const series = set.series ?? begin(set);
      let bucket = 0;
      if (isHistogram) {
        series.count++;
        if (value < series.min) series.min = value;
        if (value > series.max) series.max = value;
        while (bucket < boundaries.length && value > boundaries[bucket]!) {
          bucket++;
        }
        series.buckets[bucket]! += 1;
      }
      // of what is observed the last value counts; without room, several sets add up
      const replaces = isGauge || observed && series.set.id !== OVERFLOW_ID;
      series.value = replaces ? value : series.value + value;
      const example = exemplar(settings, value, context);
      if (example) series.exemplars[bucket] = example;
    },
    clear,
    collect(at) {
      const series = all;
      const startAt = since;
      if (!startAt) return undefined;
      since = at;
      sets.tidy();
      if (resets) clear();
      if (delta) {
        for (const one of series) toChange(one, startAt, observed);
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

/** Makes changes of what is collected: an observed total less what has been exported of it, all of it when it fell. */
function toChange(series: Series, startAt: HrTime, observed: boolean): void {
  series.startAt = startAt;
  if (!observed) return;
  const { set, value } = series;
  if (value >= set.exported) series.value -= set.exported;
  set.exported = value;
}
