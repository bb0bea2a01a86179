import type { Attributes } from "@opentelemetry/api";
import { safely } from "../../core/safely.ts";
import { exceptionAttributes } from "./consumer_conventions.ts";
import { nameOf } from "./conventions.ts";
import { clip, messageOf, read } from "./message.ts";

const MAX_DEPTH = 10;
const MAX_EVENTS = 32;
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
    for (const one of next(error)) safely(() => collect(one, depth + 1));
  };
  collect(error, 0);
  return links;
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
