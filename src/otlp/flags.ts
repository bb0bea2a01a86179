import type { SpanContext } from "@opentelemetry/api";

const W3C_FLAGS = 0xff;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** OTLP's flags of a linked context: W3C's, and whether it is remote. */
export function contextFlags(context: SpanContext): number {
  return parentFlags(context, context);
}

/** OTLP's flags of a span: W3C's, and whether its parent is remote. */
export function parentFlags(
  { traceFlags }: SpanContext,
  parent: SpanContext | undefined,
): number {
  const remote = parent?.isRemote ? IS_REMOTE : 0;
  return (traceFlags & W3C_FLAGS) | HAS_IS_REMOTE | remote;
}
