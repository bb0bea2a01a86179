import type { WorkflowBroker } from "../broker/broker.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/id.ts";
import type { Handler } from "../core/task.ts";
import type { Events } from "./events.ts";
import type { Instrument } from "./instrument.ts";
import type { Middleware } from "./middleware.ts";
import type { Redact } from "./redact.ts";
import type { Report } from "./reporters.ts";

/** What the parts of one queue share: `Queue` is a thin face over functions of it. */
export interface QueueParts {
  readonly name: string;
  readonly broker: WorkflowBroker;
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
}

/** The bounds of one queue. */
export interface QueueLimits {
  /** The largest payload, in bytes of JSON. */
  readonly maxPayloadBytes: number;
  /** The largest result, in bytes of JSON: a larger one is not kept. */
  readonly maxResultBytes: number;
  /** How many tasks may wait; checked in `enqueueMany`, and where an option asks for it. */
  readonly maxBacklog: number;
  /** How long the id of an ended task is taken, in milliseconds. */
  readonly idTtlMs: number;
}
