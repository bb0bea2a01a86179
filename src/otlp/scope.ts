import type { EdgeSpan } from "./span.ts";
import type { Trail } from "./tail.ts";

/** A scope remembers the fate of so many traces; then what begins anew is decided anew. */
const MAX_TRAILS = 1_000;

/** The spans of one local root: a request, a drain, a cron run. */
export class FlushScope {
  /** Spans that ended and wait for a flush. */
  spans: EdgeSpan[] = [];
  /** Spans that ended and wait for a tail rule to keep them. */
  candidates: EdgeSpan[] = [];
  /** How many both are. */
  count = 0;
  /** About how many bytes they take. */
  bytes = 0;
  /** When the last of them ended, in milliseconds since the epoch. */
  endedAt = 0;
  /** How many spans have started and not ended. */
  open = 0;
  /** How often the scope has been flushed. */
  generation = 0;
  /** Whether a SERVER span started in it: then it is one of many that end within a moment. */
  isRequest = false;

  readonly #trails = new Map<string, Trail>();
  readonly #waiting: (() => void)[] = [];

  /** Counts a span that ends, and wakes the flushes that waited for the last one. */
  leave(): void {
    if (--this.open > 0) return;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Resolves when the last open span ends; the promise lives only as long as the flush that waits. */
  idle(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** What the spans of a trace here have in common, as far as the sampler let them go. */
  trailOf(traceId: string): Trail {
    let trail = this.#trails.get(traceId);
    if (!trail) {
      if (this.#trails.size === MAX_TRAILS) this.#trails.clear();
      this.#trails.set(traceId, trail = { open: 0, keptBy: undefined });
    }
    return trail;
  }
}
