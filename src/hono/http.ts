import type { Attributes } from "@opentelemetry/api";
import type { Context as HonoContext } from "hono";
import { matchedRoutes } from "hono/route";

const METHODS: ReadonlySet<string> = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "QUERY",
  "TRACE",
]);

/** What the other end sends may be as long as it likes; what is told of it may not. */
const LONGEST = 1_024;

/** What is known of a request before it is handled. The query is left out: it may hold what is secret. */
export function requestAttributes({ req }: HonoContext): Attributes {
  const url = new URL(req.url);
  const scheme = url.protocol.slice(0, -1);
  const userAgent = req.header("user-agent");
  const isKnown = METHODS.has(req.method);
  return {
    "http.request.method": isKnown ? req.method : "_OTHER",
    ...(isKnown ? {} : { "http.request.method_original": clip(req.method) }),
    "url.path": clip(url.pathname),
    "url.scheme": scheme,
    "server.address": url.hostname.replace(/^\[|\]$/g, ""),
    "server.port": Number(url.port) || (scheme === "https" ? 443 : 80),
    ...(userAgent ? { "user_agent.original": clip(userAgent) } : {}),
  };
}

/** `GET /tasks/:id`, or `GET` where no handler matched. */
export function requestName(
  { req }: HonoContext,
  route: string | undefined,
): string {
  const method = METHODS.has(req.method) ? req.method : "HTTP";
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
  return method !== "ALL" || handler.length < 2;
}

function clip(text: string): string {
  return text.slice(0, LONGEST).toWellFormed();
}
