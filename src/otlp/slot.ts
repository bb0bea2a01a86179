import type {
  ContextManager,
  MeterProvider,
  TextMapPropagator,
  TracerProvider,
} from "@opentelemetry/api";
import { API_SLOT, EVERY_1_X, OURS } from "../http/slot.ts";
import { trace } from "../w3c/api.ts";

/** Whose registration it is, and the version that the slot had before it was raised. */
type Mark = readonly [owner: object, version: string];

interface Slot {
  readonly version: string;
  readonly diag?: unknown;
  readonly context?: ContextManager;
  readonly [OURS]?: Mark;
}

/** The host, as far as every 1.x copy of the API knows it. */
export const host = globalThis as { [API_SLOT]?: Slot | undefined };

/** What is registered, and for whom. */
export interface Registration {
  readonly tracerProvider: TracerProvider;
  readonly meterProvider: MeterProvider;
  readonly propagator: TextMapPropagator;
  readonly contextManager: ContextManager;
}

/**
 * Registers everything, for every 1.x copy of the API, or nothing when anything is registered already.
 *
 * Tracers go through the API's own copy first, so that those which were taken before come to life;
 * it makes the slot, whose version is raised then.
 */
export function fillSlot(owner: Registration): boolean {
  const { diag, [OURS]: mark, version: _, ...registered } = host[API_SLOT] ??
    {};
  if (mark?.[0] === owner) return true;
  if (Object.keys(registered).length > 0) return false;
  delete host[API_SLOT];
  trace.setGlobalTracerProvider(owner.tracerProvider);
  const slot = host[API_SLOT]! as Slot;
  Object.assign(slot, {
    metrics: owner.meterProvider,
    propagation: owner.propagator,
    context: owner.contextManager,
    diag,
    [OURS]: [owner, slot.version],
    version: EVERY_1_X,
  });
  return true;
}

/** Takes back what {@link fillSlot} registered for this owner. */
export function clearSlot(owner: object): boolean {
  const { diag, [OURS]: mark } = host[API_SLOT] ?? {};
  if (mark?.[0] !== owner) return false;
  trace.disable();
  host[API_SLOT] = diag ? { diag, version: mark[1] } : undefined;
  return true;
}
