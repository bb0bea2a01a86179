/** Spans as the encoders see them, made without a tracer: every part can be chosen. */
import type { SpanContext, SpanKind, SpanStatus } from "@opentelemetry/api";
import { attributeList } from "../../src/otlp/attributes.ts";
import type { Instant } from "../../src/otlp/clock.ts";
import type { Library } from "../../src/otlp/resource.ts";
import type { ExportedSpan } from "../../src/otlp/write_traces.ts";

/** Attributes, and how many were dropped beside them. */
export interface Held {
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly dropped?: number;
}

/** What a span is made of; the rest has a default. */
export interface SpanParts extends Held {
  readonly name?: string;
  readonly library?: Library;
  readonly kind?: SpanKind;
  readonly context?: SpanContext;
  readonly parent?: SpanContext | undefined;
  readonly startAt?: Instant;
  readonly endAt?: Instant;
  readonly status?: SpanStatus;
  readonly events?: readonly (Held & {
    readonly name: string;
    readonly at: Instant;
  })[];
  readonly droppedEvents?: number;
  readonly links?: readonly (Held & { readonly context: SpanContext })[];
  readonly droppedLinks?: number;
}

export const LIBRARY: Library = {
  name: "lib",
  version: "1.0",
  schemaUrl: undefined,
};

/** Makes a span. */
export function exportedSpan(parts: SpanParts = {}): ExportedSpan {
  const { events = [], links = [] } = parts;
  const {
    context = {
      traceId: "5b8efff798038103d269b633813fc60c",
      spanId: "eee19b7ec3c1b174",
      traceFlags: 3,
    },
  } = parts;
  return {
    start: {
      library: parts.library ?? LIBRARY,
      kind: parts.kind ?? 0,
      context,
      parent: parts.parent,
      startAt: parts.startAt ?? [1_700_000_000, 1],
    },
    name: parts.name ?? "span",
    traceFlags: context.traceFlags,
    status: parts.status ?? { code: 0 },
    endAt: parts.endAt ?? [1_700_000_001, 0],
    attributes: listOf(parts),
    events: events.map((event) => ({ ...event, attributes: listOf(event) })),
    links: links.map((link) => ({ ...link, attributes: listOf(link) })),
    droppedEvents: parts.droppedEvents ?? 0,
    droppedLinks: parts.droppedLinks ?? 0,
  };
}

function listOf({ attributes = {}, dropped = 0 }: Held) {
  const list = attributeList(attributes);
  list.dropped = dropped;
  return list;
}
