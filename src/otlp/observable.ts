import { diag } from "../w3c/api.ts";
import type { Attributes } from "./attributes.ts";
import type { Stream } from "./stream.ts";

/** Takes what an observable instrument's callback observed. */
export interface ObservationResult {
  /** Notes the current value for a set of attributes. */
  observe(value: number, attributes?: Attributes): void;
}

/** Takes what a callback observed of several instruments. */
export interface BatchObservationResult {
  /** Notes an instrument's current value for a set of attributes. */
  observe(instrument: object, value: number, attributes?: Attributes): void;
}

/** Observes one instrument; called at each flush. */
export type ObservationCallback = (
  result: ObservationResult,
) => void | Promise<void>;

/** Observes several instruments; called at each flush. */
export type BatchCallback = (
  result: BatchObservationResult,
) => void | Promise<void>;

/** An instrument that is asked for its values at each flush. */
export interface EdgeObservable {
  /** Has a callback observe the instrument. */
  addCallback(callback: ObservationCallback): void;
  /** Takes back {@link EdgeObservable.addCallback}. */
  removeCallback(callback: ObservationCallback): void;
}

/** An instrument of any kind: what of it is used is as its kind has it. */
export interface Instrument extends EdgeObservable {
  readonly add: Stream["record"];
  readonly record: Stream["record"];
}

/** Either of what a callback is called with: it knows which. */
type Observe = ObservationResult["observe"] & BatchObservationResult["observe"];

interface Observer {
  readonly callback: ObservationCallback | BatchCallback;
  readonly instruments: ReadonlySet<object>;
  readonly observe: Observe;
}

/** Who observes what. */
export interface Observations {
  /** Makes an instrument whose values go to the stream, measured or observed. */
  instrument(stream: Stream): Instrument;
  /** Has a callback observe several instruments until it is removed. */
  add(callback: BatchCallback, observables: readonly object[]): void;
  remove(callback: object, observables: readonly object[]): void;
  /** Asks all of them; one that fails keeps no other from being asked. */
  observe(): Promise<void>;
}

/** Makes observations, of nothing as yet. */
export function makeObservations(): Observations {
  const streams = new WeakMap<object, Stream>();
  let observers: Observer[] = [];

  const ours = (observables: readonly object[]): ReadonlySet<object> =>
    new Set(observables.filter((one) => streams.has(one)));

  const add = (
    callback: Observer["callback"],
    instruments: ReadonlySet<object>,
    observe: unknown,
  ) => {
    observers.push({ callback, instruments, observe: observe as Observe });
  };

  const remove: Observations["remove"] = (callback, observables) => {
    const instruments = ours(observables);
    observers = observers.filter((observer) =>
      observer.callback !== callback ||
      observer.instruments.symmetricDifference(instruments).size > 0
    );
  };

  return {
    instrument(stream) {
      const { record } = stream;
      const instrument: Instrument = {
        add: record,
        record,
        addCallback: (callback) => add(callback, ours([instrument]), record),
        removeCallback: (callback) => remove(callback, [instrument]),
      };
      streams.set(instrument, stream);
      return instrument;
    },
    add(callback, observables) {
      const instruments = ours(observables);
      const observe: BatchObservationResult["observe"] = (one, ...observed) => {
        if (instruments.has(one)) streams.get(one)?.record(...observed);
      };
      add(callback, instruments, observe);
    },
    remove,
    async observe() {
      for (const { instruments } of observers) {
        for (const one of instruments) streams.get(one)?.clear();
      }
      await Promise.all(observers.map(async ({ callback, observe }) => {
        try {
          await callback({ observe });
        } catch (error) {
          diag.error("An observable instrument failed", error);
        }
      }));
    },
  };
}
