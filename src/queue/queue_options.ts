import type { WorkflowBroker } from "../broker/broker.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/id.ts";
import type { Handler } from "../core/task.ts";
import type { Middleware } from "./middleware.ts";
import type { HandledTask } from "./options.ts";
import type { QueueTelemetry } from "./providers.ts";
import type { ErrorReporter } from "./reporters.ts";
import type { QueueTracing } from "./tracing.ts";

/** What a `Queue` is made of. */
export interface QueueOptions extends InMemoryOptions {
  /** What stores the tasks: `new UpstashBroker(Redis.fromEnv())`. */
  readonly broker: WorkflowBroker;
}

/** What a queue in memory is made of. */
export interface InMemoryOptions {
  /** 1 to 64 of `A–Z a–z 0–9 _ . -`; part of the database's keys. @default {"default"} */
  readonly name?: string;
  /** What runs the tasks, each name once: only a consumer needs them. */
  readonly handlers?: readonly (Handler | HandledTask)[];
  /** What makes spans and metrics; a `Telemetry` of `@baton/queue/otlp`, or your own SDK's providers. @default {the OpenTelemetry globals} */
  readonly telemetry?: QueueTelemetry;
  /** How spans are shaped. */
  readonly tracing?: QueueTracing;
  /**
   * Makes of an error what may be told of it: its answer, an Error better than anything else, is what spans show and what is stored with the task.
   * Without it the messages and stacks of what your handlers throw are exported and stored as they are.
   * Where it throws, or gives nothing, no more than the error's name is told. What decides about another attempt is the error itself.
   */
  readonly redact?: (error: unknown) => unknown;
  /** What stands around every task where it is enqueued and where it is processed; `queue.use` adds more. */
  readonly middleware?: readonly Middleware[];
  /** Hears of failed attempts, of steps that a worker cannot send and of listeners that throw, as `redact` makes of them. It never fails the work; a drain waits at its end, 6 s at most, for the promises that it gives. */
  readonly onError?: ErrorReporter;
  /** What gives time and timers. @default {the host's} */
  readonly clock?: Clock;
  /** What fills a buffer with random bytes. @default {crypto.getRandomValues} */
  readonly random?: Random;
  /** The largest input, in bytes of JSON. @default {262144} */
  readonly maxPayloadBytes?: number;
  /** The largest result that is kept, in bytes of JSON; a task with a larger one completes without it. @default {262144} */
  readonly maxResultBytes?: number;
  /** How many tasks may wait before `enqueueMany` is refused. @default {500000} */
  readonly maxBacklog?: number;
  /** How long the id of an ended task is taken, in milliseconds, 10 min at least. @default {3600000} */
  readonly idTtlMs?: number;
}
