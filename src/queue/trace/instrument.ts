import type { Context, Span, SpanContext } from "@opentelemetry/api";
import type { Counted, Delivery } from "../../broker/broker.ts";
import type { Carrier, Envelope } from "../../codec/envelope.ts";
import { type Clock, sleep } from "../../core/clock.ts";
import { imported } from "../../core/imported.ts";
import { batonDialect } from "./baton.ts";
import type { ConsumerHalf } from "./consumer_half.ts";
import type { TaskFacts } from "./conventions.ts";
import type { Dialect } from "./dialect.ts";
import { startEnqueue } from "./enqueue_trace.ts";
import type { ProducerMeasures } from "./measures.ts";
import { Providers, type QueueTelemetry } from "./providers.ts";
import type { Redact } from "./redact.ts";
import type { ScheduleTrace } from "./schedule_trace.ts";
import type { QueueTracing } from "./tracing.ts";

/** How long a drain waits for a flush at most, for a telemetry that has no deadline of its own. */
const FLUSH_MS = 6_000;

/**
 * The one seam between the queue and OpenTelemetry: nothing else in this folder makes a span or records a metric. No call of it throws, whatever the telemetry does.
 * Who only enqueues needs little of it. All else is loaded: `load()` goes before `startDrain`, `startSchedule`, `startFiring`, `startProcess`, `fetchIn`, `lost` and `observed`, and before `startEnqueue` where the instrument is not ready.
 */
