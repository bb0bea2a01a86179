/** How many requests a run may send: its own, those of its handlers, those of its telemetry at the end. */
export class Budget {
  readonly #max: number;
  #kept = 0;
  #sent = 0;

  /** `max` may be Infinity. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Keeps requests for the end, but for two that a run needs to do anything. */
  keep(requests: number): void {
    this.#kept = Math.min(this.#kept + requests, Math.max(0, this.#max - 2));
  }

  /** Notes requests that were sent. */
  spend(requests: number): void {
    this.#sent += requests;
  }

  /** How many are left beside those that are kept. */
  get left(): number {
    return this.#max - this.#kept - this.#sent;
  }
}
