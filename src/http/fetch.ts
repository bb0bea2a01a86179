import type {
  Context,
  Span,
  TextMapPropagator,
  Tracer,
} from "@opentelemetry/api";
import { KIND_CLIENT, STATUS_ERROR, STATUS_UNSET } from "../core/codes.ts";
import { safely } from "../core/safely.ts";
import { propagation, ROOT_CONTEXT, trace } from "../w3c/api.ts";
import { parseTraceparent } from "../w3c/traceparent.ts";
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
 * What the caller put into `traceparent` or `baggage` stands, except a `traceparent` that is invalid or of the same trace: forwarded headers hold one, and the span is nearer.
 * Nothing that telemetry does fails a call, and nothing is done to its answer.
 */
export function createFetch(
  parts: FetchParts,
  context: () => Context,
): typeof fetch {
  const host = fetch;
  return async function tracedFetch(...call: Call): Promise<Response> {
    // somebody may have put this one in the place of the host's
    const { fetch: send = fetch === tracedFetch ? host : fetch } = parts;
    const isOff = parts.clientSpans === false || hostTraces() ||
      call[1]?.[OURS];
    const url = !isOff && safely(() => urlOf(call));
    if (!url) return await send(...call);

    const outer = safely(context, ROOT_CONTEXT);
    const span = safely(() => startSpan(parts, call, url, outer));
    const inner = span ? trace.setSpan(outer, span) : outer;
    const sent = safely(() => carrying(parts, call, url, inner), call);
    try {
      const response = await send(...sent);
      end(
        span,
        response.status < 400 ? "" : `${response.status}`,
        response.status,
      );
      return response;
    } catch (error) {
      end(span, safely(() => failureOf(error, call), "Error"));
      throw error;
    }
  };
}

type Call = [input: RequestInfo | URL, init?: OwnInit];

/** A request that a `Telemetry` itself makes is marked, and not traced: not every host can tell by the context. */
interface OwnInit extends RequestInit {
  readonly [OURS]?: true;
}

/** Whom to ask, by http or https. */
function urlOf([input]: Call): URL | undefined {
  const url = new URL(input instanceof Request ? input.url : input);
  return /^https?:/.test(url.protocol) ? url : undefined;
}

/** What `init` says of a request, or else the `Request` in its stead; a URL says nothing. */
function said<Part extends "headers" | "method" | "signal">(
  [input, init]: Call,
  part: Part,
): RequestInit[Part] | undefined {
  return init?.[part] === undefined
    ? (input as Partial<Request>)[part]
    : init[part];
}

function startSpan(
  parts: FetchParts,
  call: Call,
  url: URL,
  context: Context,
): Span {
  const method = said(call, "method") ?? "GET";
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
  call: Call,
  url: URL,
  context: Context,
): Call {
  const {
    propagateTo = ({ origin }) =>
      origin === originIn(context) ? "all" : "trace",
  } = parts;
  const reach = propagateTo(url);
  const headers = new Headers(said(call, "headers"));
  const given = parseTraceparent(`${headers.get("traceparent")}`);
  let carried = context;
  if (given && given.traceId !== trace.getSpanContext(context)?.traceId) {
    carried = trace.deleteSpan(carried);
  }
  if (reach === "trace" || headers.has("baggage")) {
    carried = propagation.deleteBaggage(carried);
  }
  if (reach === "all" || reach === "trace") {
    parts.propagator().inject(carried, headers, {
      set: (_, name, value) => headers.set(name, value),
    });
  }
  const [input, init] = call;
  // a Request in the place of init would lose everything in a copy
  return [
    init instanceof Request ? new Request(input, init) : input,
    { ...init, headers },
  ];
}

/** The type of a failure; empty where the caller wanted it so, which a time-out is not. */
function failureOf(error: unknown, call: Call): string {
  const signal = said(call, "signal");
  const cause = signal?.reason ?? error;
  const type = cause instanceof Error ? cause.name : typeof cause;
  return signal?.aborted && !type.includes("Timeout") ? "" : type;
}

/** Errors of the network name the URL as it was given: of them only the type is told. */
function end(span: Span | undefined, failure: string, status?: number): void {
  safely(() =>
    span?.setAttributes({
      // an opaque answer has the status 0
      "http.response.status_code": status || undefined,
      "error.type": failure || undefined,
    }).setStatus({ code: failure ? STATUS_ERROR : STATUS_UNSET }).end()
  );
}
