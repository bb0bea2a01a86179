import type { Context } from "@opentelemetry/api";

/** The key that OpenTelemetry's SDKs and instrumentations share for what is not to be traced, as the API's createContextKey() makes it. */
const SUPPRESSED: unique symbol = Symbol.for(
  "OpenTelemetry SDK Context Key SUPPRESS_TRACING",
);

/** A context in which nothing is traced: an exporter's own requests run in it. */
export function suppressTracing(context: Context): Context {
  return context.setValue(SUPPRESSED, true);
}

/** Whether nothing is to be traced in the context. */
export function isTracingSuppressed(context: Context): boolean {
  return context.getValue(SUPPRESSED) === true;
}
