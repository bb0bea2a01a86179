import {
  type Attributes,
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
import { nameOf } from "../queue/conventions.ts";
import { exceptionsOf, messageOf } from "../queue/exception.ts";
import { type Providers, safely } from "../queue/providers.ts";
import { requestAttributes, requestName, routeOf } from "./http.ts";

/** A request that is traced. */
export interface ServerTrace {
  /** The SERVER span. */
  readonly span: Span;
  /** The context with the span in it. */
  readonly context: Context;
  /** Says what came of the request, and ends the span if it was begun here. */
  end(c: HonoContext, thrown?: Thrown): void;
}

/** What was thrown through the middleware, be it `undefined`. */
export interface Thrown {
  readonly error: unknown;
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
  providers: Providers,
  c: HonoContext,
  parent: Context,
  origin: SpanContext | undefined,
): ServerTrace {
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
  return {
    span,
    context: trace.setSpan(parent, span),
    end(c, thrown) {
      describe(span, c, thrown);
      safely(() => span.end(), undefined);
    },
  };
}

/** The span of whoever traces the request already: it is told what it cannot know, and ended by its owner. */
export function joinServerSpan(span: Span, context: Context): ServerTrace {
  return {
    span,
    context,
    end: (c, thrown) => describe(span, c, thrown),
  };
}

/** The span that is current here, if it is one that a request's route and outcome can be told. */
export function localSpan(context: Context): Span | undefined {
  const span = trace.getSpan(context);
  const isLocal = safely(
    () => span?.isRecording() === true && !span.spanContext().isRemote,
    false,
  );
  return isLocal ? span : undefined;
}

/** The valid span context in a context. */
export function remoteIn(context: Context): SpanContext | undefined {
  const found = trace.getSpanContext(context);
  return found !== undefined && isSpanContextValid(found) ? found : undefined;
}

function describe(
  span: Span,
  c: HonoContext,
  thrown: Thrown | undefined,
): void {
  safely(() => {
    const route = routeOf(c);
    if (route !== undefined) {
      span.setAttribute("http.route", route);
      span.updateName(requestName(c, route));
    }
    const { status, failure } = outcomeOf(c, thrown);
    if (status !== undefined) {
      span.setAttribute("http.response.status_code", status);
    }
    if (failure !== undefined) fail(span, failure);
  }, undefined);
}

interface Outcome {
  readonly status: number | undefined;
  /** Set where the server is to blame. */
  readonly failure: Failure | undefined;
}

interface Failure {
  readonly type: string;
  readonly thrown: Thrown | undefined;
}

/** What was answered; an error that Hono made a 4xx of is the client's affair. */
function outcomeOf(c: HonoContext, thrown: Thrown | undefined): Outcome {
  if (thrown !== undefined) {
    return {
      status: undefined,
      failure: { type: nameOf(thrown.error), thrown },
    };
  }
  const status = c.finalized ? c.res.status : undefined;
  const { error } = c;
  if (status !== undefined && status < 500) {
    return { status, failure: undefined };
  }
  if (error !== undefined) {
    return { status, failure: { type: nameOf(error), thrown: { error } } };
  }
  const failure = status === undefined
    ? undefined
    : { type: String(status), thrown: undefined };
  return { status, failure };
}

function fail(span: Span, { type, thrown }: Failure): void {
  const attributes: Attributes = { "error.type": type };
  span.setAttributes(attributes);
  if (thrown === undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    return;
  }
  const { error } = thrown;
  span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
  for (const event of exceptionsOf(error)) span.addEvent("exception", event);
}
