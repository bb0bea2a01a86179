import type { Settlement } from "../../../src/broker/broker.ts";
import { ends, HOUR, MINUTE, SECOND } from "../contract/bench.ts";
import { generator, type Random } from "./random.ts";

/** One operation. Picks are numbers in [0, 1): which one of what there is. */
export type Operation =
  | { readonly kind: "enqueue"; readonly tasks: readonly TaskPick[] }
  | {
    readonly kind: "step";
    readonly consumer: number;
    readonly limit: number;
    readonly maxBytes: number;
    readonly alone: boolean;
    readonly settle: readonly SettlePick[];
    readonly extend: readonly number[];
  }
  | { readonly kind: "crash"; readonly consumer: number }
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "cancel"; readonly id: number }
  | { readonly kind: "pause"; readonly paused: boolean }
  | { readonly kind: "purge"; readonly pick: number; readonly off: boolean }
  | { readonly kind: "redrive"; readonly pick: number; readonly off: boolean }
  | { readonly kind: "repeat"; readonly back: number };

/** A task of the few that there are, so that ids meet. */
export interface TaskPick {
  readonly id: number;
  readonly priority: number;
  readonly delayMs: number;
  readonly at: boolean;
  readonly key: number | undefined;
}

/** A settlement of something held, or held once. */
export interface SettlePick {
  readonly pick: number;
  readonly late: boolean;
  readonly end: Settlement["end"];
  readonly free: boolean;
  readonly enqueue: readonly TaskPick[];
}

/** How many consumers there are. */
export const CONSUMERS = 3;
const DELAYS: readonly number[] = [0, 0, 1, 500, SECOND, 30 * SECOND, HOUR];
const JUMPS: readonly number[] = [
  1,
  500,
  SECOND,
  30 * SECOND,
  MINUTE,
  10 * MINUTE,
  HOUR,
];

/** A sequence of operations, the same for the same seed. */
export function operationsOf(
  seed: number,
  length: number,
): readonly Operation[] {
  const random = generator(seed);
  return Array.from({ length }, () => operation(random));
}

/** An operation with one thing less in it, in every way. */
export function partsOf(operation: Operation | undefined): Operation[] {
  const without = <T>(values: readonly T[]) =>
    values.map((_, i) => values.toSpliced(i, 1));
  switch (operation?.kind) {
    case "enqueue":
      return without(operation.tasks).map((tasks) => ({ ...operation, tasks }));
    case "step":
      return [
        ...without(operation.settle).map((settle) => ({
          ...operation,
          settle,
        })),
        ...without(operation.extend).map((extend) => ({
          ...operation,
          extend,
        })),
      ];
    default:
      return [];
  }
}

function operation(random: Random): Operation {
  const kind = random();
  if (kind < 0.24) return { kind: "enqueue", tasks: many(random, 4, taskPick) };
  if (kind < 0.62) {
    return {
      kind: "step",
      consumer: Math.floor(random() * CONSUMERS),
      limit: one(random, [0, 1, 2, 5, 10]),
      maxBytes: one(random, [1, 1_500, 1_000_000]),
      alone: random() < 0.7,
      settle: many(random, 4, settlePick),
      extend: many(random, 2, () => Math.floor(random() * 6)),
    };
  }
  if (kind < 0.67) {
    return { kind: "crash", consumer: Math.floor(random() * CONSUMERS) };
  }
  if (kind < 0.8) return { kind: "advance", ms: one(random, JUMPS) };
  if (kind < 0.86) return { kind: "cancel", id: random() };
  if (kind < 0.89) return { kind: "pause", paused: random() < 0.4 };
  if (kind < 0.92) {
    return { kind: "purge", pick: random(), off: random() < 0.2 };
  }
  if (kind < 0.95) {
    return { kind: "redrive", pick: random(), off: random() < 0.2 };
  }
  return { kind: "repeat", back: random() };
}

function taskPick(random: Random): TaskPick {
  return {
    id: random(),
    priority: one(random, [0, 0, 0, 1, -1, 10]),
    delayMs: one(random, DELAYS),
    at: random() < 0.3,
    key: random() < 0.3 ? random() : undefined,
  };
}

function settlePick(random: Random): SettlePick {
  const delayMs = one(random, DELAYS);
  const keepMs = one(random, [SECOND, MINUTE, HOUR]);
  return {
    pick: random(),
    late: random() < 0.15,
    end: one(random, [
      ends.complete("done", { resultMs: keepMs >> 1, keepMs }),
      ends.complete(undefined, { resultMs: keepMs, keepMs }),
      ends.complete("done", { resultMs: 0, keepMs }),
      ends.retry(delayMs, '{"message":"failed"}'),
      ends.retry(0, '{"message":"again"}'),
      ends.release(delayMs),
      ends.dead('{"message":"dead"}'),
      ends.cancel('{"message":"c"}', keepMs),
      ends.expire('{"message":"e"}', keepMs),
    ]),
    free: random() < 0.5,
    enqueue: random() < 0.25 ? many(random, 2, taskPick) : [],
  };
}

function many<T>(
  random: Random,
  most: number,
  make: (random: Random) => T,
): readonly T[] {
  const length = Math.floor(random() * (most + 1));
  return Array.from({ length }, () => make(random));
}

function one<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T;
}
