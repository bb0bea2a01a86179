import { type Context, createContextKey } from "@opentelemetry/api";

/** What keeps the host from ending what a request has left behind: Cloudflare's `ctx`, Hono's `c.executionCtx`. */
export interface WaitUntil {
  /** Holds the invocation open until the promise has settled. */
  waitUntil(work: Promise<unknown>): void;
}

const HOST: symbol = createContextKey("@baton/queue host");

/** The context of a request that `host` holds open for what it leaves behind. */
export function withHost(context: Context, host: WaitUntil): Context {
  return context.setValue(HOST, host);
}

/** What holds the request of this context open, if anything is known to. */
export function hostIn(context: Context): WaitUntil | undefined {
  return context.getValue(HOST) as WaitUntil | undefined;
}
