import {
  type Context,
  propagation,
  type TextMapGetter,
  type TextMapPropagator,
  trace,
} from "@opentelemetry/api";
import type { Carrier } from "../codec/envelope.ts";
import { safely } from "../core/safely.ts";

const MAX_TRACESTATE_BYTES = 512;
const MAX_BAGGAGE_BYTES = 1_024;
const utf8 = new TextEncoder();

const READ: TextMapGetter<Carrier> = {
  get: (carrier, key) => carrier[key as keyof Carrier],
  keys: (carrier) => Object.keys(carrier),
};

/** What travels with a task: the context's trace and baggage, of which tracestate (over 512 bytes) and baggage (over 1 KB) are left out whole. */
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
  const tracestate = within(found.get("tracestate"), MAX_TRACESTATE_BYTES);
  const baggage = within(found.get("baggage"), MAX_BAGGAGE_BYTES);
  return {
    ...(traceparent ? { traceparent } : {}),
    ...(traceparent && tracestate ? { tracestate } : {}),
    ...(baggage ? { baggage } : {}),
  };
}

/** `context` with the trace and baggage of the carrier in place of its own. */
export function extract(
  propagator: TextMapPropagator,
  context: Context,
  carrier: Carrier,
): Context {
  // the span last, for it is what is put in its place
  const bare = trace.deleteSpan(
    propagation.getBaggage(context)
      ? propagation.deleteBaggage(context)
      : context,
  );
  return safely(() => propagator.extract(bare, carrier, READ), bare);
}

function within(text: string | undefined, bytes: number): string | undefined {
  if (typeof text !== "string" || text.length > bytes) return undefined;
  return utf8.encode(text).length > bytes ? undefined : text;
}
