import type {
  Attributes,
  Context,
  Counter,
  Histogram,
  Meter,
} from "@opentelemetry/api";
import { safely } from "../../core/safely.ts";
import {
  type Labels,
  METRIC,
  metricAttributes,
  type Operation,
  OTHER,
  type TaskFacts,
} from "./conventions.ts";
import type { ProducerMeasures } from "./measures.ts";
import type { Providers } from "./providers.ts";

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

/** What is measured of who enqueues. Labels are bounded: the queue, a task name that a definition holds, an outcome. */
export function createMetrics(
  providers: Providers,
  queue: MeasuredQueue,
): ProducerMeasures {
  const instruments = new Instruments(providers, createInstruments);
  const attributesOf = (labels: Labels): Attributes =>
    metricAttributes(queue, labels);

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

  return {
    operated,
    enqueued(tasks, seconds, errorType, context) {
      const operation = "enqueue";
      operated(operation, seconds, errorType, context);
      const counts = Map.groupBy(tasks, (task) => labelOf(queue, task));
      for (const [taskName, { length }] of counts) {
        const labels = { operation, taskName, errorType };
        instruments.use(({ sentMessages }) =>
          sentMessages.add(length, attributesOf(labels), context)
        );
      }
    },
    spent(operation, { requests, commands }) {
      const labels = { operation };
      instruments.use((made) => {
        if (requests > 0) made.requests.add(requests, attributesOf(labels));
        if (commands > 0) made.commands.add(commands, attributesOf(labels));
      });
    },
  };
}

/** A histogram of seconds. */
export function histogram(
  meter: Meter,
  name: string,
  description: string,
  buckets: readonly number[],
): Histogram {
  return meter.createHistogram(name, {
    description,
    unit: "s",
    advice: { explicitBucketBoundaries: [...buckets] },
  });
}

interface ProducerInstruments {
  readonly operationDuration: Histogram;
  readonly sentMessages: Counter;
  readonly requests: Counter;
  readonly commands: Counter;
}

function createInstruments(meter: Meter): ProducerInstruments {
  const count = (name: string, description: string, unit: string) =>
    meter.createCounter(name, { description, unit });
  return {
    operationDuration: histogram(
      meter,
      METRIC.operationDuration,
      "Duration of a request to the broker",
      DURATION_BUCKETS,
    ),
    sentMessages: count(METRIC.sentMessages, "Tasks sent", "{message}"),
    requests: count(
      METRIC.brokerRequests,
      "Requests to the broker, repeats included",
      "{request}",
    ),
    commands: count(
      METRIC.brokerCommands,
      "Commands that the database ran",
      "{command}",
    ),
  };
}
