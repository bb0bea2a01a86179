/**
 * Bring your own OpenTelemetry SDK: the queue's spans go wherever yours go.
 *
 * The queue finds what is registered in the API's globals; `flush` is what it calls at the end of a drain and of a request.
 * In memory: `deno run -A examples/official_sdk.ts`
 */
import { defineTask, Queue } from "@baton/queue";
import { W3CPropagator } from "@baton/queue/w3c";
import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "npm:@opentelemetry/context-async-hooks@2.12.0";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  InMemorySpanExporter,
} from "npm:@opentelemetry/sdk-trace-base@2.12.1";

const exporter = new InMemorySpanExporter(); // in an app: new OTLPTraceExporter()
const provider = new BasicTracerProvider({
  spanProcessors: [new BatchSpanProcessor(exporter)],
});
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager());
propagation.setGlobalPropagator(new W3CPropagator()); // or that of your SDK

const greet = defineTask("greet", {
  run: (name: string) => console.log(`hello, ${name}`),
});
const queue = Queue.inMemory({
  handlers: [greet],
  telemetry: { flush: () => provider.forceFlush() },
});

await trace.getTracer("app").startActiveSpan("request", async (span) => {
  await queue.enqueue(greet, "ada"); // a child of the current span
  span.end();
});
await queue.drain();

for (const span of exporter.getFinishedSpans()) {
  const { traceId, spanId } = span.spanContext();
  const parent = span.parentSpanContext?.spanId ?? "none";
  console.log(`${traceId} ${spanId} (parent ${parent}) ${span.name}`);
}
