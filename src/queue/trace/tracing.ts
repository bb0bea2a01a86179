import { checkKnown } from "../../core/check.ts";
import type { PropagateTo } from "../../http/fetch.ts";

/** How the trace of a task stands to that of whoever enqueued it: it continues it, or is a new one, linked to it. */
export type Correlation = "parent" | "link";

/** An attempt whose trace is to be decided. */
export interface CorrelatedTask {
  /** The task's id. */
  readonly id: string;
  /** Its name. */
  readonly name: string;
  /** The word that its caller gave it, if one was given. */
  readonly label: string | undefined;
  /** Which attempt it is, from 1. */
  readonly attempt: number;
  /** Whether it was enqueued together with others, by one `enqueueMany`. */
  readonly batched: boolean;
  /** How many tasks deep in its trace it is. */
  readonly depth: number;
}

/** How the spans of a queue are shaped. */
export interface QueueTracing {
  /**
   * How a task's trace stands to that of whoever enqueued it.
   *
   * - `parent`: the task continues it.
   * - `link`: the task begins one, linked to it.
   * - `auto`: a task that was enqueued on its own continues it, one of several of an `enqueueMany` is linked, as the messaging conventions advise.
   * - a function decides for each attempt; where it throws, `parent` holds.
   *
   * In all of them a task delayed by more than an hour, or deeper than 100 in one trace, is linked.
   * One whose producer was not sampled is its child in all of them, so that a parent-based sampler records neither.
   * The new trace of a sampled one is sampled too where a `Telemetry` of `@baton/queue/otlp` samples by the parent; another SDK's sampler decides about it as about any root, for the API has no way to ask.
   *
   * @default {"parent"}
   */
  readonly correlation?:
    | Correlation
    | "auto"
    | ((task: CorrelatedTask) => Correlation);
  /**
   * What spans of one task are named after: `process images` (the queue) or `process resize` (the task).
   * A name that no definition holds is never part of a span's name.
   *
   * @default {"queue"}
   */
  readonly spanNaming?: "queue" | "task";
  /**
   * Whether each task of an `enqueueMany` gets a `create` PRODUCER span of its own, whose context travels with it.
   * The span of the call is then CLIENT, and linked to the first 128 of them.
   *
   * @default {false}
   */
  readonly createSpans?: boolean;
  /**
   * Whose names are used. `baton`: OpenTelemetry's messaging conventions and `baton.*`.
   * `django-q2`: those of `opentelemetry-instrumentation-django-q2-full-of-juice` 0.2.0, exactly: its spans, attributes and two histograms and nothing else, for a fleet that shares its dashboards.
   * It decides on names, links and metrics, so `correlation`, `spanNaming` and `createSpans` cannot be given with it.
   *
   * @default {"baton"}
   */
  readonly conventions?: "baton" | "django-q2";
  /** Whether `ctx.fetch` makes CLIENT spans and sends W3C headers. @default {as the telemetry's own `fetchIn` does, else true} */
  readonly clientSpans?: boolean;
  /** What `ctx.fetch` sends to whom. @default {as the telemetry's own `fetchIn` does, else the trace to all and baggage to nobody} */
  readonly propagateTo?: PropagateTo;
}

const VALUES: Readonly<Record<keyof QueueTracing, readonly unknown[]>> = {
  correlation: ["parent", "link", "auto", "function"],
  spanNaming: ["queue", "task"],
  createSpans: [true, false],
  conventions: ["baton", "django-q2"],
  clientSpans: [true, false],
  propagateTo: ["function"],
};

/** What the conventions of django-q2 leave no choice of. */
const DECIDED: readonly string[] = ["correlation", "spanNaming", "createSpans"];

/**
 * The option `tracing`.
 *
 * @throws {TypeError} If an option is unknown, has none of its values, or is decided by another.
 */
export function checkTracing(tracing: QueueTracing): void {
  checkKnown("of tracing", tracing, Object.keys(VALUES));
  for (const [name, value] of Object.entries(tracing)) {
    if (value === undefined) continue;
    const values = VALUES[name as keyof QueueTracing];
    const kind: unknown = typeof value === "function" ? "function" : value;
    if (value === "function" || !values.includes(kind)) {
      throw new TypeError(
        `tracing.${name} must be one of ${
          values.join(", ")
        }: current value is ${
          typeof value === "object" ? typeof value : value
        }`,
      );
    }
    if (tracing.conventions === "django-q2" && DECIDED.includes(name)) {
      throw new TypeError(
        `tracing.${name} has no effect with the conventions of django-q2: leave it out`,
      );
    }
  }
}
