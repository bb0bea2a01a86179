import type { ListedState, TaskStanding } from "./books.ts";
import type { Broker, Counted, NewTask } from "./broker.ts";
import type { Peeks } from "./peek.ts";
import type { SharedSteps } from "./together.ts";

/** An instant that never comes: a schedule that is over is snoozed till then, so that entering it again does not begin it anew. */
export const NEVER_AT: number = 1e15;

/** What a broker does for workflows, beside moving tasks. */
export interface WorkflowVerbs {
  /** How many of a group's members ended, and how. */
  group(queue: string, id: string): Promise<GroupReply>;
  /** Where several tasks stand. */
  results(queue: string, request: ResultsRequest): Promise<ResultsReply>;
  /** Forgets ended tasks before their time, and the state of a group. */
  forget(queue: string, request: ForgetRequest): Promise<Counted>;
  /** Enters a schedule, or changes it. */
  schedule(queue: string, request: ScheduleRequest): Promise<ScheduleReply>;
  /** Takes a schedule out; a firing under way settles in vain. */
  unschedule(
    queue: string,
    request: UnscheduleRequest,
  ): Promise<UnscheduleReply>;
  /** Stops one schedule, or lets it go on. */
  suspend(queue: string, request: SuspendRequest): Promise<SuspendReply>;
  /** A page of the schedules. */
  schedules(queue: string, request: SchedulesRequest): Promise<SchedulesReply>;
}

/** A broker that can do both. */
export interface WorkflowBroker
  extends Broker, WorkflowVerbs, SharedSteps, Peeks {}

/**
 * Part of a group: the tasks of the request that it comes with are members.
 *
 * Each chunk says the same of the group, and may be repeated, late and out of order; only its `seal` and `callback` may come later than the first.
 * A member counts when its settlement, naming the group, is accepted. The one that makes the group complete releases the callback in the same commit.
 */
export interface GroupChunk {
  /** The group's id. */
  readonly id: string;
  /** How many members there are in all; absent while more chunks follow. 0 completes at once. */
  readonly seal: number | undefined;
  /** Enqueued when the group completes: till then it is `waiting`. Its `due`, `dedupe` and `concurrency` are not looked at. */
  readonly callback: NewTask | undefined;
  /** A group without a seal that hears nothing for so long is closed with what it has. */
  readonly sealMs: number;
  /** How long the group is remembered after its completion. */
  readonly ttlMs: number;
  /** A sealed group none of whose members ends for so long is closed with what it has. @default {`ttlMs`} */
  readonly idleMs?: number | undefined;
}

/** What `group` answers. */
export type GroupReply = Counted & GroupStanding;

/** How a group stands. `open`: not sealed. `complete`: every member ended. `lost`: closed unfinished, for want of news. */
export type GroupStanding =
  | { readonly status: "missing" }
  | {
    readonly status: "open" | "sealed" | "complete" | "lost";
    /** How many members there are; unknown without a seal. */
    readonly total: number | undefined;
    readonly completed: number;
    readonly dead: number;
    readonly cancelled: number;
    readonly expired: number;
    /** The id of its callback. */
    readonly callback: string | undefined;
  };

/** What `results` takes. */
export interface ResultsRequest {
  /** The tasks, 500 at most. */
  readonly ids: readonly string[];
  /** How many bytes to answer at most; one standing is always answered. */
  readonly maxBytes: number;
}

/** What `results` answers. */
export interface ResultsReply extends Counted {
  /** In the order of the ids; fewer than were asked for when `maxBytes` was reached. */
  readonly standings: readonly TaskStanding[];
}

/** What `forget` takes. */
export interface ForgetRequest {
  /** Names this call: a repeat changes nothing. */
  readonly operation: string;
  /** Forgotten if they have ended, dead ones too; others are left alone. */
  readonly ids: readonly string[];
  /** A group whose state is forgotten too, if it is complete or was closed; another is left alone. */
  readonly group?: string | undefined;
}

/**
 * What `schedule` takes. A schedule is a task that comes again: due, it goes before every other; a consumer claims it and settles it with `snooze`, at its next slot, and with the slot's tasks. One that is delivered before its `dueAt` was changed meanwhile, and is snoozed till then.
 * Only `unschedule` takes it out; `cancel` and `purge` leave it alone.
 * A request with the `hash` that is stored changes nothing, and so is not remembered: a copy that arrives when the schedule has been changed since changes it back.
 */
export interface ScheduleRequest {
  /** Names this call: a repeat changes nothing. */
  readonly operation: string;
  /** What tells this schedule from one that differs. */
  readonly hash: string;
  /** The schedule itself: its id, and its first slot as `due`. Its `priority`, `dedupe` and `concurrency` are not looked at. */
  readonly task: NewTask;
}

/** What `schedule` answers. */
export interface ScheduleReply extends Counted {
  /** `changed`: it replaced one of another hash, and a firing of that under way settles in vain. */
  readonly status: "created" | "changed" | "unchanged";
}

/** What `unschedule` takes. */
export interface UnscheduleRequest {
  /** Names this call: a repeat changes nothing. */
  readonly operation: string;
  /** The schedule. */
  readonly id: string;
}

/** What `unschedule` answers. */
export interface UnscheduleReply extends Counted {
  /** Whether there was such a schedule. */
  readonly status: "removed" | "missing";
}

/** What `suspend` takes. */
export interface SuspendRequest {
  /** Names this call: a repeat changes nothing. */
  readonly operation: string;
  /** The schedule. */
  readonly id: string;
  /** Whether to stop or to go on; a slot that passed meanwhile is due at once. */
  readonly suspended: boolean;
}

/** What `suspend` answers. */
export interface SuspendReply extends Counted {
  /** Whether there is such a schedule. */
  readonly status: "done" | "missing";
}

/** What `schedules` takes. */
export interface SchedulesRequest {
  /** How many at most. */
  readonly limit: number;
  /** Where the page before ended. */
  readonly cursor: string | undefined;
}

/** What `schedules` answers. */
export interface SchedulesReply extends Counted {
  /** In the order of their ids. */
  readonly schedules: readonly ListedSchedule[];
  /** Where the next page begins; absent on the last. */
  readonly cursor: string | undefined;
}

/** One schedule. */
export interface ListedSchedule {
  /** The schedule's id. */
  readonly id: string;
  /** The task's name. */
  readonly name: string;
  /** As it was given. */
  readonly hash: string;
  /** The schedule itself, as it was given or as its last firing replaced it. */
  readonly envelope: string;
  /** Its next slot. */
  readonly dueAt: number | undefined;
  /** Whether it was suspended. */
  readonly suspended: boolean;
  /** Where it stands. */
  readonly state: ListedState;
}
