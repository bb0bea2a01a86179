import { ConsumerStoppedError } from "../../core/error.ts";

/** How long an aborted handler has to return. */
const REACT_MS = 500;

/** The stop of a consumer that was told to: nothing is started any more, then the handlers are aborted, then they are not waited for. */
export class Stop {
  /** Who told it. */
  readonly by: "budget" | "signal";
  readonly #abortAt: number;
  /** Counted from the abort itself, which comes late where the host slept. */
  #giveUpAt = Infinity;

  constructor(by: Stop["by"], now: number, graceMs: number) {
    this.by = by;
    this.#abortAt = now + graceMs;
  }

  /** Whether the handlers are to be aborted now, which is so once. */
  isTimeToAbort(now: number): boolean {
    if (this.#isAborted || now < this.#abortAt) return false;
    this.#giveUpAt = now + REACT_MS;
    return true;
  }

  /** Whether nobody is waited for any more. */
  isOver(now: number): boolean {
    return now >= this.#giveUpAt;
  }

  /** When one of these changes next. */
  nextAt(now: number): number {
    if (!this.#isAborted) return this.#abortAt;
    return this.isOver(now) ? Infinity : this.#giveUpAt;
  }

  get #isAborted(): boolean {
    return this.#giveUpAt < Infinity;
  }
}

/** The reason of what a stop has cut short. */
export function stopped(): ConsumerStoppedError {
  return new ConsumerStoppedError(
    "The consumer stopped before the attempt had ended",
  );
}
