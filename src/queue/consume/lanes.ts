import type { Context } from "@opentelemetry/api";
import type { Allowance } from "./allowance.ts";
import type { Lease } from "./lease.ts";
import type { Session } from "./session.ts";
import { type Conclusion, execute, type Execution } from "../execute.ts";
import type { QueueParts } from "../parts.ts";

/** What lanes are made of. */
export interface LanesOptions {
  readonly concurrency: number;
  /** Whether handlers may still be started. */
  readonly isOpen: () => boolean;
  /** The context of the drain of now. */
  readonly ambient: () => Context;
  /** Called when a handler has ended or returned. */
  readonly ring: () => void;
  /** What may be started. @default {everything} */
  readonly allowance?: Allowance | undefined;
  /** Takes back tasks that will not be started. */
  readonly giveBack: (leases: readonly Lease[]) => void;
  /** Starts what fits, where lanes are shared with other queues. */
  readonly fill?: (() => void) | undefined;
}

/** A handler at work. */
interface Run {
  readonly lease: Lease;
  readonly execution: Execution;
  /** Whether its end is still waited for. */
  isOpen: boolean;
}

/** The lanes in which one consumer's handlers run, and the tasks that wait for one. A lane is free when its handler has returned, whatever became of the attempt before. */
export class Lanes {
  readonly #parts: QueueParts;
  readonly #session: Session;
  readonly #options: LanesOptions;
  readonly #runs = new Set<Run>();
  #waiting: readonly Lease[] = [];

  constructor(parts: QueueParts, session: Session, options: LanesOptions) {
    this.#parts = parts;
    this.#session = session;
    this.#options = options;
  }

  /** How many tasks wait for a lane. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** How many attempts have not ended. */
  get running(): number {
    return this.#open().length;
  }

  /** How many lanes are not free. */
  get taken(): number {
    return this.#runs.size;
  }

  /** How many lanes are held by handlers whose attempts have ended. */
  get clogged(): number {
    return this.#runs.size - this.running;
  }

  /** Whether a task that has to be alone waits or runs. */
  get hasSuspect(): boolean {
    return this.#waiting.some(isSuspect) ||
      this.#open().some(({ lease }) => isSuspect(lease));
  }

  /** Takes more tasks, and starts what fits. */
  add(leases: readonly Lease[]): void {
    this.#waiting = [...this.#waiting, ...leases];
    this.fill();
  }

  /** Starts what fits. */
  fill(): void {
    const { concurrency, fill } = this.#options;
    this.#waiting = this.#waiting.filter((lease) => !lease.isLost);
    this.#turnAway();
    if (fill !== undefined) return fill();
    while (this.#runs.size < concurrency && this.canStart) this.start();
  }

  /** Whether a task waits and may be started. */
  get canStart(): boolean {
    const [first] = this.#waiting;
    if (first === undefined || !this.#options.isOpen()) return false;
    return this.#admission(first) === "now";
  }

  /** Starts the first that waits. A task whose lease is over is not started. */
  start(): void {
    const [lease, ...rest] = this.#waiting;
    if (lease === undefined) return;
    this.#waiting = rest;
    if (lease.isOver) this.#session.expire();
    else this.#start(lease);
    this.#turnAway();
  }

  /** Gives back those that wait first and would not end in time. */
  #turnAway(): void {
    const next = this.#waiting.findIndex((lease) =>
      this.#admission(lease) !== "never"
    );
    if (next === 0 || this.#waiting.length === 0) return;
    const stay = next < 0 ? this.#waiting.length : next;
    this.#options.giveBack(this.#waiting.slice(0, stay));
    this.#waiting = this.#waiting.slice(stay);
  }

  #admission({ delivery: { name } }: Lease): ReturnType<Allowance["admits"]> {
    return this.#options.allowance?.admits(name, this.#runs.size) ?? "now";
  }

  /** Gives back what waits. */
  empty(): readonly Lease[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /** Aborts the signal of every attempt that has not ended. */
  abort(reason: Error): void {
    for (const { execution } of this.#open()) execution.abort(reason);
  }

  /** Waits for nobody any more, and says how many were left running with their leases. */
  abandon(reason: Error): number {
    const left = this.#open().length;
    for (const run of this.#runs) {
      if (!run.isOpen) continue;
      run.isOpen = false;
      run.execution.abandon(reason);
    }
    return left;
  }

  #open(): readonly Run[] {
    return [...this.#runs].filter((run) => run.isOpen && !run.lease.isLost);
  }

  #start(lease: Lease): void {
    const execution = execute(this.#parts, lease.delivery, {
      now: lease.brokerNow,
      ambient: this.#options.ambient(),
      worker: this.#session.consumer,
      extend: (ms) => this.#session.extend(lease, ms),
      progress: (json) => lease.tell(json),
    });
    this.#options.allowance?.started();
    const run: Run = { lease, execution, isOpen: true };
    this.#runs.add(run);
    lease.onInterrupt((reason) => execution.abort(reason));
    execution.concluded
      .then((conclusion) => this.#conclude(run, conclusion))
      .then(() => execution.returned)
      .then(() => this.#free(run));
  }

  #conclude(run: Run, conclusion: Conclusion): void {
    if (!run.isOpen) return;
    run.isOpen = false;
    const { durationMs } = conclusion;
    if (durationMs !== undefined) {
      this.#options.allowance?.ended(run.lease.delivery.name, durationMs);
    }
    const isUrgent = conclusion.settlement.enqueue.length > 0;
    this.#session.settle(run.lease, conclusion, isUrgent);
    this.#options.ring();
  }

  #free(run: Run): void {
    this.#runs.delete(run);
    // or what remembers the lease keeps all that ran under it
    run.lease.onInterrupt(undefined);
    this.fill();
    this.#options.ring();
  }
}

function isSuspect({ delivery }: Lease): boolean {
  return delivery.suspect;
}
