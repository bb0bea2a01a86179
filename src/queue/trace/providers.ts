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
import { safely } from "../../core/safely.ts";
import type { PropagateTo } from "../../http/fetch.ts";
import { API_SLOT } from "../../http/slot.ts";
import { W3CPropagator } from "../../w3c/propagator.ts";
import { LIBRARY, type Scope } from "./conventions.ts";
import { Layer } from "./layer.ts";

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
  /** A `fetch` whose CLIENT spans belong to `context`, for handlers. @default {one that uses the tracer and the propagator} */
  fetchIn?(context: Context): typeof fetch;
}

/** What providers are made with. */
export interface ProvidersOptions {
  /** The instrumentation scope of spans and metrics. @default {Baton's own} */
  readonly scope?: Scope | undefined;
  /** Whether `fetchIn` makes spans and headers. @default {the telemetry decides} */
  readonly clientSpans?: boolean | undefined;
  /** What goes to whom. @default {the telemetry decides} */
  readonly propagateTo?: PropagateTo | undefined;
}

/** How `fetch` is traced. */
export interface Fetching {
  readonly clientSpans: boolean | undefined;
  readonly propagateTo: PropagateTo | undefined;
  /** What the telemetry gives for a context, if it does. */
  given(current: Context): typeof fetch | undefined;
}

/** OpenTelemetry's parts, each looked up when it is used, for an app may register its own after the queue was made. */
export class Providers {
  readonly #telemetry: QueueTelemetry;
  readonly #options: ProvidersOptions;
  #tracer: { readonly of: TracerProvider; readonly tracer: Tracer } | undefined;
  #meter: { readonly of: MeterProvider; readonly meter: Meter } | undefined;
  /** Whether the option's propagator speaks `traceparent`. */
  #isGiven: boolean | undefined;
  #propagator: TextMapPropagator | undefined;

  constructor(telemetry: QueueTelemetry, options: ProvidersOptions = {}) {
    this.#telemetry = telemetry;
    this.#options = options;
  }

  /** The tracer of the current provider. */
  tracer(): Tracer {
    const of = this.#tracerProvider();
    if (this.#tracer?.of !== of) {
      this.#tracer = { of, tracer: tracerOf(of, this.#scope()) };
    }
    return this.#tracer.tracer;
  }

  /** The meter of the current provider; the same object as long as the provider is, so that instruments may be kept by it. */
  meter(): Meter {
    const of = this.#telemetry.meterProvider ?? metrics.getMeterProvider();
    if (this.#meter?.of !== of) {
      const { name, version, schemaUrl } = this.#scope();
      this.#meter = { of, meter: of.getMeter(name, version, { schemaUrl }) };
    }
    return this.#meter.meter;
  }

  /** The option, the registered propagator or Baton's own: the first that speaks `traceparent`, which is what a task carries. */
  propagator(): TextMapPropagator {
    const { propagator: given } = this.#telemetry;
    this.#isGiven ??= given !== undefined && speaksW3C(given);
    if (this.#isGiven) return given!;
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
    const run: Run<T> = { callback };
    try {
      this.#within(current, run);
    } catch { /* what the callback did is the outcome */ }
    return once(run);
  }

  #within<T>(current: Context, run: Run<T>): void {
    const own = this.#telemetry.contextManager;
    if (own !== undefined && !hasContextManager()) {
      // not through the API, which takes Bun longer than all the rest of a run
      own.with(current, () => once(run));
      return;
    }
    context.with(current, () => {
      if (own === undefined || context.active() === current) once(run);
      else own.with(current, () => once(run));
    });
  }

  /** Whether anything keeps the current context. */
  keepsContext(): boolean {
    const probe = ROOT_CONTEXT.setValue(BORROWED, true);
    return this.runIn(probe, () => this.activeContext() === probe);
  }

  /** The tracer for what is Baton's own, whoever words the rest. */
  ownTracer(): Tracer {
    return tracerOf(this.#tracerProvider(), LIBRARY);
  }

  /** How `fetch` is traced: by the telemetry itself, unless the options ask for another way. */
  get fetching(): Fetching {
    const { clientSpans, propagateTo } = this.#options;
    const isOwn = clientSpans !== undefined || propagateTo !== undefined;
    return {
      clientSpans,
      propagateTo,
      given: (current) =>
        isOwn ? undefined : safely(
          () => this.#telemetry.fetchIn?.(current),
          undefined,
        ),
    };
  }

  /** `current` with a flush scope of its own, where the telemetry knows scopes and none is open there. */
  openScope(current: Context): Context {
    const { openScope } = this.#telemetry;
    if (openScope === undefined) return new Layer(current, BORROWED, false);
    const opened = safely(
      () => openScope.call(this.#telemetry, current),
      current,
    );
    return new Layer(opened, BORROWED, opened === current);
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

  // no getter: V8 asks its runtime for a private one each time
  #tracerProvider(): TracerProvider {
    return this.#telemetry.tracerProvider ?? trace.getTracerProvider();
  }

  #scope(): Scope {
    return this.#options.scope ?? LIBRARY;
  }
}

function tracerOf(
  provider: TracerProvider,
  { name, version, schemaUrl }: Scope,
): Tracer {
  return provider.getTracer(name, version, { schemaUrl });
}

/** Says of a context whether its flush scope was open before. */
const BORROWED: symbol = createContextKey("@baton/queue borrowed scope");

/** The API's globals behind the propagator's interface. */
const REGISTERED: TextMapPropagator = {
  inject: (...call) => propagation.inject(...call),
  extract: (...call) => propagation.extract(...call),
  fields: () => propagation.fields(),
};

/** Whether a context manager is registered. */
function hasContextManager(): boolean {
  const slot =
    (globalThis as { [API_SLOT]?: { readonly context?: unknown } })[API_SLOT];
  return slot?.context !== undefined;
}

function speaksW3C(propagator: Pick<TextMapPropagator, "fields">): boolean {
  return safely(() => propagator.fields().includes("traceparent"), false);
}

/** A callback, and what came of it. */
interface Run<T> {
  readonly callback: () => T;
  outcome?: Outcome<T>;
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/** Calls the callback if nobody has, and does what it did. */
function once<T>(run: Run<T>): T {
  const outcome = run.outcome ??= outcomeOf(run.callback);
  if ("value" in outcome) return outcome.value;
  throw outcome.error;
}

function outcomeOf<T>(callback: () => T): Outcome<T> {
  try {
    return { value: callback() };
  } catch (error) {
    return { error };
  }
}
