import type { Attributes } from "@opentelemetry/api";

/** What somebody else wrote may be as long as it likes; what is told of it may not. */
const LONGEST = 1_024;

/** The method in the conventions' own spelling, if they know it. */
export function knownMethod(method: string): string | undefined {
  const known =
    /^(connect|delete|get|head|options|patch|post|put|query|trace)$/i;
  return known.test(method) ? method.toUpperCase() : undefined;
}

/** A method as a span tells it, and as it was written where that is another text. */
export function methodAttributes(method: string): Attributes {
  const known = knownMethod(method) ?? "_OTHER";
  return {
    "http.request.method": known,
    ...(known !== method && { "http.request.method_original": clip(method) }),
  };
}

/** As much of somebody else's text as a span may hold. */
export function clip(text: string): string {
  return text.slice(0, LONGEST).toWellFormed();
}
