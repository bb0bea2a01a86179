/** How fast an estimate follows what is seen, and its excess: as TCP does for round trips. */
const GAIN = 1 / 8;
const EXCESS_GAIN = 1 / 4;

/** A duration as it was seen, and by how much more it was than expected. */
class Estimate {
  #mean: number | undefined;
  #excess = 0;

  see(ms: number): void {
    if (this.#mean === undefined) {
      this.#mean = ms;
      this.#excess = ms * GAIN;
      return;
    }
    const off = ms - this.#mean;
    this.#excess += (Math.max(0, off) - this.#excess) * EXCESS_GAIN;
    this.#mean += off * GAIN;
  }

  /** What the next one hardly exceeds; 0 as long as none was seen. */
  get ms(): number {
    return (this.#mean ?? 0) + 2 * this.#excess;
  }
}

/** What a drain has seen of its handlers, and so expects of the next. */
export class Forecast {
  readonly #byName = new Map<string, Estimate>();
  readonly #all = new Estimate();
  #started = 0;
  #ended = 0;
  #sent = 0;

  /** A handler was started. */
  started(): void {
    this.#started++;
  }

  /** The handler of a task of this name took so long. */
  ended(name: string, ms: number): void {
    const ofName = this.#byName.get(name) ?? new Estimate();
    this.#byName.set(name, ofName);
    ofName.see(ms);
    this.#all.see(ms);
    this.#ended++;
  }

  /** A handler sent requests. */
  sent(requests: number): void {
    this.#sent += requests;
  }

  /** How long the next task of this name takes, or of any, in milliseconds; 0 where none was seen. */
  msOf(name?: string): number {
    return (name === undefined ? this.#all : this.#byName.get(name))?.ms ?? 0;
  }

  /** How many requests a handler sends. */
  get requestsEach(): number {
    return this.#sent / Math.max(1, this.#ended || this.#started);
  }

  /** How many requests handlers sent. */
  get requests(): number {
    return this.#sent;
  }
}
