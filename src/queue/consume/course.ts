import type { StepReply } from "../../broker/broker.ts";
import type { Allowance } from "./allowance.ts";
import type { Pace } from "./pace.ts";
import type { Share } from "./share.ts";
import type { DrainTrace } from "../trace/instrument.ts";
import type { RungBy } from "../wake/wake.ts";

/** Why a consumer stopped. */
export type StoppedBy =
  | "empty"
  | "budget"
  | "signal"
  | "requests"
  | "paused"
  | "answered";

/** What a drain and a worker do differently. */
export interface Course {
  readonly pace: Pace;
  readonly leaseMs: number;
  /** How many bytes of envelopes one step claims. */
  readonly maxBytes: number;
  /** How long running handlers are waited for before their signals abort. */
  readonly graceMs: number;
  /** When it stops by itself, by its own clock. */
  readonly endAt: number;
  /** How much it may still take on. @default {no limit} */
  readonly allowance?: Allowance | undefined;
  readonly signal: AbortSignal | undefined;
  /** Listens for who calls; gives what ends that. */
  listen?(call: () => void): () => void;
  /** The ring that brought it. */
  readonly rung?: RungBy | undefined;
  /** Its part, where one consumer has several queues. */
  readonly share?: Share | undefined;
  /** Where the steps and deliveries of now belong. */
  trace(): DrainTrace;
  /** After a step that claimed `found`, less than it could: for how many milliseconds the line is left alone. Where the consumer holds nothing and has nothing to settle (`isQuiet`), it may say that this is the end. */
  rest(reply: StepReply, found: number, isQuiet: boolean): number | StoppedBy;
  /** After `failures` failed steps in a row: how long until the step is sent again; undefined lets what runs end, tries once more and gives up. */
  failed(error: unknown, failures: number): number | undefined;
}

/** How it ended. */
export interface RelayEnd {
  readonly stoppedBy: StoppedBy;
  /** Whether the line was found empty, and nothing was handed back since. */
  readonly isDry: boolean;
  readonly lastReply: StepReply | undefined;
  /** Why the broker was given up. */
  readonly failure: { readonly error: unknown } | undefined;
}
