import type { Attributes, Histogram, Meter } from "@opentelemetry/api";
import type { Scope, TaskFacts } from "./conventions.ts";
import type { ConsumerDialect, Dialect, FailureText } from "./dialect.ts";
import { causeOf, type ErrorLink, linksOf } from "./exception.ts";
import type { InstrumentOptions } from "./instrument.ts";
import { type Measures, NO_MEASURES } from "./measures.ts";
import { Instruments, labelOf } from "./metrics.ts";
import type { Providers } from "./providers.ts";

/** Whose words these are: `opentelemetry-instrumentation-django-q2-full-of-juice`. */
const SCOPE: Scope = {
  name: "opentelemetry_instrumentation_django_q2.instrumentor",
  version: "0.2.0",
  schemaUrl: "https://opentelemetry.io/schemas/1.34.0",
};

/**
 * The conventions of django-q2's instrumentor: its spans, its attributes, its two histograms, and nothing beside.
 *
 * A batch is a span and a sample for each task. Of a task that fails inline nothing is told on its own span, as there:
 * the span of its enqueue, which lasts as long as the run, tells it. One thing is not as there: such a run's duration
 * has the status `error`, not `success`.
 */
export function djangoQ2Dialect(queue: InstrumentOptions): Dialect {
  let made: Measures | undefined;
  const measures = (providers: Providers) =>
    made ??= createMeasures(providers, queue);
  return {
    scope: SCOPE,
    isBare: true,
    bracketsInline: true,
    isPerTask: true,
    span: (operation, task) => {
      const isRun = operation === "process";
      return {
        name: `${isRun ? "run" : "async_task"}/${task.name}`,
        attributes: attributesOf(isRun ? "process" : "publish", queue, task),
      };
    },
    operationFailed: (error) => publishFailed(error),
    measures,
    load: () => Promise.resolve({ ...CONSUMER, measuresAll: measures }),
  };
}

const CONSUMER: Omit<ConsumerDialect, "measuresAll"> = {
  ended: (state, sync): Attributes =>
    sync && state !== "success" ? {} : { "django_q2.state": outcome(state) },
  processFailed: ({ error, sync }) => sync ? undefined : runFailed(error),
};

/** Every attribute of either span; what is not so is absent. */
function attributesOf(
  operation: "publish" | "process",
  { queueName, brokerType }: InstrumentOptions,
  task: TaskFacts,
): Attributes {
  const { chainLength, timeoutMs = 0 } = task;
  // the group of a schedule's tasks is its name there
  const group = task.group ?? task.schedule;
  const given = {
    "messaging.message.id": task.id,
    "messaging.message.conversation_id": group,
    "messaging.client.id": task.worker,
    "django_q2.task.name": task.label,
    "django_q2.group": group,
    "django_q2.worker": task.worker,
    "django_q2.cached": task.cached,
    "django_q2.sync": task.sync,
    "django_q2.ack_failure": task.ackFailure,
    "django_q2.hook": task.hook,
    "django_q2.iter_count": task.iterCount,
    "django_q2.timeout": Math.ceil(timeoutMs / 1_000),
    "django_q2.attempt": task.attempt,
  };
  return {
    "messaging.system": "django_q2",
    "messaging.operation.type": operation,
    "messaging.destination.name": queueName,
    "django_q2.func": task.name ?? "",
    "django_q2.broker.type": brokerType,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value)),
    // none are left after the last link, which is not the same as no chain
    ...(chainLength === undefined
      ? {}
      : { "django_q2.chain_length": chainLength }),
  };
}

function outcome(state: string): "success" | "error" {
  return state === "success" || state === "released" ? "success" : "error";
}

/** As Python's `use_span` tells what passes through it. */
function publishFailed(error: unknown): FailureText {
  const [link] = linksOf(error, () => []);
  return {
    attributes: {},
    message: `${link!.type}: ${link!.message}`,
    events: [eventOf(link!)],
  };
}

function runFailed(error: unknown): FailureText {
  const links = error === undefined ? [] : linksOf(error, causeOf);
  return {
    attributes: {},
    message: links[0]?.message ?? "",
    events: links.map(eventOf),
  };
}

/** As Python's `record_exception` writes it. */
function eventOf({ type, message, stack = "" }: ErrorLink): Attributes {
  return {
    "exception.type": type,
    "exception.message": message,
    "exception.stacktrace": stack,
    "exception.escaped": "False",
  };
}

/** The two histograms. No buckets are advised, as there, so that both fleets share a scale. */
function createMeasures(
  providers: Providers,
  queue: InstrumentOptions,
): Measures {
  const instruments = new Instruments(providers, createHistograms);
  const labelsOf = (
    task: TaskFacts,
    status: "success" | "error",
  ) => ({
    "messaging.destination.name": queue.queueName,
    "django_q2.func": labelOf(queue, task),
    status,
  });
  return {
    ...NO_MEASURES,
    enqueued(tasks, seconds, errorType, context) {
      const status = errorType === undefined ? "success" : "error";
      for (const task of tasks) {
        instruments.use(({ publish }) =>
          publish.record(seconds, labelsOf(task, status), context)
        );
      }
    },
    processed({ name, state }, seconds, context) {
      const labels = labelsOf({ name }, outcome(state));
      instruments.use(({ run }) => run.record(seconds, labels, context));
    },
  };
}

function createHistograms(
  meter: Meter,
): { readonly run: Histogram; readonly publish: Histogram } {
  return {
    run: meter.createHistogram("django_q2.task.duration", {
      description:
        "Wall-clock time spent running a django-q2 task in the worker.",
      unit: "s",
    }),
    publish: meter.createHistogram("django_q2.publish.duration", {
      description:
        "Wall-clock time spent publishing a django-q2 task from the producer.",
      unit: "s",
    }),
  };
}
