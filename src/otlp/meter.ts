import {
  type Context,
  diag,
  type MeterOptions,
  type MetricOptions,
  ValueType,
} from "@opentelemetry/api";
import type { Attributes } from "./attributes.ts";
import type { TelemetryClock } from "./clock.ts";
import type { MetricKind } from "./metric.ts";
import {
  type BatchCallback,
  type EdgeObservable,
  ObservableInstrument,
  Observations,
} from "./observable.ts";
import type { Library } from "./resource.ts";
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

interface Shape {
  readonly kind: MetricKind;
  readonly monotonic: boolean;
  readonly delta: boolean;
}

const COUNTER: Shape = { kind: "sum", monotonic: true, delta: true };
const UP_DOWN: Shape = { kind: "sum", monotonic: false, delta: false };
const HISTOGRAM: Shape = { kind: "histogram", monotonic: false, delta: true };
const GAUGE: Shape = { kind: "gauge", monotonic: false, delta: true };
const OBSERVED_TOTAL: Shape = { kind: "sum", monotonic: true, delta: false };

/** All instruments of one `Telemetry`: metrics are the isolate's, whatever request they were measured in. */
export class Metrics implements EdgeMeterProvider {
  readonly #enabled: boolean;
  readonly #clock: TelemetryClock;
  readonly #meters = new Map<string, EdgeMeter>();
  readonly #streams = new Map<string, Stream>();
  readonly #observations = new Observations();

  constructor(enabled: boolean, clock: TelemetryClock) {
    this.#enabled = enabled;
    this.#clock = clock;
  }

  getMeter(name: string, version?: string, options?: MeterOptions): EdgeMeter {
    const schemaUrl = options?.schemaUrl;
    const key = JSON.stringify([name, version, schemaUrl]);
    let meter = this.#meters.get(key);
    if (meter === undefined) {
      meter = this.#meter({ name, version, schemaUrl });
      this.#meters.set(key, meter);
    }
    return meter;
  }

  /** Asks the observable instruments, then hands over what is new of all. */
  async collect(signal: AbortSignal): Promise<Collected[]> {
    await this.#observations.observe();
    if (signal.aborted) return [];
    return [...this.#streams.values()]
      .map((stream) => stream.collect())
      .filter((collected) => collected !== undefined);
  }

  #meter(library: Library): EdgeMeter {
    type Make<T> = (name: string, options?: MetricOptions) => T;
    const adder = (shape: Shape): Make<EdgeCounter> => (name, options) => {
      const stream = this.#stream(library, shape, name, options);
      return {
        add(value, attributes) {
          if (!shape.monotonic || value >= 0) stream.record(value, attributes);
        },
      };
    };
    const recorder = (shape: Shape): Make<EdgeRecorder> => (name, options) => {
      const stream = this.#stream(library, shape, name, options);
      const isHistogram = shape.kind === "histogram";
      return {
        record(value, attributes) {
          if (!isHistogram || value >= 0) stream.record(value, attributes);
        },
      };
    };
    const observable =
      (shape: Shape): Make<EdgeObservable> => (name, options) =>
        new ObservableInstrument(
          this.#stream(library, shape, name, options),
          this.#observations,
        );
    const observations = this.#observations;
    return {
      createCounter: adder(COUNTER),
      createUpDownCounter: adder(UP_DOWN),
      createHistogram: recorder(HISTOGRAM),
      createGauge: recorder(GAUGE),
      createObservableCounter: observable(OBSERVED_TOTAL),
      createObservableUpDownCounter: observable(UP_DOWN),
      createObservableGauge: observable(GAUGE),
      addBatchObservableCallback(callback, observables) {
        observations.addBatch(callback, observables);
      },
      removeBatchObservableCallback(callback, observables) {
        observations.removeBatch(callback, observables);
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
    const { kind, monotonic } = shape;
    const key = JSON.stringify([
      library,
      name.toLowerCase(),
      kind,
      monotonic,
      unit,
    ]);
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    const stream = new Stream({
      ...shape,
      library,
      name,
      description,
      unit,
      integer: valueType === ValueType.INT,
      boundaries: boundaries(advice?.explicitBucketBoundaries),
    }, this.#clock);
    if (this.#enabled && this.#streams.size < MAX_STREAMS) {
      this.#streams.set(key, stream);
    }
    return stream;
  }
}

/** The advised boundaries when they rise, else OpenTelemetry's. */
function boundaries(advised: readonly number[] | undefined): readonly number[] {
  if (advised === undefined) return DEFAULT_BOUNDARIES;
  const rises = advised.every((bound, i) =>
    Number.isFinite(bound) && (i === 0 || bound > advised[i - 1]!)
  );
  if (rises) return [...advised];
  diag.warn(`Ignored bucket boundaries that do not rise: ${advised}`);
  return DEFAULT_BOUNDARIES;
}
