/**
 * Random operations on two brokers side by side: whatever can be seen of them is the same after each.
 *
 * Operations are plain data that say which of what there is, not what; so any part of a sequence is a sequence too, and a failing one can be made short.
 *
 * @module
 */
import type { MakeBroker } from "./contract.ts";
import { START } from "./contract/bench.ts";
import type { Found } from "./model/answer.ts";
import { Driver } from "./model/driver.ts";
import { type Operation, operationsOf, partsOf } from "./model/operations.ts";

/** What differs, after which operation. */
export interface Difference extends Found {
  readonly at: number;
}

/** The shortest sequence found on which two brokers differ. */
export interface Failure {
  readonly seed: number;
  readonly operations: readonly Operation[];
  readonly difference: Difference;
}

/** Runs one seed on both; if they differ, finds a short sequence on which they do. */
export async function compare(
  seed: number,
  length: number,
  make: readonly [MakeBroker, MakeBroker],
): Promise<Failure | undefined> {
  const all = operationsOf(seed, length);
  const first = await run(all, make);
  return first &&
    await shorten({ seed, operations: all, difference: first }, make);
}

/** Leaves out operations, and parts of them, as long as the brokers still differ. */
async function shorten(
  failure: Failure,
  make: readonly [MakeBroker, MakeBroker],
): Promise<Failure> {
  let { operations, difference } = failure;
  const differs = async (fewer: readonly Operation[]): Promise<boolean> => {
    const still = await run(fewer, make);
    if (still === undefined) return false;
    operations = fewer.slice(0, still.at + 1);
    difference = still;
    return true;
  };
  operations = operations.slice(0, difference.at + 1);
  for (let size = operations.length >> 1; size >= 1; size >>= 1) {
    for (let from = 0; from + size <= operations.length;) {
      if (!await differs(operations.toSpliced(from, size))) from += size;
    }
  }
  for (let at = 0; at < operations.length; at++) {
    for (let smaller = partsOf(operations[at]); smaller.length > 0;) {
      const [next, ...others] = smaller;
      if (next === undefined) break;
      smaller = await differs(operations.with(at, next))
        ? partsOf(operations[at])
        : others;
    }
  }
  return { seed: failure.seed, operations, difference };
}

/** A failure as people read it. */
export function explain({ seed, operations, difference }: Failure): string {
  const lines = operations.map((each, i) => `${i}: ${JSON.stringify(each)}`);
  return [
    `seed ${seed}: after operation ${difference.at}, ${difference.what} differs`,
    `left:  ${JSON.stringify(difference.left)}`,
    `right: ${JSON.stringify(difference.right)}`,
    ...lines,
  ].join("\n");
}

/** Runs the operations on two new brokers; the first difference, if there is one. */
export async function run(
  operations: readonly Operation[],
  [makeLeft, makeRight]: readonly [MakeBroker, MakeBroker],
): Promise<Difference | undefined> {
  await using left = await makeLeft({ startAt: START });
  await using right = await makeRight({ startAt: START });
  const driver = new Driver(left, right);
  for (const [at, each] of operations.entries()) {
    const found = await driver.play(each) ?? await driver.check();
    if (found !== undefined) return { at, ...found };
  }
  return undefined;
}
