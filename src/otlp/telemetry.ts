import type { Context, TracerProvider } from "@opentelemetry/api";
import { sleep } from "../core/clock.ts";
import { EdgeContextManager } from "../w3c/context_manager.ts";
import { W3CPropagator } from "../w3c/propagator.ts";
import { activeContext } from "./active.ts";
import { type AttributeList, attributeList } from "./attributes.ts";
import { SpanBuffer } from "./buffer.ts";
import {
  monotonic,
  systemTelemetryClock,
  type TelemetryClock,
} from "./clock.ts";
import { readEnv } from "./env.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { type EdgeMeterProvider, Metrics } from "./meter.ts";
import type { Metric } from "./metric.ts";
import { flushWait, type TelemetryOptions } from "./options.ts";
import { describeResource, type ResourceSettings } from "./resource.ts";
import { alwaysOn, parentBased } from "./sampler.ts";
import type { FlushScope } from "./scope.ts";
import { makeSignal, sendMetrics, sendSpans, type Signal } from "./signal.ts";
import { clearSlot, fillSlot } from "./slot.ts";
import type { EdgeSpan } from "./span.ts";
import { EdgeTracerProvider } from "./tracer.ts";

/** What a flush did. */
export interface FlushReport {
  /** How many spans the receiver took. */
  readonly spans: number;
  /** How many data points the receiver took. */
  readonly points: number;
  /** How many spans and points were lost: undeliverable, refused, or over a bound since the flush before. */
  readonly dropped: number;
  /** How many of the spans ended after the flush of their own scope. */
  readonly late: number;
  /** What went wrong, or what the receiver warned of. */
  readonly error?: string;
}

/**
 * A small OpenTelemetry SDK for the edge: spans and metrics leave by OTLP/HTTP when a request flushes them.
 *
 * The constructor does no I/O and takes no time, randomness or timer, so it runs in any global scope;
 * between flushes a `Telemetry` keeps values only. Nothing it does delays or fails the work that it watches:
 * what it keeps is bounded, and what it cannot deliver is counted.
 *
 * @example
 * ```ts
 * import { Telemetry } from "@baton/queue/otlp";
 *
 * await using telemetry = new Telemetry({ serviceName: "shop" });
 * const tracer = telemetry.tracerProvider.getTracer("shop");
 * tracer.startSpan("checkout").end();
 * console.log(await telemetry.flush());
 * ```
 */
export class Telemetry implements AsyncDisposable {
  /** Makes tracers whose spans this telemetry sends. */
  readonly tracerProvider: TracerProvider;
  /** Makes meters whose numbers this telemetry sends. */
  readonly meterProvider: EdgeMeterProvider;
  /** Carries W3C trace context and baggage; works even when telemetry is disabled. */
  readonly propagator: W3CPropagator = new W3CPropagator();
  /** Keeps the current context where the host can. */
  readonly contextManager: EdgeContextManager = new EdgeContextManager();

  readonly #clock: TelemetryClock;
  readonly #flushWaitMs: number;
  readonly #traces: Signal<EdgeSpan> | undefined;
  readonly #points: Signal<Metric> | undefined;
  readonly #buffer: SpanBuffer;
  readonly #metrics: Metrics;
  readonly #sender: ResourceSettings;
  #resource: AttributeList | undefined;

