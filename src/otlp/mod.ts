/**
 * A small OpenTelemetry SDK for runtimes without a background thread: spans and metrics behind the interfaces of
 * `@opentelemetry/api`, sent by OTLP/HTTP at the end of each request.
 *
 * It has samplers by the head of a trace and rules by its tail, W3C trace context and baggage, a `fetch` that traces,
 * exemplars, both temporalities and encodings, and reads OpenTelemetry's environment variables. What it keeps is bounded,
 * and what it cannot deliver is counted.
 *
 * @example Trace a request and send its spans
 * ```ts
 * import { ROOT_CONTEXT } from "@opentelemetry/api";
 * import { Telemetry } from "@baton/queue/otlp";
 *
 * const telemetry = new Telemetry({ serviceName: "shop" });
 * const context = telemetry.openScope(ROOT_CONTEXT);
 * const tracer = telemetry.tracerProvider.getTracer("shop");
 * tracer.startSpan("checkout", {}, context).end();
 * const { spans, dropped } = await telemetry.flush(context);
 * console.log(spans, dropped);
 * ```
 *
 * @module
 */

export type { Clock } from "../core/clock.ts";
export {
  EdgeContextManager,
  W3CPropagator,
  type W3CPropagatorOptions,
} from "../w3c/mod.ts";
export type { PropagateTo } from "../http/fetch.ts";
export type { Attributes } from "./attributes.ts";
export type { TelemetryClock } from "./clock.ts";
export type { Protocol } from "./encoding.ts";
export type { ExemplarFilter } from "./exemplar.ts";
export type { FlushReport } from "./flush.ts";
export type { SpanLimits } from "./limits.ts";
export type {
  EdgeCounter,
  EdgeMeter,
  EdgeMeterProvider,
  EdgeRecorder,
} from "./meter.ts";
export type { Temporality } from "./metric.ts";
export type {
  BatchCallback,
  BatchObservationResult,
  EdgeObservable,
  ObservationCallback,
  ObservationResult,
} from "./observable.ts";
export type { SignalOptions, TelemetryOptions } from "./options.ts";
export type { InstanceId } from "./resource.ts";
export {
  alwaysOff,
  alwaysOn,
  parentBased,
  type ParentBranches,
  ratio,
} from "./sampler.ts";
export { keepFailed, keepSlow, type TailRule, type TailSpan } from "./tail.ts";
export { Telemetry } from "./telemetry.ts";
