import { Book } from "./book.ts";
import type { Attributes } from "./attributes.ts";
import { fromMillis, type TelemetryClock } from "./clock.ts";
import type { Metric, MetricDescriptor } from "./metric.ts";

/** What was collected of a stream, and how to take it back should the export fail. */
export interface Collected {
  readonly metric: Metric;
  readonly restore: () => void;
}

/** The numbers of one instrument between its exports. */
export class Stream {
  readonly descriptor: MetricDescriptor;
  readonly #clock: TelemetryClock;
  #book: Book | undefined;
  #changed = false;

  constructor(descriptor: MetricDescriptor, clock: TelemetryClock) {
    this.descriptor = descriptor;
    this.#clock = clock;
  }

  /** Writes down a value; what is not finite is left out, it would spoil every sum. */
  record(value: number, attributes: Attributes = {}): void {
    if (!Number.isFinite(value)) return;
    const { integer } = this.descriptor;
    this.#book ??= this.#open();
    this.#book.record(integer ? Math.trunc(value) : value, attributes);
    this.#changed = true;
  }

  /** Writes down the current value of what is observed, in place of one of this round. */
  observe(value: number, attributes: Attributes = {}): void {
    if (!Number.isFinite(value) || this.#book === undefined) return;
    this.#book.observe(value, attributes);
    this.#changed = true;
  }

  /** Begins a new round of observations, since when the instrument was first observed. */
  observeAnew(): void {
    this.#book = new Book(
      this.descriptor,
      this.#book?.startAt ?? fromMillis(this.#clock.now()),
    );
  }

  /** What is new since the last export; deltas begin anew, totals stay. */
  collect(): Collected | undefined {
    const book = this.#book;
    if (book === undefined || !this.#changed) return undefined;
    const at = fromMillis(this.#clock.now());
    const { descriptor } = this;
    this.#changed = false;
    if (descriptor.delta) this.#book = new Book(descriptor, at);
    const { startAt, series } = book;
    return {
      metric: { descriptor, startAt, at, series },
      restore: () => this.#restore(book),
    };
  }

  #restore(book: Book): void {
    this.#changed = true;
    if (this.descriptor.delta) this.#book?.merge(book);
  }

  #open(): Book {
    return new Book(this.descriptor, fromMillis(this.#clock.now()));
  }
}
