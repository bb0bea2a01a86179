/**
 * The promises of the broker port as tests, for whatever implements it.
 *
 * @module
 */
import { attempts } from "./contract/attempts.ts";
import {
  type ContractBroker,
  type Declare,
  newBench,
  START,
} from "./contract/bench.ts";
import { cancelling } from "./contract/cancelling.ts";
import { concurrency } from "./contract/concurrency.ts";
import { dedupe } from "./contract/dedupe.ts";
import { defer } from "./contract/defer.ts";
import { endings } from "./contract/endings.ts";
import { enqueueing } from "./contract/enqueueing.ts";
import { fairness } from "./contract/fairness.ts";
import { fencing } from "./contract/fencing.ts";
import { groups } from "./contract/groups.ts";
import { looking } from "./contract/looking.ts";
import { managing } from "./contract/managing.ts";
import { order } from "./contract/order.ts";
import { operations } from "./contract/operations.ts";
import { keeping } from "./contract/keeping.ts";
import { pausing } from "./contract/pausing.ts";
import { progress } from "./contract/progress.ts";
import { rates } from "./contract/rates.ts";
import { relations } from "./contract/relations.ts";
import { repeats } from "./contract/repeats.ts";
import { replays } from "./contract/replays.ts";
import { schedules } from "./contract/schedules.ts";
import { suspects } from "./contract/suspects.ts";
import { sweeping } from "./contract/sweeping.ts";
import { waking } from "./contract/waking.ts";
import { test } from "./suite.ts";

export type { ContractBroker } from "./contract/bench.ts";

/** What a broker under test begins with. */
export interface ContractOptions {
  /** Where its clock stands, in ms since the epoch. */
  readonly startAt: number;
}

/** Makes a broker whose clock stands still at `startAt`, but for `advance`. */
export type MakeBroker = (options: ContractOptions) => Promise<ContractBroker>;

/** Declares every promise of the port as a test of the brokers that `makeBroker` makes; after each, the books agree. */
export function contract(name: string, makeBroker: MakeBroker): void {
  const declare: Declare = (promise, body) =>
    test(`${name}.${promise}`, async () => {
      await using made = await makeBroker({ startAt: START });
      const bench = newBench(made);
      await body(bench);
      await bench.verify();
    });
  const parts = [
    enqueueing,
    order,
    attempts,
    suspects,
    fencing,
    endings,
    defer,
    repeats,
    replays,
    operations,
    dedupe,
    cancelling,
    managing,
    looking,
    sweeping,
    relations,
    groups,
    pausing,
    keeping,
    progress,
    schedules,
    concurrency,
    fairness,
    rates,
    waking,
  ];
  for (const part of parts) part(declare);
}
