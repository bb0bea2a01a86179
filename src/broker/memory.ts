import { type Clock, systemClock } from "../core/clock.ts";
import { QueueFullError } from "../core/error.ts";
import type {
  CancelReply,
  CancelRequest,
  ChangedReply,
  Counted,
  EnqueueReply,
  EnqueueRequest,
  ForgetRequest,
  GroupReply,
  InspectReply,
  InspectRequest,
  ListReply,
  ListRequest,
  PauseReply,
  PauseRequest,
  PurgeRequest,
  RedriveRequest,
  ResultReply,
  ResultsReply,
  ResultsRequest,
  ScheduleReply,
  ScheduleRequest,
  SchedulesReply,
  SchedulesRequest,
  StatsReply,
  StepReply,
  StepRequest,
  SuspendReply,
  SuspendRequest,
  UnscheduleReply,
  UnscheduleRequest,
  WorkflowBroker,
} from "./broker.ts";
import { cancel, forget, purge, redrive } from "./memory/admin.ts";
import { type Books, newBooks, reserveOrders } from "./memory/books.ts";
import { accept, overflows } from "./memory/enqueue.ts";
import { chunk, standing } from "./memory/groups.ts";
import { inspect } from "./memory/inspect.ts";
import { advance } from "./memory/lanes.ts";
import { list, result, results, stats } from "./memory/look.ts";
import { pause } from "./memory/parking.ts";
import { once } from "./memory/register.ts";
import {
  schedule,
  schedules,
  suspend,
  unschedule,
} from "./memory/schedules.ts";
import { nextDueAt, step } from "./memory/step.ts";
import type { PeekReply } from "./peek.ts";
import type { QueueStep } from "./together.ts";
import { ringFor } from "./memory/wake.ts";

/** Options of {@link MemoryBroker}. */
export interface MemoryBrokerOptions {
  /** What the broker takes for the time. @default {the host's clock} */
  readonly clock?: Pick<Clock, "now">;
}

/**
 * A broker in this isolate's memory, for tests and demos: everything that the port promises, but nothing outlives the isolate and no other one sees it.
 * Each call counts as one request and no commands.
 */
export class MemoryBroker implements WorkflowBroker {
  /** What it is, for spans. */
  readonly type: string = "baton.MemoryBroker";
  readonly #clock: Pick<Clock, "now">;
  readonly #queues = new Map<string, Books>();

  /** Takes no time and starts nothing: the clock is first read by the first call. */
  constructor({ clock = systemClock }: MemoryBrokerOptions = {}) {
    this.#clock = clock;
  }

