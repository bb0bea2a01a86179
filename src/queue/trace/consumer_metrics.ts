import type {
  Attributes,
  Context,
  Counter,
  Gauge,
  Histogram,
  Meter,
} from "@opentelemetry/api";
import type { Delivery } from "../../broker/broker.ts";
import { safely } from "../../core/safely.ts";
import { METRIC } from "./consumer_conventions.ts";
import { type Labels, metricAttributes } from "./conventions.ts";
import type { Measures, ProducerMeasures } from "./measures.ts";
import {
  DURATION_BUCKETS,
  histogram,
  Instruments,
  labelOf,
  type MeasuredQueue,
} from "./metrics.ts";
import type { Providers } from "./providers.ts";
import { secondsBetween } from "./stopwatch.ts";

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

/** What is measured of a consumer beside what `produced` measures. */
export function createConsumerMetrics(
  providers: Providers,
  queue: MeasuredQueue,
  produced: ProducerMeasures,
): Measures {
  const instruments = new Instruments(providers, createInstruments);
  const attributesOf = (labels: Labels): Attributes =>
    metricAttributes(queue, labels);

  const succeeded = perName((taskName) =>
    attributesOf({ operation: "process", taskName, state: "success" })
  );
  const waiting = perName((taskName) => attributesOf({ taskName }));

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
    ...produced,
    consumed(deliveries, now, context) {
      let oldest = -1;
      const byName = Map.groupBy(deliveries, (task) => labelOf(queue, task));
      for (const [taskName, tasks] of byName) {
        const labels = { operation: "receive", taskName };
        add("consumedMessages", tasks.length, labels, context);
        const waits = now === undefined ? [] : waitsOf(tasks, now);
        const attributes = waiting(taskName);
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
      // what is frozen is known at sight
      made.set(taskName, attributes = Object.freeze(make(taskName)));
    }
    return attributes;
  };
}

/** How many seconds those waited whose first time it is. */
function waitsOf(
  deliveries: readonly Delivery[],
  now: number,
): readonly number[] {
  const waits: number[] = [];
  for (const { attempt, enqueuedAt, dueAt = 0 } of deliveries) {
    if (attempt !== 1) continue;
    waits.push(secondsBetween(Math.max(enqueuedAt, dueAt), now));
  }
  return waits;
}

type CounterName = {
  [Name in keyof ConsumerInstruments]: ConsumerInstruments[Name] extends Counter
    ? Name
    : never;
}[keyof ConsumerInstruments];

/** The instruments of one meter; a meter older than gauges has none. */
interface ConsumerInstruments {
  readonly processDuration: Histogram;
  readonly consumedMessages: Counter;
  readonly wait: Histogram;
  readonly retries: Counter;
  readonly dead: Counter;
  readonly lost: Counter;
  readonly leaseExpired: Counter;
  readonly depth: Gauge | undefined;
  readonly oldestAge: Gauge | undefined;
}

function createInstruments(meter: Meter): ConsumerInstruments {
  const count = (name: string, description: string, unit: string) =>
    meter.createCounter(name, { description, unit });
  const gauge = (name: string, description: string, unit: string) =>
    safely(() => meter.createGauge(name, { description, unit }), undefined);
  return {
    processDuration: histogram(
      meter,
      METRIC.processDuration,
      "Duration of an attempt",
      DURATION_BUCKETS,
    ),
    consumedMessages: count(
      METRIC.consumedMessages,
      "Tasks received",
      "{message}",
    ),
    wait: histogram(
      meter,
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
