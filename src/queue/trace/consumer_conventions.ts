import type { Attributes } from "@opentelemetry/api";
import { type Destination, present } from "./conventions.ts";

/** The names of the instruments that only a consumer has. */
export const METRIC = {
  processDuration: "messaging.process.duration",
  consumedMessages: "messaging.client.consumed.messages",
  wait: "baton.task.wait",
  retries: "baton.task.retries",
  dead: "baton.task.dead",
  lost: "baton.task.lost",
  leaseExpired: "baton.lease.expired",
  depth: "baton.queue.depth",
  oldestAge: "baton.queue.oldest_age",
} as const;

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

/** What the span of an upsert of a schedule begins with. */
export function scheduleAttributes(
  schedule: string,
  taskName: string,
  destination: Destination,
): Attributes {
  return {
    ...drainAttributes(destination),
    "messaging.operation.name": "schedule",
    "baton.schedule": schedule,
    "baton.task.name": taskName,
  };
}

/** What came of an upsert of a schedule. */
export function scheduledAttributes(status: string): Attributes {
  return { "baton.schedule.status": status };
}

/** What the span of an expired lease begins with. */
export function leaseExpiredAttributes(
  id: string,
  destination: Destination,
): Attributes {
  return { ...drainAttributes(destination), "messaging.message.id": id };
}

/** What came of an attempt. */
export function endAttributes(state: string): Attributes {
  return { "baton.state": state };
}

/** What came of a drain. */
export function drainedAttributes(moved: number): Attributes {
  return present({ "baton.drain.moved": moved });
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
