import type { Context, TracerProvider } from "@opentelemetry/api";
import { checkKnown } from "../core/check.ts";
import { createFetch, type FetchParts } from "../http/fetch.ts";
import { EdgeContextManager } from "../w3c/context_manager.ts";
import { W3CPropagator } from "../w3c/propagator.ts";
import { activeContext } from "./active.ts";
import { SpanBuffer } from "./buffer.ts";
import { systemTelemetryClock } from "./clock.ts";
import { readEnv } from "./env.ts";
import { type Flush, type FlushReport, makeFlush } from "./flush.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { type EdgeMeterProvider, makeMetrics } from "./meter.ts";
import { nonNegative, OPTIONS, type TelemetryOptions } from "./options.ts";
import { SDK_NAME, SDK_VERSION } from "./resource.ts";
import { alwaysOn, parentBased } from "./sampler.ts";
import { makeSignal } from "./signal.ts";
import { clearSlot, fillSlot } from "./slot.ts";
import { judgeBy } from "./tail.ts";
import { tracerProvider } from "./tracer.ts";

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
  readonly propagator: W3CPropagator;
  /** Keeps the current context where the host can. */
  readonly contextManager: EdgeContextManager = new EdgeContextManager();
  /**
   * The host's `fetch`, with a CLIENT span for each call and W3C headers, in the current context.
   *
   * It makes neither where the host traces `fetch` itself, as Deno does with `OTEL_DENO=true`.
   */
  readonly fetch: typeof fetch;

  readonly #fetchParts: FetchParts;
  readonly #buffer: SpanBuffer;
  readonly #flush: Flush;

  /**
   * Makes a telemetry; {@link Telemetry.register} makes it everybody's.
   *
   * @throws {TypeError} When an option is unknown, or an endpoint is no absolute http or https URL.
   * @throws {RangeError} When a protocol is unknown, or a duration or `maxSpans` is negative or over 2,147,483,647.
   */
  constructor(options: TelemetryOptions = {}) {
    checkKnown("of a Telemetry", options, OPTIONS);
    const {
      clock = systemTelemetryClock,
      sampler = parentBased(alwaysOn),
      tail = [],
      temporality = "delta",
      exemplars = "trace_based",
      propagators = ["tracecontext", "baggage"],
      random = Math.random,
    } = options;
    const context = activeContext(this.contextManager);
    const parts = { clock, context };
    const traces = makeSignal("traces", options, parts);
    const points = makeSignal("metrics", options, parts);
    const buffer = new SpanBuffer(
      clock,
      nonNegative(options, "maxSpans", 8_192),
      judgeBy(tail),
    );
    const metrics = makeMetrics({
      ...parts,
      enabled: !!points,
      temporality,
      exemplars,
      random,
    });
    this.meterProvider = metrics;
    this.tracerProvider = tracerProvider({
      ...parts,
      enabled: !!traces,
      buffer,
      sampler,
      hasTail: tail.length > 0,
      limits: { ...DEFAULT_LIMITS, ...options.limits },
    });
    this.propagator = new W3CPropagator({
      trace: propagators.includes("tracecontext"),
      baggage: propagators.includes("baggage"),
    });
    this.#fetchParts = {
      ...options,
      // that one sends exports, and nothing else
      fetch: undefined,
      tracer: () => this.tracerProvider.getTracer(SDK_NAME, SDK_VERSION),
      propagator: () => this.propagator,
    };
    this.fetch = createFetch(this.#fetchParts, () => context.active());
    this.#buffer = buffer;
    this.#flush = makeFlush(options, clock, buffer, metrics, traces, points);
  }

  /**
   * Makes a telemetry of OpenTelemetry's environment variables.
   *
   * What has a meaning here is honoured: resource, propagators, samplers, exporters (`otlp`, `console`, `none`), limits,
   * exemplars, temporality, and all of OTLP, also for each signal. `OTEL_BSP_MAX_QUEUE_SIZE` is `maxSpans`,
   * `OTEL_METRIC_EXPORT_INTERVAL` is `metricsEveryMs`; `OTEL_BSP_EXPORT_TIMEOUT` and `OTEL_METRIC_EXPORT_TIMEOUT` are
   * their signal's `timeoutMs` unless its own OTLP variable says otherwise. A time-out of 0 is none.
   *
   * What is empty counts as unset. What cannot be understood, and every other `OTEL_` variable, such as those of logs, of
   * batches, of base-2 histograms and `OTEL_CONFIG_FILE`, is reported through `diag`, without its value, and ignored.
   *
   * @param env The variables: `Deno.env.toObject()`, `process.env`, or a worker's `env`; what is no string is ignored.
   * @param options What the variables do not say; it wins over them, also one by one in `resource`, `headers`, `limits`,
   * `traces` and `metrics`.
   * @throws {TypeError} As the constructor does, and for an environment that has to be asked, such as Deno's.
   */
  static fromEnv(env: object, options: TelemetryOptions = {}): Telemetry {
    return new Telemetry(readEnv(env, options));
  }

  /**
   * Registers this telemetry as OpenTelemetry's global tracer provider, meter provider, propagator and context manager,
   * for every 1.x version of the API.
   *
   * @returns Whether it is registered; `false`, and nothing is changed, when another SDK is.
   */
  register(): boolean {
    return fillSlot(this);
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
   * @returns The same context when a scope is open there already; whoever opened it flushes it. One that was flushed and has no open span is over.
   */
  openScope(context: Context): Context {
    return this.#buffer.open(context);
  }

  /** {@link Telemetry.fetch} in a context that is given, for hosts that keep none. */
  fetchIn(context: Context): typeof fetch {
    return createFetch(this.#fetchParts, () => context);
  }

  /**
   * Sends what has ended, and the metrics where they are due; never rejects, and ends within `timeoutMs`.
   *
   * With a context that has a scope, it waits up to `flushWaitMs` for the scope's open spans and sends that scope's;
   * with them go spans outside of any scope and those that ended after their own scope's flush. Otherwise it waits for
   * nothing and sends what has ended everywhere. Metrics are due as `metricsEveryMs` says.
   */
  flush(context?: Context): Promise<FlushReport> {
    return this.#flush(context && this.#buffer.find(context), false);
  }

  /** Unregisters and sends what is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.unregister();
    await this.#flush(undefined, true);
  }
}
