import type { SpanContext } from "@opentelemetry/api";
import type { AttributeList } from "./attributes.ts";
import type { Bytes } from "./bytes.ts";
import { contextFlags, parentFlags } from "./flags.ts";
import { byLibrary } from "./groups.ts";
import * as json from "./json.ts";
import type { EdgeSpan, SpanEvent, SpanLink } from "./span.ts";

/** Writes an `ExportTraceServiceRequest`. */
export function writeTraces(
  out: Bytes,
  resource: AttributeList,
  spans: readonly EdgeSpan[],
): void {
  out.literal(`{"resourceSpans":[{"resource":{"attributes":`);
  json.attributes(out, resource);
  out.literal(`},"scopeSpans":`);
  const groups = [...byLibrary(spans, (span) => span.start.library)];
  json.list(out, groups, (out, [library, group]) => {
    out.literal(`{"scope":`);
    json.library(out, library);
    out.literal(`,"spans":`);
    json.list(out, group, writeSpan);
    json.optionalString(out, "schemaUrl", library.schemaUrl);
    out.literal("}");
  });
  out.literal("}]}");
}

function writeSpan(out: Bytes, span: EdgeSpan): void {
  const { context, parent, kind, startAt } = span.start;
  writeContext(out, context);
  if (parent !== undefined) {
    out.literal(`,"parentSpanId":"`);
    out.ascii(parent.spanId);
    out.literal(`"`);
  }
  out.literal(`,"flags":`);
  out.ascii(String(parentFlags(context, parent)));
  out.literal(`,"name":`);
  json.string(out, span.name);
  out.literal(`,"kind":`);
  out.ascii(String(kind + 1));
  out.literal(`,"startTimeUnixNano":`);
  json.time(out, startAt);
  out.literal(`,"endTimeUnixNano":`);
  json.time(out, span.endAt ?? startAt);
  writeAttributes(out, span.attributes);
  if (span.events.length > 0) {
    out.literal(`,"events":`);
    json.list(out, span.events, writeEvent);
  }
  json.optionalNumber(out, "droppedEventsCount", span.droppedEvents);
  if (span.links.length > 0) {
    out.literal(`,"links":`);
    json.list(out, span.links, writeLink);
  }
  json.optionalNumber(out, "droppedLinksCount", span.droppedLinks);
  if (span.status.code !== 0) {
    out.ascii(`,"status":{"code":${span.status.code}`);
    json.optionalString(out, "message", span.status.message);
    out.literal("}");
  }
  out.literal("}");
}

/** Writes the members that a span and a link begin with, and leaves the object open. */
function writeContext(out: Bytes, context: SpanContext): void {
  out.literal(`{"traceId":"`);
  out.ascii(context.traceId);
  out.literal(`","spanId":"`);
  out.ascii(context.spanId);
  out.literal(`"`);
  json.optionalString(out, "traceState", context.traceState?.serialize());
}

function writeAttributes(out: Bytes, attributes: AttributeList): void {
  if (attributes.keys.length > 0) {
    out.literal(`,"attributes":`);
    json.attributes(out, attributes);
  }
  json.optionalNumber(out, "droppedAttributesCount", attributes.dropped);
}

function writeEvent(out: Bytes, event: SpanEvent): void {
  out.literal(`{"timeUnixNano":`);
  json.time(out, event.at);
  out.literal(`,"name":`);
  json.string(out, event.name);
  writeAttributes(out, event.attributes);
  out.literal("}");
}

function writeLink(out: Bytes, link: SpanLink): void {
  writeContext(out, link.context);
  writeAttributes(out, link.attributes);
  out.ascii(`,"flags":${contextFlags(link.context)}}`);
}
