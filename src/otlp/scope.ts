import type { EdgeSpan } from "./span.ts";

/** The spans of one local root: a request, a drain, a cron run. */
export class FlushScope {
  /** Whose scope it is: several `Telemetry` may live in one context. */
  readonly owner: object;
  /** Spans that ended and wait for a flush. */
  spans: EdgeSpan[] = [];
  /** About how many bytes they take. */
  bytes = 0;
  /** When the last of them ended, in milliseconds since the epoch. */
  endedAt = 0;
  /** How often the scope has been flushed. */
  generation = 0;

  #open = 0;
  #wake: (() => void) | undefined;

  constructor(owner: object) {
    this.owner = owner;
  }

  /** How many spans have started and not ended. */
  get open(): number {
    return this.#open;
  }

  /** Counts a span that starts. */
  enter(): void {
    this.#open++;
  }

  /** Counts a span that ends, and wakes a flush that waited for the last one. */
  leave(): void {
    this.#open--;
    if (this.#open === 0) this.#wake?.();
  }

  /** Resolves when no span is open; the promise lives only as long as the flush that waits. */
  idle(): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    const others = this.#wake;
    return new Promise((resolve) => {
      this.#wake = () => {
        others?.();
        resolve();
      };
    });
  }

  /** Adds a span that waits for a flush. */
  add(span: EdgeSpan, bytes: number, at: number): void {
    this.spans.push(span);
    this.bytes += bytes;
    this.endedAt = at;
  }

  /** Hands over the spans that wait. */
  take(): EdgeSpan[] {
    const { spans } = this;
    this.spans = [];
    this.bytes = 0;
    return spans;
  }
}
