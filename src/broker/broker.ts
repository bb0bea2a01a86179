import type {
  CancelReply,
  CancelRequest,
  ChangedReply,
  InspectReply,
  InspectRequest,
  ListReply,
  ListRequest,
  PauseReply,
  PauseRequest,
  PurgeRequest,
  RedriveRequest,
  ResultReply,
  StatsReply,
} from "./books.ts";
import type { Asking, Presence, Rung, Told } from "./wake.ts";
import type { ConcurrencyKey, Rate, RateKey } from "./flow.ts";
import type { GroupChunk } from "./workflow.ts";

export type * from "./books.ts";
export type { Asking, Presence, Rung, Told } from "./wake.ts";
export type {
  ForgetRequest,
  GroupChunk,
  GroupReply,
  GroupStanding,
  ListedSchedule,
  ResultsReply,
  ResultsRequest,
  ScheduleReply,
  ScheduleRequest,
  SchedulesReply,
  SchedulesRequest,
  SuspendReply,
  SuspendRequest,
  UnscheduleReply,
  UnscheduleRequest,
  WorkflowBroker,
  WorkflowVerbs,
} from "./workflow.ts";

export type { ConcurrencyKey, Rate, RateKey } from "./flow.ts";

/**
 * What stores the tasks and moves them: the port that every broker implements, and its specification.
 *
 * - **At least once.** A task that `enqueue` accepted ends as completed, dead, cancelled or expired. A claim is a lease until an instant of the broker's clock; a lease that ends unsettled gives the task back, its attempt spent.
 * - **A request sent twice has the effect of one**, even late and out of order, for 24 hours. Callers make the ids of tasks; a consumer numbers its steps; `cancel`, `pause`, `purge`, `redrive` carry an operation id, of which the last 500 are remembered. (A step that found nothing is not remembered: a copy of it that arrives when the consumer has done nothing since may claim for nobody, which costs a lease and an attempt.)
 * - **A stale consumer changes nothing.** A lease is proved by its token, `consumer:seq` of the step that claimed it.
 * - **One commit per request.** Before it only additions that are harmless when repeated; after it only removals that a repeat or a later step finishes. So a request that failed half-way is repeated, never repaired.
 * - **Time is the broker's.** Callers send durations, and instants only as `runAt`.
 * - **Lua buries nothing that has consequences.** A task that is `related` ends only by a settlement, in which its consumer sends what follows; cancelling one that waits makes it the next to be delivered, as cancelled.
 * - **Order** is first in, first out among due tasks; `priority` n counts as enqueued n minutes earlier; a delayed task counts from its due time; a retried or reaped task keeps its place.
 *
 * Strings are stored as they are given: envelopes, payloads and errors are the caller's affair.
 */
export interface Broker {
  /** What it is, for spans: `baton.UpstashBroker`, `baton.MemoryBroker`. */
  readonly type: string;
  /**
   * Accepts tasks, in order.
   *
   * @throws {QueueFullError} If `maxBacklog` tasks wait, or the database is full; nothing was accepted.
   * @throws {BrokerError} As every verb, if the broker cannot be reached or refuses.
   */
  enqueue(queue: string, request: EnqueueRequest): Promise<EnqueueReply>;
  /** Settles what finished, extends what runs, returns expired leases to the line, promotes what is due and claims the next tasks. */
  step(queue: string, request: StepRequest): Promise<StepReply>;
  /** Ends a task that waits; asks a leased one to stop. */
  cancel(queue: string, request: CancelRequest): Promise<CancelReply>;
  /** Where a task stands. */
  result(queue: string, id: string): Promise<ResultReply>;
  /** A page of tasks in one state. */
  list(queue: string, request: ListRequest): Promise<ListReply>;
  /** How many tasks are where. */
  stats(queue: string): Promise<StatsReply>;
  /** Stops, or lets go on, the claiming of tasks. */
  pause(queue: string, request: PauseRequest): Promise<PauseReply>;
  /** Ends listed tasks that wait or are dead; leased ones and others are left alone. */
  purge(queue: string, request: PurgeRequest): Promise<ChangedReply>;
  /** Gives listed dead tasks all their attempts again. */
  redrive(queue: string, request: RedriveRequest): Promise<ChangedReply>;
  /** Checks one part of the books against the others and, if asked, puts right what it finds. */
  inspect(queue: string, request: InspectRequest): Promise<InspectReply>;
}

