import { imported } from "../../core/imported.ts";
import {
  failureAttributes,
  LIBRARY,
  type Operation,
  spanAttributes,
  spanName,
} from "./conventions.ts";
import type { Dialect } from "./dialect.ts";
import type { InstrumentOptions } from "./instrument.ts";
import { messageOf } from "./message.ts";
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
    operationFailed: (error, errorType) => ({
      attributes: failureAttributes(errorType),
      message: messageOf(error),
      events: [],
    }),
    measures: (providers) => createMetrics(providers, queue),
    async load() {
      const { consumerDialect } = await imported(() =>
        import("./baton_consumer.ts")
      );
      return consumerDialect(queue);
    },
  };
}
