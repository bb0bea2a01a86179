import type { Context } from "@opentelemetry/api";
import type { Broker } from "../broker/broker.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import type { Enqueued } from "../core/context.ts";
import type { Random, TaskId } from "../core/id.ts";
import type { EnqueueOptions } from "../core/options.ts";
import type { TaskResult } from "../core/state.ts";
import type { Call, CallArguments, Handler, Task } from "../core/task.ts";
import {
  cancel,
  type CancelStatus,
  inspect,
  pause,
  type QueueStats,
  stats,
  type VerifyReport,
} from "./administration.ts";
import {
  purge,
  type PurgeFilter,
  type PurgeReport,
  redrive,
  type RedriveFilter,
  type RedriveReport,
} from "./bulk.ts";
import { drain, type DrainReport } from "./drain.ts";
import type { DrainOptions } from "./drain_options.ts";
import {
  callOf,
  createEnqueuer,
  currentContext,
  type EnqueuedAll,
  type Enqueuer,
} from "./enqueuer.ts";
import { inline } from "./inline.ts";
import { list, type ListOptions, type TaskPage } from "./listing.ts";
import { lazyMemory } from "./memory.ts";
import { createParts, type HandledTask } from "./options.ts";
import type { QueueParts } from "./parts.ts";
import type { QueueTelemetry } from "./providers.ts";
import { result, type ResultOptions } from "./results.ts";
import type { QueueTracing } from "./tracing.ts";
import type { WorkOptions } from "./work_options.ts";
import { work, type Worker } from "./worker.ts";

/** What a {@link Queue} is made of. */
export interface QueueOptions extends InMemoryOptions {
  /** What stores the tasks: `new UpstashBroker(Redis.fromEnv())`. */
  readonly broker: Broker;
}

/** What a queue in memory is made of. */
export interface InMemoryOptions {
  /** 1 to 64 of `A–Z a–z 0–9 _ . -`; part of the database's keys. @default {"default"} */
  readonly name?: string;
  /** What runs the tasks, each name once: only a consumer needs them. */
  readonly handlers?: readonly (Handler | HandledTask)[];
  /** What makes spans and metrics; a `Telemetry` of `@baton/queue/otlp`, or your own SDK's providers. @default {the OpenTelemetry globals} */
  readonly telemetry?: QueueTelemetry;
  /** How spans are shaped. */
  readonly tracing?: QueueTracing;
  /**
   * Makes of an error what may be told of it: its answer, an Error better than anything else, is what spans show and what is stored with the task.
   * Without it the messages and stacks of what your handlers throw are exported and stored as they are.
   * Where it throws, or gives nothing, no more than the error's name is told. What decides about another attempt is the error itself.
   */
  readonly redact?: (error: unknown) => unknown;
  /** What gives time and timers. @default {the host's} */
  readonly clock?: Clock;
  /** What fills a buffer with random bytes. @default {crypto.getRandomValues} */
  readonly random?: Random;
  /** The largest input, in bytes of JSON. @default {262144} */
  readonly maxPayloadBytes?: number;
  /** The largest result that is kept, in bytes of JSON; a task with a larger one completes without it. @default {262144} */
  readonly maxResultBytes?: number;
  /** How many tasks may wait before `enqueueMany` is refused. @default {500000} */
  readonly maxBacklog?: number;
  /** How long the id of an ended task is taken, in milliseconds, 10 min at least. @default {3600000} */
  readonly idTtlMs?: number;
}

/**
 * A queue of tasks: the producer's, the consumer's and the operator's half, any of which can be used alone.
 * Making one does no I/O and takes no time or randomness, so it may stand at the top of a module.
 */
export class Queue implements Enqueuer {
  /** The queue's name. */
  readonly name: string;
  readonly #parts: QueueParts;
  readonly #enqueuer: Enqueuer;

  /**
   * Makes a queue.
   *
   * @throws {TypeError} If there is no broker, or an option is unknown or of another type.
   * @throws {RangeError} If an option is out of its range, or two handlers have the same name.
   */
  constructor(options: QueueOptions) {
    this.#parts = createParts(options);
    this.#enqueuer = createEnqueuer(this.#parts, undefined);
    this.name = this.#parts.name;
  }

