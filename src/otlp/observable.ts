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

/** One observable instrument. */
export class ObservableInstrument implements EdgeObservable {
  readonly stream: Stream;
  readonly #observations: Observations;

  constructor(stream: Stream, observations: Observations) {
    this.stream = stream;
    this.#observations = observations;
  }

  addCallback(callback: ObservationCallback): void {
    const observe: ObservationResult["observe"] = (value, attributes) =>
      this.stream.record(value, attributes);
    this.#observations.add(callback, [this], () => callback({ observe }));
  }

  removeCallback(callback: ObservationCallback): void {
    this.#observations.remove(callback, [this]);
  }
}

interface Observer {
  readonly callback: object;
  readonly instruments: readonly ObservableInstrument[];
  readonly observe: () => void | Promise<void>;
}

/** Who observes what. */
export class Observations {
  #observers: readonly Observer[] = [];

  /** Has `ask` observe the instruments until the callback is removed. */
  add(
    callback: object,
    observables: readonly object[],
    ask: BatchCallback,
  ): void {
    const instruments = observables.filter(isOurs);
    const observe: BatchObservationResult["observe"] = (
      instrument,
      value,
      attributes,
    ) =>
      instruments.find((own) => own === instrument)
        ?.stream.record(value, attributes);
    this.#observers = [...this.#observers, {
      callback,
      instruments,
      observe: () => ask({ observe }),
    }];
  }

  remove(callback: object, observables: readonly object[]): void {
    const instruments = observables.filter(isOurs);
    this.#observers = this.#observers.filter((observer) =>
      observer.callback !== callback ||
      observer.instruments.length !== instruments.length ||
      !observer.instruments.every((own) => instruments.includes(own))
    );
  }

  /** Asks all of them; one that fails keeps no other from being asked. */
  async observe(): Promise<void> {
    const observers = this.#observers;
    const instruments = observers.flatMap((observer) => observer.instruments);
    for (const { stream } of new Set(instruments)) stream.clear();
    const asked = observers.map(async ({ observe }) => await observe());
    for (const answer of await Promise.allSettled(asked)) {
      if (answer.status === "fulfilled") continue;
      diag.error("An observable instrument's callback failed", answer.reason);
    }
  }
}

function isOurs(observable: object): observable is ObservableInstrument {
  return observable instanceof ObservableInstrument;
}
