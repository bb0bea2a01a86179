import { type Clock, systemClock } from "../core/clock.ts";
import { QueueFullError } from "../core/error.ts";
import type {
  Broker,
  CancelReply,
  CancelRequest,
  ChangedReply,
  Counted,
  EnqueueReply,
  EnqueueRequest,
  InspectReply,
  InspectRequest,
  ListReply,
  ListRequest,
  PauseRequest,
  PurgeRequest,
  RedriveRequest,
  ResultReply,
  StatsReply,
  StepReply,
  StepRequest,
} from "./broker.ts";
import { cancel, purge, redrive } from "./memory/admin.ts";
import { type Books, newBooks, once } from "./memory/books.ts";
import { accept, overflows } from "./memory/enqueue.ts";
import { inspect } from "./memory/inspect.ts";
import { list, result, stats } from "./memory/look.ts";
import { step } from "./memory/step.ts";

/** Options of {@link MemoryBroker}. */
export interface MemoryBrokerOptions {
  /** What the broker takes for the time. @default {the host's clock} */
  readonly clock?: Pick<Clock, "now">;
}

/**
 * A broker in this isolate's memory, for tests and demos: everything that the port promises, but nothing outlives the isolate and no other one sees it.
 * Each call counts as one request and no commands.
 */
export class MemoryBroker implements Broker {
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
      return { answers: accept(books, tasks, now) };
    });
  }

  /** See {@linkcode Broker.step}. */
  step(queue: string, request: StepRequest): Promise<StepReply> {
    return this.#ask(queue, (books, now) => step(books, request, now));
  }

  /** See {@linkcode Broker.cancel}. */
  cancel(queue: string, request: CancelRequest): Promise<CancelReply> {
    return this.#ask(queue, (books, now) => ({
      status: once(books, request.operation, () => cancel(books, request, now)),
    }));
  }

  /** See {@linkcode Broker.result}. */
  result(queue: string, id: string): Promise<ResultReply> {
    return this.#ask(queue, (books, now) => result(books, id, now));
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
  pause(queue: string, request: PauseRequest): Promise<Counted> {
    const { operation, paused } = request;
    return this.#ask(queue, (books) => {
      once(books, operation, () => void (books.paused = paused));
      return {};
    });
  }

  /** See {@linkcode Broker.purge}. */
  purge(queue: string, request: PurgeRequest): Promise<ChangedReply> {
    return this.#ask(queue, (books, now) => ({
      changed: once(books, request.operation, () => purge(books, request, now)),
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
    const answer = verb(books, Math.floor(this.#clock.now()));
    return { ...answer, commands: 0, requests: 1 };
  }
}
