import type { Clock } from "../../core/clock.ts";
import type { Budget } from "./budget.ts";
import type { StoppedBy } from "./course.ts";
import type { Forecast } from "./forecast.ts";
import type { Pace } from "./pace.ts";

/** What an allowance is made of. */
export interface AllowanceOptions {
  readonly clock: Clock;
  readonly budget: Budget;
  readonly forecast: Forecast;
  /** By when the tasks that are started are to have ended. */
  readonly endAt: number;
  /** How many requests the last settlements take at most. */
  readonly settlements: () => number;
}

/** How much a drain still takes on, by what is left of its time and its requests and by what it has seen of its tasks. */
export class Allowance {
  readonly #options: AllowanceOptions;
  #refusedBy: "budget" | "requests" | undefined;

  constructor(options: AllowanceOptions) {
    this.#options = options;
  }

  /** Whether the next step is the last, which settles everything. */
  get isFrugal(): boolean {
    return this.#requests() <= 0;
  }

  /** By when the tasks that are started are to have ended. */
  get endAt(): number {
    return this.#options.endAt;
  }

  /** Why nothing more is claimed, if so. */
  get overBy(): StoppedBy | undefined {
    if (this.#refusedBy !== undefined) return this.#refusedBy;
    if (this.#inTime(1) < 1) return "budget";
    return this.#inRequests() < 1 ? "requests" : undefined;
  }

  /** The pace at which what is held can be done in what is left. */
  pace(pace: Pace): Pace {
    const most = this.#refusedBy !== undefined
      ? 0
      : Math.min(this.#inTime(pace.concurrency), this.#inRequests());
    return most >= pace.batchSize ? pace : { ...pace, batchSize: most };
  }

  /** A handler was started. */
  started(): void {
    this.#options.forecast.started();
  }

  /** The handler of a task of this name took so long. */
  ended(name: string, ms: number): void {
    this.#options.forecast.ended(name, ms);
  }

  /** Whether a task of this name may be started beside so many that run: `later` when some of them have ended. */
  admits(name: string, running: number): "now" | "later" | "never" {
    const { clock, endAt, forecast } = this.#options;
    if (clock.now() + forecast.msOf(name) > endAt) {
      this.#refusedBy ??= "budget";
      return "never";
    }
    const each = forecast.requestsEach;
    if (each === 0 || each * (running + 1) <= this.#requests()) return "now";
    if (running > 0) return "later";
    this.#refusedBy ??= "requests";
    return "never";
  }

  /** Requests beside the last ones. */
  #requests(): number {
    const { budget, settlements } = this.#options;
    return budget.left - settlements();
  }

  /** How many tasks end in time; what one takes is counted whole, though some have begun. */
  #inTime(concurrency: number): number {
    const { clock, endAt, forecast } = this.#options;
    const leftMs = endAt - clock.now();
    if (leftMs <= 0) return 0;
    const ms = forecast.msOf();
    return ms === 0 ? Infinity : Math.floor(leftMs / ms) * concurrency;
  }

  /** How many tasks can send what they send, beside the step that claims them. */
  #inRequests(): number {
    if (this.isFrugal) return 0;
    const each = this.#options.forecast.requestsEach;
    if (each === 0) return Infinity;
    return Math.max(0, Math.floor((this.#requests() - 1) / each));
  }
}
