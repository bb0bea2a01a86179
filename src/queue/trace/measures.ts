import type { Context } from "@opentelemetry/api";
import type { Counted, Delivery } from "../../broker/broker.ts";
import type { ProcessEnd, SentTask } from "./instrument.ts";

/** What is measured of who enqueues. The context is that of the span that it is about, so that a sample leads to its trace. */
export interface ProducerMeasures {
  /** An enqueue of tasks, or the try of one. */
  enqueued(
    tasks: readonly SentTask[],
    seconds: number,
    errorType: string | undefined,
    context: Context,
  ): void;
  /** A request to the broker. */
  operated(
    operation: "enqueue" | "receive" | "settle",
    seconds: number,
    errorType: string | undefined,
    context: Context,
  ): void;
  /** What a request to the broker cost. */
  spent(operation: string, cost: Counted): void;
}

/** What is measured of a queue. */
export interface Measures extends ProducerMeasures {
  /** Tasks that were handed to this consumer at an instant of the broker's clock, and how long those had waited whose first time it is. */
  consumed(
    deliveries: readonly Delivery[],
    now: number | undefined,
    context: Context,
  ): void;
  /** An attempt, by the handler's time. */
  processed(attempt: MeasuredAttempt, seconds: number, context: Context): void;
  /** An attempt whose settlement was accepted. */
  settled(
    name: string,
    state: ProcessEnd["state"],
    context: Context,
  ): void;
  /** Leases that were found expired. */
  expired(count: number, context: Context): void;
  /** Tasks whose records the database has lost. */
  lost(count: number): void;
  /** How long the first ready task has waited, in seconds. */
  oldest(seconds: number): void;
  /** How many tasks are where. */
  depth(counts: Readonly<Record<string, number>>): void;
}

/** An attempt, as it is counted. */
export interface MeasuredAttempt {
  readonly name: string;
  readonly state: ProcessEnd["state"];
  readonly errorType: string | undefined;
}

/** Measures nothing. */
export const NO_MEASURES: Measures = {
  enqueued() {},
  operated() {},
  consumed() {},
  processed() {},
  settled() {},
  expired() {},
  lost() {},
  oldest() {},
  depth() {},
  spent() {},
};
