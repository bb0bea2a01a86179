/**
 * What the runner tells the suites, the same way on every runtime: it loads a
 * generated script before them.
 *
 * @module
 */

/** The local Upstash-compatible server in front of a real Redis that all suites share. */
export interface Gateway {
  /** Where it listens; the same as `UPSTASH_REDIS_REST_URL`. */
  readonly url: string;
  /** What it wants as a bearer token; the same as `UPSTASH_REDIS_REST_TOKEN`. */
  readonly token: string;
}

const told = (globalThis as { batonGateway?: Gateway }).batonGateway;
if (told === undefined) {
  throw new Error(
    "This suite needs the gateway: run it with `deno task test [--only=deno] [part of its path]`",
  );
}

/** Where the shared gateway is. Others use it too: a suite takes queue names of its own. */
export const gateway: Gateway = told;
