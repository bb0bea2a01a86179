import type { Context } from "@opentelemetry/api";
import { ABANDONED_MS, MAX_FULL_SCOPES, MAX_SCOPE_BYTES } from "./bounds.ts";
import { type TelemetryClock, toHrTime } from "./clock.ts";
import { FlushScope } from "./scope.ts";
import type { EdgeSpan, SpanSink } from "./span.ts";
import type { Judge } from "./tail.ts";

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
  /** Where a context holds a scope: several `Telemetry` may live in one. */
  readonly #key = Symbol("flush scope");
  readonly #clock: TelemetryClock;
  readonly #maxSpans: number;
  readonly #judge: Judge;
  /** Spans that started outside of any scope; every flush takes them. */
  readonly #unscoped = new FlushScope();
  /** Spans that ended after the flush of their scope; every flush takes them. */
  readonly #late = new FlushScope();
  /** Scopes whose ended spans wait. */
  readonly #waiting = new Set<FlushScope>();
  /** What they hold together. */
  readonly #all: Held = { count: 0, bytes: 0 };
  #dropped = 0;

  constructor(clock: TelemetryClock, maxSpans: number, judge: Judge) {
    this.#clock = clock;
    this.#maxSpans = maxSpans;
    this.#judge = judge;
  }

  /** Opens a scope in the context, unless one is open there that is not over: hosts may go on in the context of what has ended. */
  open(context: Context): Context {
    const scope = this.find(context);
    return scope && (scope.generation === 0 || scope.open > 0)
      ? context
      : context.setValue(this.#key, new FlushScope());
  }

  /** The scope that is open in the context. */
  find(context: Context): FlushScope | undefined {
    return context.getValue(this.#key) as FlushScope | undefined;
  }

  /** The scope of a span that starts in the context. */
  scopeOf(context: Context): FlushScope {
    return this.find(context) ?? this.#unscoped;
  }

  /** Keeps a span until a flush takes it, if it is sampled or may yet be kept by a tail rule. */
  ended(span: EdgeSpan): void {
    const { scope, trail } = span.start;
    if (trail) {
      trail.open--;
      if (trail.keptBy) span.keep(trail.keptBy);
    }
    if (span.isSampled || trail && trail.keptBy === undefined) {
      this.#add(span, scope.generation > 0 ? this.#late : scope);
    }
    scope.leave();
  }

  /**
   * Takes what a scope's flush sends; without a scope, all that has ended.
   *
   * Tail rules decide about the traces of the scope, and of others about those that have no open span.
   *
   * @param isLast Whether nothing will be taken after it, so that all is decided.
   */
  take(scope: FlushScope | undefined, isLast: boolean): Batch {
    let spans = this.#takeFrom(this.#late, isLast);
    const late =
      spans.filter(({ start }) =>
        start.scope !== scope || start.generation !== start.scope.generation
      ).length;
    const abandonedAt = this.#clock.now() - ABANDONED_MS;
    for (const other of [...this.#waiting]) {
      const isOver = isLast || other === scope || other.endedAt < abandonedAt;
      if (isOver || !scope || other === this.#unscoped) {
        const taken = this.#takeFrom(other, isOver);
        spans = spans.length > 0 ? [...spans, ...taken] : taken;
      }
    }
    if (scope) scope.generation++;
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { spans, late, dropped };
  }

  /** Keeps a span if there is room; candidates make room for a sampled one: those of its scope first, then any. */
  #add(span: EdgeSpan, scope: FlushScope): void {
    const { bytes } = span;
    while (this.#isFull(scope, bytes) || this.#isFull(this.#all, bytes)) {
      const rivals = this.#isFull(scope, bytes) ? [] : this.#waiting;
      const rival = span.isSampled &&
        [scope, ...rivals].find(({ candidates }) => candidates.length > 0);
      this.#dropped++;
      if (!rival) return;
      this.#count(rival, -1, -rival.candidates.pop()!.bytes);
    }
    scope.endedAt = Math.max(scope.endedAt, toHrTime(span.endAt!)[0] * 1e3);
    this.#hold(span, scope);
  }

  #hold(span: EdgeSpan, scope: FlushScope): void {
    (span.isSampled ? scope.spans : scope.candidates).push(span);
    if (scope.count === 0) this.#waiting.add(scope);
    this.#count(scope, 1, span.bytes);
  }

  #isFull(held: Held, bytes: number): boolean {
    const times = held === this.#all ? MAX_FULL_SCOPES : 1;
    return held.count >= this.#maxSpans * times ||
      held.bytes + bytes > MAX_SCOPE_BYTES * times;
  }

  #count(scope: FlushScope, spans: number, bytes: number): void {
    scope.count += spans;
    scope.bytes += bytes;
    this.#all.count += spans;
    this.#all.bytes += bytes;
  }

  /** Takes the sampled spans and what a tail rule keeps; candidates of a trace with open spans stay, unless it is over. */
  #takeFrom(scope: FlushScope, isOver: boolean): EdgeSpan[] {
    const { spans, candidates } = scope;
    scope.spans = [];
    scope.candidates = [];
    this.#waiting.delete(scope);
    this.#count(scope, -scope.count, -scope.bytes);
    if (candidates.length === 0) return spans;
    const trails = Map.groupBy(candidates, ({ start }) => start.trail!);
    for (const [trail, group] of trails) {
      if (trail.open > 0 && !isOver) {
        for (const span of group) this.#hold(span, scope);
      } else {
        const rule = trail.keptBy ??= this.#judge(group);
        if (rule) spans.push(...group.map((span) => span.keep(rule)));
      }
    }
    return spans;
  }
}

/** How much is kept somewhere. */
interface Held {
  count: number;
  bytes: number;
}
