import type { SpanContext } from "@opentelemetry/api";

/** A later version than 00 may go on after another dash; a comma stands between two headers. */
export const TRACEPARENT: RegExp =
  /^(?!ff)[\da-f]{2}-(?!0+-)[\da-f]{32}-(?!0+-)[\da-f]{16}-[\da-f]{2}(-(?<!^00.*)[^,]*)?$/;

/** Sampled (1) and random (2): the flags that level 2 defines, the only ones that may be sent. */
const KNOWN_FLAGS = 3;

/**
 * Reads a `traceparent` header.
 *
 * Of a version later than 00 it reads the four fields that version 00 knows.
 * Of the flags it keeps sampled (1) and random (2).
 *
 * @param header The header's value.
 * @returns The remote span's context, or `undefined` when the header is invalid and the trace must start anew.
 * @see W3C Trace Context level 2, sections 3.2 and 4
 */
export function parseTraceparent(header: string): SpanContext | undefined {
  if (!TRACEPARENT.test(header)) return undefined;
  return {
    traceId: header.slice(3, 35),
    spanId: header.slice(36, 52),
    traceFlags: parseInt(header[54]!, 16) & KNOWN_FLAGS,
    isRemote: true,
  };
}

/**
 * Writes a `traceparent` header of version 00.
 *
 * Flags other than sampled and random are sent as zero, as level 2 demands.
 *
 * @param context The span's context; its ids are written as they are.
 * @returns The header's value, 55 characters when the ids are valid.
 */
export function formatTraceparent(context: SpanContext): string {
  const flags = context.traceFlags & KNOWN_FLAGS;
  return `00-${context.traceId}-${context.spanId}-0${flags}`;
}
