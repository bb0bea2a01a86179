import type { Delivery } from "../../broker/broker.ts";
import type { Clock } from "../../core/clock.ts";

/** One claimed task, for as long as this consumer may hold it. Its end is reckoned from when the request was first sent, so that it is never later than the broker's. */
export class Lease {
  readonly #clock: Clock;
  readonly #receivedAt: number;
  readonly #receivedNow: number;
  #delivery: Delivery;
  #renewedAt: number;
  #endsAt: number;
  #isLost = false;
  #progress: string | undefined;
  #interrupt: ((reason: Error) => void) | undefined;

  constructor(
    clock: Clock,
    delivery: Delivery,
    { sentAt, leaseMs, now }: LeaseTerms,
  ) {
    this.#clock = clock;
    this.#delivery = delivery;
    this.#receivedAt = clock.now();
    this.#receivedNow = now;
    this.#renewedAt = sentAt;
    this.#endsAt = sentAt + leaseMs;
  }

  get delivery(): Delivery {
    return this.#delivery;
  }

  get id(): string {
    return this.#delivery.id;
  }

  /** The broker's clock. */
  get brokerNow(): number {
    return this.#receivedNow + this.#clock.now() - this.#receivedAt;
  }

  /** When it was claimed or last extended, by this process's clock. */
  get renewedAt(): number {
    return this.#renewedAt;
  }

  /** When it surely still holds, by this process's clock. */
  get endsAt(): number {
    return this.#endsAt;
  }

  /** Whether it may have ended, since no step extended it in time. */
  get isOver(): boolean {
    return this.#endsAt <= this.#clock.now();
  }

  /** Whether another consumer has the task, or may have it. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** What its handler has to tell and no step has told yet, as JSON. */
  get progress(): string | undefined {
    return this.#progress;
  }

  /** Takes what the next step tells; it needs none of its own. */
  tell(progress: string): void {
    this.#progress = progress;
  }

  /** A step has told this; what came since is still to be told. */
  told(progress: string | undefined): void {
    if (this.#progress === progress) this.#progress = undefined;
  }

  /** It holds until `leaseMs` after the request was sent. */
  renew(sentAt: number, leaseMs: number): void {
    this.#renewedAt = sentAt;
    this.#endsAt = sentAt + leaseMs;
  }

  /** Says who hears of a loss or a cancel from now on, if anybody does. */
  onInterrupt(interrupt: ((reason: Error) => void) | undefined): void {
    this.#interrupt = interrupt;
  }

  /** Notes that it is over. */
  lose(reason: Error): void {
    this.#isLost = true;
    this.#interrupt?.(reason);
  }

  /** Notes that the task was cancelled: a handler at work is asked to stop, one not started is not run. */
  cancel(reason: Error): void {
    this.#delivery = { ...this.#delivery, cancelled: true };
    this.#interrupt?.(reason);
  }
}

/** When a lease was asked for, for how long, and the broker's clock in the reply. */
export interface LeaseTerms {
  readonly sentAt: number;
  readonly leaseMs: number;
  readonly now: number;
}
