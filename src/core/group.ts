import type { Context } from "@opentelemetry/api";
import type { EnqueueOptions, TaskOptions } from "./options.ts";
import type { PendingState, ResultOptions, StoredError } from "./state.ts";
import type { Call, Task } from "./task.ts";

/** Nothing is known of a group: it was never made, was deleted, its `ttlMs` has passed since it was complete, or it is the link of a chain that has not come to it yet. */
export class GroupMissingError extends Error {
  /** The class's own name, which survives minification. */
  override readonly name = "GroupMissingError";
  /** The group's id. */
  readonly group: string;

  /**
   * A group that is not there.
   *
   * @param queue The queue that was asked.
   * @param group The group's id.
   */
  constructor(queue: string, group: string) {
    super(
      `Queue '${queue}' knows no group '${group}': it was never made, was deleted, was complete for longer than its ttlMs, or is a link whose turn has not come`,
    );
    this.group = group;
  }
}

/**
 * How a group stands. `open`: more members may come. `sealed`: all were sent, and not all have ended. `complete`: all have ended.
 * `lost`: it was closed unfinished, since its producer sent nothing for `sealMs`, or none of its members ended for `idleMs`.
 */
export type GroupStatus = "open" | "sealed" | "complete" | "lost";

/** How many members of a group ended, and how. */
export interface GroupCounts {
  /** How it stands. */
  readonly status: GroupStatus;
  /** How many members there are; unknown while it is open, and of one that was lost before it was sealed. */
  readonly total?: number;
  /** How many have not ended; unknown where the total is. */
  readonly pending?: number;
  /** How many completed. */
  readonly completed: number;
  /** How many are dead. A member that is redriven afterwards is not counted again. */
  readonly dead: number;
  /** How many were cancelled. */
  readonly cancelled: number;
  /** How many expired before they were started. */
  readonly expired: number;
}

/** How a group ended, for its `onSettled`. */
export interface GroupSettled extends GroupCounts {
  /** The group's id, for `queue.group(id)`. */
  readonly group: string;
}

/**
 * What came of one member of a group.
 *
 * @typeParam Output What the members' handlers return.
 */
export type MemberResult<Output = unknown> =
  | MemberSuccess<Output>
  | MemberFailure;

/** Which member it is. */
export interface Member {
  /** Its number in the group, from 0: the position of its input. */
  readonly index: number;
  /** Its task's id. */
  readonly id: string;
}

/** The member completed. */
export interface MemberSuccess<Output> extends Member {
  /** That it did. */
  readonly ok: true;
  /** What its handler returned; `undefined` where nothing is kept. */
  readonly value: Output;
  /** Whether the value was kept: not with `resultTtlMs: 0`, past its time, over the limit, or in a full database. */
  readonly saved: boolean;
  /** Why a value that was kept is not told: it was changed after it was sealed, or is sealed under a key that this queue does not have. */
  readonly unopened?: string;
}

/** The member has no result. */
export interface MemberFailure extends Member {
  /** That it has none. */
  readonly ok: false;
  /** How it ended, or where it stands; `missing` where it is forgotten, or was never sent. */
  readonly status: "dead" | "cancelled" | "expired" | "missing" | PendingState;
  /** Why; of one that has not ended, that it has not. */
  readonly error: StoredError;
}

/** Which results of a group to read, and how long to wait for them. */
export interface GroupResultsOptions extends ResultOptions {
  /** How many members to look at, from 1 to 10,000; the page ends earlier where a reply of 4 MB is full. @default {1000} */
  readonly limit?: number;
  /** Where the page before ended. */
  readonly cursor?: string;
  /** Only members that ended without a result. A page may then be empty and not the last. @default {false} */
  readonly failures?: boolean;
}

/** A page of a group's results. */
export interface GroupResults<Output = unknown> extends GroupCounts {
  /** In the order of the inputs. */
  readonly results: readonly MemberResult<Output>[];
  /** Where the next page begins; absent on the last. */
  readonly cursor?: string;
}

/**
 * Tasks that were made together, known by the id that they share. Its functions need no `this`.
 *
 * @typeParam Output What the members' handlers return.
 */
