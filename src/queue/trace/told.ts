import { type Context, createContextKey } from "@opentelemetry/api";
import { messageOf } from "./message.ts";

/** How many errors one span remembers. */
const MAX_TOLD = 100;

/** The errors that spans within one span have told, each with the message it was told with. */
interface Told {
  errors: Map<unknown, string> | undefined;
  /** Those of the span around it. */
  readonly outer: Told | undefined;
}

const TOLD = createContextKey("@baton/queue told errors");

/** `context` as that of a span which does not tell again what spans within it have told. */
export function listening(context: Context): Context {
  const told: Told = { errors: undefined, outer: toldIn(context) };
  return context.setValue(TOLD, told);
}

/** Says in `context`, and in all around it, that an error was told, and with which words. */
export function noteTold(
  context: Context,
  error: unknown,
  message: string,
): void {
  for (let told = toldIn(context); told !== undefined; told = told.outer) {
    const errors = told.errors ??= new Map();
    if (errors.size >= MAX_TOLD) errors.clear();
    errors.set(error, message);
  }
}

/** The errors that spans within that of `context` have told: `error`, too, where it is how `thrown` is told. */
export function toldWithin(
  context: Context,
  error: unknown,
  thrown: unknown = error,
): ReadonlySet<unknown> {
  const told = toldIn(context)?.errors;
  return new Set([...told?.keys() ?? [], ...told?.has(thrown) ? [error] : []]);
}

/** What an error says of itself; of one that was told within `context`, what was said there. */
export function messageWithin(context: Context, error: unknown): string {
  return toldIn(context)?.errors?.get(error) ?? messageOf(error);
}

function toldIn(context: Context): Told | undefined {
  return context.getValue(TOLD) as Told | undefined;
}