export interface Instrument {
  /** Whether `startEnqueue` needs nothing that is still to be loaded. */
  readonly isReady: boolean;
  /** Loads what only a consumer needs, and conventions that are not Baton's own. */
  load(): Promise<void>;
  /** The current context, where a context manager is registered or given. */
  activeContext(): Context;
  /** Looks at a call that was given no context and was made in this one: if a handler runs and nothing keeps contexts, that is told, once. */
  checkContext(active: Context): void;
  /** What makes the spans and metrics, as it was given: queues that were given the same send theirs together. */
  readonly telemetry: QueueTelemetry;
  /** How many requests a flush sends: one for the traces and one for the metrics, where there is anything to flush. */
  readonly signals: number;
  /** `context` with a flush scope of its own, for whoever then flushes it. */
  openScope(context: Context): Context;
  /** A `fetch` whose CLIENT spans belong to `context`. */
  fetchIn(context: Context): typeof fetch;
  /** Opens a flush scope and the `drain {queue}` root span of a drain or of a tick of a worker. */
  startDrain(context: Context): DrainTrace;
  /** Opens the PRODUCER span of one task, or of a batch: of several, or as `batch` says. */
  startEnqueue(
    context: Context,
    tasks: readonly SentTask[],
    batch?: boolean,
  ): EnqueueTrace;
  /** Opens the CLIENT span of an upsert of a schedule. */
  startSchedule(
    context: Context,
    schedule: string,
    taskName: string,
  ): ScheduleTrace;
  /** Opens the PRODUCER span of a slot's task, which begins a trace; `creation` is what travels with its schedule. */
  startFiring(
    ambient: Context,
    creation: Carrier,
    task: SentTask,
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
  /** Counts tasks whose records the database has lost. */
  lost(count: number): void;
  /** Notes how many tasks are where, and since when the first ready one waits. */
  observed(
    counts: Readonly<Record<string, number>>,
    oldestAgeMs: number | undefined,
  ): void;
  /** Sends what ended, where the application gave a `flush`, unless the context's scope is someone else's to flush; never rejects, and takes 6 s at most. */
  flush(context?: Context): Promise<void>;
}

/** What the span of an `enqueue` says of a task; its time-out is the one that the definition or the caller gave. */
export interface SentTask extends TaskFacts {
  readonly id: string;
  readonly name: string;
  readonly label: string | undefined;
}

/** The open PRODUCER span, or spans, of one call. Only the first end counts. */
export interface EnqueueTrace {
  /** The context with the span in it, for what is sent because of it. */
  readonly context: Context;
  /** What travels with the `index`th task of the call. */
  carrierOf(index: number): Carrier;
  /** The one task of the call runs inline from now on, which is not what is measured here. */
  handOver(): void;
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
  /** The span that enqueued the task, where one travels with it. */
  readonly creation: SpanContext | undefined;
  /** The span's traceparent, for the next attempt to link to. */
  traceparent(): string;
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
  /** What the handler threw, where it threw, as it may be told. */
  readonly error: unknown;
  /** What it threw itself. @default {`error`} */
  readonly thrown?: unknown;
  /** The value of `error.type`, where it failed. */
  readonly errorType: string | undefined;
}

/** An open `drain {queue}` span. */
export interface DrainTrace {
  readonly context: Context;
  /** Brackets one step request: its duration, what it received and settled. Returns what to call with its end. */
  startStep(settling: Settling): (reply: StepTrace) => void;
  /** Ends the span; a drain that moved nothing leaves none. */
  end(moved: number, error?: unknown): void;
}

/** What a step request is to settle. */
export interface Settling {
  readonly count: number;
  /** The spans that enqueued the tasks, as far as they are known. */
  readonly creations: readonly (SpanContext | undefined)[];
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
  /** How many tasks it found in a line whose records the database has lost. */
  readonly ghosts?: number;
  /** Whether it asked for tasks and none was due. */
  readonly isEmpty?: boolean;
}

/** What an instrument is made of. */
export interface InstrumentOptions {
  readonly queueName: string;
  readonly brokerType: string;
  readonly clock: Clock;
  readonly telemetry: QueueTelemetry;
  readonly tracing: QueueTracing;
  /** Makes of an error what may be told of it. */
  readonly redact: Redact;
  /** Whether a handler holds a task name, so that metrics may. */
  knows(name: string): boolean;
}

/** What the kinds of spans share. */
export interface Instrumentation extends InstrumentOptions {
  readonly dialect: Dialect;
  readonly providers: Providers;
  readonly metrics: ProducerMeasures;
}

/** Makes the instrument of a queue. Looks nothing up and takes no time until its first span. */
export function createInstrument(options: InstrumentOptions): Instrument {
  const { telemetry, tracing } = options;
  const isOwn = tracing.conventions !== "django-q2";
  let producer: Instrumentation | undefined;
  let consumer: ConsumerHalf | undefined;
  const providers = new Providers(telemetry, {
    get scope() {
      return producer?.dialect.scope;
    },
    clientSpans: tracing.clientSpans,
    propagateTo: tracing.propagateTo,
  });
  const speak = (dialect: Dialect): Instrumentation => {
    const metrics = dialect.measures(providers);
    return { ...options, dialect, providers, metrics };
  };
  if (isOwn) producer = speak(batonDialect(options));

  return {
    get isReady() {
      return producer !== undefined;
    },
    async load() {
      if (consumer !== undefined) return;
      const { consumerHalf } = await imported(() =>
        import("./consumer_half.ts")
      );
      producer ??= speak(await otherDialect(options));
      const made = consumerHalf(producer, await producer.dialect.load());
      consumer ??= made;
    },
    activeContext: () => providers.activeContext(),
    checkContext: (active) => consumer?.checkContext(active),
    telemetry,
    signals: telemetry.flush === undefined ? 0 : 2,
    openScope: (context) => providers.openScope(context),
    fetchIn: (context) => loaded(consumer).fetchIn(context),
    startDrain: (context) => loaded(consumer).startDrain(context),
    startEnqueue: (context, tasks, batch = tasks.length !== 1) =>
      startEnqueue(loaded(producer), context, tasks, batch),
    startSchedule: (...call) => loaded(consumer).startSchedule(...call),
    startFiring: (...call) => loaded(consumer).startFiring(...call),
    startProcess: (...call) => loaded(consumer).startProcess(...call),
    spent: (verb, cost) => producer?.metrics.spent(verb, cost),
    lost: (count) => loaded(consumer).lost(count),
    observed: (...counts) => loaded(consumer).observed(...counts),
    flush: (context) => flush(providers, options.clock, context),
  };
}

async function otherDialect(options: InstrumentOptions): Promise<Dialect> {
  const { djangoQ2Dialect } = await imported(() => import("./django_q2.ts"));
  return djangoQ2Dialect(options);
}

function loaded<Part>(part: Part | undefined): Part {
  if (part !== undefined) return part;
  throw new Error("The instrument is used before its load() was awaited");
}

async function flush(
  providers: Providers,
  clock: Clock,
  context: Context | undefined,
): Promise<void> {
  if (!providers.flushes(context)) return;
  const deadline = new AbortController();
  const flushed = providers.flush(context).then(() => deadline.abort());
  await Promise.race([flushed, sleep(clock, FLUSH_MS, deadline.signal)]);
}
