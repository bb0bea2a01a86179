import type { WorkflowBroker } from "../broker/broker.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/id.ts";
import type { Rate } from "../core/options.ts";
import type { Handler } from "../core/task.ts";
import type { Events } from "./events.ts";
import type { Middleware } from "./middleware.ts";
import type { Report } from "./reporters.ts";
import type { Instrument } from "./trace/instrument.ts";
import type { Redact } from "./trace/redact.ts";
import type { Waker } from "./wake/waker.ts";

/** The broker as it was given, and what stands before it. */
export interface BrokerSource {
  readonly broker: WorkflowBroker;
  /** What the queue makes of a broker: itself, or one behind a seal. */
  readonly before: (broker: WorkflowBroker) => WorkflowBroker;
}

/** What the parts of one queue share: `Queue` is a thin face over functions of it. */
export interface QueueParts {
  readonly name: string;
  readonly broker: WorkflowBroker;
  /** What `broker` was made of. @default {`broker` itself} */
  readonly source?: BrokerSource;
  /** Measures durations; its instants are this process's own. */
  readonly clock: Clock;
  /** The wall clock, for ids. */
  readonly wall: () => number;
  readonly random: Random;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly instrument: Instrument;
  /** Makes of an error what may be told and stored of it. */
  readonly redact: Redact;
  /** Who listens. */
  readonly events: Events;
  /** What stands around every task, the outermost first; `queue.use` adds to it. */
  readonly middleware: Middleware[];
  /** Tells the application of an error, which is redacted by then. */
  readonly report: Report | undefined;
  readonly limits: QueueLimits;
  /** Who calls for consumers, if anybody does. */
  readonly waker: Waker | undefined;
  /** Whether it has handlers of its own. */
  readonly isConsumer: boolean;
  /** How often its tasks start at most, if there is a bound. */
  readonly rate: Rate | undefined;
}

/** The bounds of one queue. */
export interface QueueLimits {
  /** The largest payload, in bytes of JSON. */
  readonly maxPayloadBytes: number;
  /** The largest result, in bytes of JSON: a larger one is not kept. */
  readonly maxResultBytes: number;
  /** How many bytes of tasks one request has at most; encrypted they are longer. @default {8000000} */
  readonly maxChunkBytes?: number | undefined;
  /** How many tasks may wait; checked in `enqueueMany`, and where an option asks for it. */
  readonly maxBacklog: number;
  /** How many results are kept, if there is a bound. */
  readonly keepResults?: number | undefined;
  /** How long the id of an ended task is taken, in milliseconds. */
  readonly idTtlMs: number;
}
