/**
 * W3C Trace Context level 2 and Baggage in plain TypeScript, behind the interfaces of `@opentelemetry/api`.
 * A `Telemetry` of `@baton/queue/otlp` has all of it; beside another SDK, give that one a `W3CPropagator`.
 *
 * @example Read and write a `traceparent`
 * ```ts
 * import { formatTraceparent, parseTraceparent } from "@baton/queue/w3c";
 *
 * const remote = parseTraceparent(
 *   "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03",
 * );
 * if (remote) console.log(formatTraceparent(remote));
 * ```
 *
 * @module
 */

export { formatBaggage, parseBaggage } from "./baggage.ts";
export { EdgeContextManager } from "./context_manager.ts";
export { W3CPropagator, type W3CPropagatorOptions } from "./propagator.ts";
export { formatTraceparent, parseTraceparent } from "./traceparent.ts";
export { TraceState } from "./tracestate.ts";
