import { endAttributes } from "./consumer_conventions.ts";
import { createConsumerMetrics } from "./consumer_metrics.ts";
import { failureAttributes } from "./conventions.ts";
import type { ConsumerDialect } from "./dialect.ts";
import { exceptionsOf } from "./exception.ts";
import { messageOf } from "./message.ts";
import type { MeasuredQueue } from "./metrics.ts";

/** What a consumer says by OpenTelemetry's messaging conventions. */
export function consumerDialect(queue: MeasuredQueue): ConsumerDialect {
  return {
    ended: endAttributes,
    processFailed: ({ error, errorType, told }) => ({
      attributes: failureAttributes(errorType),
      message: messageOf(error),
      events: error === undefined ? [] : exceptionsOf(error, told),
    }),
    measuresAll: (providers, produced) =>
      createConsumerMetrics(providers, queue, produced),
  };
}
