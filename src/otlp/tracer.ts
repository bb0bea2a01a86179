import {
  type Context,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  type Sampler,
  SamplingDecision,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  trace,
  TraceFlags,
  type Tracer,
  type TracerOptions,
  type TracerProvider,
} from "@opentelemetry/api";
import { isTracingSuppressed } from "../w3c/suppression.ts";
import type { ActiveContext } from "./active.ts";
import type { Attributes } from "./attributes.ts";
import type { SpanBuffer } from "./buffer.ts";
import { RootClock, type TelemetryClock } from "./clock.ts";
import { newSpanId, newTraceId } from "./ids.ts";
import type { SpanLimits } from "./limits.ts";
import type { Library } from "./resource.ts";
import { EdgeSpan } from "./span.ts";

/** W3C's flag of a trace id that is random. */
const RANDOM = 2;

/** What all tracers of one `Telemetry` share. */
export interface Tracing {
  /** Whether spans are recorded at all. */
  readonly enabled: boolean;
  readonly buffer: SpanBuffer;
  readonly sampler: Sampler;
  readonly limits: SpanLimits;
  readonly clock: TelemetryClock;
  readonly context: ActiveContext;
}

/** Hands out tracers, one per library. */
export class EdgeTracerProvider implements TracerProvider {
  readonly #tracing: Tracing;
  readonly #tracers = new Map<string, EdgeTracer>();

  constructor(tracing: Tracing) {
    this.#tracing = tracing;
  }

  getTracer(name: string, version?: string, options?: TracerOptions): Tracer {
    const schemaUrl = options?.schemaUrl;
    const key = JSON.stringify([name, version, schemaUrl]);
    let tracer = this.#tracers.get(key);
    if (tracer === undefined) {
      tracer = new EdgeTracer({ name, version, schemaUrl }, this.#tracing);
      this.#tracers.set(key, tracer);
    }
    return tracer;
  }
}

/** What the sampler made of a span that is to start. */
interface Sampled {
  readonly context: SpanContext;
  readonly isRecorded: boolean;
  readonly attributes: Attributes | undefined;
}

/** Starts spans for one library. */
export class EdgeTracer implements Tracer {
  readonly #library: Library;
  readonly #tracing: Tracing;

  constructor(library: Library, tracing: Tracing) {
    this.#library = library;
    this.#tracing = tracing;
  }

  startSpan(
    name: string,
    options: SpanOptions = {},
    context: Context = this.#tracing.context.active(),
  ): Span {
    const base = options.root ? trace.deleteSpan(context) : context;
    const parent = validParent(base);
    if (!this.#tracing.enabled || isTracingSuppressed(base)) {
      return trace.wrapSpanContext(parent ?? INVALID_SPAN_CONTEXT);
    }
    const sampled = this.#sample(name, options, base, parent);
    return sampled.isRecorded
      ? this.#record(name, options, base, parent, sampled)
      : trace.wrapSpanContext(sampled.context);
  }

  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]
  ): ReturnType<F> {
    const callback = rest.pop() as F;
    const [options, given] = rest as [SpanOptions?, Context?];
    const context = given ?? this.#tracing.context.active();
    const span = this.startSpan(name, options, context);
    return this.#tracing.context.with(
      trace.setSpan(context, span),
      () => callback(span),
    ) as ReturnType<F>;
  }

  /** Gives the span its identity, and has the sampler decide about it. */
  #sample(
    name: string,
    { kind = SpanKind.INTERNAL, attributes = {}, links = [] }: SpanOptions,
    base: Context,
    parent: SpanContext | undefined,
  ): Sampled {
    const traceId = parent?.traceId ?? newTraceId();
    const { sampler } = this.#tracing;
    const { decision, attributes: added, traceState = parent?.traceState } =
      sampler.shouldSample(base, traceId, name, kind, attributes, links);
    const context: SpanContext = {
      traceId,
      spanId: newSpanId(),
      traceFlags: flags(decision, parent),
    };
    if (traceState !== undefined) context.traceState = traceState;
    const isRecorded = decision !== SamplingDecision.NOT_RECORD;
    return { context, isRecorded, attributes: added };
  }

  #record(
    name: string,
    { kind = SpanKind.INTERNAL, attributes, links, startTime }: SpanOptions,
    base: Context,
    parent: SpanContext | undefined,
    sampled: Sampled,
  ): EdgeSpan {
    const { buffer, limits } = this.#tracing;
    const above = trace.getSpan(base);
    const isLocalRoot = !(above instanceof EdgeSpan);
    const clock = isLocalRoot
      ? new RootClock(this.#tracing.clock)
      : above.start.clock;
    const scope = buffer.scopeOf(base);
    scope.enter();
    const span = new EdgeSpan(name, {
      sink: buffer,
      scope,
      generation: scope.generation,
      library: this.#library,
      limits,
      clock,
      kind,
      context: sampled.context,
      parent,
      startAt: isLocalRoot && startTime === undefined
        ? clock.startAt
        : clock.at(startTime),
    });
    if (attributes !== undefined) span.setAttributes(attributes);
    if (sampled.attributes !== undefined) {
      span.setAttributes(sampled.attributes);
    }
    return links === undefined ? span : span.addLinks(links);
  }
}

function validParent(context: Context): SpanContext | undefined {
  const parent = trace.getSpanContext(context);
  return parent && isSpanContextValid(parent) ? parent : undefined;
}

/** The sampled flag as decided, the random flag as the trace has it. */
function flags(decision: SamplingDecision, parent?: SpanContext): number {
  const sampled = decision === SamplingDecision.RECORD_AND_SAMPLED
    ? TraceFlags.SAMPLED
    : TraceFlags.NONE;
  return sampled | (parent === undefined ? RANDOM : parent.traceFlags & RANDOM);
}
