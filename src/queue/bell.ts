import type { Clock } from "../core/clock.ts";

/** The longest wait that every host's timers take. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What a loop waits for: something happened, or it is time. */
export class Bell {
  #isRung = false;
  #wake: () => void = () => {};

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
    if (this.#isRung) await turn(clock);
    this.#isRung = false;
    this.#wake = () => {};
  }
}

/** Everything that is ready to run runs first. */
function turn(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(0, resolve));
}