  /**
   * Makes a telemetry; {@link Telemetry.register} makes it everybody's.
   *
   * @throws {TypeError} When an endpoint is no absolute http or https URL.
   * @throws {RangeError} When a protocol is unknown or a duration is negative or not finite.
   */
  constructor(options: TelemetryOptions = {}) {
    const { clock = systemTelemetryClock, sampler, limits } = options;
    this.#clock = clock;
    this.#flushWaitMs = flushWait(options);
    const context = activeContext(this.contextManager);
    this.#traces = makeSignal("traces", options, clock, context);
    this.#points = makeSignal("metrics", options, clock, context);
    this.#buffer = new SpanBuffer(clock);
    this.#metrics = new Metrics(this.#points !== undefined, clock);
    this.#sender = {
      serviceName: options.serviceName,
      serviceVersion: options.serviceVersion,
      instanceId: options.instanceId ?? "isolate",
      attributes: options.resource ?? {},
    };
    this.meterProvider = this.#metrics;
    this.tracerProvider = new EdgeTracerProvider({
      enabled: this.#traces !== undefined,
      buffer: this.#buffer,
      sampler: sampler ?? parentBased(alwaysOn),
      limits: { ...DEFAULT_LIMITS, ...limits },
      clock,
      context,
    });
  }

  /**
   * Makes a telemetry of OpenTelemetry's environment variables.
   *
   * It reads `OTEL_SDK_DISABLED`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER` with its `_ARG`,
   * `OTEL_{TRACES,METRICS}_EXPORTER` (`otlp` or `none`), and of `OTEL_EXPORTER_OTLP_`, also for each signal,
   * `ENDPOINT`, `HEADERS`, `PROTOCOL`, `COMPRESSION` and `TIMEOUT`. What cannot be understood is reported through
   * `diag` and ignored.
   *
   * @param env The variables: `Deno.env.toObject()`, `process.env`, or a worker's `env`; what is no string is ignored.
   * @param options What the variables do not say; it wins over them, resource attributes one by one.
   */
  static fromEnv(env: object, options: TelemetryOptions = {}): Telemetry {
    const read = readEnv(env);
    const resource = { ...read.resource, ...options.resource };
    return new Telemetry({ ...read, ...options, resource });
  }

  /**
   * Registers this telemetry as OpenTelemetry's global tracer provider, meter provider, propagator and context manager,
   * for every 1.x version of the API.
   *
   * @returns Whether it is registered; `false`, and nothing is changed, when another SDK is.
   */
  register(): boolean {
    return fillSlot(this, this);
  }

  /**
   * Takes back {@link Telemetry.register}.
   *
   * @returns Whether this telemetry was registered.
   */
  unregister(): boolean {
    return clearSlot(this);
  }

  /**
   * Opens a flush scope: the spans that start in the returned context leave together, with the flush of that context.
   *
   * @returns The same context when a scope is open there already; whoever opened it flushes it.
   */
  openScope(context: Context): Context {
    return this.#buffer.open(context);
  }

  /**
   * Sends what has ended, and the metrics; never rejects, and ends within `timeoutMs`.
   *
   * With a context that has a scope, it waits up to `flushWaitMs` for the scope's open spans and sends that scope's;
   * with them go spans outside of any scope and those that ended after their own scope's flush. Otherwise it waits for
   * nothing and sends what has ended everywhere.
   */
  async flush(context?: Context): Promise<FlushReport> {
    const startedAt = monotonic(this.#clock);
    const scope = context && this.#buffer.find(context);
    if (scope !== undefined) await this.#settle(scope);
    const { spans, late, dropped } = this.#buffer.take(scope);
    const resource = this.#resource ??= attributeList(
      describeResource(this.#sender),
    );
    const flush = { clock: this.#clock, resource, startedAt };
    const [traces, metrics] = await Promise.all([
      this.#traces && sendSpans(this.#traces, flush, spans),
      this.#points && sendMetrics(this.#points, flush, this.#metrics),
    ]);
    const error = traces?.error ?? metrics?.error;
    return {
      spans: traces?.accepted ?? 0,
      points: metrics?.accepted ?? 0,
      dropped: dropped + (traces?.dropped ?? 0) + (metrics?.dropped ?? 0),
      late,
      ...(error === undefined ? {} : { error }),
    };
  }

  /** Unregisters and sends what is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.unregister();
    await this.flush();
  }

  async #settle(scope: FlushScope): Promise<void> {
    if (scope.open === 0) return;
    const done = new AbortController();
    const timeUp = sleep(this.#clock, this.#flushWaitMs, done.signal);
    await Promise.race([scope.idle(), timeUp]);
    done.abort();
  }
}
