import {
  type Attributes,
  type Context,
  INVALID_SPAN_CONTEXT,
  INVALID_SPANID,
  type Link,
  type Span,
  type SpanContext,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { safely } from "../../core/safely.ts";
import { parseTraceparent } from "../../w3c/traceparent.ts";
import { errorTypeOf } from "./conventions.ts";
import type { FailureText } from "./dialect.ts";
import type { Instrumentation } from "./instrument.ts";

/** How many links a span has: the specification's own limit. */
const MAX_LINKS = 128;

/** A span whose own failures are nobody's. */
export class SafeSpan {
  /** The span as the tracer made it. */
  readonly raw: Span;
  readonly #outer: Context;
  #context: Context | undefined;

  constructor(raw: Span, outer: Context) {
    this.raw = raw;
    this.#outer = outer;
  }

  get spanContext(): SpanContext {
    return safely(() => this.raw.spanContext(), INVALID_SPAN_CONTEXT);
  }

  /** The context that it was started in, with the span in it. */
  get context(): Context {
    return this.#context ??= trace.setSpan(this.#outer, this.raw);
  }

  /** Sets attributes. */
  set(attributes: Attributes): void {
    safely(() => void this.raw.setAttributes(attributes));
  }

  /** Sets the status to ERROR and tells why, its events at an instant where one is given. */
  fail({ attributes, message, events }: FailureText, at?: number): void {
    safely(() => {
      this.raw.setAttributes(attributes);
      this.raw.setStatus({
        code: SpanStatusCode.ERROR,
        ...(message === "" ? {} : { message }),
      });
      for (const event of events) this.raw.addEvent("exception", event, at);
    });
  }

  /** Ends the span, at an instant in milliseconds where one is given. */
  end(at?: number): void {
    safely(() => this.raw.end(at));
  }
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
  return new SafeSpan(raw, context);
}

/** Says on a span why its operation failed, and gives its `error.type`. */
export function failOperation(
  { dialect, redact }: Instrumentation,
  span: SafeSpan,
  thrown: unknown,
): string {
  const error = redact(thrown);
  const errorType = errorTypeOf(thrown, error);
  span.fail(dialect.operationFailed(error, errorType));
  return errorType;
}

/** The span context in `context`, if there is one that names a span. */
export function spanContextIn(context: Context): SpanContext | undefined {
  const found = safely(() => trace.getSpanContext(context), undefined);
  return found?.spanId === INVALID_SPANID ? undefined : found;
}

/** The span that a `traceparent` names, if it can be read. */
export function spanContextOf(
  traceparent: string | undefined,
): SpanContext | undefined {
  return traceparent === undefined
    ? undefined
    : safely(() => parseTraceparent(traceparent), undefined);
}

/** Links to those of the contexts that are there, the first 128 of them; one to several in a row that are the same, as those of a batch's tasks are. */
export function linksTo(
  ...contexts: readonly (SpanContext | undefined)[]
): Link[] {
  const links: Link[] = [];
  let last: SpanContext | undefined;
  for (const context of contexts) {
    if (context === undefined || isSame(context, last)) continue;
    if (links.length < MAX_LINKS) links.push({ context });
    last = context;
  }
  return links;
}

function isSame(a: SpanContext, b: SpanContext | undefined): boolean {
  return a === b || a.spanId === b?.spanId && a.traceId === b?.traceId;
}
