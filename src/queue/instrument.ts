import type { Context, Span } from "@opentelemetry/api";
import type { Counted, Delivery } from "../broker/broker.ts";
import type { Carrier, Envelope } from "../codec/envelope.ts";
import { type Clock, sleep } from "../core/clock.ts";
import { Metrics } from "./metrics.ts";
import { Providers, type QueueTelemetry } from "./providers.ts";
import { startDrain } from "./drain_trace.ts";
import { startEnqueue } from "./enqueue_trace.ts";
import { startProcess } from "./process_trace.ts";

/** How long a drain waits for a flush at most, for a telemetry that has no deadline of its own. */
const FLUSH_MS = 6_000;

/** The one seam between the queue and OpenTelemetry: nothing else in this folder makes a span or records a metric. No call of it throws, whatever the telemetry does. */
export interface Instrument {
  /** The current context, where a context manager is registered or given. */
  activeContext(): Context;
  /** Opens a flush scope and the `drain {queue}` root span of a drain or of a tick of a worker. */
  startDrain(context: Context): DrainTrace;
  /** Opens the PRODUCER span of one task, or of a batch: of several, or as `batch` says. */
  startEnqueue(
    context: Context,
    tasks: readonly SentTask[],
    batch?: boolean,
  ): EnqueueTrace;
  /** Opens the CONSUMER span of one delivery. `ambient` is the drain's context, which it is linked to. */
  startProcess(
    delivery: Delivery,
    envelope: Envelope | undefined,
    ambient: Context,
    worker: string,
    options?: ProcessOptions,
  ): ProcessTrace;
  /** Counts what a request to the broker cost. */
  spent(verb: string, cost: Counted): void;
  /** Sends what ended, where the application gave a `flush`, unless the context's scope is someone else's to flush; never rejects, and takes 6 s at most. */
  flush(context?: Context): Promise<void>;
}

/** What the span of an `enqueue` says of a task. */
export interface SentTask {
  readonly id: string;
  readonly name: string;
  readonly label: string | undefined;
  /** Whether a definition holds the name, so that metrics may. @default {whether a handler does} */
  readonly defined?: boolean;
  /** The time-out that the definition or the caller gave, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** An open PRODUCER span. */
export interface EnqueueTrace {
  /** What travels with each task of the call. */
  readonly carrier: Carrier;
  /** Ends the span and counts what was sent. `sent` is how many were new. */
  succeed(sent: number): void;
  /** Ends the span as failed. */
  fail(error: unknown): void;
}

/** How a delivery is processed. */
export interface ProcessOptions {
  /** Whether it runs within `queue.inline`, without a broker. */
  readonly sync?: boolean;
}

/** An open CONSUMER span. */
export interface ProcessTrace {
  readonly span: Span;
  /** The context with the span in it, for everything the handler does. */
  readonly context: Context;
  /** The span's traceparent, for the next attempt to link to. */
  readonly traceparent: string;
  /** How deep in its trace the task is: 0 where it begins one. What it enqueues is one deeper. */
  readonly depth: number;
  /** Runs `callback` with the span current, where a context manager is registered. */
  run<T>(callback: () => T): T;
  /** Notes that the handler has returned or failed now: the span's end, and the duration's. */
  finish(ended: ProcessEnd): void;
  /** Ends the span when its settlement was answered, or never will be. */
  settled(answer: "accepted" | "stale" | "unknown"): void;
}

/** What became of an attempt, as its span and metrics say it. */
export interface ProcessEnd {
  /** The value of `baton.state`. */
  readonly state:
    | "success"
    | "retry"
    | "dead"
    | "cancelled"
    | "expired"
    | "released";
  /** What the handler threw, where it threw. */
  readonly error: unknown;
  /** The value of `error.type`, where it failed. */
  readonly errorType: string | undefined;
}

/** An open `drain {queue}` span. */
export interface DrainTrace {
  readonly context: Context;
  /** Brackets one step request: its duration, what it received and settled. Returns what to call with its end. */
  startStep(settling: number): (reply: StepTrace) => void;
  /** Ends the span; a drain that moved nothing leaves none. */
  end(moved: number, error?: unknown): void;
}

/** What a step request moved. */
export interface StepTrace {
  readonly received: number;
  readonly settled: number;
  readonly reaped: number;
  readonly commands: number;
  readonly requests: number;
  readonly error: unknown;
  /** The broker's clock in the reply, for how long the tasks waited. */
  readonly now?: number;
  /** What was received. */
  readonly deliveries?: readonly Delivery[];
  /** The tasks whose leases were found expired: each is shown by a `lease expired` span. */
  readonly reapedIds?: readonly string[];
}

/** How the spans of a queue are shaped. */
export interface QueueTracing {
  /**
   * `parent`: a task continues the trace of whoever enqueued it. `link`: it begins one, linked to that.
   * A task delayed by more than an hour, or deeper than 100 in one trace, is linked in both.
   *
   * @default {"parent"}
   */
  readonly correlation?: "parent" | "link";
}

/** What an instrument is made of. */
export interface InstrumentOptions {
  readonly queueName: string;
  readonly brokerType: string;
  readonly clock: Clock;
  readonly telemetry: QueueTelemetry;
  readonly tracing: QueueTracing;
  /** Whether a handler holds a task name, so that metrics may. */
  knows(name: string): boolean;
}

/** What the kinds of spans share. */
export interface Instrumentation extends InstrumentOptions {
  readonly providers: Providers;
  readonly metrics: Metrics;
}

/** Makes the instrument of a queue. Looks nothing up and takes no time until its first span. */
export function createInstrument(options: InstrumentOptions): Instrument {
  const providers = new Providers(options.telemetry);
  const metrics = new Metrics(providers, options);
  const shared: Instrumentation = { ...options, providers, metrics };
  return {
    activeContext: () => providers.activeContext(),
    startDrain: (context) => startDrain(shared, context),
    startEnqueue: (context, tasks, batch = tasks.length !== 1) =>
      startEnqueue(shared, context, tasks, batch),
    startProcess: (...delivery) => startProcess(shared, ...delivery),
    spent: (verb, cost) => metrics.spent(verb, cost),
    flush: (context) => flush(shared, context),
  };
}

async function flush(
  { providers, clock }: Instrumentation,
  context: Context | undefined,
): Promise<void> {
  if (!providers.flushes(context)) return;
  const deadline = new AbortController();
  const flushed = providers.flush(context).then(() => deadline.abort());
  await Promise.race([flushed, sleep(clock, FLUSH_MS, deadline.signal)]);
}