/** What a request cost. */
export interface Counted {
  /** Commands that the database ran for it: the script's own and those inside. 0 for a broker without commands. */
  readonly commands: number;
  /** Requests that were sent, repeats included. */
  readonly requests: number;
}

/** A task as the broker takes it. */
export interface NewTask {
  /** Its id, made by the caller. */
  readonly id: string;
  /** The task's name, readable without opening the envelope. */
  readonly name: string;
  /** The task itself, as `codec/envelope.ts` writes it. */
  readonly envelope: string;
  /** −10 … 10. */
  readonly priority: number;
  /** When it may be claimed. */
  readonly due: Due;
  /** What it has in common with others of which one is enough. */
  readonly dedupe: DedupeKey | undefined;
  /** With what others it shares a bound on how many are leased. */
  readonly concurrency?: ConcurrencyKey | undefined;
  /** With what others it shares a bound on how often they are claimed. */
  readonly rate?: RateKey | undefined;
  /** Whether its end has consequences, such as a hook, a next link or a group: then only a settlement ends it. @default {false} */
  readonly related?: boolean | undefined;
  /** The group that it is a member of, whose settlement is to name it; a member is `related`. */
  readonly group?: string | undefined;
}

/** When a task may be claimed. */
export type Due =
  | { readonly kind: "now" }
  | { readonly kind: "after"; readonly delayMs: number }
  | { readonly kind: "at"; readonly at: number };

/** At most one task per key, for `ttlMs`; who settles the task may free it earlier. */
export interface DedupeKey {
  /** What the tasks have in common. */
  readonly key: string;
  /** How long the key holds at most. */
  readonly ttlMs: number;
}

/** What `enqueue` takes. */
export interface EnqueueRequest extends Asking {
  /** In order. */
  readonly tasks: readonly NewTask[];
  /** Refuse when this many tasks are ready or scheduled, wait for their key or for a paused name. Unchecked when absent. */
  readonly maxBacklog: number | undefined;
  /** Refuse when this many tasks are ready, those aside that wait for their key or for a paused name, which is two commands less. Unchecked when absent. */
  readonly maxReady?: number | undefined;
  /** The group whose members these tasks are. */
  readonly group?: GroupChunk | undefined;
}

/** What `enqueue` answers. */
export interface EnqueueReply extends Counted, Told {
  /** One for each task, in order. */
  readonly answers: readonly EnqueueAnswer[];
}

/** `known`: a task of this id is or was there. `duplicate`: another task holds the dedupe key, and `id` is its id. */
export interface EnqueueAnswer {
  /** What became of the task. */
  readonly status: "new" | "known" | "duplicate";
  /** Its id, or that of the task that holds the key. */
  readonly id: string;
}

/** What `step` takes. */
export interface StepRequest {
  /** Who asks; one request of a consumer is under way at a time. */
  readonly consumer: string;
  /** The number of this request, from 1. The same number is the same request. */
  readonly seq: number;
  /** How long the claimed and the extended leases hold. */
  readonly leaseMs: number;
  /** How many tasks to claim at most; 0 claims none. */
  readonly limit: number;
  /** How many bytes of envelopes to claim at most; one task is always claimed. */
  readonly maxBytes: number;
  /** Whether the consumer holds no other task: only then is a suspect claimed, alone, and only if it is the first. */
  readonly alone: boolean;
  /** How often tasks of the queue are claimed at most, on average; schedules and what was cancelled do not count. Shared by all consumers, of which each has to give it. */
  readonly rate?: Rate | undefined;
  /** How many results are kept, about, the newest; those of a group's members do not count. Each consumer has to give it. Unbounded when absent. */
  readonly keepResults?: number | undefined;
  /** What finished. */
  readonly settle: readonly Settlement[];
  /** What still runs. */
  readonly extend: readonly Extension[];
  /** What it has to do with rings. */
  readonly wake?: Rung | undefined;
}

/** What becomes of a leased task. */
export interface Settlement {
  /** The task. */
  readonly id: string;
  /** The token of the very claim that is settled. */
  readonly token: string;
  /** How it ends, or goes on. */
  readonly end: SettlementEnd;
  /** The traceparent of the attempt, for the next one or a callback to link to; empty where neither can follow. */
  readonly span: string;
  /** The dedupe key to free when the task ends, if it still names this task. */
  readonly dedupe: string | undefined;
  /** Tasks that are enqueued in the same commit, if the settlement is accepted; however the task ends or goes on. */
  readonly enqueue: readonly NewTask[];
  /** The group in which this end counts; of no meaning where the task goes on. Left out when the delivery was `counted`. */
  readonly group?: string | undefined;
  /** Not taken if the task was asked to stop meanwhile: it is told as stale, and the task comes again at once, as cancelled. @default {false} */
  readonly unlessCancelled?: boolean;
  /** Whether the task, where it goes on, waits for its delay though it was asked to stop: its consumer was told so, and cannot end it. @default {false: it comes again at once, as cancelled} */
  readonly thoughCancelled?: boolean;
}

