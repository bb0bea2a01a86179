import type { WorkflowBroker } from "../broker/broker.ts";
import type { SealOptions } from "../codec/secrets.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/id.ts";
import type { Rate } from "../core/options.ts";
import type { Handler } from "../core/task.ts";
import type { Middleware } from "./middleware.ts";
import type { HandledTask } from "./options.ts";
import type { ErrorReporter } from "./reporters.ts";
import type { QueueTelemetry } from "./trace/providers.ts";
import type { QueueTracing } from "./trace/tracing.ts";
import type { Wake } from "./wake/wake.ts";

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
   * Turns an error into what may be told of it: what it returns, preferably an Error, is shown on spans and stored with the task.
   * Without it the messages and stacks of what your handlers throw are exported and stored as they are.
   * Where it throws, or gives nothing, no more than the error's name is told. What decides about another attempt is the error itself.
   */
  readonly redact?: (error: unknown) => unknown;
  /** Seals what the database holds of each task: who can write to it, but has none of the keys, can then neither make a task nor change one. @default {nothing is sealed} */
  readonly seal?: SealOptions;
  /** What stands around every task where it is enqueued and where it is processed; `queue.use` adds more. */
  readonly middleware?: readonly Middleware[];
  /** Hears of failed attempts, of steps that a worker cannot send and of listeners that throw, as `redact` makes of them. It never fails the work; a drain waits at its end, 6 s at most, for the promises that it gives. */
  readonly onError?: ErrorReporter;
  /** Wakes a consumer when a task was enqueued and nobody is there to run it: `inline()`, `ring({ url, secret })`, `qstash()`, or a function. An `enqueue` then costs a command more, and one more where it rings. @default {nobody: tasks wait for who polls, or for cron} */
  readonly wake?: Wake;
  /** Keeps the host from ending before what `wake` began is done, where the call's context does not know how: `waitUntil` of `cloudflare:workers`. @default {the request's, behind `tracing()` or `within(context, ctx)`; else none} */
  readonly waitUntil?: (work: Promise<unknown>) => void;
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
  /** How many tasks of the queue start in a span of time, all its consumers together; each of them has to be told the same. A schedule's own turn and what was cancelled do not count. @default {no bound} */
  readonly rate?: Rate;
  /** About how many results are kept: once a minute a consumer drops the oldest beyond that, as though their `resultTtlMs` were over. Those of the members of groups do not count, their group keeps them. Each consumer has to be told the same; a step that completes tasks then costs a command more. @default {no bound but `resultTtlMs`} */
  readonly keepResults?: number;
  /** How long the id of an ended task stays taken, in milliseconds, 10 min at least. @default {3600000} */
  readonly idTtlMs?: number;
}
