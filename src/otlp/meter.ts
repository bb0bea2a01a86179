import type { Context, MeterOptions, MetricOptions } from "@opentelemetry/api";
import { VALUE_INT } from "../core/codes.ts";
import { diag } from "../w3c/api.ts";
import type { ActiveContext } from "./active.ts";
import type { Attributes } from "./attributes.ts";
import { fromMillis, type TelemetryClock } from "./clock.ts";
import type { ExemplarFilter } from "./exemplar.ts";
import type { MetricKind, Temporality } from "./metric.ts";
import {
  type BatchCallback,
  type EdgeObservable,
  ObservableInstrument,
  Observations,
} from "./observable.ts";
import { type Library, perLibrary } from "./resource.ts";
import { type Collected, Stream } from "./stream.ts";

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

const MAX_STREAMS = 1000;

/** In place of an identity: the name has been warned of. */
const WARNED = "";

/** A kind of instrument. */
interface Shape {
  readonly kind: MetricKind;
  readonly monotonic: boolean;
  readonly observed: boolean;
}

const SUM: Shape = { kind: "sum", monotonic: false, observed: false };
const COUNTER: Shape = { ...SUM, monotonic: true };
const HISTOGRAM: Shape = { ...SUM, kind: "histogram" };
const GAUGE: Shape = { ...SUM, kind: "gauge" };

/** What all instruments of one `Telemetry` share. */
export interface MetricsParts {
  /** Whether anything is measured at all. */
  readonly enabled: boolean;
  readonly clock: TelemetryClock;
  readonly temporality: Temporality;
  readonly exemplars: ExemplarFilter;
  readonly context: ActiveContext;
}

/** All instruments of one `Telemetry`: metrics are the isolate's, whatever request they were measured in. */
export class Metrics implements EdgeMeterProvider {
  readonly getMeter: EdgeMeterProvider["getMeter"] = perLibrary((library) =>
    this.#meter(library)
  );
  readonly #parts: MetricsParts;
  readonly #streams = new Map<string, Stream>();
  /** Of each name the first instrument's identity. */
  readonly #names = new Map<string, string>();
  readonly #observations = new Observations();

  constructor(parts: MetricsParts) {
    this.#parts = parts;
  }

  /** Asks the observable instruments, then hands over what is new of all. */
  async collect(signal: AbortSignal): Promise<Collected[]> {
    await this.#observations.observe();
    if (signal.aborted) return [];
    const at = fromMillis(this.#parts.clock.now());
    return [...this.#streams.values()]
      .map((stream) => stream.collect(at))
      .filter((collected) => collected !== undefined);
  }

  #meter(library: Library): EdgeMeter {
    type Make<T> = (name: string, options?: MetricOptions) => T;
    type Instrument = EdgeCounter & EdgeRecorder;
    const instrument = (shape: Shape): Make<Instrument> => (name, options) => {
      const stream = this.#stream(library, shape, name, options);
      const record: EdgeRecorder["record"] = (value, attributes, context) =>
        stream.record(value, attributes, context);
      return { add: record, record };
    };
    const observations = this.#observations;
    const observable =
      (shape: Shape): Make<EdgeObservable> => (name, options) => {
        const observed = { ...shape, observed: true };
        return new ObservableInstrument(
          this.#stream(library, observed, name, options),
          observations,
        );
      };
    return {
      createCounter: instrument(COUNTER),
      createUpDownCounter: instrument(SUM),
      createHistogram: instrument(HISTOGRAM),
      createGauge: instrument(GAUGE),
      createObservableCounter: observable(COUNTER),
      createObservableUpDownCounter: observable(SUM),
      createObservableGauge: observable(GAUGE),
      addBatchObservableCallback(callback, observables) {
        observations.add(callback, observables, callback);
      },
      removeBatchObservableCallback(callback, observables) {
        observations.remove(callback, observables);
      },
    };
  }

  #stream(
    library: Library,
    shape: Shape,
    name: string,
    options: MetricOptions = {},
  ): Stream {
    const { description = "", unit = "", valueType, advice } = options;
    const integer = valueType === VALUE_INT;
    const named = JSON.stringify([library, name.toLowerCase()]);
    const id = JSON.stringify([named, shape, unit, integer]);
    const known = this.#streams.get(id);
    const { enabled, exemplars, temporality, ...parts } = this.#parts;
    const isKept = enabled && this.#streams.size < MAX_STREAMS;
    if (known !== undefined || isKept) this.#compare(named, id + description);
    if (known !== undefined) return known;
    const { observed, ...what } = shape;
    const grows = what.monotonic || what.kind === "histogram";
    const delta = grows && temporality !== "cumulative" &&
      !(observed && temporality === "lowmemory");
    const stream = new Stream({
      ...what,
      delta,
      library,
      name,
      description,
      unit,
      integer,
      boundaries: boundaries(advice?.explicitBucketBoundaries),
    }, {
      ...parts,
      filter: exemplars,
      least: !isKept ? Infinity : grows ? 0 : -Number.MAX_VALUE,
      observed,
      resets: observed || delta ||
        (what.kind === "gauge" && temporality === "delta"),
    });
    if (isKept) this.#streams.set(id, stream);
    return stream;
  }

  /** Warns, once, of a name that several different instruments have. */
  #compare(named: string, instrument: string): void {
    const first = this.#names.get(named) ?? instrument;
    const differs = first !== instrument && first !== WARNED;
    this.#names.set(named, differs ? WARNED : first);
    if (differs) diag.warn(`Different instruments have one name: ${named}`);
  }
}

/** The advised boundaries when they rise, else OpenTelemetry's. */
function boundaries(advised: readonly number[] | undefined): readonly number[] {
  if (advised === undefined) return DEFAULT_BOUNDARIES;
  const rises = advised.every((bound, i) =>
    bound > (advised[i - 1] ?? -Infinity) && bound < Infinity
  );
  if (rises) return [...advised];
  diag.warn(`Ignored bucket boundaries that do not rise: ${advised}`);
  return DEFAULT_BOUNDARIES;
}
