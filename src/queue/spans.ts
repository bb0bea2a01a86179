import {
  type Attributes,
  type Context,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  type Link,
  type Span,
  type SpanContext,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { failureAttributes } from "./conventions.ts";
import { exceptionsOf, messageOf } from "./exception.ts";
import type { Instrumentation } from "./instrument.ts";
import { safely } from "./providers.ts";

/** A span whose own failures are nobody's. */
export interface SafeSpan {
  /** The span as the tracer made it. */
  readonly raw: Span;
  readonly context: SpanContext;
  /** Sets attributes. */
  set(attributes: Attributes): void;
  /** Sets the status to ERROR, with the message of `error` where there is one, and `error.type`. */
  fail(error: unknown, errorType: string): void;
  /** Adds one exception event for each error behind `error`, at an instant. */
  addExceptions(error: unknown, at: number): void;
  /** Ends the span, at an instant in milliseconds where one is given. */
  end(at?: number): void;
}

/** Starts a span; where the tracer fails, one that records nothing and hands on the trace above it. */
export function startSpan(
  { providers }: Instrumentation,
  name: string,
  options: SpanOptions,
  context: Context,
): SafeSpan {
  const raw = safely(
    () => providers.tracer().startSpan(name, options, context),
    undefined,
  ) ?? trace.wrapSpanContext(spanContextIn(context) ?? INVALID_SPAN_CONTEXT);
  return {
    raw,
    context: safely(() => raw.spanContext(), INVALID_SPAN_CONTEXT),
    set: (attributes) =>
      safely(() => void raw.setAttributes(attributes), undefined),
    fail(error, errorType) {
      safely(() => {
        raw.setAttributes(failureAttributes(errorType));
        const message = messageOf(error);
        raw.setStatus({
          code: SpanStatusCode.ERROR,
          ...(message === "" ? {} : { message }),
        });
      }, undefined);
    },
    addExceptions(error, at) {
      safely(() => {
        for (const attributes of exceptionsOf(error)) {
          raw.addEvent("exception", attributes, at);
        }
      }, undefined);
    },
    end: (at) => safely(() => raw.end(at), undefined),
  };
}

/** The valid span context in `context`, if there is one. */
export function spanContextIn(context: Context): SpanContext | undefined {
  const found = safely(() => trace.getSpanContext(context), undefined);
  return found !== undefined && isSpanContextValid(found) ? found : undefined;
}

/** Links to those of the contexts that are there. */
export function linksTo(
  ...contexts: readonly (SpanContext | undefined)[]
): Link[] {
  return contexts.flatMap((context) => context ? [{ context }] : []);
}
