/** A web app that enqueues and a consumer of the same queue, each with a telemetry of its own. */
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { MemoryBroker } from "../../../src/broker/memory.ts";
import { defineTask } from "../../../src/core/task.ts";
import { type BatonVariables, tracing } from "../../../src/hono/mod.ts";
import type { TelemetryOptions } from "../../../src/otlp/mod.ts";
import { Queue } from "../../../src/queue/queue.ts";
import { execution } from "../app.ts";
import { type Flushed, type Watched, watched } from "./watched.ts";

const resize = defineTask("resize", { run: (n: number) => n * 2 });

/** Both, and the telemetry of each. */
export interface Shop {
  readonly app: Hono<{ Variables: BatonVariables }>;
  readonly consumer: Queue;
  readonly web: Watched;
  readonly worker: Watched;
}

/** Opens one whose telemetry goes to `endpoint`. */
export function openShop(endpoint: string, options: TelemetryOptions): Shop {
  const broker = new MemoryBroker();
  const web = watched(endpoint, options);
  const worker = watched(endpoint, options);
  const queue = new Queue({ broker, telemetry: web.given });
  const app = new Hono<{ Variables: BatonVariables }>();
  app.use(tracing({ telemetry: web.given, queue }));
  app.post("/", async (c) => {
    const { id } = await c.var.queue.enqueue(resize, 21);
    return c.text(id, 202);
  });
  const consumer = new Queue({
    broker,
    handlers: [resize],
    telemetry: worker.given,
  });
  return { app, consumer, web, worker };
}

/** Has one request answered and its task done, whatever the receiver does; resolves with both flushes. */
export async function trade(
  { app, consumer, web, worker }: Shop,
  hangs: boolean,
): Promise<readonly [Flushed, Flushed]> {
  const work: Promise<unknown>[] = [];
  const response = await app.request(
    "/",
    { method: "POST" },
    {},
    execution(work),
  );
  assertEquals(response.status, 202);
  if (hangs) assertEquals(web.ended, 0, "the answer came before the flush");
  const id = await response.text();

  const { completed } = await consumer.drain({ lingerMs: 0 });
  assertEquals(completed, 1);
  const result = await consumer.result(id);
  assert(result.status === "completed" && result.value === 42);
  await Promise.all(work);

  const [ofWeb, ofWorker] = [web.flushes[0], worker.flushes[0]];
  assert(ofWeb !== undefined && ofWorker !== undefined);
  assertEquals([web.flushes.length, worker.flushes.length], [1, 1]);
  return await Promise.all([ofWeb, ofWorker]);
}
