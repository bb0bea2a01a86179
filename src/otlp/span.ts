import {
  type Exception,
  type HrTime,
  INVALID_SPANID,
  INVALID_TRACEID,
  isSpanContextValid,
  type Link,
  type Span,
  type SpanContext,
  type SpanKind,
  type SpanStatus,
  SpanStatusCode,
  type TimeInput,
} from "@opentelemetry/api";
import { AttributeList, type Attributes, sizeOf } from "./attributes.ts";
import { later, type RootClock } from "./clock.ts";
import type { SpanLimits } from "./limits.ts";
import type { Library } from "./resource.ts";
import type { FlushScope } from "./scope.ts";

/** Something that happened at an instant of a span. */
export interface SpanEvent {
  readonly name: string;
  readonly at: HrTime;
  readonly attributes: AttributeList;
}

/** Another span that a span is related to. */
export interface SpanLink {
  readonly context: SpanContext;
  readonly attributes: AttributeList;
}

/** Where a span goes when it has ended. */
export interface SpanSink {
  ended(span: EdgeSpan): void;
}

/** What a span is made with. */
export interface SpanStart {
  readonly sink: SpanSink;
  readonly scope: FlushScope;
  /** The scope's generation when the span started. */
  readonly generation: number;
  readonly library: Library;
  readonly limits: SpanLimits;
  readonly clock: RootClock;
  readonly kind: SpanKind;
  readonly context: SpanContext;
  readonly parent: SpanContext | undefined;
  readonly startAt: HrTime;
}

const BASE_BYTES = 200;
const EVENT_BYTES = 40;

/** A recording span; nothing changes it once it has ended. */
export class EdgeSpan implements Span {
  readonly start: SpanStart;
  readonly attributes: AttributeList = new AttributeList();
  readonly events: SpanEvent[] = [];
  readonly links: SpanLink[] = [];
  name: string;
  status: SpanStatus = { code: SpanStatusCode.UNSET };
  endAt: HrTime | undefined;
  droppedEvents = 0;
  droppedLinks = 0;

  constructor(name: string, start: SpanStart) {
    this.name = name;
    this.start = start;
  }

  spanContext(): SpanContext {
    return this.start.context;
  }

  isRecording(): boolean {
    return this.endAt === undefined;
  }

  setAttribute(key: string, value: unknown): this {
    if (this.endAt !== undefined) return this;
    const { attributes, valueLength } = this.start.limits;
    this.attributes.set(key, value, attributes, valueLength);
    return this;
  }

  setAttributes(attributes: Attributes): this {
    for (const key in attributes) this.setAttribute(key, attributes[key]);
    return this;
  }

  addEvent(
    name: string,
    attributesOrTime?: Attributes | TimeInput,
    time?: TimeInput,
  ): this {
    if (this.endAt !== undefined) return this;
    const { limits, clock } = this.start;
    if (this.events.length >= limits.events) {
      this.droppedEvents++;
      return this;
    }
    const attributes = new AttributeList();
    let at = time;
    if (isTime(attributesOrTime)) at ??= attributesOrTime;
    else {
      const { eventAttributes, valueLength } = limits;
      attributes.setAll(attributesOrTime, eventAttributes, valueLength);
    }
    this.events.push({ name, at: clock.at(at), attributes });
    return this;
  }

  addLink(link: Link): this {
    if (this.endAt !== undefined) return this;
    const { limits } = this.start;
    const attributes = new AttributeList();
    const { linkAttributes, valueLength } = limits;
    attributes.setAll(link.attributes, linkAttributes, valueLength);
    attributes.dropped += link.droppedAttributesCount ?? 0;
    const context = linkable(link.context, attributes);
    if (context === undefined) return this;
    if (this.links.length >= limits.links) this.droppedLinks++;
    else this.links.push({ context, attributes });
    return this;
  }

  addLinks(links: readonly Link[]): this {
    for (const link of links) this.addLink(link);
    return this;
  }

  /** Ok is final, Error goes before Unset; only Error has a message. */
  setStatus({ code, message }: SpanStatus): this {
    const isFinal = this.status.code === SpanStatusCode.OK;
    if (this.endAt !== undefined || isFinal || code === SpanStatusCode.UNSET) {
      return this;
    }
    this.status = code === SpanStatusCode.ERROR && message
      ? { code, message: message.slice(0, this.start.limits.valueLength) }
      : { code };
    return this;
  }

  updateName(name: string): this {
    if (this.endAt === undefined) this.name = name;
    return this;
  }

  recordException(exception: Exception, time?: TimeInput): void {
    const { name, code, message, stack } = typeof exception === "string"
      ? { message: exception } as Exclude<Exception, string>
      : exception;
    this.addEvent("exception", {
      "exception.type": name ?? (code === undefined ? code : String(code)),
      "exception.message": message,
      "exception.stacktrace": stack,
    }, time);
  }

  end(time?: TimeInput): void {
    if (this.endAt !== undefined) return;
    const { clock, startAt, sink } = this.start;
    this.endAt = later(clock.at(time), startAt);
    sink.ended(this);
  }
}

/** About how many bytes a span takes, for bounding what is kept. */
export function sizeOfSpan(span: EdgeSpan): number {
  let size = BASE_BYTES + span.name.length + sizeOf(span.attributes) +
    (span.status.message?.length ?? 0);
  for (const { name, attributes } of span.events) {
    size += EVENT_BYTES + name.length + sizeOf(attributes);
  }
  for (const { attributes } of span.links) {
    size += EVENT_BYTES + sizeOf(attributes);
  }
  return size;
}

function isTime(value: Attributes | TimeInput | undefined): value is TimeInput {
  return typeof value === "number" || Array.isArray(value) ||
    value instanceof Date;
}

/** A context that a link may hold: an invalid one says something only along with attributes or a state. */
function linkable(
  context: SpanContext,
  attributes: AttributeList,
): SpanContext | undefined {
  if (isSpanContextValid(context)) return context;
  if (attributes.keys.length === 0 && !context.traceState) return undefined;
  return { ...context, traceId: INVALID_TRACEID, spanId: INVALID_SPANID };
}
