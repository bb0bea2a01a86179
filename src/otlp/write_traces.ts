import type { SpanContext, SpanStatus } from "@opentelemetry/api";
import type { AttributeList } from "./attributes.ts";
import { remembered } from "./bytes.ts";
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
  writeRequest(
    ["resourceSpans", "scopeSpans", "spans"],
    resource,
    spans,
    libraryOf,
    writeSpan,
  );
}

function libraryOf({ start }: ExportedSpan): Library {
  return start.library;
}

function writeSpan(span: ExportedSpan): void {
  const { context, parent, kind, startAt } = span.start;
  writeContext(context);
  w.id(4, "parentSpanId", parent?.spanId);
  w.string(5, "name", span.name);
  w.uint(6, "kind", kind + 1);
  w.time(7, "startTimeUnixNano", startAt);
  w.time(8, "endTimeUnixNano", span.endAt ?? startAt);
  writeAttributes(9, span.attributes);
  w.uint(10, "droppedAttributesCount", span.attributes.dropped);
  w.messages(11, "events", span.events, writeEvent);
  w.uint(12, "droppedEventsCount", span.droppedEvents);
  w.messages(13, "links", span.links, writeLink);
  w.uint(14, "droppedLinksCount", span.droppedLinks);
  if (span.status.code) w.message(15, "status", span.status, writeStatus);
  w.fixed32(16, "flags", flagsOf(span, parent));
}

/** Writes the members that a span and a link begin with. */
function writeContext(context: SpanContext): void {
  w.id(1, "traceId", context.traceId);
  w.id(2, "spanId", context.spanId);
  w.string(3, "traceState", context.traceState?.serialize());
}

function writeEvent(event: SpanEvent): void {
  w.time(1, "timeUnixNano", event.at);
  w.string(2, "name", event.name);
  writeAttributes(3, event.attributes);
  w.uint(4, "droppedAttributesCount", event.attributes.dropped);
}

// The spans of a drain's tasks share one link.
let last: SpanLink | undefined;

function writeLink(link: SpanLink): void {
  if (link === last) remembered(link, writeLinkMembers);
  else writeLinkMembers(link);
  last = link;
}

function writeLinkMembers({ context, attributes }: SpanLink): void {
  writeContext(context);
  writeAttributes(4, attributes);
  w.uint(5, "droppedAttributesCount", attributes.dropped);
  w.fixed32(6, "flags", flagsOf(context, context));
}

function writeStatus({ code, message }: SpanStatus): void {
  w.string(2, "message", message);
  w.uint(3, "code", code);
}
