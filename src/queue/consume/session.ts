import type { Rung, StepReply, StepRequest } from "../../broker/broker.ts";
import { BrokerError } from "../../core/error.ts";
import { isTask, randomName } from "../../core/id.ts";
import { announceSettled, announceStep } from "../attempt/announce.ts";
import { handBack } from "../attempt/settlement.ts";
import {
  creationOf,
  type Finished,
  fitting,
  idOf,
  isOfTask,
  settlementOf,
  without,
} from "./batch.ts";
import { Lease } from "./lease.ts";
import { type Extended, Leases } from "./leases.ts";
import type { Tally } from "./tally.ts";
import type { Conclusion } from "../execute.ts";
import type { QueueParts } from "../parts.ts";
import type { DrainTrace, StepTrace } from "../trace/instrument.ts";

/** What a consumer asks of each step. */
export interface SessionOptions {
  readonly leaseMs: number;
  readonly maxBytes: number;
  /** Called when a handler asks for something that a step must carry. */
  readonly ring: () => void;
  /** Sends a step some other way than alone. */
  readonly step?: ((request: StepRequest) => Promise<StepReply>) | undefined;
}

/** How a step claims. */
export interface Claiming {
  /** How many tasks it may hold by then, at most. */
  readonly room: number;
  /** Whether a task that has to be alone may be among them. @default {true} */
  readonly alone?: boolean;
  /** What it has to do with rings. */
  readonly wake?: Rung | undefined;
}

/** A request that was sent, and what each part of it is about. */
interface Sent {
  readonly request: StepRequest;
  /** When it was first sent. */
  readonly sentAt: number;
  readonly settled: readonly Finished[];
  readonly extended: readonly Extended[];
}

/** What a step brought. */
export interface Stepped {
  readonly reply: StepReply;
  readonly leases: readonly Lease[];
  /** How many tasks it could have claimed. */
  readonly limit: number;
}

/**
 * One consumer's conversation with the broker: its name, the numbers of its steps, the leases it holds and what it has to say of them.
 * One request is under way at a time, and one that was not answered is sent again, the same, before any other.
 */
export class Session {
  readonly #parts: QueueParts;
  readonly #options: SessionOptions;
  readonly #tally: Tally;
  readonly #leases: Leases;
  #consumer: string | undefined;
  #seq = 0;
  #finished: readonly Finished[] = [];
  #unanswered: Sent | undefined;

