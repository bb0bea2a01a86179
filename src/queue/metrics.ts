import type {
  Attributes,
  Context,
  Counter,
  Gauge,
  Histogram,
  Meter,
} from "@opentelemetry/api";
import type { Delivery } from "../broker/broker.ts";
import { safely } from "../core/safely.ts";
import {
  type Labels,
  METRIC,
  metricAttributes,
  type Operation,
  OTHER,
  type TaskFacts,
} from "./conventions.ts";
import type { Measures } from "./measures.ts";
import type { Providers } from "./providers.ts";
import { secondsBetween } from "./stopwatch.ts";

/** The buckets that the messaging conventions advise for durations in seconds. */
export const DURATION_BUCKETS: readonly number[] = [
  0.005,
  0.01,
  0.025,
  0.05,
  0.075,
  0.1,
  0.25,
  0.5,
  0.75,
  1,
  2.5,
  5,
  7.5,
  10,
];

/** The buckets of waits, which may last hours. */
const WAIT_BUCKETS: readonly number[] = [
  0.01,
  0.05,
  0.1,
  0.5,
  1,
  2.5,
  5,
  10,
  30,
  60,
  300,
  900,
  3600,
  21_600,
];

/** Whose metrics they are. */
export interface MeasuredQueue {
  readonly queueName: string;
  /** Whether a handler holds a task name, so that metrics may. */
  knows(name: string): boolean;
}

/** A task's name as metrics may hold it: one that nobody defined is as good as text from outside. */
export function labelOf(
  { knows }: MeasuredQueue,
  { name = "", defined = knows(name) }: TaskFacts,
): string {
  return defined ? name : OTHER;
}

/** The instruments of the current meter. They have no proxy in the API: they are made anew when another provider is registered. */
export class Instruments<Made> {
  readonly #providers: Providers;
  readonly #make: (meter: Meter) => Made;
  #made: { readonly of: Meter; readonly instruments: Made } | undefined;

  constructor(providers: Providers, make: (meter: Meter) => Made) {
    this.#providers = providers;
    this.#make = make;
  }

  /** Measures with them; their failures are nobody's. */
  use(measure: (instruments: Made) => void): void {
    safely(() => {
      const of = this.#providers.meter();
      if (this.#made?.of !== of) {
        this.#made = { of, instruments: this.#make(of) };
      }
      measure(this.#made.instruments);
    }, undefined);
  }
}

/** The metrics of one queue. Labels are bounded: the queue, a task name that a definition holds, an outcome. */
export function createMetrics(
  providers: Providers,
  queue: MeasuredQueue,
): Measures {
  const instruments = new Instruments(providers, createInstruments);
  const attributesOf = (labels: Labels): Attributes =>
    metricAttributes(queue, labels);

  const succeeded = perName((taskName) =>
    attributesOf({ operation: "process", taskName, state: "success" })
  );

  function operated(
    operation: Operation,
    seconds: number,
    errorType: string | undefined,
    context: Context,
  ): void {
    const labels = { operation, type: operation, errorType };
    instruments.use(({ operationDuration }) =>
      operationDuration.record(seconds, attributesOf(labels), context)
    );
  }
  function add(
    name: CounterName,
    value: number,
    labels: Labels,
    context?: Context,
  ): void {
    if (value === 0) return;
    instruments.use((made) =>
      made[name].add(value, attributesOf(labels), context)
    );
  }

  function set(
    name: "depth" | "oldestAge",
    value: number,
    labels: Labels,
  ): void {
    instruments.use((made) => made[name]?.record(value, attributesOf(labels)));
  }

  return {
    enqueued(tasks, seconds, errorType, context) {
      const operation = "enqueue";
      operated(operation, seconds, errorType, context);
      const counts = Map.groupBy(tasks, (task) => labelOf(queue, task));
      for (const [taskName, { length }] of counts) {
        const labels = { operation, taskName, errorType };
        add("sentMessages", length, labels, context);
      }
    },
    operated,
    consumed(deliveries, now, context) {
      let oldest = -1;
      const byName = Map.groupBy(deliveries, (task) => labelOf(queue, task));
      for (const [taskName, tasks] of byName) {
        const labels = { operation: "receive", taskName };
        add("consumedMessages", tasks.length, labels, context);
        const waits = now === undefined ? [] : waitsOf(tasks, now);
        const attributes = attributesOf({ taskName });
        instruments.use(({ wait }) => {
          for (const waited of waits) wait.record(waited, attributes, context);
        });
        oldest = Math.max(oldest, ...waits);
      }
      if (oldest >= 0) set("oldestAge", oldest, {});
    },
    processed({ name, state, errorType }, seconds, context) {
      const taskName = labelOf(queue, { name });
      const attributes = state === "success"
        ? succeeded(taskName)
        : attributesOf({ operation: "process", taskName, state, errorType });
      instruments.use(({ processDuration }) =>
        processDuration.record(seconds, attributes, context)
      );
    },
    settled(name, state, context) {
      const labels = { taskName: labelOf(queue, { name }) };
      if (state === "retry") add("retries", 1, labels, context);
      if (state === "dead") add("dead", 1, labels, context);
    },
    expired: (count, context) => add("leaseExpired", count, {}, context),
    lost: (count) => add("lost", count, {}),
    oldest: (seconds) => set("oldestAge", seconds, {}),
    depth(counts) {
      for (const [state, count] of Object.entries(counts)) {
        set("depth", count, { state });
      }
    },
    spent(operation, { requests, commands }) {
      add("brokerRequests", requests, { operation });
      add("brokerCommands", commands, { operation });
    },
  };
}

/** Attributes that are made once for each task name; those that no handler has are one. */
function perName(
  make: (taskName: string) => Attributes,
): (taskName: string) => Attributes {
  const made = new Map<string, Attributes>();
  return (taskName) => {
    let attributes = made.get(taskName);
    if (attributes === undefined) {
      made.set(taskName, attributes = make(taskName));
    }
    return attributes;
  };
}

/** How many seconds those waited whose first time it is. */
function waitsOf(
  deliveries: readonly Delivery[],
  now: number,
): readonly number[] {
  return deliveries.filter(({ attempt }) => attempt === 1)
    .map(({ enqueuedAt, dueAt = 0 }) =>
      secondsBetween(Math.max(enqueuedAt, dueAt), now)
    );
}

type CounterName = {
  [Name in keyof QueueInstruments]: QueueInstruments[Name] extends Counter
    ? Name
    : never;
}[keyof QueueInstruments];

/** The instruments of one meter; a meter older than gauges has none. */
interface QueueInstruments {
  readonly operationDuration: Histogram;
  readonly processDuration: Histogram;
  readonly sentMessages: Counter;
  readonly consumedMessages: Counter;
  readonly wait: Histogram;
  readonly retries: Counter;
  readonly dead: Counter;
  readonly lost: Counter;
  readonly leaseExpired: Counter;
  readonly brokerRequests: Counter;
  readonly brokerCommands: Counter;
  readonly depth: Gauge | undefined;
  readonly oldestAge: Gauge | undefined;
}

function createInstruments(meter: Meter): QueueInstruments {
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
  const gauge = (name: string, description: string, unit: string) =>
    safely(() => meter.createGauge(name, { description, unit }), undefined);
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
    lost: count(
      METRIC.lost,
      "Tasks whose records the database has lost",
      "{task}",
    ),
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
    depth: gauge(
      METRIC.depth,
      "Tasks in each state, as stats() told it",
      "{task}",
    ),
    oldestAge: gauge(
      METRIC.oldestAge,
      "How long the first ready task has waited",
      "s",
    ),
  };
}
