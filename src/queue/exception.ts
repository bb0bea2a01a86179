import type { Attributes } from "@opentelemetry/api";
import { exceptionAttributes, nameOf } from "./conventions.ts";

const MAX_DEPTH = 10;
const MAX_EVENTS = 32;
const MAX_MESSAGE = 4_096;
const MAX_STACK = 8_192;

/** One error behind another. */
export interface ErrorLink {
  readonly type: string;
  readonly message: string;
  readonly stack: string | undefined;
}

/**
 * The attributes of one event for each error behind `error`: itself, its causes, the members of an AggregateError.
 * Each once, however they refer to each other, and none that was `told` before: 10 deep, 32 in all, of a stack 8 KB.
 */
export function exceptionsOf(
  error: unknown,
  told?: ReadonlySet<unknown>,
): readonly Attributes[] {
  return linksOf(error, behind, told).map(({ type, message, stack }) =>
    exceptionAttributes(type, message, stack)
  );
}

/** The error and what `next` finds behind it, outermost first, within the same caps. */
export function linksOf(
  error: unknown,
  next: (error: Error) => readonly unknown[],
  told?: ReadonlySet<unknown>,
): readonly ErrorLink[] {
  const links: ErrorLink[] = [];
  const seen = new Set(told);
  const collect = (error: unknown, depth: number): void => {
    if (depth >= MAX_DEPTH || links.length >= MAX_EVENTS || seen.has(error)) {
      return;
    }
    seen.add(error);
    const isError = error instanceof Error;
    const stack = isError ? read(() => error.stack) : undefined;
    links.push({
      type: nameOf(error),
      message: messageOf(error),
      stack: stack === undefined ? undefined : clip(stack, MAX_STACK),
    });
    if (!isError) return;
    for (const one of next(error)) collect(one, depth + 1);
  };
  collect(error, 0);
  return links;
}

/** What an error says of itself; of what is no error, only a text is told. */
export function messageOf(error: unknown): string {
  if (error === undefined) return "";
  if (typeof error === "string") return clip(error, MAX_MESSAGE);
  if (!(error instanceof Error)) return "A value that is no Error was thrown";
  return clip(read(() => error.message) ?? "", MAX_MESSAGE);
}

/** The cause of an error, if it has one. */
export function causeOf(error: Error): readonly unknown[] {
  try {
    const { cause } = error;
    return cause === undefined ? [] : [cause];
  } catch {
    return [];
  }
}

/** The cause of an error, then its members. */
function behind(error: Error): readonly unknown[] {
  try {
    const members = error instanceof AggregateError
      ? Array.from(error.errors).slice(0, MAX_EVENTS)
      : [];
    return [...causeOf(error), ...members];
  } catch {
    return causeOf(error);
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
