import { Contexts } from "./contexts.ts";
import type { ConsumerDialect, Dialect } from "./dialect.ts";
import { startDrain } from "./drain_trace.ts";
import { fetchIn } from "./fetching.ts";
import type { Instrument, Instrumentation } from "./instrument.ts";
import type { Measures } from "./measures.ts";
import { startProcess } from "./process_trace.ts";
import { startFiring, startSchedule } from "./schedule_trace.ts";

/** What a consumer's kinds of spans share. */
export interface ConsumerInstrumentation extends Instrumentation {
  readonly dialect: Dialect & ConsumerDialect;
  readonly metrics: Measures;
  readonly contexts: Contexts;
}

/** The half of an instrument that only a consumer needs. */
export type ConsumerHalf = Pick<
  Instrument,
  | "checkContext"
  | "fetchIn"
  | "startDrain"
  | "startSchedule"
  | "startFiring"
  | "startProcess"
  | "lost"
  | "observed"
>;

/** Makes the consumer's half of what a producer's is made of. */
export function consumerHalf(
  producer: Instrumentation,
  dialect: ConsumerDialect,
): ConsumerHalf {
  const { providers, queueName } = producer;
  const contexts = new Contexts(queueName, providers);
  const metrics = dialect.measuresAll(providers, producer.metrics);
  const shared: ConsumerInstrumentation = {
    ...producer,
    dialect: { ...producer.dialect, ...dialect },
    metrics,
    contexts,
  };
  return {
    checkContext: (active) => contexts.check(active),
    fetchIn: (context) => fetchIn(providers, context),
    startDrain: (context) => startDrain(shared, context),
    startSchedule: (...schedule) => startSchedule(shared, ...schedule),
    startFiring: (...firing) => startFiring(shared, ...firing),
    startProcess: (...delivery) => startProcess(shared, ...delivery),
    lost: (count) => metrics.lost(count),
    observed(counts, oldestAgeMs = 0) {
      metrics.depth(counts);
      metrics.oldest(oldestAgeMs / 1_000);
    },
  };
}
