import type { Context, SpanContext } from "@opentelemetry/api";
import { SAMPLED } from "../core/codes.ts";
import { trace } from "../w3c/api.ts";
import type { ActiveContext } from "./active.ts";
import type { TelemetryClock } from "./clock.ts";

/**
 * Of which measurements examples are kept, with the span that they were made in.
 *
 * - `"trace_based"`: of those made within a sampled span.
 * - `"always_on"`: of all.
 * - `"always_off"`: of none.
 */
export type ExemplarFilter = "trace_based" | "always_on" | "always_off";

/** One measurement, as an example of those that its point sums up. */
export interface Exemplar {
  readonly value: number;
  /** In milliseconds since the epoch. */
  readonly at: number;
  /** The span that it was made in. */
  readonly span: SpanContext | undefined;
}

/** Chooses examples. */
export interface Exemplars {
  readonly exemplars: ExemplarFilter;
  readonly context: ActiveContext;
  readonly clock: TelemetryClock;
  /** A number from 0 to 1. */
  readonly random: () => number;
}

/** The measurement as an example, when the filter lets it pass. */
export function exemplar(
  { exemplars, context, clock }: Exemplars,
  value: number,
  given: Context | undefined,
): Exemplar | undefined {
  if (exemplars === "always_off") return undefined;
  const span = trace.getSpanContext(given ?? context.active());
  const isSampled = span && span.traceFlags & SAMPLED;
  if (isSampled || exemplars === "always_on") {
    return { value, at: clock.now(), span };
  }
  return undefined;
}
