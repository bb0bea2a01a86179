import type { Attributes } from "@opentelemetry/api";
import {
  BrokerError,
  LeaseLostError,
  PayloadError,
  TaskCancelledError,
  TaskTimeoutError,
} from "../../core/error.ts";

/** Who made a span or a metric, and by which conventions. */
export interface Scope {
  readonly name: string;
  readonly version: string;
  readonly schemaUrl: string;
}

/** The version of the scope below; a test holds it equal to the package's. */
export const VERSION = "0.1.0";

/** The instrumentation scope of every span and metric. */
export const LIBRARY: Scope = {
  name: "@baton/queue",
  version: VERSION,
  schemaUrl: "https://opentelemetry.io/schemas/1.44.0",
};

/** What a task name is called on metrics when no definition holds it, and an `error.type` that is no plain name. */
export const OTHER = "_OTHER";

/** The instruments' names. */
export const METRIC = {
  operationDuration: "messaging.client.operation.duration",
  sentMessages: "messaging.client.sent.messages",
  brokerRequests: "baton.broker.requests",
  brokerCommands: "baton.broker.commands",
} as const;

/** An operation of the messaging conventions: its own name and its type. */
export type Operation =
  | "create"
  | "enqueue"
  | "process"
  | "receive"
  | "settle";

/** What all spans of one queue have in common. */
export interface Destination {
  readonly queueName: string;
  readonly brokerType: string;
}

/** What a span says of a task; what is not so is absent. */
export interface TaskFacts {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  /** Whether a definition holds the name, so that metrics and span names may. */
  readonly defined?: boolean | undefined;
  readonly label?: string | undefined;
  /** In milliseconds. */
  readonly timeoutMs?: number | undefined;
  readonly attempt?: number | undefined;
  readonly worker?: string | undefined;
  /** Whether it runs within `queue.inline`. */
  readonly sync?: boolean | undefined;
  readonly group?: string | undefined;
  readonly cached?: boolean | undefined;
  readonly ackFailure?: boolean | undefined;
  /** The task that is enqueued when this one has ended. */
  readonly hook?: string | undefined;
  /** How many tasks were made together, of a map. */
  readonly iterCount?: number | undefined;
  /** How many links come after this one, of a chain. */
  readonly chainLength?: number | undefined;
  /** The name of the schedule that enqueued it. */
  readonly schedule?: string | undefined;
  /** Why it is processed in a trace of its own, where that is not how it always is. */
  readonly cut?: string | undefined;
}

/** `{operation} {queue}`, as the messaging conventions name spans. */
export function spanName(
  operation: string,
  { queueName }: Pick<Destination, "queueName">,
): string {
  return `${operation} ${queueName}`;
}

/** What the span of an operation on a task, or on a batch of so many, begins with: never null, 0, false or an empty text, but a batch's count. */
export function spanAttributes(
  operation: Operation,
  { queueName, brokerType }: Destination,
  task: TaskFacts,
  batchSize?: number,
): Attributes {
  const attributes: Attributes = {
    "messaging.system": "baton",
    "messaging.operation.name": operation,
    "messaging.operation.type": typeOf(operation),
    "messaging.destination.name": queueName,
    "baton.broker.type": brokerType,
  };
  if (batchSize !== undefined) {
    attributes["messaging.batch.message_count"] = batchSize;
  }
  return present({
    "messaging.message.id": task.id,
    "messaging.message.conversation_id": task.group,
    "messaging.client.id": task.worker,
    "baton.task.name": task.name,
    "baton.task.label": task.label,
    "baton.group": task.group,
    "baton.worker": task.worker,
    "baton.cached": task.cached,
    "baton.sync": task.sync,
    "baton.ack_failure": task.ackFailure,
    "baton.hook": task.hook,
    "baton.iter_count": task.iterCount,
    "baton.chain_length": task.chainLength,
    "baton.schedule": task.schedule,
    "baton.timeout": task.timeoutMs && task.timeoutMs / 1000,
    "baton.attempt": task.attempt,
    "baton.trace.cut": task.cut,
  }, attributes);
}

/** What came of an enqueue. */
export function enqueuedAttributes(deduplicated: number): Attributes {
  return present({ "baton.deduplicated": deduplicated });
}

/** Why an operation failed. */
export function failureAttributes(errorType: string): Attributes {
  return { "error.type": errorType };
}

/** The bounded labels of a metric: queue, operation, task name and outcome; never an id or a label. */
export interface Labels {
  readonly operation?: string | undefined;
  readonly type?: Operation | undefined;
  readonly taskName?: string | undefined;
  readonly state?: string | undefined;
  readonly errorType?: string | undefined;
}

/** The attributes of a point. */
export function metricAttributes(
  { queueName }: Pick<Destination, "queueName">,
  { operation, type, taskName, state, errorType }: Labels = {},
): Attributes {
  return present({
    "messaging.system": "baton",
    "messaging.operation.name": operation,
    "messaging.operation.type": type && typeOf(type),
    "messaging.destination.name": queueName,
    "baton.task.name": taskName,
    "baton.state": state,
    "error.type": errorType,
  });
}

/**
 * The value of `error.type`, on spans and on metrics. These are Baton's own:
 *
 * - `broker_unavailable`: the broker could not be reached, limits requests or did not answer in time.
 * - `broker_error`: the broker refused, or its reply cannot be read.
 * - `cancelled`: the task was cancelled.
 * - `expired`: the task was not started within its `expiresInMs`.
 * - `lease_expired`: the lease ended unsettled, since its consumer died or was too slow; all attempts are spent so.
 * - `lease_lost`: the attempt was settled, or what it deferred was, when its lease had ended.
 * - `payload_invalid`: the envelope cannot be read, or the schema refuses the input.
 * - `signature_invalid`: the envelope is not as it was sealed, or has no seal where one is required.
 * - `timeout`: the handler ran longer than its `timeoutMs`.
 * - `unknown_key`: this consumer does not have the key under which the envelope is sealed.
 * - `unknown_task`: no handler of this consumer has the task's name.
 * - `unknown_version`: this consumer does not know the envelope's version.
 *
 * Everything else is the `name` of the error that was thrown, as `TypeError`, `QueueFullError` or `ConsumerStoppedError`;
 * `string`, `object` and so on where no Error was; `_OTHER` where the name is not one that code could have.
 *
 * @param told The error as it may be told, whose name stands where there is no word of ours.
 */
export function errorTypeOf(error: unknown, told: unknown = error): string {
  if (error instanceof BrokerError) {
    return error.retryable ? "broker_unavailable" : "broker_error";
  }
  if (error instanceof TaskTimeoutError) return "timeout";
  if (error instanceof TaskCancelledError) return "cancelled";
  if (error instanceof LeaseLostError) return "lease_lost";
  if (error instanceof PayloadError) return "payload_invalid";
  const name = nameOf(told);
  return /^[\p{L}_$][\p{L}\p{N}_$.]*$/u.test(name) ? name : OTHER;
}

/** The name of an error, whatever its getters do; the type of what is none. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return error === null ? "null" : typeof error;
  try {
    return String(error.name).slice(0, 100) || "Error";
  } catch {
    return "Error";
  }
}

/** The conventions' own word for an operation. */
function typeOf(operation: Operation): string {
  return operation === "enqueue" ? "send" : operation;
}

/** What is so of the attributes, put to `kept`. */
export function present(
  attributes: Attributes,
  kept: Attributes = {},
): Attributes {
  for (const key in attributes) {
    if (attributes[key]) kept[key] = attributes[key];
  }
  return kept;
}
