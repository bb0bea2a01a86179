import type { Context, Span } from "@opentelemetry/api";
import type { EnqueueOptions } from "./options.ts";
import type { TaskId } from "./id.ts";
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
  /** When the broker accepted the task, in milliseconds since the epoch by its clock. */
  readonly enqueuedAt: number;
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
   * The default id is made of this task's id, the number of this call and the task's name, so a second attempt adds no second task; a handler whose calls differ between attempts passes `id`.
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
  /**
   * Enqueues another task with this one's success: both are one commit. Nothing is enqueued when the attempt fails.
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
  /** Ends this attempt without spending it: the task comes again after `delayMs`, as often as it is released. Return right after it. */
  release(options?: ReleaseOptions): void;
}

/** How a task is given back. */
export interface ReleaseOptions {
  /** Due again after this many milliseconds; 0 is at once, in its old place. @default {1000} */
  readonly delayMs?: number;
}
