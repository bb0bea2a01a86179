import type { StepReply } from "../../broker/broker.ts";
import { BrokerError } from "../../core/error.ts";
import { isTask } from "../../core/id.ts";
import type { Conclusion, SettlementAnswer } from "../execute.ts";

/** What a consumer did. A settlement is counted once the broker has accepted it. */
export interface ConsumeReport {
  /** Deliveries received: each is one attempt. */
  readonly claimed: number;
  /** Tasks completed. */
  readonly completed: number;
  /** Attempts that failed, or were aborted because the consumer stopped, and will be repeated. */
  readonly retried: number;
  /** Tasks that are dead now. */
  readonly dead: number;
  /** Tasks that were cancelled. */
  readonly cancelled: number;
  /** Tasks not run because their `expiresInMs` had passed. */
  readonly expired: number;
  /** Deliveries given back, their attempt unspent: not started, unknown here, or released by their handler. */
  readonly released: number;
  /** Deliveries whose task, whose envelope's version or whose seal's key this consumer does not know: they are among `released`, or `dead` after a day. Is a handler missing? */
  readonly unknown: number;
  /** Leases lost before they were settled: another consumer has, or had, the task. */
  readonly stale: number;
  /** Results that could not be kept: over the limit, or not JSON. Their tasks completed. */
  readonly unsaved: number;
  /** Handlers still running when the consumer returned: their leases run out. */
  readonly abandoned: number;
  /** Slots of schedules that came, those whose task `overlap: "skip"` left out among them. The schedules themselves, which are claimed and given back for that, are not among the other numbers. */
  readonly fired: number;
  /** Expired leases of others that were found and returned to the line. */
  readonly reaped: number;
  /** Step requests, the broker's own repeats included. */
  readonly requests: number;
  /** Commands that the database ran for them; 0 for a broker without commands. */
  readonly commands: number;
}

/** The same, to be added up. */
export type Count = { -readonly [Key in keyof ConsumeReport]: number };

const COUNTED_AS: Readonly<
  Record<Conclusion["outcome"], keyof ConsumeReport>
> = {
  completed: "completed",
  retry: "retried",
  dead: "dead",
  cancelled: "cancelled",
  expired: "expired",
  released: "released",
};

/** The books before anything was done. */
export function nothing(): Count {
  return {
    claimed: 0,
    completed: 0,
    retried: 0,
    dead: 0,
    cancelled: 0,
    expired: 0,
    released: 0,
    unknown: 0,
    stale: 0,
    unsaved: 0,
    abandoned: 0,
    fired: 0,
    reaped: 0,
    requests: 0,
    commands: 0,
  };
}

/** The books of one consumer. */
export class Tally {
  readonly #spend: (requests: number) => void;
  #returned = 0;
  readonly #count: Count = nothing();

  /** `spend` hears of the requests that were sent. */
  constructor(spend: (requests: number) => void = () => {}) {
    this.#spend = spend;
  }

  /** A step was answered. */
  replied({ deliveries, reaped, requests, commands }: StepReply): void {
    this.#count.claimed += deliveries.filter(isTask).length;
    this.#count.reaped += reaped.length;
    this.#count.commands += commands;
    this.#sent(requests);
  }

  /** A step failed. */
  failed(error: unknown): void {
    this.#sent(error instanceof BrokerError ? error.attempts : 1);
  }

  #sent(requests: number): void {
    this.#count.requests += requests;
    this.#spend(requests);
  }

  /** A settlement was answered. */
  settled(conclusion: Conclusion, answer: SettlementAnswer): void {
    const { outcome, settlement, isUnknown, unsaved, fired } = conclusion;
    const { end } = settlement;
    if (answer === "stale" && isTask(settlement)) this.lost();
    if (answer !== "accepted") return;
    if (isTask(settlement)) this.#count[COUNTED_AS[outcome]]++;
    this.#count.fired += fired?.length ?? 0;
    if (isUnknown) this.#count.unknown++;
    if (unsaved) this.#count.unsaved++;
    if ("delayMs" in end && end.delayMs === 0) this.#returned++;
  }

  /** A lease was lost. */
  lost(): void {
    this.#count.stale++;
  }

  /** Handlers were left running. */
  abandoned(count: number): void {
    this.#count.abandoned += count;
  }

  /** How much was moved at all. */
  get moved(): number {
    const { claimed, fired, reaped } = this.#count;
    return claimed + fired + reaped;
  }

  /** How many tasks went back to the line to be claimed at once. */
  get returned(): number {
    return this.#returned;
  }

  /** What was counted so far. */
  report(): ConsumeReport {
    return { ...this.#count };
  }
}
