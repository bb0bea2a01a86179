import {
  type Context,
  type Link,
  type SpanContext,
  trace,
  TraceFlags,
} from "@opentelemetry/api";
import type { Delivery } from "../../broker/broker.ts";
import type { Envelope } from "../../codec/envelope.ts";
import { safely } from "../../core/safely.ts";
import { extract } from "./extraction.ts";
import type { Instrumentation } from "./instrument.ts";
import { linksTo, spanContextOf } from "./spans.ts";
import type { Correlation, QueueTracing } from "./tracing.ts";

/** A task that is deeper than this in its trace begins another: no trace is endless. */
const MAX_DEPTH = 100;

/** A task that was delayed for longer begins another trace: backends cut them by time. */
const MAX_DELAY_MS = 3_600_000;

/** Where in which trace a task is processed. */
export interface Place {
  /** The drain's scope, the task's baggage, and the parent where there is one. */
  readonly context: Context;
  /** The span that enqueued the task. */
  readonly creation: SpanContext | undefined;
  readonly links: Link[];
  /** Whether the task begins a trace of its own although it belongs to a sampled one. */
  readonly isKin: boolean;
  readonly depth: number;
  /** Why the task begins a trace of its own, where that is not how it always is. */
  readonly cut: "delay" | "depth" | undefined;
}

/** Finds it, by what the task carries and what is around it. */
export function placeOf(
  { dialect, providers, tracing }: Instrumentation,
  delivery: Delivery,
  envelope: Envelope | undefined,
  ambient: Context,
): Place {
  const carrier = envelope?.carrier ?? {};
  const { context: carried, span: creation, around, apart } = extract(
    providers.propagator(),
    ambient,
    carrier,
  );
  const depth = envelope?.depth ?? 0;
  const child = { context: carried, creation, depth, isKin: false };
  if (dialect.isBare) return { ...child, links: [], cut: undefined };
  const previous = spanContextOf(delivery.previousSpan);
  const releaser = spanContextOf(delivery.releasedBy);
  const cut = cutReason(delivery, depth);
  const isLinked = isSampled(creation) &&
    (cut ?? correlationOf(tracing, delivery, envelope)) !== "parent";
  if (isLinked) {
    return {
      context: trace.deleteSpan(carried),
      creation,
      links: linksTo(creation, around, releaser, previous),
      isKin: true,
      depth: 0,
      cut,
    };
  }
  return {
    ...child,
    links: linksTo(apart, releaser, previous),
    cut: undefined,
  };
}

/** Whether there is a trace to be linked to. What nobody recorded is continued instead: a parent-based sampler then records neither, any other decides. */
function isSampled(creation: SpanContext | undefined): boolean {
  return creation !== undefined &&
    (creation.traceFlags & TraceFlags.SAMPLED) !== 0;
}

/** Why a task begins a trace of its own, if it is to. */
function cutReason(
  { enqueuedAt, dueAt }: Delivery,
  depth: number,
): "delay" | "depth" | undefined {
  if (dueAt !== undefined && dueAt - enqueuedAt > MAX_DELAY_MS) return "delay";
  return depth > MAX_DEPTH ? "depth" : undefined;
}

function correlationOf(
  { correlation = "parent" }: QueueTracing,
  { id, name, attempt }: Delivery,
  envelope: Envelope | undefined,
): Correlation {
  const batched = envelope?.batched ?? false;
  if (correlation === "auto") return batched ? "link" : "parent";
  if (typeof correlation !== "function") return correlation;
  const { label, depth = 0 } = envelope ?? {};
  const task = { id, name, label, attempt, batched, depth };
  return safely(() => correlation(task), "parent") === "link"
    ? "link"
    : "parent";
}
