import type { StepReply } from "../../broker/broker.ts";
import { yielding } from "./pace.ts";
import { NO_REST, type Rest } from "./rest.ts";

/** What a consumer knows of the line behind what it has claimed. */
export class Line {
  #rest: Rest = NO_REST;
  #passingOverSince: number | undefined;
  #hasSuspects = false;

  /** Whether it was found empty, and nothing came back to it since. */
  get isDry(): boolean {
    return this.#rest.until > -Infinity;
  }

  /** Whether the last claim met tasks that have to be alone. */
  get hasSuspects(): boolean {
    return this.#hasSuspects;
  }

  /** Until when it is left alone; `isQuiet` says whether the consumer holds nothing. */
  restUntil(isQuiet: boolean): number {
    return isQuiet && !this.#rest.isQuiet ? -Infinity : this.#rest.until;
  }

  /** Whether more than half of a rest with nothing held is over. */
  isHalfRested(now: number): boolean {
    const { since, until, isQuiet } = this.#rest;
    return isQuiet && now - since >= (until - since) / 2;
  }

  /** It is left alone for a while. */
  rest(rest: Rest): void {
    this.#rest = rest;
  }

  /** It may hold something again. */
  stir(): void {
    this.#rest = NO_REST;
  }

  /** A claim is answered: it may have met suspects, or passed over some. */
  claimed({ deliveries, suspects }: StepReply, now: number): void {
    this.#hasSuspects = suspects || deliveries.some(({ suspect }) => suspect);
    this.#passingOverSince = suspects
      ? this.#passingOverSince ?? now
      : undefined;
  }

  /** Whether the lanes run empty for suspects, and in how many milliseconds that changes. */
  yielding(now: number): ReturnType<typeof yielding> | undefined {
    const since = this.#passingOverSince;
    return since === undefined ? undefined : yielding(now - since);
  }
}
