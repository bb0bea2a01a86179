import type { Context, TextMapPropagator } from "@opentelemetry/api";
import type { Carrier } from "../../codec/envelope.ts";
import { safely } from "../../core/safely.ts";
import { truncateTracestate } from "../../w3c/tracestate.ts";

const MAX_TRACESTATE_BYTES = 512;
const MAX_BAGGAGE_BYTES = 1_024;
const utf8 = new TextEncoder();

/** What travels with a task: the context's trace and baggage. A tracestate of over 512 bytes is cut as W3C has it; a baggage of over 1 KB is left out whole. */
export function inject(
  propagator: TextMapPropagator,
  context: Context,
): Carrier {
  const found = new Map<string, string>();
  safely(
    () =>
      propagator.inject(context, found, {
        set: (carrier, key, value) => carrier.set(key.toLowerCase(), value),
      }),
    undefined,
  );
  const traceparent = found.get("traceparent");
  const tracestate = within(
    shortened(found.get("tracestate")),
    MAX_TRACESTATE_BYTES,
  );
  const baggage = within(found.get("baggage"), MAX_BAGGAGE_BYTES);
  return {
    ...(traceparent ? { traceparent } : {}),
    ...(traceparent && tracestate ? { tracestate } : {}),
    ...(baggage ? { baggage } : {}),
  };
}

function shortened(tracestate: string | undefined): string | undefined {
  return typeof tracestate === "string"
    ? truncateTracestate(tracestate, MAX_TRACESTATE_BYTES)
    : undefined;
}

function within(text: string | undefined, bytes: number): string | undefined {
  if (typeof text !== "string" || text.length > bytes) return undefined;
  return utf8.encode(text).length > bytes ? undefined : text;
}
