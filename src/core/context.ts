import type { Context, Span } from "@opentelemetry/api";
import type { Chain, ChainOptions, LastOutput } from "./chain.ts";
import type { Inputs, MapOptions, SentGroup } from "./group.ts";
import type { TaskId } from "./id.ts";
import type { ChainLink } from "./link.ts";
import type { EnqueueOptions } from "./options.ts";
import type { Settled } from "./state.ts";
import type { CallArguments, Task } from "./task.ts";

/** What an `enqueue` answers. */
export interface Enqueued<Output = unknown> {
  /** The task's id; with `deduplicated`, that of the task that was there before. */
  readonly id: TaskId<Output>;
  /** Whether a task with this id or dedupe key was there before, so that nothing was added. */
  readonly deduplicated: boolean;
}

/** What an attempt offers to its handler. */
export interface HandlerContext {
  /** The task's id. */
  readonly id: string;
  /** The task's name. */
  readonly name: string;
  /** The queue's name. */
  readonly queue: string;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  /** After how many attempts the task is dead. */
  readonly maxAttempts: number;
  /** The task's label, where it was enqueued with one. */
  readonly label?: string;
  /** The id of the group whose member or callback the task is; else the word that it was enqueued with as `group`. */
  readonly group?: string;
  /** When the broker accepted the task, in milliseconds since the epoch by its clock. */
  readonly enqueuedAt: number;
  /** How the task ended that this one follows: the link before it in a chain, or the task whose hook it is. */
  readonly previous: Settled | undefined;
  /** The name of the schedule that enqueued the task, where one did. */
  readonly schedule?: string;
  /** The slot of the schedule that the task is for, in milliseconds since the epoch: what the handler should take as the current time, however late it runs. */
  readonly intendedAt?: number;
  /** Aborts on time-out, on cancel, when the lease is lost, and when the consumer stops and its grace has passed. */
  readonly signal: AbortSignal;
  /** The CONSUMER span of this attempt. */
  readonly span: Span;
  /** The OpenTelemetry Context of this attempt, with {@linkcode span} in it. */
  readonly context: Context;
  /**
   * The host's `fetch`: each call is a CLIENT span of this attempt, sends its W3C headers along and aborts with {@linkcode signal}, too.
   * The trace goes to everybody and baggage to nobody but the origin of the request around the drain, unless the telemetry or `tracing.propagateTo` says otherwise.
   */
  readonly fetch: typeof fetch;
  /**
   * Enqueues another task at once, its trace continuing this attempt's.
   * The default id is made of this task's id, the number of this call and the task's name, so that another run of this handler, after a failure or a snooze, adds no second task; one whose calls differ between runs passes `id`.
   */
  enqueue<Input, Parsed, Output>(
    task: Task<Input, Parsed, Output>,
    ...call: CallArguments<Input>
  ): Promise<Enqueued<Output>>;
  /** As {@linkcode enqueue}, without a definition. */
  enqueueNamed(
    name: string,
    input?: unknown,
    options?: EnqueueOptions,
  ): Promise<Enqueued>;
  /** Enqueues a chain at once, its trace continuing this attempt's; its default id is made as that of {@linkcode enqueue}. */
  chain<const Calls extends readonly ChainLink[]>(
    calls: Calls,
    options?: ChainOptions,
  ): Promise<Chain<LastOutput<Calls>>>;
  /**
   * Enqueues another task when this one succeeds, in the same commit. Nothing is enqueued when the attempt fails.
   * Resolves when the input is checked, with the id that the task will have.
   */
  defer<Input, Parsed, Output>(
    task: Task<Input, Parsed, Output>,
    ...call: CallArguments<Input>
  ): Promise<TaskId<Output>>;
  /**
   * Holds the lease for `ms` more milliseconds from now, and moves the time-out there. Running attempts are extended on their own; this is for those that outlast `timeoutMs`.
   *
   * @throws {LeaseLostError} If the lease is lost already.
   */
  extend(ms: number): Promise<void>;
  /** Enqueues one task for each input at once, as a group, their trace continuing this attempt's; the group's default id is made as that of {@linkcode enqueue}. Its `onSettled` goes on where this handler cannot wait. */
  map<Input, Parsed, Output>(
    task: Task<Input, Parsed, Output>,
    inputs: Inputs<Input>,
    options?: MapOptions,
  ): Promise<SentGroup<Output>>;
  /**
   * Tells how far the attempt is: any JSON value, 4 KB at most, that `queue.result(id)` shows as `progress` while the task is leased. The last one counts.
   * It goes with the next step that is due anyway, at the latest with the next heartbeat: after 15 s, or two fifths of the lease.
   *
   * @throws {PayloadError} If JSON cannot carry it, or it is over the limit.
   */
  progress(value: unknown): void;
  /** Ends this attempt without spending it: the task comes again after `delayMs`, as often as it is released. Return right after it. */
  release(options?: ReleaseOptions): void;
  /** Ends this attempt and lets the task come again later with all its attempts, as often as it is snoozed: for what has to wait, not for what failed. Its `expiresInMs` still counts from when it was enqueued. Return right after it. */
  snooze(options: SnoozeOptions): void;
}

/** Until when a task is put off. */
export type SnoozeOptions =
  | {
    /** Due again after this many milliseconds. */
    readonly delayMs: number;
    readonly at?: never;
  }
  | {
    /** Due again at this instant: a Date or milliseconds since the epoch, by the broker's clock. */
    readonly at: Date | number;
    readonly delayMs?: never;
  };

/** How a task is given back. */
export interface ReleaseOptions {
  /** Due again after this many milliseconds; 0 is at once, in its old place. @default {1000} */
  readonly delayMs?: number;
}
