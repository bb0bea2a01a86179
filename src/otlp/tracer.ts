import type {
  Context,
  Sampler,
  SamplingResult,
  Span,
  SpanContext,
  SpanOptions,
  Tracer,
  TracerProvider,
} from "@opentelemetry/api";
import {
  KIND_INTERNAL,
  KIND_SERVER,
  NOT_RECORD,
  RECORD_AND_SAMPLED,
  SAMPLED,
} from "../core/codes.ts";
import { isTracingSuppressed } from "../w3c/suppression.ts";
import { INVALID_SPAN_CONTEXT, trace } from "../w3c/api.ts";
import type { ActiveContext } from "./active.ts";
import type { SpanBuffer } from "./buffer.ts";
import { RootClock, type TelemetryClock } from "./clock.ts";
import { RANDOM } from "./flags.ts";
import { newSpanId, newTraceId } from "./ids.ts";
import type { SpanLimits } from "./limits.ts";
import { type Library, perLibrary } from "./resource.ts";
import { validParent } from "./sampler.ts";
import { EdgeSpan } from "./span.ts";

/** What a sampler that fails decides. */
const UNDECIDED: SamplingResult = { decision: NOT_RECORD };

/** What all tracers of one `Telemetry` share. */
export interface Tracing {
  /** Whether spans are recorded at all. */
  readonly enabled: boolean;
  readonly buffer: SpanBuffer;
  readonly sampler: Sampler;
  /** Whether tail rules decide about what the sampler lets go, so that it is recorded. */
  readonly hasTail: boolean;
  readonly limits: SpanLimits;
  readonly clock: TelemetryClock;
  readonly context: ActiveContext;
}

/** Hands out tracers, one for each library. */
export function tracerProvider(tracing: Tracing): TracerProvider {
  return { getTracer: perLibrary((library) => tracerOf(library, tracing)) };
}

/** Starts spans for one library. */
function tracerOf(library: Library, tracing: Tracing): Tracer {
  function startSpan(
    name: string,
    options: SpanOptions = {},
    current: Context = tracing.context.active(),
  ): Span {
    const { kind = KIND_INTERNAL, attributes = {}, links = [] } = options;
    const base = options.root ? trace.deleteSpan(current) : current;
    const above = trace.getSpan(base);
    const parent = validParent(above);
    const scope = tracing.buffer.scopeOf(base);
    if (kind === KIND_SERVER) scope.isRequest = true;
    if (!tracing.enabled || isTracingSuppressed(base)) {
      return trace.wrapSpanContext(parent ?? INVALID_SPAN_CONTEXT);
    }
    const { traceId = newTraceId(), traceFlags = RANDOM } = parent ?? {};
    let sampled = UNDECIDED;
    try {
      sampled = tracing.sampler
        .shouldSample(base, traceId, name, kind, attributes, links) ?? sampled;
    } catch {
      // nothing is recorded where the sampler fails
    }
    const { decision, traceState = parent?.traceState } = sampled;
    const isSampled = decision === RECORD_AND_SAMPLED;
    const context: SpanContext = {
      traceId,
      spanId: newSpanId(),
      traceFlags: traceFlags & RANDOM | (isSampled ? SAMPLED : 0),
    };
    if (traceState) context.traceState = traceState;
    if (decision === NOT_RECORD && !tracing.hasTail) {
      return trace.wrapSpanContext(context);
    }
    const trail = tracing.hasTail && !isSampled
      ? scope.trailOf(traceId)
      : undefined;
    if (trail) trail.open++;
    scope.open++;
    const isLocalRoot = !(above instanceof EdgeSpan);
    const clock = isLocalRoot
      ? new RootClock(tracing.clock)
      : above.start.clock;
    const span = new EdgeSpan(`${name}`, {
      clock,
      isLocalRoot,
      startAt: clock.at(options.startTime),
      context,
      parent,
      scope,
      kind,
      sink: tracing.buffer,
      generation: scope.generation,
      trail,
      library,
      limits: tracing.limits,
    });
    // an empty record would make what reads all later ones slow in V8
    if (options.attributes) span.setAttributes(attributes);
    if (sampled.attributes) span.setAttributes(sampled.attributes);
    return span.addLinks(links);
  }

  function startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]
  ): ReturnType<F> {
    const callback = rest.pop() as F;
    const [options, given] = rest as [SpanOptions?, Context?];
    const context = given ?? tracing.context.active();
    const span = startSpan(name, options, context);
    return tracing.context.with(
      trace.setSpan(context, span),
      () => callback(span),
    ) as ReturnType<F>;
  }

  return { startSpan, startActiveSpan };
}
