import type { Outcome } from "../../core/outcome.ts";
import { nameOf } from "./conventions.ts";

/** Makes of an error what may be told of it. */
export type Redact = (error: unknown) => unknown;

/** `redact`, made safe: where it throws, or gives nothing, no more than the error's name is told. */
export function createRedact(redact: Redact | undefined): Redact {
  if (redact === undefined) return (error) => error;
  return (error) => {
    try {
      return redact(error) ?? nameOnly(error);
    } catch {
      return nameOnly(error);
    }
  };
}

/** The outcome with its error as it may be told. */
export function redacted(outcome: Outcome, redact: Redact): Outcome {
  return "error" in outcome
    ? { ...outcome, error: redact(outcome.error) }
    : outcome;
}

function nameOnly(error: unknown): Error {
  const bare = new Error("");
  bare.name = nameOf(error);
  delete bare.stack;
  return bare;
}
