import type { Attributes } from "@opentelemetry/api";
import type { Context as HonoContext } from "hono";
import { nameOf } from "../queue/trace/conventions.ts";
import { routeOf } from "./http.ts";

/** What was thrown, be it `undefined`. */
export interface Thrown {
  readonly error: unknown;
}

/** What came of a request. */
export interface Answer {
  readonly route: string | undefined;
  /** Its route, status and failure: as a span tells them, and a metric. */
  readonly attributes: Attributes;
  /** Whether the server is to blame. */
  readonly isFailure: boolean;
  /** The error that it was made of. */
  readonly thrown: Thrown | undefined;
}

/** What was answered, or what was thrown through the middleware; an error that Hono made a 4xx of is the client's affair. */
export function answerOf(c: HonoContext, through: Thrown | undefined): Answer {
  const route = routeOf(c);
  const status = c.finalized && through === undefined
    ? c.res.status
    : undefined;
  const isFailure = through !== undefined ||
    (status === undefined ? c.error !== undefined : status >= 500);
  const thrown = through ?? (c.error && { error: c.error });
  const type = thrown === undefined ? String(status) : nameOf(thrown.error);
  return {
    route,
    attributes: {
      ...(route !== undefined && { "http.route": route }),
      ...(status !== undefined && { "http.response.status_code": status }),
      ...(isFailure && { "error.type": type }),
    },
    isFailure,
    thrown,
  };
}
