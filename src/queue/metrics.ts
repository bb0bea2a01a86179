import type { Counter, Histogram, Meter } from "@opentelemetry/api";
import type { Counted, Delivery } from "../broker/broker.ts";
import {
  DURATION_BUCKETS,
  type Labels,
  METRIC,
  metricAttributes,
  OTHER,
  WAIT_BUCKETS,
} from "./conventions.ts";
import type { InstrumentOptions } from "./instrument.ts";
import { type Providers, safely } from "./providers.ts";
import { secondsBetween } from "./stopwatch.ts";

/** The instruments of one meter. */
interface Instruments {
  readonly operationDuration: Histogram;
  readonly processDuration: Histogram;
  readonly sentMessages: Counter;
  readonly consumedMessages: Counter;
  readonly wait: Histogram;
  readonly retries: Counter;
  readonly dead: Counter;
  readonly leaseExpired: Counter;
  readonly brokerRequests: Counter;
  readonly brokerCommands: Counter;
}

/** The metrics of one queue. Labels are bounded: the queue, a task name that a definition holds, an outcome. */
export class Metrics {
  readonly #providers: Providers;
  readonly #queue: InstrumentOptions;
  #made: { readonly of: Meter; readonly instruments: Instruments } | undefined;

  constructor(providers: Providers, queue: InstrumentOptions) {
    this.#providers = providers;
    this.#queue = queue;
  }

  /** The name as metrics may say it. */
  labelOf(
    name: string,
    defined: boolean = this.#queue.knows(name),
  ): string {
    return defined ? name : OTHER;
  }

  /** One request of a producer or a consumer, in seconds. */
  operated(
    operation: "enqueue" | "receive" | "settle",
    seconds: number,
    errorType: string | undefined,
  ): void {
    this.#record("operationDuration", seconds, {
      operation,
      type: operation,
      errorType,
    });
  }

  /** Tasks of one name that were sent, or were tried to. */
  sent(
    count: number,
    taskName: string,
    errorType: string | undefined,
  ): void {
    const operation = "enqueue";
    this.#add("sentMessages", count, { operation, taskName, errorType });
  }

  /** A task that was handed to this consumer, and how long it had waited where it is its first time. */
  consumed(delivery: Delivery, now: number | undefined): void {
    const taskName = this.labelOf(delivery.name);
    this.#add("consumedMessages", 1, { operation: "receive", taskName });
    if (now === undefined || delivery.attempt !== 1) return;
    const since = Math.max(delivery.enqueuedAt, delivery.dueAt ?? 0);
    this.#record("wait", secondsBetween(since, now), { taskName });
  }

  /** An attempt, by the handler's time in seconds. */
  processed(
    seconds: number,
    taskName: string,
    state: string,
    errorType: string | undefined,
  ): void {
    this.#record("processDuration", seconds, {
      operation: "process",
      taskName,
      state,
      errorType,
    });
  }

  /** An attempt whose settlement was accepted. */
  settled(taskName: string, state: string): void {
    if (state === "retry") this.#add("retries", 1, { taskName });
    if (state === "dead") this.#add("dead", 1, { taskName });
  }

  /** Leases that were found expired. */
  expired(count: number): void {
    this.#add("leaseExpired", count, {});
  }

  /** What a request to the broker cost. */
  spent(operation: string, { requests, commands }: Counted): void {
    this.#add("brokerRequests", requests, { operation });
    this.#add("brokerCommands", commands, { operation });
  }

  #record(
    name: "operationDuration" | "processDuration" | "wait",
    value: number,
    labels: Labels,
  ): void {
    safely(() => {
      const attributes = metricAttributes(this.#queue, labels);
      this.#instruments()[name].record(value, attributes);
    }, undefined);
  }

  #add(
    name: Exclude<
      keyof Instruments,
      "operationDuration" | "processDuration" | "wait"
    >,
    value: number,
    labels: Labels,
  ): void {
    if (value === 0) return;
    safely(() => {
      const attributes = metricAttributes(this.#queue, labels);
      this.#instruments()[name].add(value, attributes);
    }, undefined);
  }

  /** Instruments have no proxy in the API: they are made anew when another provider is registered. */
  #instruments(): Instruments {
    const meter = this.#providers.meter();
    if (this.#made?.of !== meter) {
      this.#made = { of: meter, instruments: createInstruments(meter) };
    }
    return this.#made.instruments;
  }
}

function createInstruments(meter: Meter): Instruments {
  const seconds = (
    name: string,
    description: string,
    buckets: readonly number[],
  ) =>
    meter.createHistogram(name, {
      description,
      unit: "s",
      advice: { explicitBucketBoundaries: [...buckets] },
    });
  const count = (name: string, description: string, unit: string) =>
    meter.createCounter(name, { description, unit });
  return {
    operationDuration: seconds(
      METRIC.operationDuration,
      "Duration of a request to the broker",
      DURATION_BUCKETS,
    ),
    processDuration: seconds(
      METRIC.processDuration,
      "Duration of an attempt",
      DURATION_BUCKETS,
    ),
    sentMessages: count(METRIC.sentMessages, "Tasks sent", "{message}"),
    consumedMessages: count(
      METRIC.consumedMessages,
      "Tasks received",
      "{message}",
    ),
    wait: seconds(
      METRIC.wait,
      "From when a task was due until it was first claimed, by the broker's clock",
      WAIT_BUCKETS,
    ),
    retries: count(
      METRIC.retries,
      "Attempts that failed and come again",
      "{attempt}",
    ),
    dead: count(METRIC.dead, "Tasks that ended dead", "{task}"),
    leaseExpired: count(
      METRIC.leaseExpired,
      "Leases that ended unsettled: their consumers died or were too slow",
      "{lease}",
    ),
    brokerRequests: count(
      METRIC.brokerRequests,
      "Requests to the broker, repeats included",
      "{request}",
    ),
    brokerCommands: count(
      METRIC.brokerCommands,
      "Commands that the database ran",
      "{command}",
    ),
  };
}
