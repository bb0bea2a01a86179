import type { Settlement } from "../../../src/broker/broker.ts";
import { ends, HOUR, MINUTE, SECOND } from "../contract/bench.ts";
import { generator, type Random } from "./random.ts";

/** One operation. Picks are numbers in [0, 1): which one of what there is. */
export type Operation =
  | {
    readonly kind: "enqueue";
    readonly tasks: readonly TaskPick[];
    readonly group: GroupPick | undefined;
    /** How many tasks may wait at most, or only be ready. */
    readonly most:
      | { readonly count: number; readonly isOfReady: boolean }
      | undefined;
  }
  | {
    readonly kind: "step";
    readonly consumer: number;
    readonly limit: number;
    readonly maxBytes: number;
    readonly alone: boolean;
    readonly isPaced: boolean;
    readonly settle: readonly SettlePick[];
    readonly extend: readonly number[];
    readonly progress: string | undefined;
  }
  | { readonly kind: "crash"; readonly consumer: number }
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "cancel"; readonly id: number }
  | {
    readonly kind: "pause";
    readonly paused: boolean;
    readonly name: string | undefined;
  }
  | {
    readonly kind: "purge";
    readonly pick: number;
    readonly off: boolean;
    readonly stop: boolean;
  }
  | { readonly kind: "forget"; readonly pick: number; readonly group: number }
  | { readonly kind: "results"; readonly pick: number }
  | { readonly kind: "redrive"; readonly pick: number; readonly off: boolean }
  | {
    readonly kind: "schedule";
    readonly id: number;
    readonly hash: string;
    readonly inMs: number;
  }
  | { readonly kind: "unschedule"; readonly id: number }
  | {
    readonly kind: "suspend";
    readonly id: number;
    readonly suspended: boolean;
  }
  | { readonly kind: "repeat"; readonly back: number };

/** A task of the few that there are, so that ids meet. */
export interface TaskPick {
  readonly id: number;
  readonly priority: number;
  readonly delayMs: number;
  readonly at: boolean;
  readonly key: number | undefined;
  readonly related: boolean;
  readonly lane: number | undefined;
}

/** What a request says of a group. */
export interface GroupPick {
  readonly id: number;
  readonly seal: number | undefined;
  readonly callback: boolean;
  readonly related: boolean;
}

/** A settlement of something held, or held once. */
export interface SettlePick {
  readonly pick: number;
  readonly late: boolean;
  readonly end: Settlement["end"];
  /** How long from now, where it is snoozed. */
  readonly snoozeMs: number;
  readonly free: boolean;
  readonly group: number | undefined;
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
  if (kind < 0.24) {
    return {
      kind: "enqueue",
      tasks: many(random, 4, taskPick),
      group: random() < 0.35 ? groupPick(random) : undefined,
      most: random() < 0.15
        ? { count: 1 + Math.floor(random() * 8), isOfReady: random() < 0.5 }
        : undefined,
    };
  }
  if (kind < 0.62) {
    return {
      kind: "step",
      consumer: Math.floor(random() * CONSUMERS),
      limit: one(random, [0, 1, 2, 5, 10]),
      maxBytes: one(random, [1, 1_500, 1_000_000]),
      alone: random() < 0.7,
      isPaced: random() < 0.2,
      settle: many(random, 4, settlePick),
      extend: many(random, 2, () => Math.floor(random() * 6)),
      progress: random() < 0.2 ? one(random, ["half", "a|b%7C"]) : undefined,
    };
  }
  if (kind < 0.67) {
    return { kind: "crash", consumer: Math.floor(random() * CONSUMERS) };
  }
  if (kind < 0.7) return schedulePick(random);
  if (kind < 0.81) return { kind: "advance", ms: one(random, JUMPS) };
  if (kind < 0.86) return { kind: "cancel", id: random() };
  if (kind < 0.89) {
    const name = one(random, [undefined, "work", "rest"]);
    return { kind: "pause", paused: random() < 0.4, name };
  }
  if (kind < 0.92) {
    return {
      kind: "purge",
      pick: random(),
      off: random() < 0.2,
      stop: random() < 0.4,
    };
  }
  if (kind < 0.93) {
    return { kind: "forget", pick: random(), group: random() };
  }
  if (kind < 0.94) {
    return { kind: "results", pick: random() };
  }
  if (kind < 0.96) {
    return { kind: "redrive", pick: random(), off: random() < 0.2 };
  }
  return { kind: "repeat", back: random() };
}

function schedulePick(random: Random): Operation {
  const kind = random();
  const id = random();
  if (kind < 0.6) {
    const hash = one(random, ["hourly", "daily"]);
    return { kind: "schedule", id, hash, inMs: one(random, DELAYS) };
  }
  if (kind < 0.75) return { kind: "unschedule", id };
  return { kind: "suspend", id, suspended: random() < 0.5 };
}

function taskPick(random: Random): TaskPick {
  return {
    id: random(),
    priority: one(random, [0, 0, 0, 1, -1, 10]),
    delayMs: one(random, DELAYS),
    at: random() < 0.3,
    key: random() < 0.3 ? random() : undefined,
    related: random() < 0.2,
    lane: random() < 0.4 ? random() : undefined,
  };
}

function groupPick(random: Random): GroupPick {
  return {
    id: random(),
    seal: one(random, [undefined, undefined, 0, 1, 2, 3, 5]),
    callback: random() < 0.6,
    related: random() < 0.3,
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
      ends.snooze(0),
      ends.snooze(0, "another envelope"),
    ]),
    snoozeMs: one(random, DELAYS),
    group: random() < 0.5 ? random() : undefined,
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
