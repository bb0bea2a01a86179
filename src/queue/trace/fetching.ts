import type { Context } from "@opentelemetry/api";
import { createFetch } from "../../http/fetch.ts";
import type { Providers } from "./providers.ts";

/** A `fetch` whose CLIENT spans belong to `current`: the telemetry's own, unless the options ask for another. */
export function fetchIn(providers: Providers, current: Context): typeof fetch {
  const { given, clientSpans, propagateTo } = providers.fetching;
  return given(current) ?? createFetch({
    tracer: () => providers.ownTracer(),
    propagator: () => providers.propagator(),
    clientSpans,
    propagateTo,
  }, () => current);
}
