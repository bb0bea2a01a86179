import type { Clock } from "../../core/clock.ts";
import type { Member } from "./share.ts";

/** What a start costs, in milliseconds of a lane: on hosts whose clocks stand while a handler computes, starts are all that can be counted. */
const START_MS = 1;

/** One queue's account of the time that its tasks had in lanes, over its weight. */
interface Account {
  readonly member: Member;
  readonly weight: number;
  spent: number;
  lanes: number;
}

/** Whose task is next to be started: of those that wait, that of the queue whose tasks had least of the lanes for its weight. */
export class LaneTime {
  readonly #clock: Clock;
  readonly #accounts: Account[] = [];
  #at = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Opens an account. */
  open(member: Member, weight: number): void {
    this.#accounts.push({ member, weight, spent: 0, lanes: 0 });
  }

  /** How many lanes are taken. */
  get taken(): number {
    return this.#accounts.reduce((sum, { member }) => sum + member.lanes, 0);
  }

  /** Starts the next task, if any may be, and says whose it was. */
  startNext(): Member | undefined {
    this.#count();
    let next: Account | undefined;
    for (const account of this.#accounts) {
      if (!account.member.canStart) continue;
      if (next === undefined || account.spent < next.spent) next = account;
    }
    if (next === undefined) return undefined;
    next.spent += START_MS / next.weight;
    next.member.start();
    next.lanes = next.member.lanes;
    return next.member;
  }

  /** Brings the accounts up to date. Who has nothing to do saves nothing up for later. */
  #count(): void {
    const now = this.#clock.now();
    const ms = now - Math.max(this.#at, 0);
    let least = Infinity;
    for (const account of this.#accounts) {
      if (this.#at > -Infinity) {
        account.spent += ms * account.lanes / account.weight;
      }
      account.lanes = account.member.lanes;
      if (isBusy(account)) least = Math.min(least, account.spent);
    }
    this.#at = now;
    if (least === Infinity) return;
    for (const account of this.#accounts) {
      if (!isBusy(account)) account.spent = Math.max(account.spent, least);
    }
  }
}

function isBusy({ member }: Account): boolean {
  return member.waiting > 0 || member.lanes > 0;
}
