import type {
  Exception,
  Link,
  Span,
  SpanContext,
  SpanKind,
  SpanStatus,
  TimeInput,
} from "@opentelemetry/api";
import {
  SAMPLED,
  STATUS_ERROR,
  STATUS_OK,
  STATUS_UNSET,
} from "../core/codes.ts";
import { diag, INVALID_SPAN_CONTEXT } from "../w3c/api.ts";
import { AttributeList, attributeList, type Attributes } from "./attributes.ts";
import { PART_BYTES } from "./bounds.ts";
import { type Instant, later, type RootClock, toHrTime } from "./clock.ts";
import { isValid } from "./ids.ts";
import type { SpanLimits } from "./limits.ts";
import type { Library } from "./resource.ts";
import type { FlushScope } from "./scope.ts";
import type { TailSpan, Trail } from "./tail.ts";

/** Something that happened at an instant of a span. */
export interface SpanEvent {
  readonly name: string;
  readonly at: Instant;
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
  /** What it has in common with the spans of its trace, where a tail rule decides about them. */
  readonly trail: Trail | undefined;
  readonly library: Library;
  readonly limits: SpanLimits;
  readonly clock: RootClock;
  readonly kind: SpanKind;
  /** As it is propagated. */
  readonly context: SpanContext;
  readonly parent: SpanContext | undefined;
  readonly isLocalRoot: boolean;
  readonly startAt: Instant;
}

/** That of most spans. */
const UNSET: SpanStatus = { code: STATUS_UNSET };

/** Those of most links. */
const NO_ATTRIBUTES = /* @__PURE__ */ attributeList(undefined);

/** The events and links of most. */
const NONE: readonly never[] = [];

// The spans of a drain's tasks have one link, the same.
let last: readonly SpanLink[] = NONE;

/** A recording span; nothing changes it once it has ended. */
export class EdgeSpan implements Span, TailSpan {
  readonly attributes: AttributeList;
  events: readonly SpanEvent[] = NONE;
  links: readonly SpanLink[] = NONE;
  readonly start: SpanStart;
  name: string;
  /** As they are exported. */
  traceFlags: number;
  status: SpanStatus = UNSET;
  endAt: Instant | undefined;
  droppedEvents = 0;
  droppedLinks = 0;
  /** About how many bytes it takes, for bounding what is kept; known when it has ended. */
  bytes = 0;
  /** How many attributes its parts have lost. */
  #dropped = 0;

  constructor(name: string, start: SpanStart) {
    const { attributes, valueLength } = start.limits;
    this.attributes = new AttributeList(attributes, valueLength);
    this.name = name;
    this.start = start;
    this.traceFlags = start.context.traceFlags;
  }

  get kind(): SpanKind {
    return this.start.kind;
  }

  get durationMs(): number {
    const [seconds, nanos] = toHrTime(this.start.startAt);
    const [s, ns] = toHrTime(this.endAt!);
    return (s - seconds) * 1e3 + (ns - nanos) / 1e6;
  }

  get isLocalRoot(): boolean {
    return this.start.isLocalRoot;
  }

  /** Whether it is exported as a part of a sampled trace. */
  get isSampled(): boolean {
    return (this.traceFlags & SAMPLED) !== 0;
  }

  attribute(key: string): unknown {
    return this.attributes.values[this.attributes.keys.indexOf(key)];
  }

  spanContext(): SpanContext {
    return this.start.context;
  }

  isRecording(): boolean {
    return !this.endAt;
  }

  setAttribute(key: string, value: unknown): this {
    if (!this.endAt) this.attributes.set(`${key}`, value);
    return this;
  }

  setAttributes(attributes: Attributes): this {
    if (!this.endAt) this.attributes.setAll(attributes);
    return this;
  }

  addEvent(
    name: string,
    attributesOrTime?: Attributes | TimeInput,
    time?: TimeInput,
  ): this {
    const { limits, clock } = this.start;
    if (this.endAt) return this;
    if (this.events.length >= limits.events) this.droppedEvents++;
    else {
      const [given, at] = isTime(attributesOrTime)
        ? [undefined, time ?? attributesOrTime]
        : [attributesOrTime, time];
      const attributes = attributeList(
        given,
        limits.eventAttributes,
        limits.valueLength,
      );
      const event = { name: `${name}`, at: clock.at(at), attributes };
      this.#count(event.name, attributes);
      this.events = [...this.events, event];
    }
    return this;
  }

  /** A link to an invalid context says something only along with attributes or a state. */
  addLink({ context, attributes, droppedAttributesCount = 0 }: Link): this {
    const { limits } = this.start;
    const own = attributes || droppedAttributesCount > 0
      ? attributeList(attributes, limits.linkAttributes, limits.valueLength)
      : NO_ATTRIBUTES;
    const isKnown = isValid(context);
    const says = isKnown || own.keys.length + own.dropped > 0 ||
      context.traceState?.serialize();
    if (this.endAt || !says) return this;
    if (droppedAttributesCount > 0) own.dropped += droppedAttributesCount;
    if (this.links.length >= limits.links) this.droppedLinks++;
    else {
      const [former] = last;
      if (former?.context !== context || former.attributes !== own) {
        last = [{
          context: isKnown ? context : { ...context, ...INVALID_SPAN_CONTEXT },
          attributes: own,
        }];
      }
      this.#count("", own);
      this.links = this.links.length > 0 ? [...this.links, ...last] : last;
    }
    return this;
  }

  addLinks(links: readonly Link[]): this {
    for (const link of links) this.addLink(link);
    return this;
  }

  /** Ok is final, Error goes before Unset; only Error has a message. */
  setStatus({ code, message }: SpanStatus): this {
    const isOpen = !this.endAt && this.status.code !== STATUS_OK;
    if (isOpen && code !== STATUS_UNSET) {
      this.status = code === STATUS_ERROR && message
        ? { code, message: `${message}` }
        : { code };
    }
    return this;
  }

  updateName(name: string): this {
    if (!this.endAt) this.name = `${name}`;
    return this;
  }

  /** Takes whatever may have been thrown. */
  recordException(exception: Exception, time?: TimeInput): void {
    const { name, code, message = String(exception), stack } = Object(
      exception,
    );
    this.addEvent("exception", {
      "exception.type": name ?? code?.toString(),
      "exception.message": message,
      "exception.stacktrace": stack,
    }, time);
  }

  end(time?: TimeInput): void {
    if (this.endAt) return;
    const { start } = this;
    this.endAt = later(start.clock.at(time), start.startAt);
    this.#count(this.name, this.attributes);
    this.bytes += this.status.message?.length ?? 0;
    const dropped = this.#dropped + this.droppedEvents + this.droppedLinks;
    if (dropped > 0) {
      diag.warn(`Left ${dropped} parts out of a span at its limits`);
    }
    start.sink.ended(this);
  }

  /** Has it exported as sampled because a tail rule keeps it; what it propagates stays as it was. */
  keep(rule: string): this {
    this.traceFlags |= SAMPLED;
    const { keys, values } = this.attributes;
    const known = keys.indexOf("baton.sampled_by");
    values[known < 0 ? keys.push("baton.sampled_by") - 1 : known] = rule;
    return this;
  }

  #count(name: string, attributes: AttributeList): void {
    this.bytes += PART_BYTES + name.length + attributes.size;
    this.#dropped += attributes.dropped;
  }
}

function isTime(value: Attributes | TimeInput | undefined): value is TimeInput {
  return typeof value === "number" || Array.isArray(value) ||
    value instanceof Date;
}
