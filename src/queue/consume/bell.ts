import type { Clock } from "../../core/clock.ts";

/** How many promises deep a handler that waits for nothing may be, and still be seen with its neighbours. */
const ROUNDS = 32;
/** How long the loop may go without letting the host run its timers and its I/O, with a broker that answers at once. */
const BREATHE_MS = 25;
/** The longest wait that every host's timers take. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What a loop waits for: something happened, or it is time. */
export class Bell {
  #isRung = false;
  #wake: () => void = () => {};
  #breathedAt = -Infinity;

  /** Ends the wait of now, or else the next one. */
  ring(): void {
    this.#isRung = true;
    this.#wake();
  }

  /** Waits until it is rung, `ms` milliseconds at most; one that was rung is waited for one turn more, so that what happens together is seen together. */
  async wait(clock: Clock, ms: number): Promise<void> {
    if (!this.#isRung) {
      await new Promise<void>((resolve) => {
        const cancel = ms === Infinity
          ? () => {}
          : clock.after(Math.min(Math.max(ms, 0), MAX_TIMER_MS), resolve);
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
    }
    if (this.#isRung) await this.#turn(clock);
    this.#isRung = false;
    this.#wake = () => {};
  }

  /** What is ready to run runs first: in microtasks, since a timer takes a millisecond where a step may take less. */
  async #turn(clock: Clock): Promise<void> {
    if (clock.now() - this.#breathedAt < BREATHE_MS) {
      for (let i = 0; i < ROUNDS; i++) await undefined;
      return;
    }
    await new Promise<void>((resolve) => void clock.after(0, resolve));
    this.#breathedAt = clock.now();
  }
}
