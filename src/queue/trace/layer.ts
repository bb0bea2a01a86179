import type { Context } from "@opentelemetry/api";

/** A context with one value more than the one below it. The API's own copies all values for each that is set, which is most of what a trace costs a task. */
export class Layer implements Context {
  readonly #below: Context;
  readonly #key: symbol;
  readonly #value: unknown;

  constructor(below: Context, key: symbol, value: unknown) {
    this.#below = below;
    this.#key = key;
    this.#value = value;
  }

  /** The value that was set last. */
  getValue(key: symbol): unknown {
    if (key === this.#key) return this.#value;
    let below = this.#below;
    while (below instanceof Layer && below.#key !== key) below = below.#below;
    return below instanceof Layer ? below.#value : below.getValue(key);
  }

  /** A layer above this one; one for the same key takes its place. */
  setValue(key: symbol, value: unknown): Context {
    return new Layer(key === this.#key ? this.#below : this, key, value);
  }

  /** A layer that hides what is below. */
  deleteValue(key: symbol): Context {
    return this.setValue(key, undefined);
  }
}
