import { atMost } from "../core/clock.ts";
import type { QueueEvent } from "./events.ts";
import type { QueueParts } from "./parts.ts";

/** How long a consumer that ends waits for its last reports. */
const REPORT_MS = 6_000;

/** What an error is about. */
export type ErrorAbout =
  | AttemptError
  | UnknownError
  | ListenerError
  | ConsumerError
  | WakeError;

/** An attempt failed, or a task was found unfit to run. */
export interface AttemptError {
  /** What failed. */
  readonly kind: "attempt";
  /** The queue's name. */
  readonly queue: string;
  /** The task's id. */
  readonly id: string;
  /** The task's name; empty where its record cannot be read. */
  readonly name: string;
  /** Which attempt failed, from 1. */
  readonly attempt: number;
  /** Whether it was the last one, so that the task is dead. */
  readonly isLast: boolean;
  /** How long the handler took, in milliseconds; 0 where it was not run. */
  readonly durationMs: number;
}

/** A task was put back because this consumer does not know its name, its envelope's version or its seal's key: is a handler missing, or an older version still running? Of each name only the first is told in one drain or by one worker. */
export interface UnknownError {
  /** What failed. */
  readonly kind: "unknown";
  /** The queue's name. */
  readonly queue: string;
  /** The task's id. */
  readonly id: string;
  /** The task's name. */
  readonly name: string;
}

/** A listener of an event threw or rejected. */
export interface ListenerError {
  /** What failed. */
  readonly kind: "listener";
  /** The queue's name. */
  readonly queue: string;
  /** The event that it listens to. */
  readonly event: QueueEvent;
}

/** A worker could not step: the broker is out of reach or refuses. */
export interface ConsumerError {
  /** What failed. */
  readonly kind: "consumer";
  /** The queue's name. */
  readonly queue: string;
}

/** Nobody could be woken: the task is left to the next ring, or to cron. */
export interface WakeError {
  /** What failed. */
  readonly kind: "wake";
  /** The queue's name. */
  readonly queue: string;
}

/** Hears of errors: for Sentry and its like. The error is as `redact` makes of it; what the reporter throws or rejects with is dropped. */
export type ErrorReporter = (error: unknown, about: ErrorAbout) => unknown;

/** Tells the reporter of an error as it may be told; resolves when it has heard, and never rejects. */
export type Report = (error: unknown, about: ErrorAbout) => Promise<void>;

/** The reporter of a queue, made safe; none where there is none. */
export function createReport(
  onError: ErrorReporter | undefined,
): Report | undefined {
  if (onError === undefined) return undefined;
  return async (error, about) => {
    try {
      await onError(error, about);
    } catch { /* there is nobody else to tell */ }
  };
}

/** The parts for one consumer, which tells of each unknown name once, and waits at its end for the reports that its own work gave rise to: no promise of a report outlives it in the queue. */
export function reporting(
  parts: QueueParts,
): { readonly parts: QueueParts; reported(): Promise<void> } {
  const { report, clock } = parts;
  const underWay = new Set<Promise<void>>();
  const unknown = new Set<string>();
  if (report === undefined) return { parts, reported: async () => {} };
  return {
    parts: {
      ...parts,
      report(error, about) {
        if (about.kind === "unknown") {
          if (unknown.has(about.name)) return Promise.resolve();
          unknown.add(about.name);
        }
        const told = report(error, about);
        underWay.add(told);
        told.then(() => underWay.delete(told));
        return told;
      },
    },
    async reported() {
      if (underWay.size === 0) return;
      await atMost(clock, REPORT_MS, Promise.all(underWay));
    },
  };
}
