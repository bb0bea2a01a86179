/**
 * A task queue for Deno, Bun and Cloudflare-style workers, over Upstash Redis and `fetch`. Every task continues the trace of whoever enqueued it.
 *
 * - **Tasks**: {@linkcode defineTask} makes a contract, its `handle` a handler; {@linkcode Queue} enqueues, and tells results.
 * - **Consumers**: `queue.drain()` in a request or a cron trigger, `queue.work()` in a process that stays, {@linkcode Consumer} for several queues; {@linkcode inline}, {@linkcode ring} and {@linkcode qstash} wake one.
 * - **Workflows**: `queue.chain()`, `queue.map()` and `queue.schedule()`; {@linkcode mapOf} for a map within a chain; the options `onSettled`, `onSuccess` and `onFailure`.
 * - **Where tasks are kept**: {@linkcode UpstashBroker}; `Queue.inMemory()` and {@linkcode testClock} for tests.
 * - **Errors worth catching**: {@linkcode PayloadError}, {@linkcode QueueFullError}, {@linkcode BrokerError}. A handler throws {@linkcode NonRetryableError} or {@linkcode RetryAfterError}.
 *
 * Beside it: `@baton/queue/hono` for routes, `/cron` for cron triggers, `/upstash` for a client that suits a queue, `/otlp` for an OpenTelemetry SDK, `/w3c` for its headers.
 *
 * @example A task, a producer and a consumer
 * ```ts
 * import { defineTask, Queue } from "@baton/queue";
 *
 * const greet = defineTask("greet", {
 *   run: (name: string) => `Hello, ${name}!`,
 * });
 *
 * // In production: new Queue({ broker: new UpstashBroker(Redis.fromEnv()), handlers: [greet] })
 * const queue = Queue.inMemory({ handlers: [greet] });
 *
 * const { id } = await queue.enqueue(greet, "world"); // in a request
 * await queue.drain(); // in a cron trigger
 *
 * const result = await queue.result(id);
 * if (result.status === "completed") console.log(result.value); // Hello, world!
 * ```
 *
 * @module
 */

