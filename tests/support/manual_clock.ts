import "./loaded.ts";
import { underWay } from "./under_way.ts";

/** A clock that stands still until a test moves it. */
export class ManualClock {
  #now: number;
  #elapsed = 0;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  /** Starts at an instant, by default one of 2026. */
  constructor(now: number = Date.UTC(2026, 0, 2)) {
    this.#now = now;
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.length;
  }

  /** In how many milliseconds the next of them fires; Infinity where none waits. */
  get nextInMs(): number {
    return Math.min(...this.#timers.map(({ at }) => at)) - this.#elapsed;
  }

  now(): number {
    return this.#now + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  /** Sets the wall clock, and leaves the monotonic one alone. */
  set(now: number): void {
    this.#now = now - this.#elapsed;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#elapsed + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves on, running the timers on the way in their order, and lets what they woke run. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    for (;;) {
      const at = this.#elapsed + this.nextInMs;
      if (!(at <= end)) break;
      this.#elapsed = Math.max(this.#elapsed, at);
      for (const timer of this.#timers.filter((timer) => timer.at === at)) {
        // one before it may have cancelled it
        if (!this.#timers.includes(timer)) continue;
        this.#timers = this.#timers.filter((other) => other !== timer);
        timer.callback();
      }
      await settle();
    }
    this.#elapsed = end;
    await settle();
  }
}

/** Lets everything run that is ready to, or will be when WebCrypto is done. */
async function settle(): Promise<void> {
  for (let calm = 0; calm < 5; calm = underWay() > 0 ? 0 : calm + 1) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
