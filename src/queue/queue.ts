import type { Context } from "@opentelemetry/api";
import type {
  Chain,
  ChainOptions,
  ChainRef,
  LastOutput,
} from "../core/chain.ts";
import { systemClock } from "../core/clock.ts";
import type { Enqueued } from "../core/context.ts";
import type {
  Group,
  GroupOptions,
  Inputs,
  MapOptions,
  MemberOutput,
  SentGroup,
} from "../core/group.ts";
import type { TaskId } from "../core/id.ts";
import type { ChainLink } from "../core/link.ts";
import type { EnqueueOptions } from "../core/options.ts";
import type { ScheduleOptions, When } from "../core/schedule.ts";
import type { CancelStatus, ResultOptions, TaskResult } from "../core/state.ts";
import type { Call, CallArguments, Task } from "../core/task.ts";
import type {
  PauseOptions,
  QueueStats,
  VerifyReport,
} from "./admin/administration.ts";
import type {
  PurgeFilter,
  PurgeReport,
  RedriveFilter,
  RedriveReport,
} from "./admin/bulk.ts";
import type { ListOptions, TaskPage } from "./admin/listing.ts";
import type { DrainReport } from "./drain.ts";
import type { DrainOptions } from "./drain_options.ts";
import {
  callOf,
  createEnqueuer,
  currentContext,
  type EnqueuedAll,
  type Enqueuer,
} from "./enqueue/enqueuer.ts";
import type { QueueEvent, QueueListener } from "./events.ts";
import { keepParts } from "./kept_parts.ts";
import * as later from "./later.ts";
import { lazyMemory } from "./memory.ts";
import { checkMiddleware, type Middleware } from "./middleware.ts";
import { createParts } from "./options.ts";
import type { QueueParts } from "./parts.ts";
import type { InMemoryOptions, QueueOptions } from "./queue_options.ts";
import type { Scheduled } from "./schedule/schedule.ts";
import type { SchedulePage, SchedulesOptions } from "./schedule/schedules.ts";
import type { WaitUntil } from "./wake/hold.ts";
import type { WorkOptions } from "./work_options.ts";
import type { Worker } from "./worker.ts";
import { chainOf, groupOf } from "./workflow/handles.ts";

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
    this.#parts = keepParts(this, createParts(options));
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

  /** See {@linkcode Enqueuer.chain}. */
  chain<const Calls extends readonly ChainLink[]>(
    calls: Calls,
    options?: ChainOptions,
  ): Promise<Chain<LastOutput<Calls>>> {
    return this.#enqueuer.chain(calls, options);
  }

  /**
   * The handle of a chain that was enqueued before, here or elsewhere: of what {@linkcode chain} gave, also after a way through `JSON`.
   *
   * @throws {TypeError} If it names no chain.
   */
  chainOf<Output>(chain: ChainRef<Output>): Chain<Output> {
    return chainOf(this.#parts, chain);
  }

  /** See {@linkcode Enqueuer.map}. */
  map<Input, Parsed, Output>(
    task: Task<Input, Parsed, Output>,
    inputs: Inputs<Input>,
    options?: MapOptions,
  ): Promise<SentGroup<Output>> {
    return this.#enqueuer.map(task, inputs, options);
  }

  /** See {@linkcode Enqueuer.enqueueGroup}. */
  enqueueGroup<Calls extends Inputs<Call>>(
    calls: Calls,
    options?: GroupOptions,
  ): Promise<SentGroup<MemberOutput<Calls>>> {
    return this.#enqueuer.enqueueGroup(calls, options);
  }

  /**
   * The group of this id, as `map` and `enqueueGroup` gave it. Nothing is asked of the broker before one of its functions is called.
   *
   * @typeParam Output What the members' handlers return.
   */
  group<Output = unknown>(id: string): Group<Output> {
    return groupOf(this.#parts, id);
  }

  /** The producer's half, every call of it under `context`: for handlers of requests, on hosts that do not keep the current context. On Cloudflare `host` is the handler's `ctx`: it keeps the request open for what `wake` begins. */
  within(context: Context, host?: WaitUntil): Enqueuer {
    return createEnqueuer(this.#parts, context, host);
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
    return later.inline(this.#parts, made, currentContext(this.#parts, [made]));
  }

  /**
   * Adds a listener of an event, and returns what takes it out again. Listeners are called at once, in the order they were added, and cannot fail the work: what one throws or rejects with goes to `onError`.
   * Events are local: an isolate hears of what it does itself. For what others do, ask `result`, `stats` and `list`, or look at the metrics.
   *
   * @throws {TypeError} If there is no such event, or the listener is no function.
   */
  on<Name extends QueueEvent>(
    event: Name,
    listener: QueueListener<Name>,
  ): () => void {
    return this.#parts.events.on(event, listener);
  }

  /**
   * Puts a middleware around every task, inside those that were added before, and returns the queue.
   *
   * @throws {TypeError} If it is no object with one of the two functions, or both.
   */
  use(middleware: Middleware): this {
    checkMiddleware(middleware);
    this.#parts.middleware.push(middleware);
    return this;
  }

  /**
   * Enqueues a task at each slot of a schedule, once, under the id `name@slot`; any consumer of the queue sees to it. An upsert: call it wherever the app starts, the same schedule again changes nothing.
   * A changed one takes the place of the one before, and begins anew: a slot of that one which no consumer has looked at yet is not run.
   * Slots come from the expression or the interval and the broker's clock, so they never drift. Each begins a trace, linked to this call's span; its task reads the slot as `ctx.intendedAt`.
   *
   * @param name 180 bytes at most.
   * @param call What `task.with(input, options)` gave: the same input for every slot, checked here. Its `delayMs` counts from when the slot was looked at.
   * @param when `{ cron, timeZone }`, `{ everyMs }`, `{ at }`, or what a helper such as `weekly()` gave.
   * @throws {TypeError} If something is of another type or unknown, or the call has an `id`, a `runAt`, a `maxBacklog` or a `context` of its own, or a hook an `id`; nothing was sent.
   * @throws {RangeError} If something is out of its range, this host knows no such zone, or the cron expression is none or never fires; nothing was sent.
   * @throws {PayloadError} If the schema refuses the input, JSON cannot carry it or it is over the limit; nothing was sent.
   * @throws {BrokerError} If the broker cannot be reached or refuses.
   */
  schedule(
    name: string,
    call: Call,
    when: When,
    options?: ScheduleOptions,
  ): Promise<Scheduled> {
    return later.schedule(this.#parts, name, call, when, options);
  }

  /** Takes a schedule out for good; what it has enqueued stays. */
  unschedule(name: string): Promise<"removed" | "missing"> {
    return later.unschedule(this.#parts, name);
  }

  /** A page of the schedules, those that are over or paused, too. */
  schedules(options?: SchedulesOptions): Promise<SchedulePage> {
    return later.schedules(this.#parts, options);
  }

  /** Stops a schedule, also for upserts that follow. Resolves with whether there is one. */
  pauseSchedule(name: string): Promise<boolean> {
    return later.suspend(this.#parts, name, true);
  }

  /** Lets a schedule go on; its slots that passed meanwhile were missed, as its `catchUp` says. Resolves with whether there is one. */
  resumeSchedule(name: string): Promise<boolean> {
    return later.suspend(this.#parts, name, false);
  }

  /** Runs what is due, and returns when nothing is left or the budget is spent: for cron and for requests. */
  drain(options?: DrainOptions): Promise<DrainReport> {
    return later.drain(this.#parts, options);
  }

  /** Runs what is due until it is stopped: for hosts that stay. */
  work(options?: WorkOptions): Worker {
    return later.work(this.#parts, options);
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
    return later.result(this.#parts, id, options);
  }

  /** Ends a task that waits; asks one that runs to stop, by its `ctx.signal`. A waiting one that others follow, as hooks or links, or that is a member of a group, is ended by the next consumer, which enqueues them: `cancelling`. One is woken for it, where the queue has a `wake`. */
  cancel(id: string): Promise<CancelStatus> {
    return later.cancel(this.#parts, id);
  }

  /** Stops the claiming of tasks, of all or of those of one name, by any consumer; what runs goes on, tasks are still accepted, and schedules enqueue them. */
  pause(options?: PauseOptions): Promise<void> {
    return later.pause(this.#parts, true, options);
  }

  /** Lets consumers claim again, all tasks or those of one name: either undoes its own kind of pause only. What waited is woken for, where the queue has a `wake`. */
  resume(options?: PauseOptions): Promise<void> {
    return later.pause(this.#parts, false, options);
  }

  /** Ends tasks that wait or are dead, as cancelled: those that were there when it was called. Running ones are left alone. A consumer is woken for what follows them, where the queue has a `wake`. */
  purge(filter?: PurgeFilter): Promise<PurgeReport> {
    return later.purge(this.#parts, filter);
  }

  /** Gives dead tasks all their attempts again: those that were dead when it was called. They are woken for, where the queue has a `wake`. */
  redrive(filter?: RedriveFilter): Promise<RedriveReport> {
    return later.redrive(this.#parts, filter);
  }

  /** A page of the tasks in one state; a schedule is among them as `schedule:name`. */
  list(options: ListOptions): Promise<TaskPage> {
    return later.list(this.#parts, options);
  }

  /** How many tasks are where. */
  stats(): Promise<QueueStats> {
    return later.stats(this.#parts);
  }

  /** Checks the queue's records and indexes against each other, and changes nothing. It reads all of them, so it is not for every minute. */
  verify(): Promise<VerifyReport> {
    return later.inspect(this.#parts, false);
  }

  /** As {@linkcode verify}, and puts right what it finds. */
  repair(): Promise<VerifyReport> {
    return later.inspect(this.#parts, true);
  }
}
