import type { Attributes } from "@opentelemetry/api";
import type { Context as HonoContext } from "hono";
import { matchedRoutes } from "hono/route";
import { findTargetHandler } from "hono/utils/handler";
import { clip, knownMethod, methodAttributes } from "../http/methods.ts";
import { serverAttributes } from "../http/url.ts";

/** What is known of a request before it is handled. The query is left out: it may hold what is secret. */
export function requestAttributes({ req }: HonoContext): Attributes {
  const url = new URL(req.url);
  const userAgent = req.header("user-agent");
  return {
    ...methodAttributes(req.method),
    "url.path": clip(url.pathname),
    "url.scheme": schemeOf(url),
    ...serverAttributes(url),
    ...(userAgent ? { "user_agent.original": clip(userAgent) } : {}),
  };
}

/** What a metric may say of a request: a bounded set, whatever is sent. */
export function requestLabels({ req }: HonoContext): Attributes {
  return {
    "http.request.method": knownMethod(req.method) ?? "_OTHER",
    "url.scheme": schemeOf(new URL(req.url)),
  };
}

/** `GET /tasks/:id`, or `GET` where no handler matched. */
export function requestName(
  { req }: HonoContext,
  route: string | undefined,
): string {
  const method = knownMethod(req.method) ?? "HTTP";
  return route === undefined ? method : `${method} ${route}`;
}

/** The pattern of the handler that answered, or that would have if a middleware before it had let the request through. */
export function routeOf(c: HonoContext): string | undefined {
  return matchedRoutes(c).slice(c.req.routeIndex).find(isHandler)?.path;
}

/** By Hono's own measure: what stands under a method, and under all methods what takes no `next`. */
function isHandler(
  { method, handler }: ReturnType<typeof matchedRoutes>[number],
): boolean {
  return method !== "ALL" || findTargetHandler(handler).length < 2;
}

function schemeOf({ protocol }: URL): string {
  return protocol.slice(0, -1);
}
