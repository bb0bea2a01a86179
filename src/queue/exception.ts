import type { Attributes } from "@opentelemetry/api";
import { exceptionAttributes, nameOf } from "./conventions.ts";

const MAX_DEPTH = 10;
const MAX_EVENTS = 32;
const MAX_MESSAGE = 4_096;
const MAX_STACK = 8_192;

/** The attributes of one event for each error behind `error`: itself, its causes, the members of an AggregateError. Each once, however they refer to each other. */
export function exceptionsOf(error: unknown): readonly Attributes[] {
  const events: Attributes[] = [];
  collect(error, 0, new Set(), events);
  return events;
}

/** What an error says of itself; of what is no error, only a text is told. */
export function messageOf(error: unknown): string {
  if (error === undefined) return "";
  if (typeof error === "string") return clip(error, MAX_MESSAGE);
  if (!(error instanceof Error)) return "A value that is no Error was thrown";
  return clip(read(() => error.message) ?? "", MAX_MESSAGE);
}

function collect(
  error: unknown,
  depth: number,
  seen: Set<unknown>,
  events: Attributes[],
): void {
  if (depth >= MAX_DEPTH || events.length >= MAX_EVENTS || seen.has(error)) {
    return;
  }
  seen.add(error);
  const isError = error instanceof Error;
  const stack = isError ? read(() => error.stack) : undefined;
  events.push(
    exceptionAttributes(
      nameOf(error),
      messageOf(error),
      stack === undefined ? undefined : clip(stack, MAX_STACK),
    ),
  );
  if (!isError) return;
  for (const next of behind(error)) collect(next, depth + 1, seen, events);
}

/** The cause of an error, then its members. */
function behind(error: Error): readonly unknown[] {
  try {
    const { cause } = error;
    const members = error instanceof AggregateError
      ? Array.from(error.errors).slice(0, MAX_EVENTS)
      : [];
    return cause === undefined ? members : [cause, ...members];
  } catch {
    return [];
  }
}

/** An error's own getters may throw or give anything. */
function read(get: () => unknown): string | undefined {
  try {
    const value = get();
    return value === undefined ? undefined : String(value);
  } catch {
    return undefined;
  }
}

function clip(text: string, length: number): string {
  return text.slice(0, length).toWellFormed();
}
