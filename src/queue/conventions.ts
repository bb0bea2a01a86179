import type { Attributes } from "@opentelemetry/api";
import {
  BrokerError,
  LeaseLostError,
  PayloadError,
  TaskCancelledError,
  TaskTimeoutError,
} from "../core/error.ts";

/** The instrumentation scope of every span and metric. */
export const LIBRARY = "@baton/queue";

/** The version of that scope; a test holds it equal to the package's. */
export const VERSION = "0.1.0";

/** The conventions that the names below follow. */
export const SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0";

/** What a task name is called on metrics when no definition holds it. */
export const OTHER = "_OTHER";

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

/** The buckets of waits, which may last hours. */
export const WAIT_BUCKETS: readonly number[] = [
  0.01,
  0.05,
  0.1,
  0.5,
  1,
  2.5,
  5,
  10,
  30,
  60,
  300,
  900,
  3600,
  21_600,
];

/** The instruments' names. */
export const METRIC = {
  operationDuration: "messaging.client.operation.duration",
  processDuration: "messaging.process.duration",
  sentMessages: "messaging.client.sent.messages",
  consumedMessages: "messaging.client.consumed.messages",
  wait: "baton.task.wait",
  retries: "baton.task.retries",
  dead: "baton.task.dead",
  leaseExpired: "baton.lease.expired",
  brokerRequests: "baton.broker.requests",
  brokerCommands: "baton.broker.commands",
} as const;

/** An operation of the messaging conventions: its own name and its type. */
export type Operation = "enqueue" | "process" | "receive" | "settle";

/** What all spans of one queue have in common. */
export interface Destination {
  readonly queueName: string;
  readonly brokerType: string;
}

/** What a span says of a task; what is not so is absent. */
export interface TaskFacts {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly label?: string | undefined;
  /** In milliseconds. */
  readonly timeoutMs?: number | undefined;
  readonly attempt?: number | undefined;
  readonly worker?: string | undefined;
  readonly sync?: boolean | undefined;
}

/** `{operation} {queue}`, as the messaging conventions name spans. */
export function spanName(
  operation: string,
  { queueName }: Destination,
): string {
  return `${operation} ${queueName}`;
}

/** What a span of an operation begins with. */
export function operationAttributes(
  operation: Operation,
  { queueName, brokerType }: Destination,
): Attributes {
  return {
    "messaging.system": "baton",
    "messaging.operation.name": operation,
    "messaging.operation.type": typeOf(operation),
    "messaging.destination.name": queueName,
    "baton.broker.type": brokerType,
  };
}

/** What the span of a drain begins with. */
export function drainAttributes(
  { queueName, brokerType }: Destination,
): Attributes {
  return {
    "messaging.system": "baton",
    "messaging.destination.name": queueName,
    "baton.broker.type": brokerType,
  };
}

/** What the span of an expired lease begins with. */
export function leaseExpiredAttributes(
  id: string,
  destination: Destination,
): Attributes {
  return { ...drainAttributes(destination), "messaging.message.id": id };
}

/** One task, never with null, 0, false or an empty text. */
export function taskAttributes(task: TaskFacts): Attributes {
  return present({
    "messaging.message.id": task.id,
    "messaging.client.id": task.worker,
    "baton.task.name": task.name,
    "baton.task.label": task.label,
    "baton.timeout": task.timeoutMs && task.timeoutMs / 1000,
    "baton.attempt": task.attempt,
    "baton.worker": task.worker,
    "baton.sync": task.sync,
  });
}

/** How many tasks a span accounts for; of a batch also none. */
export function batchAttributes(count: number): Attributes {
  return { "messaging.batch.message_count": count };
}

/** What came of an enqueue. */
export function enqueuedAttributes(deduplicated: number): Attributes {
  return present({ "baton.deduplicated": deduplicated });
}

/** What came of an attempt. */
export function endAttributes(state: string): Attributes {
  return { "baton.state": state };
}

/** What came of a drain. */
export function drainedAttributes(moved: number): Attributes {
  return present({ "baton.drain.moved": moved });
}

/** Why an operation failed. */
export function failureAttributes(errorType: string): Attributes {
  return { "error.type": errorType };
}

/** Why a span was linked to its task's creation instead of parented, where it was. */
export function cutAttributes(reason: string | undefined): Attributes {
  return present({ "baton.trace.cut": reason });
}

/** An event of one error. */
export function exceptionAttributes(
  type: string,
  message: string,
  stack: string | undefined,
): Attributes {
  return present({
    "exception.type": type,
    "exception.message": message,
    "exception.stacktrace": stack,
  });
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
  { queueName }: Destination,
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

/** The value of `error.type`: one of Baton's words, else the error's own name. */
export function errorTypeOf(error: unknown): string {
  if (error instanceof BrokerError) {
    return error.retryable ? "broker_unavailable" : "broker_error";
  }
  if (error instanceof TaskTimeoutError) return "timeout";
  if (error instanceof TaskCancelledError) return "cancelled";
  if (error instanceof LeaseLostError) return "lease_lost";
  if (error instanceof PayloadError) return "payload_invalid";
  return nameOf(error);
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

function present(attributes: Attributes): Attributes {
  const kept: Attributes = {};
  for (const [key, value] of Object.entries(attributes)) {
    if (value) kept[key] = value;
  }
  return kept;
}
