import type { Context, Span } from "@opentelemetry/api";
import { diag, INVALID_SPAN_CONTEXT, trace } from "@opentelemetry/api";
import type { Context as HonoContext, MiddlewareHandler, Next } from "hono";
import { checkKnown } from "../core/check.ts";
import { type PerEnv, perEnv } from "../core/per_env.ts";
import { safely } from "../core/safely.ts";
import type { PropagateTo } from "../http/fetch.ts";
import { withOrigin } from "../http/origin.ts";
import type { Enqueuer } from "../queue/enqueue/enqueuer.ts";
import type { Queue } from "../queue/queue.ts";
import { nameOf } from "../queue/trace/conventions.ts";
import { Providers, type QueueTelemetry } from "../queue/trace/providers.ts";
import { withHost } from "../queue/wake/hold.ts";
import type { Thrown } from "./answer.ts";
import { ServerDuration } from "./duration.ts";
import { fetchLater } from "./fetch_later.ts";
import { headerName, requestIdOf, setHeader } from "./request_id.ts";
import {
  incoming,
  type Instruments,
  joinServerSpan,
  remoteIn,
  serverSpanOf,
  type ServerTrace,
  startServerSpan,
} from "./server_span.ts";

/** What `tracing()` sets on a request. */
export interface TracingVariables {
  /** The request's OpenTelemetry Context: `queue.within(c.var.otel)` continues its trace, on every host. */
  otel: Context;
  /** The request's SERVER span; of a skipped request one that records nothing. */
  span: Span;
  /** A `fetch` whose calls are CLIENT spans of the request, and carry its trace: `telemetry.fetchIn(c.var.otel)`. */
  fetch: typeof fetch;
}

/** What `tracing({ queue })` sets on a request: `new Hono<{ Variables: BatonVariables }>()`. */
export interface BatonVariables extends TracingVariables {
  /** The producer's half of the queue, within the request's trace. */
  queue: Enqueuer;
}

/** Options of {@link tracing}. */
export interface TracingOptions<Env = unknown> {
  /**
   * What makes spans, and is flushed when the request has been answered: a `Telemetry`, your SDK's providers, or a function of the host's environment.
   * A function is called once for each environment object: for hosts such as Cloudflare, which have one per isolate. One that takes no argument is called once.
   * If it throws, that is reported through `diag`, and the globals are used.
   *
   * @default {the OpenTelemetry globals}
   */
  readonly telemetry?: PerEnv<Env, QueueTelemetry>;
  /** The queue of `c.var.queue`, or a function of the host's environment, which is called once for each environment object. */
  readonly queue?: PerEnv<Env, Queue>;
  /** Whether the request's `traceparent` is continued; where not, it begins a trace linked to it, and its baggage is left out. A route that anyone can call is better not trusted. A function that throws does not trust. @default {true} */
  readonly trust?: boolean | ((c: HonoContext) => boolean);
  /** Requests that get no span and no flush, such as health checks. `c.var` is set for them too. A function that throws skips nothing. */
  readonly skip?: (c: HonoContext) => boolean;
  /** The header that names each answered request, `true` being `X-Request-Id`: the caller's own name for it where it is harmless, else its trace id. @default {none} */
  readonly requestId?: boolean | string;
  /** Whether `c.var.fetch` makes spans and sends the trace along; where another instrumentation does, it should not. @default {as the telemetry has it} */
  readonly clientSpans?: boolean;
  /** What `c.var.fetch` sends to whom; if it throws, nothing. @default {as the telemetry has it, else the trace to all, baggage to the request's own origin} */
  readonly propagateTo?: PropagateTo;
}

/** Options of {@link tracing} with a queue. */
export interface QueueTracingOptions<Env = unknown>
  extends TracingOptions<Env> {
  /** The queue of `c.var.queue`, as in {@link TracingOptions}. */
  readonly queue: PerEnv<Env, Queue>;
}

/**
 * Middleware that makes each request a SERVER span by OpenTelemetry's HTTP conventions, continues the caller's W3C trace,
 * and sends what the request left behind once it is answered: in `waitUntil` where the host has it, else on its own.
 * It never delays or fails a request.
 *
 * The span ends with the handlers, which is before a streamed body has been sent.
 * Where a span of this process is current already, as Deno's own, that one is completed instead of doubled.
 *
 * @throws {TypeError} If an option is unknown, or `requestId` is no header's name.
 */
