import type { SpanContext } from "@opentelemetry/api";

/** W3C's flag of a trace id that is random. */
export const RANDOM = 2;

const W3C_FLAGS = 0xff;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** OTLP's flags of a span, or of a link: W3C's, and whether its parent, or what it links to, is remote. */
export function flagsOf(
  { traceFlags }: Pick<SpanContext, "traceFlags">,
  other: SpanContext | undefined,
): number {
  const remote = other?.isRemote ? IS_REMOTE : 0;
  return (traceFlags & W3C_FLAGS) | HAS_IS_REMOTE | remote;
}
