/**
 * Hono: requests as SERVER spans that queues continue, and routes that drain.
 *
 * @example
 * ```ts
 * import { defineTask, Queue } from "@baton/queue";
 * import { type BatonVariables, consumer, tracing } from "@baton/queue/hono";
 * import { Telemetry } from "@baton/queue/otlp";
 * import { Hono } from "hono";
 *
 * const greet = defineTask("greet", { run: (name: string) => `Hello ${name}` });
 * const telemetry = new Telemetry({ serviceName: "shop" });
 * const queue = Queue.inMemory({ handlers: [greet], telemetry });
 *
 * // app.fetch is what Deno.serve(), Bun and Workers take
 * const app = new Hono<{ Variables: BatonVariables }>();
 * app.use(tracing({ telemetry, queue }));
 * app.post("/greetings/:name", async (c) => {
 *   const { id } = await c.var.queue.enqueue(greet, c.req.param("name"));
 *   return c.json({ id }, 202);
 * });
 * app.post("/drain", consumer(queue, { secret: "kept-by-the-cron-service" }));
 * ```
 *
 * @module
 */

export { consumer, type ConsumerOptions } from "./consumer.ts";
export type { QStashKeys } from "./hearing.ts";
export {
  type BatonVariables,
  type QueueTracingOptions,
  tracing,
  type TracingOptions,
  type TracingVariables,
} from "./tracing.ts";
export type { PerEnv } from "../core/per_env.ts";
export type { PropagateTo } from "../http/fetch.ts";
