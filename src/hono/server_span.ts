import {
  type Context,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from "@opentelemetry/api";
import type { Context as HonoContext } from "hono";
import { systemClock } from "../core/clock.ts";
import { safely } from "../core/safely.ts";
import { exceptionsOf } from "../queue/trace/exception.ts";
import type { Providers } from "../queue/trace/providers.ts";
import { secondsBetween, Stopwatch } from "../queue/trace/stopwatch.ts";
import { listening, messageWithin, toldWithin } from "../queue/trace/told.ts";
import { type Answer, answerOf, type Thrown } from "./answer.ts";
import type { ServerDuration } from "./duration.ts";
import { requestAttributes, requestLabels, requestName } from "./http.ts";

/** What requests are traced and measured with. */
export interface Instruments {
  readonly providers: Providers;
  readonly duration: ServerDuration;
}

/** A request that is traced. */
export interface ServerTrace {
  /** The SERVER span. */
  readonly span: Span;
  /** The context with the span in it. */
  readonly context: Context;
  /** Says what came of the request; ends the span and measures it, if it was begun here. */
  end(c: HonoContext, through?: Thrown): void;
}

const READ: TextMapGetter<HonoContext> = {
  get: ({ req }, name) => req.header(name),
  keys: ({ req }) => Object.keys(req.header()),
};

/** The request's own context: `outer` with the trace and the baggage that its headers carry, and no others. */
export function incoming(
  providers: Providers,
  c: HonoContext,
  outer: Context,
): Context {
  const bare = trace.deleteSpan(outer);
  return safely(() => providers.propagator().extract(bare, c, READ), bare);
}

/** Begins the SERVER span of a request that continues the trace in `parent`, or is linked to `origin`. */
export function startServerSpan(
  { providers, duration }: Instruments,
  c: HonoContext,
  parent: Context,
  origin: SpanContext | undefined,
): ServerTrace {
  const watch = new Stopwatch(systemClock);
  const options = {
    kind: SpanKind.SERVER,
    attributes: safely(() => requestAttributes(c), {}),
    links: origin === undefined ? [] : [{ context: origin }],
  };
  const span = safely(
    () =>
      providers.tracer().startSpan(requestName(c, undefined), options, parent),
    undefined,
  ) ?? trace.wrapSpanContext(remoteIn(parent) ?? INVALID_SPAN_CONTEXT);
  const context = listening(trace.setSpan(parent, span));
  return {
    span,
    context,
    end(c, through) {
      const answer = safely(() => answerOf(c, through), NOTHING);
      tell({ span, context }, c, answer);
      safely(() => span.end(), undefined);
      safely(() => {
        const labels = { ...requestLabels(c), ...answer.attributes };
        duration.record(
          secondsBetween(watch.startAt, watch.now()),
          labels,
          context,
        );
      }, undefined);
    },
  };
}

/** The span of whoever traces the request already: it is told what it cannot know, and ended and measured by its owner. */
export function joinServerSpan(span: Span, outer: Context): ServerTrace {
  const context = listening(outer);
  return {
    span,
    context,
    end(c, through) {
      const answer = safely(() => answerOf(c, through), NOTHING);
      tell({ span, context }, c, answer);
    },
  };
}

/**
 * The span of this request that was begun before: by a `tracing()` further out, sampled or not;
 * or the one that is current, if it records and is a server's. Deno's own says of no span what kind it is.
 */
export function serverSpanOf(
  c: HonoContext,
  context: Context,
): Span | undefined {
  return safely(() => {
    const begun: Span | undefined = c.get("span");
    if (begun && isLocal(begun)) return begun;
    const current: Span & { readonly kind?: SpanKind } | undefined = trace
      .getSpan(context);
    const { kind = SpanKind.SERVER } = current ?? {};
    return current?.isRecording() && isLocal(current) &&
        kind === SpanKind.SERVER
      ? current
      : undefined;
  }, undefined);
}

function isLocal(span: Span): boolean {
  const context = span.spanContext();
  return isSpanContextValid(context) && context.isRemote !== true;
}

/** The valid span context in a context. */
export function remoteIn(context: Context): SpanContext | undefined {
  const found = trace.getSpanContext(context);
  return found !== undefined && isSpanContextValid(found) ? found : undefined;
}

const NOTHING: Answer = {
  route: undefined,
  attributes: {},
  isFailure: false,
  thrown: undefined,
};

type Current = Pick<ServerTrace, "span" | "context">;

function tell(
  current: Current,
  c: HonoContext,
  { route, attributes, isFailure, thrown }: Answer,
): void {
  const { span } = current;
  safely(() => {
    span.setAttributes(attributes);
    if (route !== undefined) span.updateName(requestName(c, route));
    if (isFailure) fail(current, thrown);
  }, undefined);
}

/** What a task told that ran within the request is not told again. */
function fail({ span, context }: Current, thrown: Thrown | undefined): void {
  if (thrown === undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    return;
  }
  const { error } = thrown;
  const message = messageWithin(context, error);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  for (const event of exceptionsOf(error, toldWithin(context, error))) {
    span.addEvent("exception", event);
  }
}