/** `keepMs`: how long the ended task is remembered, which is how long its id is taken. */
export type SettlementEnd =
  | {
    readonly kind: "complete";
    /** The result; undefined keeps none. */
    readonly payload: string | undefined;
    /** How long the result can be read. */
    readonly resultMs: number;
    readonly keepMs: number;
  }
  | {
    /** Claimed again after `delayMs`, the attempt spent. */
    readonly kind: "retry";
    readonly delayMs: number;
    /** A short error, for whoever asks before the next attempt. */
    readonly error: string;
  }
  | {
    /** Claimed again after `delayMs`, the attempt unspent. */
    readonly kind: "release";
    readonly delayMs: number;
  }
  | {
    /** Claimed again at an instant of the broker's clock, its attempts counted anew. */
    readonly kind: "snooze";
    readonly at: number;
    /** Replaces the task's envelope. */
    readonly envelope?: string | undefined;
  }
  | { readonly kind: "dead"; readonly error: string }
  | {
    readonly kind: "cancel" | "expire";
    readonly error: string;
    readonly keepMs: number;
  };

/** A lease that goes on. */
export interface Extension {
  /** The task. */
  readonly id: string;
  /** The token of the very claim that goes on. */
  readonly token: string;
  /** How long from now, instead of the step's `leaseMs`. */
  readonly leaseMs: number | undefined;
  /** What its handler has to tell meanwhile, 4 KB at most; the last one can be read while the lease lasts. */
  readonly progress?: string | undefined;
}

/** What `step` answers. */
export interface StepReply extends Counted, Presence {
  /** `replay`: this request was answered before, and is answered the same. `old`: a later one was; nothing was done. `answered`: the ring that brought it was; nothing was done. */
  readonly status: "done" | "replay" | "old" | "answered";
  /** The broker's clock. */
  readonly now: number;
  /** When something is next to be done, if anything is known: a due task or the end of a lease. */
  readonly nextDueAt: number | undefined;
  /** Settled too late: the lease was no longer this consumer's. */
  readonly stale: readonly string[];
  /** Extended too late. */
  readonly lost: readonly string[];
  /** Extended, but asked to stop. */
  readonly cancelled: readonly string[];
  /** Leases that this step found expired and returned to the line. */
  readonly reaped: readonly string[];
  /** What was claimed. */
  readonly deliveries: readonly Delivery[];
  /** Whether the queue is paused: it claims nothing. */
  readonly paused: boolean;
  /** Whether ended tasks past their time are left to sweep: another step does more. */
  readonly sweeping: boolean;
  /** Whether it passed over tasks whose last consumer died: a consumer that holds nothing claims them, one at a time. */
  readonly suspects: boolean;
  /** Indexed tasks without a record, which only the database can have lost. */
  readonly ghosts: number;
}

/** One claimed attempt. */
export interface Delivery {
  /** The task. */
  readonly id: string;
  /** Proves this claim. */
  readonly token: string;
  /** How often the task was claimed, this time included. */
  readonly attempt: number;
  /** When the broker accepted the task. */
  readonly enqueuedAt: number;
  /** When it was due, for a delayed task. In the future for a schedule that was changed or moved on meanwhile: its slot is yet to come. */
  readonly dueAt: number | undefined;
  /** The task's name; empty where the record cannot be read. */
  readonly name: string;
  /** The task as it was enqueued. */
  readonly envelope: string;
  /** The traceparent of the attempt before, when that one settled. */
  readonly previousSpan: string | undefined;
  /** The error of an attempt before. */
  readonly lastError: string | undefined;
  /** Its last consumer died holding it: it was claimed alone, and is to run alone. */
  readonly suspect: boolean;
  /** It was cancelled: it is not to run. */
  readonly cancelled: boolean;
  /** Its end was counted in its group before it was redriven. */
  readonly counted?: boolean;
  /** The group that it is a member of, unless it was redriven. */
  readonly group?: string | undefined;
  /** The traceparent of the settlement that completed the group whose callback this is. */
  readonly releasedBy?: string | undefined;
}
