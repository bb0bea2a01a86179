import type { Context } from "@opentelemetry/api";

const ORIGIN: unique symbol = Symbol.for("@baton/queue origin");

/** The context of a request to `origin`, as `https://shop.example`: the one party that its baggage is for. */
export function withOrigin(context: Context, origin: string): Context {
  return context.setValue(ORIGIN, origin);
}

/** The origin of the request in whose context this is, where there is one. */
export function originIn(context: Context): unknown {
  return context.getValue(ORIGIN);
}
