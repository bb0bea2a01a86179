import {
  endAttributes,
  failureAttributes,
  LIBRARY,
  type Operation,
  spanAttributes,
  spanName,
} from "./conventions.ts";
import type { Dialect } from "./dialect.ts";
import { exceptionsOf, messageOf } from "./exception.ts";
import type { InstrumentOptions } from "./instrument.ts";
import { createMetrics } from "./metrics.ts";

/** OpenTelemetry's messaging conventions, and what they have no word for as `baton.*`. */
export function batonDialect(queue: InstrumentOptions): Dialect {
  const { tracing: { spanNaming } } = queue;
  const names: { [operation in Operation]?: string } = {};

  return {
    scope: LIBRARY,
    isBare: false,
    bracketsInline: false,
    isPerTask: false,
    span(operation, task, batchSize) {
      const { name = "", defined = queue.knows(name) } = task;
      const isNamed = spanNaming === "task" && defined;
      return {
        name: isNamed
          ? spanName(operation, { queueName: name })
          : names[operation] ??= spanName(operation, queue),
        attributes: spanAttributes(operation, queue, task, batchSize),
      };
    },
    ended: endAttributes,
    operationFailed: (error, errorType) => ({
      attributes: failureAttributes(errorType),
      message: messageOf(error),
      events: [],
    }),
    processFailed: ({ error, errorType, told }) => ({
      attributes: failureAttributes(errorType),
      message: messageOf(error),
      events: error === undefined ? [] : exceptionsOf(error, told),
    }),
    measures: (providers) => createMetrics(providers, queue),
  };
}