  /** A queue in this isolate's memory, for tests and demos: all that a queue does, but nothing outlives the isolate. */
  static inMemory(options: InMemoryOptions = {}): Queue {
    const broker = lazyMemory(options.clock ?? systemClock);
    return new Queue({ ...options, broker });
  }

  /** See {@linkcode Enqueuer.enqueue}. */
  enqueue<Input, Parsed, Output>(
    task: Task<Input, Parsed, Output>,
    ...call: CallArguments<Input>
  ): Promise<Enqueued<Output>> {
    return this.#enqueuer.enqueue(task, ...call);
  }

  /** See {@linkcode Enqueuer.enqueueNamed}. */
  enqueueNamed(
    name: string,
    input?: unknown,
    options?: EnqueueOptions,
  ): Promise<Enqueued> {
    return this.#enqueuer.enqueueNamed(name, input, options);
  }

  /** See {@linkcode Enqueuer.enqueueMany}. */
  enqueueMany<const Calls extends readonly Call[]>(
    calls: Calls,
  ): Promise<EnqueuedAll<Calls>> {
    return this.#enqueuer.enqueueMany(calls);
  }

  /** The producer's half, every call of it under `context`: for handlers of requests, on hosts that do not keep the current context. */
  within(context: Context): Enqueuer {
    return createEnqueuer(this.#parts, context);
  }

  /**
   * Runs a task here and now, in the caller's time and without the broker, with the spans of one that was enqueued. One attempt; what the handler throws is thrown.
   *
   * @throws {TypeError} If no handler has the task's name.
   */
  inline<Input, Parsed, Output>(
    task: Task<Input, Parsed, Output>,
    ...call: CallArguments<Input>
  ): Promise<Output> {
    const made = callOf(task, call);
    return inline(this.#parts, made, currentContext(this.#parts, [made]));
  }

  /** Runs what is due, and returns when nothing is left or the budget is spent: for cron and for requests. */
  drain(options?: DrainOptions): Promise<DrainReport> {
    return drain(this.#parts, options);
  }

  /** Runs what is due until it is stopped: for hosts that stay. */
  work(options?: WorkOptions): Worker {
    return work(this.#parts, options);
  }

  /**
   * Where a task stands; with `waitMs`, as soon as it has ended or the time is over.
   *
   * @throws {RangeError} If `waitMs` is over 10 min.
   * @throws The signal's reason, when it aborts.
   */
  result<Output>(
    id: TaskId<Output>,
    options?: ResultOptions,
  ): Promise<TaskResult<Output>> {
    return result(this.#parts, id, options);
  }

  /** Ends a task that waits; asks one that runs to stop, by its `ctx.signal`. */
  cancel(id: string): Promise<CancelStatus> {
    return cancel(this.#parts, id);
  }

  /** Stops the claiming of tasks, by any consumer; what runs goes on, and tasks are still accepted. */
  pause(): Promise<void> {
    return pause(this.#parts, true);
  }

  /** Lets consumers claim again. */
  resume(): Promise<void> {
    return pause(this.#parts, false);
  }

  /** Ends tasks that wait or are dead, as cancelled: those that were there when it was called. Running ones are left alone. */
  purge(filter?: PurgeFilter): Promise<PurgeReport> {
    return purge(this.#parts, filter);
  }

  /** Gives dead tasks all their attempts again: those that were dead when it was called. */
  redrive(filter?: RedriveFilter): Promise<RedriveReport> {
    return redrive(this.#parts, filter);
  }

  /** A page of the tasks in one state. */
  list(options: ListOptions): Promise<TaskPage> {
    return list(this.#parts, options);
  }

  /** How many tasks are where. */
  stats(): Promise<QueueStats> {
    return stats(this.#parts);
  }

  /** Checks the books against each other and changes nothing. Reads everything there is: not for every minute. */
  verify(): Promise<VerifyReport> {
    return inspect(this.#parts, false);
  }

  /** As {@linkcode verify}, and puts right what it finds. */
  repair(): Promise<VerifyReport> {
    return inspect(this.#parts, true);
  }
}
