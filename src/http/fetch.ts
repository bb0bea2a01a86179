import type {
  Context,
  Span,
  TextMapPropagator,
  Tracer,
} from "@opentelemetry/api";
import { KIND_CLIENT, STATUS_ERROR } from "../core/codes.ts";
import { safely } from "../core/safely.ts";
import { propagation, ROOT_CONTEXT, trace } from "../w3c/api.ts";
import { knownMethod, methodAttributes } from "./methods.ts";
import { originIn } from "./origin.ts";
import { hostTraces, OURS } from "./slot.ts";
import { redact, serverAttributes } from "./url.ts";

/** What goes with a request to `url`: trace and baggage, the trace alone, or nothing. */
export type PropagateTo = (url: URL) => "all" | "trace" | "none";

/** What a traced `fetch` is made of. */
export interface FetchParts {
  /** Makes the spans. */
  tracer(): Tracer;
  /** Writes the headers. */
  propagator(): TextMapPropagator;
  /** What sends. @default {the host's, looked up at each call} */
  readonly fetch?: typeof fetch | undefined;
  /** Whether there are spans and headers; where the host traces by itself there are none. @default {true} */
  readonly clientSpans?: boolean | undefined;
  /** What goes to whom; if it throws, nothing goes. @default {the trace to all, baggage to the origin of the request in whose context it runs} */
  readonly propagateTo?: PropagateTo | undefined;
}

/**
 * A `fetch` that makes each call a CLIENT span in the context of that moment, and sends its W3C headers along.
 *
 * The span ends when the headers arrive; redirects that the host follows belong to it. What is no http or https URL is passed on as it is.
 * What the caller put into `traceparent` or `baggage` stands, except a `traceparent` of the same trace: forwarded headers hold one, and the span is nearer.
 * Nothing that telemetry does fails a call, and nothing is done to its answer.
 */
export function createFetch(
  parts: FetchParts,
  context: () => Context,
): typeof fetch {
  const host = fetch;
  return async function tracedFetch(...call: Call): Promise<Response> {
    // somebody may have put this one in the place of the host's
    const send = parts.fetch ?? (fetch === tracedFetch ? host : fetch);
    const isOff = parts.clientSpans === false || hostTraces() ||
      call[1]?.[OURS];
    const target = isOff ? undefined : safely(() => targetOf(call));
    if (!target) return await send(...call);

    const outer = safely(context, ROOT_CONTEXT);
    const span = safely(() => startSpan(parts, target, outer));
    const inner = span ? trace.setSpan(outer, span) : outer;
    const sent = safely(() => carrying(parts, call, target, inner), call);
    try {
      const response = await send(...sent);
      const { status } = response;
      end(span, status < 400 ? "" : `${status}`, status);
      return response;
    } catch (error) {
      end(span, safely(() => failureOf(error, target), "Error"));
      throw error;
    }
  };
}

type Call = [input: RequestInfo | URL, init?: OwnInit];

/** A request that a `Telemetry` itself makes is marked, and not traced: not every host can tell by the context. */
interface OwnInit extends RequestInit {
  readonly [OURS]?: true;
}

/** Who is asked for what. */
interface Target {
  readonly url: URL;
  readonly method: string;
  readonly signal: AbortSignal | null | undefined;
}

function targetOf([input, init]: Call): Target | undefined {
  const request = input instanceof Request ? input : undefined;
  const url = new URL(request?.url ?? String(input));
  if (!/^https?:/.test(url.protocol)) return undefined;
  return {
    url,
    method: String(init?.method ?? request?.method ?? "GET"),
    signal: init?.signal === undefined ? request?.signal : init.signal,
  };
}

function startSpan(
  parts: FetchParts,
  { url, method }: Target,
  context: Context,
): Span {
  const options = {
    kind: KIND_CLIENT,
    attributes: {
      ...methodAttributes(method),
      ...serverAttributes(url),
      "url.full": redact(url),
    },
  };
  const name = knownMethod(method) ?? "HTTP";
  return parts.tracer().startSpan(name, options, context);
}

/** The call with the headers that may go along, where the caller gave no others. */
function carrying(
  parts: FetchParts,
  [input, init]: Call,
  { url }: Target,
  context: Context,
): Call {
  const { propagateTo } = parts;
  const isOwn = url.origin === originIn(context);
  const reach = propagateTo ? propagateTo(url) : isOwn ? "all" : "trace";
  const headers = new Headers(
    init?.headers === undefined && input instanceof Request
      ? input.headers
      : init?.headers,
  );
  const given = headers.get("traceparent")?.slice(3, 35) ?? "";
  const { traceId = "" } = trace.getSpanContext(context) ?? {};
  const set = (_: unknown, name: string, value: string) => {
    const stands = name === "baggage"
      ? headers.has(name)
      : !traceId.includes(given);
    if (!stands) headers.set(name, value);
  };
  if (reach === "all" || reach === "trace") {
    const carried = reach === "all"
      ? context
      : propagation.deleteBaggage(context);
    parts.propagator().inject(carried, headers, { set });
  }
  // a Request in the place of init would lose everything in a copy
  return init instanceof Request
    ? [new Request(input, init), { headers }]
    : [input, { ...init, headers }];
}

/** The type of a failure; empty where the caller wanted it so, which a time-out is not. */
function failureOf(error: unknown, { signal }: Target): string {
  const cause = signal?.aborted ? signal.reason : error;
  const type = cause instanceof Error ? cause.name : typeof cause;
  return signal?.aborted && !type.includes("Timeout") ? "" : type;
}

/** Errors of the network name the URL as it was given: of them only the type is told. */
function end(span: Span | undefined, failure: string, status?: number): void {
  safely(() => {
    if (status) span?.setAttribute("http.response.status_code", status);
    if (failure) {
      span?.setAttribute("error.type", failure);
      span?.setStatus({ code: STATUS_ERROR });
    }
    span?.end();
  });
}