export type {
  Broker,
  CancelReply,
  CancelRequest,
  ChangedReply,
  ConcurrencyKey,
  Counted,
  DedupeKey,
  Delivery,
  Due,
  EnqueueAnswer,
  EnqueueReply,
  EnqueueRequest,
  Extension,
  ForgetRequest,
  GroupChunk,
  GroupReply,
  GroupStanding,
  InspectReply,
  InspectRequest,
  ListedSchedule,
  ListedState,
  ListedTask,
  ListReply,
  ListRequest,
  NewTask,
  PauseReply,
  PauseRequest,
  Problem,
  PurgeRequest,
  RateKey,
  RedriveRequest,
  ResultReply,
  ResultsReply,
  ResultsRequest,
  ScheduleReply,
  ScheduleRequest,
  SchedulesReply,
  SchedulesRequest,
  Settlement,
  SettlementEnd,
  StatsReply,
  StepReply,
  StepRequest,
  SuspendReply,
  SuspendRequest,
  TaskStanding,
  UnscheduleReply,
  UnscheduleRequest,
  WorkflowBroker,
  WorkflowVerbs,
} from "./src/broker/broker.ts";
export type { PeekReply, Peeks } from "./src/broker/peek.ts";
export type { UpstashPipeline } from "./src/broker/pipeline.ts";
export type {
  UpstashBrokerOptions,
  UpstashClient,
} from "./src/broker/runner.ts";
export type { QueueStep, SharedSteps } from "./src/broker/together.ts";
export { UpstashBroker } from "./src/broker/upstash.ts";
export {
  type Backoff,
  exponential,
  type ExponentialBackoff,
  type ExponentialOptions,
  fixed,
  type FixedBackoff,
  type FixedOptions,
} from "./src/core/backoff.ts";
export type {
  Chain,
  ChainCounts,
  ChainOptions,
  ChainRef,
  LastOutput,
} from "./src/core/chain.ts";
export type { SealKey, SealOptions } from "./src/codec/secrets.ts";
export type { Clock } from "./src/core/clock.ts";
export type {
  Enqueued,
  HandlerContext,
  ReleaseOptions,
  SnoozeOptions,
} from "./src/core/context.ts";
export {
  BrokerError,
  type BrokerFailure,
  ConsumerStoppedError,
  LeaseLostError,
  NonRetryableError,
  PayloadError,
  type PayloadIssue,
  QueueFullError,
  RetryAfterError,
  TaskCancelledError,
  TaskTimeoutError,
} from "./src/core/error.ts";
export type { WaitUntil } from "./src/queue/wake/hold.ts";
export { inline } from "./src/queue/wake/inline_wake.ts";
export type { Listen, ListenFor } from "./src/queue/wake/listen.ts";
export { qstash, type QStashOptions } from "./src/queue/wake/qstash.ts";
export { ring, type RingOptions } from "./src/queue/wake/ring.ts";
export { RingError } from "./src/queue/wake/ring_error.ts";
export type { RungBy, Wake, WakeHint } from "./src/queue/wake/wake.ts";
export type { Asking, Presence, Rung, Told } from "./src/broker/wake.ts";
export {
  type Group,
  type GroupCounts,
  type GroupHook,
  type GroupHookTask,
  GroupMissingError,
  type GroupOptions,
  type GroupResults,
  type GroupResultsOptions,
  type GroupSettled,
  type GroupStatus,
  type Inputs,
  type MapOptions,
  type Member,
  type MemberFailure,
  type MemberOutput,
  type MemberResult,
  type MemberSuccess,
  type SentGroup,
} from "./src/core/group.ts";
export type { Random, TaskId } from "./src/core/id.ts";
export {
  type ChainLink,
  type Elements,
  type GroupLink,
  type GroupLinkOptions,
  groupOf,
  type MapLinkOptions,
  mapOf,
} from "./src/core/link.ts";
export type {
  Concurrency,
  Dedupe,
  EnqueueOptions,
  Hook,
  HookTask,
  Rate,
  RateOfKey,
  TaskOptions,
} from "./src/core/options.ts";
export {
  bimonthly,
  biweekly,
  type CalendarOptions,
  type CalendarRecurrence,
  type CronOptions,
  type CronRecurrence,
  daily,
  every,
  type EveryOptions,
  type EveryRecurrence,
  hourly,
  minutes,
  monthly,
  once,
  type OnceRecurrence,
  quarterly,
  type Recurrence,
  weekly,
  yearly,
} from "./src/core/recurrence.ts";
export type {
  AtWhen,
  CatchUp,
  CronWhen,
  EveryWhen,
  Overlap,
  ScheduleOptions,
  When,
} from "./src/core/schedule.ts";
export type {
  SchemaIssue,
  SchemaResult,
  StandardSchema,
} from "./src/core/schema.ts";
export type {
  CancelStatus,
  CompletedResult,
  EndedState,
  FailedResult,
  MissingResult,
  PendingResult,
  PendingState,
  ResultOptions,
  Settled,
  SettledFailure,
  SettledSuccess,
  SettledTask,
  StoredError,
  TaskResult,
} from "./src/core/state.ts";
export {
  type Call,
  type CallArguments,
  defineTask,
  type Handler,
  type HandlerOptions,
  type RetryIf,
  type Run,
  type SchemaDefinition,
  type Task,
} from "./src/core/task.ts";
export type {
  PauseOptions,
  QueueStats,
  VerifyReport,
} from "./src/queue/admin/administration.ts";
export type {
  PurgedState,
  PurgeFilter,
  PurgeReport,
  RedriveFilter,
  RedriveReport,
} from "./src/queue/admin/bulk.ts";
export type { ConsumerOptions, ConsumerQueue } from "./src/queue/consumed.ts";
export { Consumer } from "./src/queue/consumer.ts";
export type {
  ConsumerDrainReport,
  ConsumerReport,
  QueueDrainReport,
  QueueReport,
} from "./src/queue/consume/consumer_report.ts";
export type { DrainReport } from "./src/queue/drain.ts";
export type { DrainOptions } from "./src/queue/drain_options.ts";
export type { EnqueuedAll, Enqueuer } from "./src/queue/enqueue/enqueuer.ts";
export type {
  CancelledEvent,
  ClaimedEvent,
  EndedEvent,
  EnqueuedEvent,
  FailedEvent,
  LostEvent,
  QueueEvent,
  QueueEvents,
  QueueListener,
  ReleasedEvent,
  RetriedEvent,
  ScheduleFiredEvent,
  TaskEvent,
} from "./src/queue/events.ts";
export type {
  ListOptions,
  TaskPage,
  TaskSummary,
} from "./src/queue/admin/listing.ts";
export type { Middleware, ProcessContext } from "./src/queue/middleware.ts";
export type { HandledTask } from "./src/queue/options.ts";
export type { PropagateTo } from "./src/http/fetch.ts";
export type { QueueTelemetry } from "./src/queue/trace/providers.ts";
export { Queue } from "./src/queue/queue.ts";
export {
  type QueueFailure,
  QueuesFailedError,
} from "./src/queue/consume/queues_failed.ts";
export type {
  InMemoryOptions,
  QueueOptions,
} from "./src/queue/queue_options.ts";
export type {
  AttemptError,
  ConsumerError,
  ErrorAbout,
  ErrorReporter,
  ListenerError,
  UnknownError,
  WakeError,
} from "./src/queue/reporters.ts";
export type { Scheduled } from "./src/queue/schedule/schedule.ts";
export type {
  SchedulePage,
  SchedulesOptions,
  ScheduleSummary,
} from "./src/queue/schedule/schedules.ts";
export type { StoppedBy } from "./src/queue/consume/course.ts";
export type { ConsumeReport } from "./src/queue/consume/tally.ts";
export { type TestClock, testClock } from "./src/queue/test_clock.ts";
export type {
  CorrelatedTask,
  Correlation,
  QueueTracing,
} from "./src/queue/trace/tracing.ts";
export type { PollMs, WorkOptions } from "./src/queue/work_options.ts";
export type { Worker } from "./src/queue/worker.ts";
