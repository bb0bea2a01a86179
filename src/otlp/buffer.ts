import { type Context, createContextKey, TraceFlags } from "@opentelemetry/api";
import type { TelemetryClock } from "./clock.ts";
import { FlushScope } from "./scope.ts";
import { type EdgeSpan, sizeOfSpan, type SpanSink } from "./span.ts";

const SCOPE = createContextKey("@baton/queue/otlp flush scope");

const MAX_SPANS = 8192;
const MAX_BYTES = 8 * 2 ** 20;

/** All scopes together hold at most this many times what one may hold. */
const MAX_FULL_SCOPES = 4;

/** After this time without a flush, a scope's spans go with any other's: its request was cancelled. */
const ABANDONED_MS = 60_000;

/** What a flush has to send. */
export interface Batch {
  readonly spans: readonly EdgeSpan[];
  /** How many of them ended after the flush of their own scope. */
  readonly late: number;
  /** How many spans were left out since the batch before, because a bound was reached. */
  readonly dropped: number;
}

/** Keeps the ended spans of each scope until its flush, within bounds. */
export class SpanBuffer implements SpanSink {
  readonly #clock: TelemetryClock;
  /** Spans that started outside of any scope; every flush takes them. */
  readonly #unscoped = new FlushScope(this);
  /** Spans that ended after the flush of their scope; every flush takes them. */
  readonly #late = new FlushScope(this);
  /** Scopes whose ended spans wait. */
  readonly #waiting = new Set<FlushScope>();
  #spans = 0;
  #bytes = 0;
  #dropped = 0;

  constructor(clock: TelemetryClock) {
    this.#clock = clock;
  }

  /** Opens a scope in the context, unless one is open there. */
  open(context: Context): Context {
    return this.find(context) === undefined
      ? context.setValue(SCOPE, new FlushScope(this))
      : context;
  }

  /** The scope that is open in the context. */
  find(context: Context): FlushScope | undefined {
    const scope = context.getValue(SCOPE);
    const isOurs = scope instanceof FlushScope && scope.owner === this;
    return isOurs ? scope : undefined;
  }

  /** The scope of a span that starts in the context. */
  scopeOf(context: Context): FlushScope {
    return this.find(context) ?? this.#unscoped;
  }

  /** Keeps a sampled span until a flush takes it. */
  ended(span: EdgeSpan): void {
    const { scope, context } = span.start;
    if (context.traceFlags & TraceFlags.SAMPLED) {
      this.#keep(span, scope.generation > 0 ? this.#late : scope);
    }
    scope.leave();
  }

  /** Takes what a scope's flush sends; without a scope, all that has ended. */
  take(scope: FlushScope | undefined): Batch {
    const spans = this.#takeFrom(this.#late);
    const late =
      spans.filter(({ start }) =>
        start.scope !== scope || start.generation !== start.scope.generation
      ).length;
    const abandonedAt = this.#clock.now() - ABANDONED_MS;
    for (const other of this.#waiting) {
      const goes = scope === undefined || other === scope ||
        other === this.#unscoped || other.endedAt < abandonedAt;
      if (goes) spans.push(...this.#takeFrom(other));
    }
    if (scope !== undefined) scope.generation++;
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { spans, late, dropped };
  }

  #keep(span: EdgeSpan, scope: FlushScope): void {
    const bytes = sizeOfSpan(span);
    const isFull = scope.spans.length >= MAX_SPANS ||
      scope.bytes + bytes > MAX_BYTES ||
      this.#spans >= MAX_SPANS * MAX_FULL_SCOPES ||
      this.#bytes + bytes > MAX_BYTES * MAX_FULL_SCOPES;
    if (isFull) {
      this.#dropped++;
      return;
    }
    scope.add(span, bytes, this.#clock.now());
    this.#waiting.add(scope);
    this.#spans++;
    this.#bytes += bytes;
  }

  #takeFrom(scope: FlushScope): EdgeSpan[] {
    this.#waiting.delete(scope);
    this.#bytes -= scope.bytes;
    const spans = scope.take();
    this.#spans -= spans.length;
    return spans;
  }
}
