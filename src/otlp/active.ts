import type { Context, ContextManager } from "@opentelemetry/api";
import { API_SLOT } from "../http/slot.ts";
import { host } from "./slot.ts";

/** Where the current context is kept. */
export interface ActiveContext {
  /** The current context. */
  active(): Context;
  /** Calls with a context as the current one. */
  with<Result>(context: Context, callback: () => Result): Result;
}

/** The registered context manager's contexts; those of `own` while none is registered. */
export function activeContext(own: ContextManager): ActiveContext {
  const keeper = () => host[API_SLOT]?.context ?? own;
  return {
    active: () => keeper().active(),
    with: (current, callback) => keeper().with(current, callback),
  };
}
