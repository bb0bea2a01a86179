import {
  type Context,
  type Link,
  type SpanContext,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import type { Counted, Delivery } from "../../broker/broker.ts";
import { peekTraceparent } from "../../codec/opened.ts";
import { BrokerError } from "../../core/error.ts";
import {
  drainAttributes,
  drainedAttributes,
  leaseExpiredAttributes,
} from "./consumer_conventions.ts";
import type { ConsumerInstrumentation } from "./consumer_half.ts";
import {
  errorTypeOf,
  failureAttributes,
  spanAttributes,
  spanName,
} from "./conventions.ts";
import type { DrainTrace, Settling, StepTrace } from "./instrument.ts";
import {
  failOperation,
  linksTo,
  type SafeSpan,
  spanContextIn,
  spanContextOf,
  startSpan,
} from "./spans.ts";
import { secondsBetween, Stopwatch } from "./stopwatch.ts";

/** How many expired leases of one step are shown. */
const MAX_EXPIRED = 32;

/**
 * Opens the scope of a drain, whose `drain {queue}` INTERNAL span is the root of a trace of its own, linked to whatever span is current.
 * The span is made with the first step that moves something, and begins when the drain did: an idle tick leaves none.
 */
export function startDrain(
  shared: ConsumerInstrumentation,
  outer: Context,
): DrainTrace {
  const { dialect, providers } = shared;
  const scope = providers.openScope(trace.deleteSpan(outer));
  if (dialect.isBare) {
    return { context: scope, startStep: () => () => {}, end() {} };
  }
  const watch = new Stopwatch(shared.clock);
  let span: SafeSpan | undefined;
  const begin = (): SafeSpan =>
    span ??= startSpan(shared, spanName("drain", shared), {
      kind: SpanKind.INTERNAL,
      startTime: watch.startAt,
      attributes: drainAttributes(shared),
      links: linksTo(spanContextIn(outer)),
    }, scope);
  return {
    get context() {
      return span?.context ?? scope;
    },
    startStep(settling) {
      const startAt = watch.now();
      return (reply) => {
        const operations = operationsOf(reply, settling);
        const moved = operations.length + reply.reaped > 0;
        const context = moved ? begin().context : scope;
        const around = { shared, context, startAt, endAt: watch.now() };
        const received = showOperations(around, operations, reply.error);
        showExpired(around, reply.reapedIds ?? []);
        measure(shared, reply, received ?? context);
      };
    },
    end(moved, error) {
      if (error !== undefined) failOperation(shared, begin(), error);
      span?.set(drainedAttributes(moved));
      span?.end(watch.now());
    },
  };
}

/** Where the spans of one step belong: all of them are as long as its request. */
interface Around {
  readonly shared: ConsumerInstrumentation;
  readonly context: Context;
  readonly startAt: number;
  readonly endAt: number;
}

/** A request that claims and settles is two operations. */
interface Operation {
  readonly name: "receive" | "settle";
  readonly count: number;
  /** To the spans that enqueued the tasks. */
  readonly links: Link[];
}

/** What a step did; a failed one what it was for, and an empty poll nothing. */
function operationsOf(
  { received, settled, error, deliveries = [] }: StepTrace,
  { count, creations }: Settling,
): readonly Operation[] {
  const links = linksTo(...creations);
  if (error !== undefined) {
    return count > 0
      ? [{ name: "settle", count, links }]
      : [{ name: "receive", count: 0, links: [] }];
  }
  const operations: Operation[] = [];
  if (received > 0) {
    const links = linksTo(...creationsOf(deliveries));
    operations.push({ name: "receive", count: received, links });
  }
  if (settled > 0) operations.push({ name: "settle", count: settled, links });
  return operations;
}

/** The spans that enqueued the tasks; what several in a row carry is read once. */
function creationsOf(
  deliveries: readonly Delivery[],
): readonly (SpanContext | undefined)[] {
  const creations: (SpanContext | undefined)[] = [];
  let last: string | undefined;
  let creation: SpanContext | undefined;
  // a loop: V8 drops what it compiled of a callback once none of its closures is left
  for (const { envelope } of deliveries) {
    const carried = peekTraceparent(envelope);
    if (carried !== last) creation = spanContextOf(carried);
    last = carried;
    creations.push(creation);
  }
  return creations;
}

/** The spans of a step's operations, and one sample of its duration. Gives the context of the first. */
function showOperations(
  { shared, context, startAt, endAt }: Around,
  operations: readonly Operation[],
  error: unknown,
): Context | undefined {
  const spans = operations.map(({ name, count, links }) => {
    const span = startSpan(shared, spanName(name, shared), {
      kind: SpanKind.CLIENT,
      startTime: startAt,
      attributes: spanAttributes(name, shared, {}, count),
      links,
    }, context);
    if (error !== undefined) failOperation(shared, span, error);
    span.end(endAt);
    return span;
  });
  const [first] = spans;
  const [operation] = operations;
  if (first === undefined || operation === undefined) return undefined;
  shared.metrics.operated(
    operation.name,
    secondsBetween(startAt, endAt),
    error === undefined ? undefined : errorTypeOf(error),
    first.context,
  );
  return first.context;
}

function showExpired(
  { shared, context, startAt, endAt }: Around,
  ids: readonly string[],
): void {
  for (const id of ids.slice(0, MAX_EXPIRED)) {
    const span = startSpan(shared, spanName("lease expired", shared), {
      kind: SpanKind.INTERNAL,
      startTime: startAt,
      attributes: leaseExpiredAttributes(id, shared),
    }, context);
    span.fail({
      attributes: failureAttributes("lease_expired"),
      message: "The lease ended unsettled: the consumer died or was too slow",
      events: [],
    });
    span.end(endAt);
  }
}

function measure(
  { metrics }: ConsumerInstrumentation,
  reply: StepTrace,
  context: Context,
): void {
  metrics.spent("step", costOf(reply));
  metrics.expired(reply.reaped, context);
  metrics.lost(reply.ghosts ?? 0);
  metrics.consumed(reply.deliveries ?? [], reply.now, context);
  if (reply.isEmpty) metrics.oldest(0);
}

/** What a step cost; of a failed one, how often it was sent. */
function costOf({ error, requests, commands }: StepTrace): Counted {
  return error instanceof BrokerError
    ? { requests: error.attempts, commands: 0 }
    : { requests, commands };
}
