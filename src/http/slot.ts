/** Where every 1.x copy of the OpenTelemetry API looks for what is registered. */
export const API_SLOT: unique symbol = Symbol.for("opentelemetry.js.api.1");

/** Marks a slot that holds a `Telemetry`, and the requests that one makes. */
export const OURS: unique symbol = Symbol.for("@baton/queue/otlp");

/** A copy of the API uses a slot of its own minor version or a later one: this is later than all. */
export const EVERY_1_X = "1.999.999";

interface Slot {
  readonly version?: unknown;
  readonly [OURS]?: unknown;
}

/** Whether the host traces by itself, as Deno does with `OTEL_DENO=true`: it fills the slot before any code runs, and traces each `fetch`. */
export function hostTraces(): boolean {
  const slot = (globalThis as { readonly [API_SLOT]?: Slot })[API_SLOT];
  return slot?.version === EVERY_1_X && !slot[OURS];
}
