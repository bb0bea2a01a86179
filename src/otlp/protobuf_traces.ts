import type { SpanContext } from "@opentelemetry/api";
import type { AttributeList } from "./attributes.ts";
import type { Bytes } from "./bytes.ts";
import { contextFlags, parentFlags } from "./flags.ts";
import { byLibrary } from "./groups.ts";
import * as protobuf from "./protobuf.ts";
import type { EdgeSpan, SpanEvent, SpanLink } from "./span.ts";

/** Writes an `ExportTraceServiceRequest`. */
export function writeTraces(
  out: Bytes,
  resource: AttributeList,
  spans: readonly EdgeSpan[],
): void {
  const resourceSpans = protobuf.open(out, 1);
  const sender = protobuf.open(out, 1);
  protobuf.attributes(out, 1, resource);
  protobuf.close(out, sender);
  for (const [library, group] of byLibrary(spans, (s) => s.start.library)) {
    const scopeSpans = protobuf.open(out, 2);
    protobuf.library(out, 1, library);
    for (const span of group) writeSpan(out, 2, span);
    protobuf.optionalString(out, 3, library.schemaUrl);
    protobuf.close(out, scopeSpans);
  }
  protobuf.close(out, resourceSpans);
}

function writeSpan(out: Bytes, field: number, span: EdgeSpan): void {
  const { context, parent, kind, startAt } = span.start;
  const start = protobuf.open(out, field);
  writeContext(out, context);
  if (parent !== undefined) protobuf.id(out, 4, parent.spanId);
  protobuf.string(out, 5, span.name);
  protobuf.uint(out, 6, kind + 1);
  protobuf.time(out, 7, startAt);
  protobuf.time(out, 8, span.endAt ?? startAt);
  protobuf.attributes(out, 9, span.attributes);
  protobuf.uint(out, 10, span.attributes.dropped);
  for (const event of span.events) writeEvent(out, 11, event);
  protobuf.uint(out, 12, span.droppedEvents);
  for (const link of span.links) writeLink(out, 13, link);
  protobuf.uint(out, 14, span.droppedLinks);
  writeStatus(out, 15, span);
  protobuf.fixed32(out, 16, parentFlags(context, parent));
  protobuf.close(out, start);
}

function writeContext(out: Bytes, context: SpanContext): void {
  protobuf.id(out, 1, context.traceId);
  protobuf.id(out, 2, context.spanId);
  protobuf.optionalString(out, 3, context.traceState?.serialize());
}

function writeEvent(out: Bytes, field: number, event: SpanEvent): void {
  const start = protobuf.open(out, field);
  protobuf.time(out, 1, event.at);
  protobuf.string(out, 2, event.name);
  protobuf.attributes(out, 3, event.attributes);
  protobuf.uint(out, 4, event.attributes.dropped);
  protobuf.close(out, start);
}

function writeLink(out: Bytes, field: number, link: SpanLink): void {
  const start = protobuf.open(out, field);
  writeContext(out, link.context);
  protobuf.attributes(out, 4, link.attributes);
  protobuf.uint(out, 5, link.attributes.dropped);
  protobuf.fixed32(out, 6, contextFlags(link.context));
  protobuf.close(out, start);
}

function writeStatus(out: Bytes, field: number, { status }: EdgeSpan): void {
  if (status.code === 0) return;
  const start = protobuf.open(out, field);
  protobuf.optionalString(out, 2, status.message);
  protobuf.uint(out, 3, status.code);
  protobuf.close(out, start);
}