  /** See {@linkcode Broker.enqueue}. */
  enqueue(queue: string, request: EnqueueRequest): Promise<EnqueueReply> {
    const { tasks, maxBacklog, maxReady } = request;
    return this.#ask(queue, (books, now) => {
      if (overflows(books, request, now)) {
        throw new QueueFullError(
          queue,
          `maxBacklog is ${maxBacklog ?? maxReady}`,
        );
      }
      const order = reserveOrders(books, now, tasks.length);
      const related = request.group === undefined
        ? tasks
        : tasks.map((task) => ({ ...task, group: request.group?.id }));
      const answers = accept(books, related, now, order);
      chunk(books, request, now);
      return { answers, ...ringFor(books, request, answers, now) };
    });
  }

  /** See {@linkcode Broker.step}. */
  step(queue: string, request: StepRequest): Promise<StepReply> {
    return this.#ask(queue, (books, now) => step(books, request, now));
  }

  /** See {@linkcode SharedSteps.steps}. */
  steps(all: readonly QueueStep[]): readonly Promise<StepReply>[] {
    return all.map(async ({ queue, request }, i) => {
      const reply = await this.step(queue, request);
      return i === 0 ? reply : { ...reply, requests: 0 };
    });
  }

  /** See {@linkcode Peeks.peek}. */
  peek(queue: string): Promise<PeekReply> {
    return this.#ask(queue, (books, now) => {
      const isReady = !books.paused && books.lines.ready.size > 0;
      return { now, nextDueAt: isReady ? now : nextDueAt(books) };
    });
  }

  /** See {@linkcode Broker.cancel}. */
  cancel(queue: string, request: CancelRequest): Promise<CancelReply> {
    return this.#ask(
      queue,
      (books, now) =>
        once(
          books,
          request.operation,
          () => cancel(books, request, now),
        ),
    );
  }

  /** See {@linkcode Broker.result}. */
  result(queue: string, id: string): Promise<ResultReply> {
    return this.#ask(queue, (books, now) => result(books, id, now));
  }

  /** See {@linkcode WorkflowVerbs.results}. */
  results(queue: string, request: ResultsRequest): Promise<ResultsReply> {
    return this.#ask(queue, (books, now) => results(books, request, now));
  }

  /** See {@linkcode WorkflowVerbs.group}. */
  group(queue: string, id: string): Promise<GroupReply> {
    return this.#ask(queue, (books, now) => standing(books, id, now));
  }

  /** See {@linkcode WorkflowVerbs.forget}. */
  forget(queue: string, request: ForgetRequest): Promise<Counted> {
    return this.#ask(queue, (books) => {
      once(books, request.operation, () => forget(books, request));
      return {};
    });
  }

  /** See {@linkcode WorkflowVerbs.schedule}. */
  schedule(queue: string, request: ScheduleRequest): Promise<ScheduleReply> {
    return this.#ask(queue, (books, now) => ({
      status: schedule(books, request, now),
    }));
  }

  /** See {@linkcode WorkflowVerbs.unschedule}. */
  unschedule(
    queue: string,
    { operation, id }: UnscheduleRequest,
  ): Promise<UnscheduleReply> {
    return this.#ask(queue, (books) => ({
      status: once(books, operation, () => unschedule(books, id)),
    }));
  }

  /** See {@linkcode WorkflowVerbs.suspend}. */
  suspend(queue: string, request: SuspendRequest): Promise<SuspendReply> {
    return this.#ask(queue, (books, now) => ({
      status: once(
        books,
        request.operation,
        () => suspend(books, request, now),
      ),
    }));
  }

  /** See {@linkcode WorkflowVerbs.schedules}. */
  schedules(queue: string, request: SchedulesRequest): Promise<SchedulesReply> {
    return this.#ask(queue, (books) => schedules(books, request));
  }

  /** See {@linkcode Broker.list}. */
  list(queue: string, request: ListRequest): Promise<ListReply> {
    return this.#ask(queue, (books) => list(books, request));
  }

  /** See {@linkcode Broker.stats}. */
  stats(queue: string): Promise<StatsReply> {
    return this.#ask(queue, stats);
  }

  /** See {@linkcode Broker.pause}. */
  pause(queue: string, request: PauseRequest): Promise<PauseReply> {
    return this.#ask(queue, (books) => {
      once(books, request.operation, () => pause(books, request));
      return { more: false };
    });
  }

  /** See {@linkcode Broker.purge}. */
  purge(queue: string, request: PurgeRequest): Promise<ChangedReply> {
    return this.#ask(queue, (books, now) => ({
      changed: once(
        books,
        request.operation,
        () => purge(books, request, now),
      ),
    }));
  }

  /** See {@linkcode Broker.redrive}. */
  redrive(queue: string, request: RedriveRequest): Promise<ChangedReply> {
    return this.#ask(queue, (books, now) => ({
      changed: once(
        books,
        request.operation,
        () => redrive(books, request, now),
      ),
    }));
  }

  /** See {@linkcode Broker.inspect}. */
  inspect(queue: string, request: InspectRequest): Promise<InspectReply> {
    return this.#ask(queue, (books) => inspect(books, request.repair));
  }

  async #ask<T extends object>(
    queue: string,
    verb: (books: Books, now: number) => T,
  ): Promise<T & Counted> {
    await undefined; // acts after the caller's turn, as a broker elsewhere does
    let books = this.#queues.get(queue);
    if (books === undefined) {
      books = newBooks();
      this.#queues.set(queue, books);
    }
    const now = Math.floor(this.#clock.now());
    books.request++;
    books.now = now;
    const answer = verb(books, now);
    advance(books);
    return { ...answer, commands: 0, requests: 1 };
  }
}
