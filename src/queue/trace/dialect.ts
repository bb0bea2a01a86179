import type { Attributes } from "@opentelemetry/api";
import type { Scope, TaskFacts } from "./conventions.ts";
import type { ProcessEnd } from "./instrument.ts";
import type { Measures, ProducerMeasures } from "./measures.ts";
import type { Providers } from "./providers.ts";

/** How spans and metrics are worded: by Baton's conventions, or by another library's. */
export interface Dialect {
  /** Who its spans and metrics are by. */
  readonly scope: Scope;
  /** Whether only enqueues and attempts are shown, without links: no drains, none of their requests, no expired leases. */
  readonly isBare: boolean;
  /** Whether the span of an inline task's enqueue lasts as long as the run. */
  readonly bracketsInline: boolean;
  /** Whether each task of a batch has a PRODUCER span of its own, instead of the batch. */
  readonly isPerTask: boolean;
  /** The span of an operation on a task, or on a batch of so many, by what its tasks share. */
  span(
    operation: "create" | "enqueue" | "process",
    task: TaskFacts,
    batchSize?: number,
  ): SpanText;
  /** How an operation failed, by the error as it may be told. */
  operationFailed(error: unknown, errorType: string): FailureText;
  /** What is measured of who enqueues. */
  measures(providers: Providers): ProducerMeasures;
  /** Loads what only a consumer has to say. */
  load(): Promise<ConsumerDialect>;
}

/** How attempts are worded. */
export interface ConsumerDialect {
  /** What came of an attempt. */
  ended(state: EndState, sync: boolean): Attributes;
  /** How an attempt failed; undefined where it is not told. */
  processFailed(failure: ProcessFailure): FailureText | undefined;
  /** What is measured, beside what `produced` measures. */
  measuresAll(providers: Providers, produced: ProducerMeasures): Measures;
}

/** What came of an attempt, the broker's answer included. */
export type EndState = ProcessEnd["state"] | "stale" | "unknown";

/** A span's name and its first attributes. */
export interface SpanText {
  readonly name: string;
  readonly attributes: Attributes;
}

/** An attempt that failed. */
export interface ProcessFailure {
  /** What was thrown, as it may be told; undefined where nothing was. */
  readonly error: unknown;
  readonly errorType: string;
  readonly sync: boolean;
  /** What spans within the attempt have told already. */
  readonly told: ReadonlySet<unknown>;
}

/** A failure, as a span tells it. */
export interface FailureText {
  readonly attributes: Attributes;
  /** The status' description; none where it is empty. */
  readonly message: string;
  /** The attributes of its exception events. */
  readonly events: readonly Attributes[];
}
