/**
 * A program for a host that traces by itself: says as JSON what a traced
 * `fetch` made of that, and what arrived.
 *
 * @module
 */
import { context, trace } from "@opentelemetry/api";
import { createFetch } from "../../src/http/fetch.ts";
import { hostTraces } from "../../src/http/slot.ts";
import { W3CPropagator } from "../../src/w3c/propagator.ts";

let spans = 0;
let injections = 0;
let arrived = 0;

const server = Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen() {} },
  ({ headers }) => {
    if (headers.has("traceparent")) arrived++;
    return new Response("fine");
  },
);
const traced = createFetch({
  tracer() {
    spans++;
    return trace.getTracer("program");
  },
  propagator() {
    injections++;
    return new W3CPropagator();
  },
}, () => context.active());
const response = await traced(`http://127.0.0.1:${server.addr.port}/`);
await response.body?.cancel();
await server.shutdown();
console.log(
  JSON.stringify({ hostTraces: hostTraces(), spans, injections, arrived }),
);
