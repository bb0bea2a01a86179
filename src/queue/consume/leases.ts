import type { Extension, StepReply } from "../../broker/broker.ts";
import { LeaseLostError, TaskCancelledError } from "../../core/error.ts";
import type { Lease } from "./lease.ts";

/** The longest wait between two heartbeats, which is how late a cancel is heard. */
const HEARTBEAT_MS = 15_000;

/** A lease that a step extends, and who waits for it. */
export interface Extended {
  readonly lease: Lease;
  readonly leaseMs: number;
  readonly asked: readonly Asked[];
  /** What its handler has to tell, as JSON. */
  readonly progress: string | undefined;
}

/** A handler's own extension. */
interface Asked {
  readonly lease: Lease;
  readonly ms: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** The leases that one consumer holds of tasks that wait or run: when they end, when they are extended, who hears of it. */
export class Leases {
  readonly #held = new Set<Lease>();
  readonly #leaseMs: number;
  readonly #onLoss: (lease: Lease) => void;
  #asked: readonly Asked[] = [];

  /** `onLoss` is called for each that is lost. */
  constructor(leaseMs: number, onLoss: (lease: Lease) => void) {
    this.#leaseMs = leaseMs;
    this.#onLoss = onLoss;
  }

  /** How many there are. */
  get size(): number {
    return this.#held.size;
  }

  /** Whether a handler waits for an extension that no step carries yet. */
  get isAsked(): boolean {
    return this.#asked.length > 0;
  }

  /** When one is next to be extended, be it by a step of its own. */
  get extendAt(): number {
    let first = Infinity;
    for (const { renewedAt } of this.#held) first = Math.min(first, renewedAt);
    return first + this.#heartbeatMs;
  }

  /** When one is next over, unless it is extended. */
  get nextEndAt(): number {
    let first = Infinity;
    for (const { endsAt } of this.#held) first = Math.min(first, endsAt);
    return first;
  }

  /** Holds them. */
  add(leases: readonly Lease[]): void {
    for (const lease of leases) this.#held.add(lease);
  }

  /** Holds it no more, and says whether it was held: a lost one is not. */
  remove(lease: Lease): boolean {
    return this.#held.delete(lease);
  }

  /** Asks for `ms` more from now; settles when a step was answered. */
  extend(lease: Lease, ms: number): Promise<void> {
    if (!this.#held.has(lease)) return Promise.reject(lostError());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#asked = [...this.#asked, { lease, ms, resolve, reject }];
    return promise;
  }

  /** Gives up those that ran out because no step went through. */
  expire(): void {
    for (const lease of this.#held) if (lease.isOver) this.#lose(lease);
  }

  /** What the next step extends: what handlers asked for or have progress to tell of, and what will soon need it anyway. A task of an id in `except` waits for another step. */
  take(now: number, except: ReadonlySet<string>): readonly Extended[] {
    const extended: Extended[] = [];
    const left: Asked[] = [];
    const asked = Map.groupBy(this.#asked, ({ lease }) => lease);
    for (const [lease, wishes] of asked) {
      if (!this.#held.has(lease)) refuseAll(wishes, lostError());
      else if (except.has(lease.id)) left.push(...wishes);
    }
    this.#asked = left;
    for (const lease of this.#held) {
      if (except.has(lease.id)) continue;
      const wishes = asked.get(lease) ?? [];
      const isSoon = now - lease.renewedAt >= this.#heartbeatMs / 2;
      const { progress } = lease;
      if (!isSoon && wishes.length === 0 && progress === undefined) continue;
      // a longer lease is not made shorter
      const longest = Math.max(
        this.#leaseMs,
        lease.endsAt - now,
        ...wishes.map(({ ms }) => ms),
      );
      const leaseMs = Math.ceil(longest);
      extended.push({ lease, asked: wishes, leaseMs, progress });
    }
    return extended;
  }

  /** As the broker takes it. */
  extensionOf({ lease, leaseMs, progress }: Extended): Extension {
    return {
      id: lease.id,
      token: lease.delivery.token,
      leaseMs: leaseMs === this.#leaseMs ? undefined : leaseMs,
      ...(progress === undefined ? {} : { progress }),
    };
  }

  /** A step that was first sent at `sentAt` is answered. */
  apply(
    extended: readonly Extended[],
    sentAt: number,
    reply: StepReply,
  ): void {
    const lost = new Set(reply.lost);
    const cancelled = new Set(reply.cancelled);
    for (const { lease, leaseMs, asked, progress } of extended) {
      if (lost.has(lease.id)) this.#lose(lease);
      if (lease.isLost) {
        refuseAll(asked, lostError());
        continue;
      }
      lease.renew(sentAt, leaseMs);
      lease.told(progress);
      for (const { resolve } of asked) resolve();
      if (cancelled.has(lease.id)) {
        lease.cancel(new TaskCancelledError("The task was cancelled"));
      }
    }
  }

  /** A step that was to extend them did nothing: another one is. */
  takeBack(extended: readonly Extended[]): void {
    this.#asked = [...extended.flatMap(({ asked }) => asked), ...this.#asked];
  }

  /** Fails the extensions that handlers wait for, be they in a step or not yet. */
  refuse(inStep: readonly Extended[], reason: unknown): void {
    this.takeBack(inStep);
    refuseAll(this.#asked, reason);
    this.#asked = [];
  }

  get #heartbeatMs(): number {
    return Math.min(this.#leaseMs * 0.4, HEARTBEAT_MS);
  }

  #lose(lease: Lease): void {
    if (!this.#held.delete(lease)) return;
    this.#onLoss(lease);
    lease.lose(lostError());
  }
}

function refuseAll(asked: readonly Asked[], reason: unknown): void {
  for (const { reject } of asked) reject(reason);
}

function lostError(): LeaseLostError {
  return new LeaseLostError(
    "The lease is lost: another consumer has the task, or may have it",
  );
}