export interface Group<Output = unknown> {
  /** The group's id: all that has to be kept to find it again, by `queue.group(id)`. */
  readonly id: string;
  /**
   * How many members ended, and how. One request of two or three commands.
   *
   * @throws {GroupMissingError} If nothing is known of the group.
   */
  counts(): Promise<GroupCounts>;
  /**
   * The same, as soon as every member has ended or the time is over: its `status` tells which.
   *
   * @throws {GroupMissingError} If nothing is known of the group.
   * @throws The signal's reason, when it aborts.
   */
  wait(options?: ResultOptions): Promise<GroupCounts>;
  /**
   * What came of the members, in the order of their inputs, page by page; with `waitMs`, as soon as all have ended or the time is over.
   *
   * @throws {GroupMissingError} If nothing is known of the group.
   * @throws The signal's reason, when it aborts.
   */
  results(options?: GroupResultsOptions): Promise<GroupResults<Output>>;
  /**
   * Ends the members that wait, and asks those that run to stop; each ends by a consumer, as cancelled, and is counted. One is woken for that, where the queue has a `wake`. Says how many it was that had not ended.
   * What a producer still sends is not stopped.
   *
   * @throws {GroupMissingError} If nothing is known of the group.
   */
  cancel(): Promise<number>;
  /**
   * Forgets the members, their results with them, and the group, once it is complete or lost: to be rid of another, cancel it and wait. Of a lost one, members that have not ended are left alone.
   *
   * @throws {GroupMissingError} If nothing is known of the group.
   * @throws {RangeError} If it is open or sealed: nothing was forgotten.
   */
  delete(): Promise<void>;
}

/** A group that was just sent. */
export interface SentGroup<Output = unknown> extends Group<Output> {
  /** How many members it has. */
  readonly length: number;
}

/** A definition whose input is how a group ended: `defineTask<GroupSettled>("publish")`. */
export interface GroupHookTask {
  /** The task's name. */
  readonly name: string;
  /** What the definition says of each of its tasks. */
  readonly options: TaskOptions;
  /** The task with its input. */
  with(input: GroupSettled): Call;
}

/** A task to enqueue when a group has ended: a definition, which is given how the group ended as its input (if it takes one at all), or a call with an input of its own. Either way `ctx.group` is the group's id. */
export type GroupHook = GroupHookTask | Task<void> | Call;

/** How a group is made. */
export interface GroupOptions {
  /** The group's id. The same inputs under the same id again are no second group: a call that failed can be repeated. @default {a new one} */
  readonly id?: string;
  /**
   * Enqueued when every member has ended, however it did: in the commit of the last one's settlement, once. Its span is a child of the group's, and linked to the attempt that completed the group.
   * Also when the group was lost: its `status` says so.
   */
  readonly onSettled?: GroupHook;
  /** How long each member and its result are remembered after its end, and the group after its own, in milliseconds: longer than the whole of it takes. @default {86400000, and the delay of a map} */
  readonly ttlMs?: number;
  /** How long the group waits for more members, in milliseconds, before it takes its producer for dead and is lost. @default {600000} */
  readonly sealMs?: number;
  /** How long a sealed group waits for the next of its members to end, in milliseconds, before it is lost, be they delayed or the queue paused. @default {604800000, or `ttlMs` where that is longer} */
  readonly idleMs?: number;
  /** Refuse with a `QueueFullError` when this many tasks wait, at each request. @default {the queue's} */
  readonly maxBacklog?: number;
  /** The OpenTelemetry Context whose trace the members continue. @default {that of `within`, else the active one} */
  readonly context?: Context;
}

/** How a map is made: its options, and those of every one of its tasks. */
export interface MapOptions extends
  GroupOptions,
  Pick<
    EnqueueOptions,
    | "delayMs"
    | "runAt"
    | "priority"
    | "label"
    | "concurrency"
    | "rate"
    | "maxAttempts"
    | "backoff"
    | "timeoutMs"
    | "expiresInMs"
    | "resultTtlMs"
  > {}

/** What a map or a group is made from: a list is checked as a whole before anything is sent, anything else while it is read. */
export type Inputs<Item> = Iterable<Item> | AsyncIterable<Item>;

/** What the handlers of these calls return. */
export type MemberOutput<Calls> = Calls extends Inputs<infer Item>
  ? Item extends Call<infer Output> ? Output : unknown
  : unknown;
