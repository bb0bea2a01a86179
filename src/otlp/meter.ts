import type { Context, MeterOptions, MetricOptions } from "@opentelemetry/api";
import { VALUE_INT } from "../core/codes.ts";
import { diag } from "../w3c/api.ts";
import type { ActiveContext } from "./active.ts";
import type { Attributes } from "./attributes.ts";
import { MAX_STREAMS } from "./bounds.ts";
import type { TelemetryClock } from "./clock.ts";
import type { ExemplarFilter } from "./exemplar.ts";
import type { MetricKind, Temporality } from "./metric.ts";
import {
  type BatchCallback,
  type EdgeObservable,
  makeObservations,
} from "./observable.ts";
import { type Library, perLibrary } from "./resource.ts";
import { type Collected, makeStream, type Stream } from "./stream.ts";

/** An instrument whose values add up. */
export interface EdgeCounter {
  /** Adds a value; a negative one is left out where the sum only grows. */
  add(value: number, attributes?: Attributes, context?: Context): void;
}

/** An instrument that writes down values one by one. */
export interface EdgeRecorder {
  /** Writes down a value. */
  record(value: number, attributes?: Attributes, context?: Context): void;
}

/** Makes the instruments of one library; the same name, kind and unit give the same instrument. */
export interface EdgeMeter {
  /** A sum that only grows. */
  createCounter(name: string, options?: MetricOptions): EdgeCounter;
  /** A sum that also shrinks; exported as a total. */
  createUpDownCounter(name: string, options?: MetricOptions): EdgeCounter;
  /** A distribution, in the advised buckets or OpenTelemetry's; negative values are left out. */
  createHistogram(name: string, options?: MetricOptions): EdgeRecorder;
  /** A value of the moment: the last one counts. */
  createGauge(name: string, options?: MetricOptions): EdgeRecorder;
  /** A total that is asked for at each flush and only grows. */
  createObservableCounter(
    name: string,
    options?: MetricOptions,
  ): EdgeObservable;
  /** A total that is asked for at each flush. */
  createObservableUpDownCounter(
    name: string,
    options?: MetricOptions,
  ): EdgeObservable;
  /** A value of the moment that is asked for at each flush. */
  createObservableGauge(name: string, options?: MetricOptions): EdgeObservable;
  /** Has a callback observe several instruments at each flush. */
  addBatchObservableCallback(
    callback: BatchCallback,
    observables: readonly object[],
  ): void;
  /** Takes back {@link EdgeMeter.addBatchObservableCallback}. */
  removeBatchObservableCallback(
    callback: BatchCallback,
    observables: readonly object[],
  ): void;
}

/** What a `MeterProvider` is to every 1.x version of the OpenTelemetry API. */
export interface EdgeMeterProvider {
  /** The meter of a library. */
  getMeter(name: string, version?: string, options?: MeterOptions): EdgeMeter;
}

const DEFAULT_BOUNDARIES: readonly number[] = [
  ...[0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000],
  ...[2500, 5000, 7500, 10_000],
];

/** What all instruments of one `Telemetry` share. */
export interface MetricsParts {
  /** Whether anything is measured at all. */
  readonly enabled: boolean;
  readonly clock: TelemetryClock;
  readonly temporality: Temporality;
  readonly exemplars: ExemplarFilter;
  readonly context: ActiveContext;
  /** A number from 0 to 1. */
  readonly random: () => number;
}

/** All instruments of one `Telemetry`: metrics are the isolate's, whatever request they were measured in. */
export interface Metrics extends EdgeMeterProvider {
  /** Asks the observable instruments for their values. */
  observe(): Promise<void>;
  /** Hands over what is new of all. */
  collect(): Collected[];
}

/** Makes metrics without instruments. */
export function makeMetrics(
  parts: MetricsParts,
): Metrics {
  const { enabled, clock, temporality } = parts;
  const isDelta = temporality === "delta";
  const streams = new Map<string, Stream>();
  /** Of each name the first instrument's identity; nothing once it has been warned of. */
  const names = new Map<string, string>();
  const observations = makeObservations();

  /** Warns, once, of a name that several different instruments have. */
  const compare = (named: string, instrument: string): void => {
    const first = names.get(named) ?? instrument;
    const isSame = first === instrument;
    names.set(named, isSame ? first : "");
    if (first && !isSame) {
      diag.warn(`Instruments differ under one name: ${named}`);
    }
  };

  const makeMeter = (library: Library): EdgeMeter => {
    const make = (kind: MetricKind, observed: boolean, monotonic = false) =>
    (
      name: string,
      { description = "", unit = "", valueType, advice }: MetricOptions = {},
    ) => {
      const integer = valueType === VALUE_INT;
      const named = JSON.stringify([library, name.toLowerCase()]);
      const id = JSON.stringify([
        named,
        kind,
        monotonic,
        observed,
        unit,
        integer,
      ]);
      const known = streams.get(id);
      const isKept = known || (enabled && streams.size < MAX_STREAMS);
      const delta = monotonic &&
        (isDelta || (!observed && temporality === "lowmemory"));
      const resets = observed || delta || (isDelta && kind === "gauge");
      const stream = known ?? makeStream(
        parts,
        {
          library,
          name,
          description,
          unit,
          kind,
          monotonic,
          delta,
          integer,
          boundaries: kind === "histogram"
            ? boundaries(advice?.explicitBucketBoundaries)
            : [],
        },
        observed,
        resets,
        isKept ? (monotonic ? 0 : -Infinity) : Infinity,
      );
      if (isKept) {
        streams.set(id, stream);
        compare(named, id + description);
      }
      return observations.instrument(stream);
    };
    return {
      createCounter: make("sum", false, true),
      createUpDownCounter: make("sum", false),
      createHistogram: make("histogram", false, true),
      createGauge: make("gauge", false),
      createObservableCounter: make("sum", true, true),
      createObservableUpDownCounter: make("sum", true),
      createObservableGauge: make("gauge", true),
      addBatchObservableCallback: observations.add,
      removeBatchObservableCallback: observations.remove,
    };
  };

  return {
    getMeter: perLibrary(makeMeter),
    observe: observations.observe,
    collect() {
      const at = clock.now();
      return [...streams.values()]
        .flatMap((stream) => stream.collect(at) ?? []);
    },
  };
}

/** The advised boundaries when they rise, else OpenTelemetry's. */
function boundaries(
  advised: readonly number[] = DEFAULT_BOUNDARIES,
): readonly number[] {
  const rises = advised.every((bound, i) =>
    bound > (advised[i - 1] ?? -Infinity) && bound < Infinity
  );
  if (rises) return [...advised];
  diag.warn(`Ignored boundaries that do not rise: ${advised}`);
  return DEFAULT_BOUNDARIES;
}