export function tracing<Env = unknown>(
  options: QueueTracingOptions<Env>,
): MiddlewareHandler<{ Variables: BatonVariables }>;
/** The same without a queue: `images.within(c.var.otel)` then takes any. */
export function tracing<Env = unknown>(
  options?: TracingOptions<Env>,
): MiddlewareHandler<{ Variables: TracingVariables }>;
export function tracing<Env>(
  options: TracingOptions<Env> = {},
): MiddlewareHandler {
  checkKnown("of tracing()", options, OPTIONS);
  const { telemetry = {}, queue, requestId = false } = options;
  const equip = (telemetry: QueueTelemetry): Instruments => {
    const providers = new Providers(telemetry, options);
    return { providers, duration: new ServerDuration(providers) };
  };
  const instrumentsOf = perEnv(
    typeof telemetry === "function"
      ? (env: Env) => equip(madeOf(telemetry, env))
      : equip(telemetry),
    typeof telemetry === "function" && telemetry.length > 0,
  );
  const queueOf = queue === undefined ? undefined : perEnv(queue);
  const idHeader = headerName(requestId);

  return async function tracing(c: RequestContext, next: Next): Promise<void> {
    const env = c.env as Env;
    const instruments = instrumentsOf(env);
    const { providers } = instruments;
    const request = begin(instruments, c, options);
    let thrown: Thrown | undefined;
    try {
      c.set("otel", request.context);
      c.set("span", request.span);
      c.set("fetch", fetchLater(providers, request.context));
      if (queueOf !== undefined) {
        c.set("queue", queueOf(env).within(request.context));
      }
      await providers.runIn(request.context, next);
    } catch (error) {
      thrown = { error };
      throw error;
    } finally {
      if (idHeader !== undefined) nameRequest(c, request.span, idHeader);
      request.end(c, thrown);
      if (request.flushes) {
        inBackground(c, () => providers.flush(request.context));
      }
    }
  };
}

const OPTIONS: readonly (keyof TracingOptions)[] = [
  "telemetry",
  "queue",
  "trust",
  "skip",
  "requestId",
  "clientSpans",
  "propagateTo",
];

type RequestContext = HonoContext<{ Variables: BatonVariables }>;

/** A request as the middleware follows it. */
interface Followed extends ServerTrace {
  /** Whether to flush when it is answered. */
  readonly flushes: boolean;
}

function begin(
  instruments: Instruments,
  c: RequestContext,
  { trust = true, skip }: TracingOptions<never>,
): Followed {
  const { providers } = instruments;
  const outer = addressed(c, c.get("otel") ?? providers.activeContext());
  if (skip !== undefined && says(skip, c)) {
    return pass(incoming(providers, c, outer));
  }
  const scope = providers.openScope(outer);
  const flushes = providers.flushes(scope);
  const begun = serverSpanOf(c, outer);
  if (begun !== undefined) {
    return { ...joinServerSpan(begun, scope), flushes };
  }
  const asked = incoming(providers, c, scope);
  const isTrusted = typeof trust === "function" ? says(trust, c) : trust;
  const request = isTrusted
    ? startServerSpan(instruments, c, asked, undefined)
    : startServerSpan(instruments, c, trace.deleteSpan(scope), remoteIn(asked));
  return { ...request, flushes };
}

/** The context of what was sent to this origin: baggage may go back there, and the host holds it open, where it can. */
function addressed(c: HonoContext, outer: Context): Context {
  const context = safely(() => withHost(outer, c.executionCtx), outer);
  return safely(() => withOrigin(context, new URL(c.req.url).origin), context);
}

/** What `ask` says of a request; a question that cannot be answered fails no request. */
function says(ask: (c: HonoContext) => boolean, c: HonoContext): boolean {
  return safely(() => ask(c) === true, false);
}

/** The telemetry for an environment, or none: it is not worth a request. */
function madeOf<Env>(
  make: (env: Env) => QueueTelemetry,
  env: Env,
): QueueTelemetry {
  try {
    return make(env);
  } catch (error) {
    diag.error(
      `tracing() goes without its telemetry: making it threw ${nameOf(error)}`,
    );
    return {};
  }
}

/** A request that is let through as it came. */
function pass(context: Context): Followed {
  const span = trace.getSpan(context) ??
    trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
  return { span, context, end() {}, flushes: false };
}

function nameRequest(c: HonoContext, span: Span, header: string): void {
  safely(() => {
    const id = requestIdOf(c.req.header(header), span);
    if (id === undefined) return;
    setHeader(c, header, id);
    span.setAttribute(`http.response.header.${header.toLowerCase()}`, [id]);
  }, undefined);
}

/** Work that outlives the answer; a host without `waitUntil` lets it run on. */
function inBackground(c: HonoContext, work: () => Promise<void>): void {
  const done = work();
  try {
    c.executionCtx.waitUntil(done);
  } catch { /* no such host */ }
}