  constructor(parts: QueueParts, tally: Tally, options: SessionOptions) {
    this.#parts = parts;
    this.#tally = tally;
    this.#options = options;
    this.#leases = new Leases(options.leaseMs, ({ id }) => {
      tally.lost();
      const { events, name: queue } = parts;
      events.emit("lost", () => ({ queue, reason: "lease", count: 1, id }));
    });
  }

  /** The consumer's name, made at first use. */
  get consumer(): string {
    return this.#consumer ??= randomName(this.#parts.random, 12);
  }

  /** Whether a step failed, so that it goes again before any other. */
  get hasUnanswered(): boolean {
    return this.#unanswered !== undefined;
  }

  /** Whether the step that failed had anything to settle. */
  get hasUnansweredSettlements(): boolean {
    return (this.#unanswered?.settled.length ?? 0) > 0;
  }

  /** How many settlements wait for a step. */
  get unsettled(): number {
    return this.#finished.length;
  }

  /** Since when the first of them waits. */
  get unsettledSince(): number {
    return this.#finished[0]?.at ?? Infinity;
  }

  /** Since when the first waits of those that do not wait for others. */
  get urgentSince(): number {
    return this.#finished.find(({ isUrgent }) => isUrgent)?.at ?? Infinity;
  }

  /** Whether a handler waits for an extension that no step carries yet. */
  get isAsked(): boolean {
    return this.#leases.isAsked;
  }

  /** When a lease is next to be extended, be it by a step of its own. */
  get extendAt(): number {
    return this.#leases.extendAt;
  }

  /** When a lease is next over, unless it is extended. */
  get nextEndAt(): number {
    return this.#leases.nextEndAt;
  }

  /** Takes the conclusion of a lease, for the next step; one that is lost is not told. */
  settle(lease: Lease, conclusion: Conclusion, isUrgent: boolean): void {
    if (!this.#leases.remove(lease)) {
      conclusion.answered("stale");
      announceSettled(this.#parts, lease.delivery, conclusion, "stale");
      return;
    }
    const at = this.#parts.clock.now();
    this.#finished = [...this.#finished, { lease, conclusion, isUrgent, at }];
  }

  /** Gives back a lease whose task was not started. */
  release(lease: Lease): void {
    this.settle(lease, {
      outcome: "released",
      settlement: handBack(lease.delivery),
      unsaved: false,
      answered() {},
    }, true);
  }

  /** Holds a lease for `ms` from now, by the next step. */
  extend(lease: Lease, ms: number): Promise<void> {
    const extended = this.#leases.extend(lease, ms);
    this.#options.ring();
    return extended;
  }

  /** Gives up the leases that ran out because no step went through. */
  expire(): void {
    this.#leases.expire();
  }

  /** Sends the step that was not answered, else a new one that claims what is left of `room`. Rejects with what the broker threw. */
  async step(claiming: Claiming, trace: DrainTrace): Promise<Stepped> {
    const sent = this.#unanswered ??= this.#compose(claiming);
    const settled = sent.settled.filter(isOfTask);
    const done = trace.startStep({
      count: settled.length,
      creations: settled.map(creationOf),
    });
    let reply: StepReply;
    try {
      reply = await this.#send(sent.request);
    } catch (error) {
      this.#tally.failed(error);
      done(traceOfFailure(error));
      this.refuseExtensions(error);
      throw error;
    }
    this.#unanswered = undefined;
    this.#tally.replied(reply);
    done(traceOf(reply, sent.request));
    return this.#apply(sent, reply);
  }

  /** Fails the extensions that handlers wait for. */
  refuseExtensions(reason: unknown): void {
    this.#leases.refuse(this.#unanswered?.extended ?? [], reason);
  }

  /** Ends the spans of what will never be answered. */
  close(reason: Error): void {
    const sent = this.#unanswered?.settled ?? [];
    for (const { conclusion } of [...sent, ...this.#finished]) {
      conclusion.answered("unknown");
    }
    this.refuseExtensions(reason);
    this.#finished = [];
    this.#unanswered = undefined;
  }

  #send(request: StepRequest): Promise<StepReply> {
    const { broker, name } = this.#parts;
    return this.#options.step?.(request) ?? broker.step(name, request);
  }

  #compose({ room, alone = true, wake }: Claiming): Sent {
    const sentAt = this.#parts.clock.now();
    const settled = fitting(this.#finished);
    this.#finished = without(this.#finished, settled);
    const ids = new Set(settled.map(idOf));
    const extended = this.#leases.take(sentAt, ids);
    const left = this.#finished.length;
    return {
      sentAt,
      settled,
      extended,
      request: {
        consumer: this.consumer,
        seq: ++this.#seq,
        leaseMs: this.#options.leaseMs,
        limit: Math.max(0, room - left),
        maxBytes: this.#options.maxBytes,
        alone: alone && this.#leases.size + left === 0,
        ...(this.#parts.rate ? { rate: this.#parts.rate } : {}),
        ...keeping(this.#parts),
        settle: settled.map(settlementOf),
        extend: extended.map((one) => this.#leases.extensionOf(one)),
        ...(wake ? { wake } : {}),
      },
    };
  }

  #apply(sent: Sent, reply: StepReply): Stepped {
    if (reply.status === "old") this.#beginAnew(sent);
    const stale = new Set(reply.stale);
    for (const { lease, conclusion } of sent.settled) {
      const answer = stale.has(lease.id) ? "stale" : "accepted";
      conclusion.answered(answer);
      this.#tally.settled(conclusion, answer);
      announceSettled(this.#parts, lease.delivery, conclusion, answer);
    }
    this.#leases.apply(sent.extended, sent.sentAt, reply);
    const { leaseMs, limit } = sent.request;
    const terms = { sentAt: sent.sentAt, leaseMs, now: reply.now };
    const leases: Lease[] = [];
    for (const delivery of reply.deliveries) {
      leases.push(new Lease(this.#parts.clock, delivery, terms));
    }
    this.#leases.add(leases);
    announceStep(this.#parts, reply);
    return { reply, leases, limit };
  }

  /** Somebody else speaks under this name: nothing was done, so all of it is said again under another. */
  #beginAnew({ settled, extended }: Sent): never {
    this.#finished = [...settled, ...this.#finished];
    this.#leases.takeBack(extended);
    this.#consumer = undefined;
    this.#seq = 0;
    throw new BrokerError(
      "invalid_reply",
      "The broker has answered a later step of this consumer: it goes on under another name",
    );
  }
}

function traceOf(
  reply: StepReply,
  { limit, settle }: StepRequest,
): StepTrace {
  const deliveries = reply.deliveries.filter(isTask);
  return {
    received: deliveries.length,
    settled: settle.filter(isTask).length,
    reaped: reply.reaped.length,
    commands: reply.commands,
    requests: reply.requests,
    error: undefined,
    now: reply.now,
    deliveries,
    reapedIds: reply.reaped,
    ghosts: reply.ghosts,
    isEmpty: limit > 0 && reply.deliveries.length === 0 &&
      !reply.paused && !reply.suspects,
  };
}

function traceOfFailure(error: unknown): StepTrace {
  const requests = error instanceof BrokerError ? error.attempts : 1;
  return {
    received: 0,
    settled: 0,
    reaped: 0,
    commands: 0,
    requests,
    error,
  };
}

function keeping(
  { limits: { keepResults } }: QueueParts,
): Pick<StepRequest, "keepResults"> {
  return keepResults === undefined ? {} : { keepResults };
}
