import {
  context,
  type ContextManager,
  type MeterProvider,
  metrics,
  propagation,
  type TextMapPropagator,
  trace,
  type TracerProvider,
} from "@opentelemetry/api";

/** Where every 1.x copy of the OpenTelemetry API looks for what is registered. */
const SLOT = Symbol.for("opentelemetry.js.api.1");

/** Marks a slot that holds a `Telemetry`. */
const OURS = Symbol.for("@baton/queue/otlp");

/** A copy of the API uses a slot of its own minor version or a later one: this is later than all. */
const EVERY_1_X = "1.999.999";

const KINDS = ["trace", "metrics", "propagation", "context"] as const;

/** Whose registration it is, and the version that the slot had before it was raised. */
interface Mark {
  readonly owner: object;
  readonly version: string;
}

type Slot =
  & { version: string; diag?: unknown; [OURS]?: Mark }
  & {
    [Kind in typeof KINDS[number]]?: unknown;
  };

const host = globalThis as { [SLOT]?: Slot };

/** What is registered. */
export interface Registration {
  readonly tracerProvider: TracerProvider;
  readonly meterProvider: MeterProvider;
  readonly propagator: TextMapPropagator;
  readonly contextManager: ContextManager;
}

/** Whether some context manager is registered, so that `context.active()` means something. */
export function hasContextManager(): boolean {
  return host[SLOT]?.context !== undefined;
}

/**
 * Registers everything, for every 1.x copy of the API, or nothing when anything is registered already.
 *
 * It goes through the API's own copy first, so that tracers which were taken before come to life,
 * and raises the slot's version then.
 */
export function fillSlot(owner: object, parts: Registration): boolean {
  const before = host[SLOT];
  if (before?.[OURS]?.owner === owner) return true;
  if (before && KINDS.some((kind) => before[kind] !== undefined)) return false;
  delete host[SLOT];
  trace.setGlobalTracerProvider(parts.tracerProvider);
  metrics.setGlobalMeterProvider(parts.meterProvider);
  propagation.setGlobalPropagator(parts.propagator);
  context.setGlobalContextManager(parts.contextManager);
  const slot = host[SLOT] as Slot | undefined;
  if (slot === undefined) return false;
  slot[OURS] = { owner, version: slot.version };
  slot.version = EVERY_1_X;
  if (before?.diag !== undefined) slot.diag = before.diag;
  return true;
}

/** Takes back what {@link fillSlot} registered for this owner. */
export function clearSlot(owner: object): boolean {
  const slot = host[SLOT];
  const mark = slot?.[OURS];
  if (slot === undefined || mark?.owner !== owner) return false;
  trace.disable();
  metrics.disable();
  propagation.disable();
  context.disable();
  delete slot[OURS];
  slot.version = mark.version;
  if (slot.diag === undefined) delete host[SLOT];
  return true;
}
