import { isSpanContextValid, type Span } from "@opentelemetry/api";
import type { Context as HonoContext } from "hono";

/** What may stand in a header, a log and a span without doing harm there. */
const HARMLESS = /^[\w.:=+/-]{1,128}$/;
const HEADER_NAME = /^[A-Za-z0-9-]{1,64}$/;

/**
 * The header that the option asks for.
 *
 * @throws {TypeError} If it is no header's name.
 */
export function headerName(option: boolean | string): string | undefined {
  if (option === false) return undefined;
  const name = option === true ? "X-Request-Id" : option;
  if (typeof name === "string" && HEADER_NAME.test(name)) return name;
  throw new TypeError(
    "requestId must be true, false or the name of a header, of letters, digits and '-'",
  );
}

/** The caller's name for its request, where it is harmless; else its trace id, where it is traced. */
export function requestIdOf(
  given: string | undefined,
  span: Span,
): string | undefined {
  if (given !== undefined && HARMLESS.test(given)) return given;
  const context = span.spanContext();
  return isSpanContextValid(context) ? context.traceId : undefined;
}

/** Sets a header of the answer, unless it is one whose headers are not ours: an upgrade's. */
export function setHeader(c: HonoContext, name: string, value: string): void {
  if (c.finalized && c.res.status !== 101) c.header(name, value);
}
