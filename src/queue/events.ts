import type { StoredError } from "../core/state.ts";

/** What every event of a task says. */
export interface TaskEvent {
  /** The queue's name. */
  readonly queue: string;
  /** The task's id. */
  readonly id: string;
  /** The task's name; empty where its record cannot be read. */
  readonly name: string;
  /** Which attempt it is about, from 1. */
  readonly attempt: number;
}

/** A task was added, by a call or with the end of another task. */
export interface EnqueuedEvent extends Omit<TaskEvent, "attempt"> {
  /** The task with whose end it was enqueued: deferred, as a hook, as the next link of a chain. */
  readonly parent?: string;
}

/** A consumer of this queue received a task. */
export interface ClaimedEvent extends TaskEvent {
  /** How long it was due, in milliseconds by the broker's clock. */
  readonly waitedMs: number;
}

/** An attempt has ended. */
export interface EndedEvent extends TaskEvent {
  /** How long the handler took, in milliseconds; 0 where it was not run. */
  readonly durationMs: number;
}

/** An attempt has ended with an error. */
export interface FailedEvent extends EndedEvent {
  /** The error, as `redact` makes of it, within the caps of what is stored. */
  readonly error: StoredError;
}

/** A failed attempt will be followed by another. */
export interface RetriedEvent extends FailedEvent {
  /** In how many milliseconds it is due. */
  readonly delayMs: number;
}

/** A task was given back. */
export interface ReleasedEvent extends EndedEvent {
  /** In how many milliseconds it is due; absent where it was snoozed. */
  readonly delayMs?: number;
  /** When it is due, in milliseconds since the epoch by the broker's clock, where it was snoozed. */
  readonly dueAt?: number;
}

/** A task was cancelled: before it ran, or while it did. */
export interface CancelledEvent {
  /** The queue's name. */
  readonly queue: string;
  /** The task's id. */
  readonly id: string;
  /** The task's name; empty where its record cannot be read. */
  readonly name: string;
  /** The attempt that was asked to stop; absent where `queue.cancel` of this process ended it. */
  readonly attempt?: number;
  /** Why it ended. */
  readonly error: StoredError;
}

/** Something was lost that should have been there. */
export interface LostEvent {
  /** The queue's name. */
  readonly queue: string;
  /**
   * `lease`: a lease of this consumer ran out or was taken, its handler is asked to stop.
   * `consumer`: a lease had run out that nobody settled, its consumer died; the task went back to its place.
   * `record`: the database has lost tasks; nobody knows which.
   */
  readonly reason: "lease" | "consumer" | "record";
  /** How many tasks. */
  readonly count: number;
  /** The task's id, where it is known. */
  readonly id?: string;
}

/** A slot of a schedule has come: its task was enqueued, unless `overlap: "skip"` left it out. */
export interface ScheduleFiredEvent extends Omit<TaskEvent, "attempt"> {
  /** The schedule's name. */
  readonly schedule: string;
  /** The slot, in milliseconds since the epoch. */
  readonly intendedAt: number;
}

/** The events of a queue, and what each tells. They are local: each isolate hears of what it does itself. */
export interface QueueEvents {
  /** The broker has taken a task. A duplicate is none, but of what is enqueued with the end of another task the broker does not say whether it was one. */
  readonly enqueued: EnqueuedEvent;
  /** A consumer of this queue received a task: its attempt counts. */
  readonly claimed: ClaimedEvent;
  /** A handler is about to run. */
  readonly started: TaskEvent;
  /** A task completed, and the broker knows. */
  readonly succeeded: EndedEvent;
  /** An attempt failed, be it the last or not; told at its end, before the broker knows. Also a task that is found unfit to run. */
  readonly failed: FailedEvent;
  /** A failed attempt will be followed by another, and the broker knows. */
  readonly retried: RetriedEvent;
  /** A task is dead, and the broker knows. */
  readonly dead: FailedEvent;
  /** A task was not run, for its `expiresInMs` had passed. */
  readonly expired: FailedEvent;
  /** A task was cancelled, told once: by the `queue.cancel` that ended it, else by its consumer. What `queue.purge` ends is not told one by one. */
  readonly cancelled: CancelledEvent;
  /** A task was given back, its attempt unspent, or snoozed. */
  readonly released: ReleasedEvent;
  /** What came of an attempt was not taken: it ended too late, its lease was lost; or its chain was cancelled before, and the task comes again as cancelled. */
  readonly stale: EndedEvent;
  /** A lease, a consumer or a record was lost. */
  readonly lost: LostEvent;
  /** A schedule enqueued the task of one of its slots. */
  readonly scheduleFired: ScheduleFiredEvent;
}

/** The name of an event. */
export type QueueEvent = keyof QueueEvents;

/** What hears of an event. What it throws or rejects with goes to `onError`. */
export type QueueListener<Name extends QueueEvent> = (
  event: QueueEvents[Name],
) => unknown;

const NAMES: Readonly<Record<QueueEvent, true>> = {
  enqueued: true,
  claimed: true,
  started: true,
  succeeded: true,
  failed: true,
  retried: true,
  dead: true,
  expired: true,
  cancelled: true,
  released: true,
  stale: true,
  lost: true,
  scheduleFired: true,
};

/** One registration. */
interface Entry {
  readonly listener: (event: never) => unknown;
}

/** The listeners of one queue. */
export class Events {
  readonly #entries = new Map<QueueEvent, readonly Entry[]>();
  readonly #failed: (error: unknown, event: QueueEvent) => void;

  /** `failed` hears of what listeners throw. */
  constructor(failed: (error: unknown, event: QueueEvent) => void) {
    this.#failed = failed;
  }

  /**
   * Adds a listener, behind those that are there, and returns what takes it out again.
   *
   * @throws {TypeError} If there is no such event, or the listener is no function.
   */
  on<Name extends QueueEvent>(
    name: Name,
    listener: QueueListener<Name>,
  ): () => void {
    if (!Object.hasOwn(NAMES, name)) {
      throw new TypeError(
        `There is no event '${name}': the events are ${
          Object.keys(NAMES).join(", ")
        }`,
      );
    }
    if (typeof listener !== "function") {
      throw new TypeError(
        `A listener must be a function, not ${typeof listener}`,
      );
    }
    const entry: Entry = { listener };
    this.#entries.set(name, [...this.#of(name), entry]);
    return () => {
      const left = this.#of(name).filter((other) => other !== entry);
      this.#entries.set(name, left);
    };
  }

  /** Tells the listeners, one after the other; `make` is only called when there is one. Never throws. */
  emit<Name extends QueueEvent>(
    name: Name,
    make: () => QueueEvents[Name],
  ): void {
    const entries = this.#of(name);
    if (entries.length === 0) return;
    const event: QueueEvents[Name] = make();
    Object.freeze(event);
    for (const { listener } of entries) {
      this.#tell(name, listener as QueueListener<Name>, event);
    }
  }

  /** Calls it at once, and hears of its rejection. */
  async #tell<Name extends QueueEvent>(
    name: Name,
    listener: QueueListener<Name>,
    event: QueueEvents[Name],
  ): Promise<void> {
    try {
      await listener(event);
    } catch (error) {
      this.#failed(error, name);
    }
  }

  #of(name: QueueEvent): readonly Entry[] {
    return this.#entries.get(name) ?? [];
  }
}
