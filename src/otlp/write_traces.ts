import type { SpanContext, SpanStatus } from "@opentelemetry/api";
import type { AttributeList } from "./attributes.ts";
import { type Piece, repeat, since, size } from "./bytes.ts";
import { flagsOf } from "./flags.ts";
import type { Library } from "./resource.ts";
import type { EdgeSpan, SpanEvent, SpanLink, SpanStart } from "./span.ts";
import { writeAttributes } from "./write_attributes.ts";
import { writeRequest } from "./write_request.ts";
import * as w from "./writer.ts";

/** What is exported of a span. */
export interface ExportedSpan
  extends
    Pick<EdgeSpan, "name" | "traceFlags" | "status" | "endAt" | "attributes">,
    Pick<EdgeSpan, "events" | "links" | "droppedEvents" | "droppedLinks"> {
  readonly start: Pick<
    SpanStart,
    "library" | "kind" | "context" | "parent" | "startAt"
  >;
}

/** Writes an `ExportTraceServiceRequest`. */
export function writeTraces(
  resource: AttributeList,
  spans: readonly ExportedSpan[],
): void {
  former = undefined;
  writeRequest(
    ["resourceSpans", "scopeSpans", "spans"],
    resource,
    spans,
    libraryOf,
    writeSpan,
  );
  former = undefined;
}

function libraryOf({ start }: ExportedSpan): Library {
  return start.library;
}

// Most spans have much in common with the one before, as those of a drain's tasks have.
let former: ExportedSpan | undefined;
let common: Piece | undefined;

function writeSpan(span: ExportedSpan): void {
  const { context, startAt } = span.start;
  w.id(2, "spanId", context.spanId);
  w.time(7, "startTimeUnixNano", startAt);
  w.time(8, "endTimeUnixNano", span.endAt ?? startAt);
  writeAttributes(9, span.attributes);
  w.uint(10, "droppedAttributesCount", span.attributes.dropped);
  w.messages(11, "events", span.events, writeEvent);
  w.uint(12, "droppedEventsCount", span.droppedEvents);
  w.uint(14, "droppedLinksCount", span.droppedLinks);
  if (span.status.code) w.message(15, "status", span.status, writeStatus);
  const isAlike = former && areAlike(span, former);
  former = span;
  if (isAlike && common) return repeat(common);
  const start = size();
  writeCommon(span);
  // worth keeping once two have it
  common = isAlike ? since(start) : undefined;
}

/** Writes what the next span may have, too. */
function writeCommon(span: ExportedSpan): void {
  const { context, parent, kind } = span.start;
  writeTrace(context);
  w.id(4, "parentSpanId", parent?.spanId);
  w.string(5, "name", span.name);
  w.uint(6, "kind", kind + 1);
  w.messages(13, "links", span.links, writeLink);
  w.fixed32(16, "flags", flagsOf(span, parent));
}

function areAlike(a: ExportedSpan, b: ExportedSpan): boolean {
  const { context, parent, kind } = a.start;
  return parent === b.start.parent && a.links === b.links &&
    context.traceId === b.start.context.traceId &&
    context.traceState === b.start.context.traceState &&
    a.name === b.name && kind === b.start.kind &&
    a.traceFlags === b.traceFlags;
}

/** Writes what a span and a link say of their trace. */
function writeTrace({ traceId, traceState }: SpanContext): void {
  w.id(1, "traceId", traceId);
  w.string(3, "traceState", traceState?.serialize());
}

function writeEvent(event: SpanEvent): void {
  w.time(1, "timeUnixNano", event.at);
  w.string(2, "name", event.name);
  writeAttributes(3, event.attributes);
  w.uint(4, "droppedAttributesCount", event.attributes.dropped);
}

function writeLink({ context, attributes }: SpanLink): void {
  writeTrace(context);
  w.id(2, "spanId", context.spanId);
  writeAttributes(4, attributes);
  w.uint(5, "droppedAttributesCount", attributes.dropped);
  w.fixed32(6, "flags", flagsOf(context, context));
}

function writeStatus({ code, message }: SpanStatus): void {
  w.string(2, "message", message);
  w.uint(3, "code", code);
}
