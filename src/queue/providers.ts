import {
  type Context,
  context,
  type ContextManager,
  createContextKey,
  type Meter,
  type MeterProvider,
  metrics,
  propagation,
  ROOT_CONTEXT,
  type TextMapPropagator,
  trace,
  type Tracer,
  type TracerProvider,
} from "@opentelemetry/api";
import { W3CPropagator } from "../w3c/propagator.ts";
import { LIBRARY, SCHEMA_URL, VERSION } from "./conventions.ts";

/** What a queue uses of OpenTelemetry; a `Telemetry` of `@baton/queue/otlp` has all of it. What is absent is taken from the API's globals, whenever they are registered. */
export interface QueueTelemetry {
  /** Makes the tracer. @default {the registered one} */
  readonly tracerProvider?: TracerProvider;
  /** Makes the meter. @default {the registered one} */
  readonly meterProvider?: MeterProvider;
  /** Carries trace context in tasks, if it speaks `traceparent`. @default {the registered one, else a `W3CPropagator`} */
  readonly propagator?: TextMapPropagator;
  /** Keeps the current context, where none is registered. */
  readonly contextManager?: ContextManager;
  /** Sends what has ended, of the scope in the context where there is one; called at the end of each drain. For an SDK of your own: `() => provider.forceFlush()`. */
  flush?(context?: Context): Promise<unknown>;
  /** A context with a flush scope of its own, so that one drain's spans are sent together. */
  openScope?(context: Context): Context;
}

/** What `call` returns; `fallback` if it throws, or returns nothing against its type. Nothing that a telemetry implementation does reaches the work. */
export function safely<T>(call: () => T, fallback: T): T {
  try {
    return call() ?? fallback;
  } catch {
    return fallback;
  }
}

/** OpenTelemetry's parts, each looked up when it is used, for an app may register its own after the queue was made. */
export class Providers {
  readonly #telemetry: QueueTelemetry;
  #tracer: { readonly of: TracerProvider; readonly tracer: Tracer } | undefined;
  #meter: { readonly of: MeterProvider; readonly meter: Meter } | undefined;
  #propagator: TextMapPropagator | undefined;

  constructor(telemetry: QueueTelemetry) {
    this.#telemetry = telemetry;
  }

  /** The tracer of the current provider. */
  tracer(): Tracer {
    const of = this.#telemetry.tracerProvider ?? trace.getTracerProvider();
    if (this.#tracer?.of !== of) {
      const tracer = of.getTracer(LIBRARY, VERSION, { schemaUrl: SCHEMA_URL });
      this.#tracer = { of, tracer };
    }
    return this.#tracer.tracer;
  }

  /** The meter of the current provider; the same object as long as the provider is, so that instruments may be kept by it. */
  meter(): Meter {
    const of = this.#telemetry.meterProvider ?? metrics.getMeterProvider();
    if (this.#meter?.of !== of) {
      const meter = of.getMeter(LIBRARY, VERSION, { schemaUrl: SCHEMA_URL });
      this.#meter = { of, meter };
    }
    return this.#meter.meter;
  }

  /** The option, the registered propagator or Baton's own: the first that speaks `traceparent`, which is what a task carries. */
  propagator(): TextMapPropagator {
    const { propagator } = this.#telemetry;
    if (propagator !== undefined && speaksW3C(propagator)) return propagator;
    if (speaksW3C(propagation)) return REGISTERED;
    return this.#propagator ??= new W3CPropagator();
  }

  /** The current context, of the registered context manager or the option's. */
  activeContext(): Context {
    const active = safely(() => context.active(), ROOT_CONTEXT);
    const own = this.#telemetry.contextManager;
    if (active !== ROOT_CONTEXT || own === undefined) return active;
    return safely(() => own.active(), ROOT_CONTEXT);
  }

  /** Runs `callback`, exactly once, with `current` as the current context where anything keeps it. */
  runIn<T>(current: Context, callback: () => T): T {
    const own = this.#telemetry.contextManager;
    return once(
      callback,
      (run) =>
        context.with(
          current,
          () =>
            own === undefined || context.active() === current
              ? run()
              : own.with(current, run),
        ),
    );
  }

  /** `current` with a flush scope of its own, where the telemetry knows scopes and none is open there. */
  openScope(current: Context): Context {
    const { openScope } = this.#telemetry;
    if (openScope === undefined) return current;
    const opened = safely(
      () => openScope.call(this.#telemetry, current),
      current,
    );
    return opened.setValue(BORROWED, opened === current);
  }

  /** Whether there is anything to flush: a scope that was open before is flushed by who opened it. */
  flushes(current: Context | undefined): boolean {
    return this.#telemetry.flush !== undefined &&
      current?.getValue(BORROWED) !== true;
  }

  /** Sends what has ended; never rejects. */
  async flush(current: Context | undefined): Promise<void> {
    try {
      await this.#telemetry.flush?.(current);
    } catch { /* only telemetry is lost */ }
  }
}

/** Says of a context whether its flush scope was open before. */
const BORROWED: symbol = createContextKey("@baton/queue borrowed scope");

/** The API's globals behind the propagator's interface. */
const REGISTERED: TextMapPropagator = {
  inject: (...call) => propagation.inject(...call),
  extract: (...call) => propagation.extract(...call),
  fields: () => propagation.fields(),
};

function speaksW3C(propagator: Pick<TextMapPropagator, "fields">): boolean {
  return safely(() => propagator.fields().includes("traceparent"), false);
}

/** Calls `callback` once, through `within` unless that fails to, and tells its failures from the callback's. */
function once<T>(callback: () => T, within: (run: () => T) => T): T {
  let outcome: (() => T) | undefined;
  const run = () => (outcome ??= settle(callback))();
  try {
    within(run);
  } catch { /* what the callback did is the outcome */ }
  return run();
}

/** What `callback` does, done now and told whenever asked. */
function settle<T>(callback: () => T): () => T {
  try {
    const value = callback();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
