/**
 * A web service on Deno that enqueues, drains behind its answer, and drains when a cron service calls it: for delays, retries and schedules, which wake nobody.
 *
 * Needs UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN and DRAIN_SECRET; OTEL_EXPORTER_OTLP_ENDPOINT says where spans go.
 * Try it: `deno run -A examples/hono.ts`, then `curl -d '{"email":"ada@example.com"}' localhost:8000/signup`
 */
import { inline, Queue, UpstashBroker } from "@baton/queue";
import { type BatonVariables, consumer, tracing } from "@baton/queue/hono";
import { Telemetry } from "@baton/queue/otlp";
import { connect } from "@baton/queue/upstash";
import { Hono } from "hono";
import { createAccount, handlers } from "./tasks.ts";

const env = Deno.env.toObject();
const telemetry = Telemetry.fromEnv(env, { serviceName: "shop" });
const queue = new Queue({
  name: "shop",
  broker: new UpstashBroker(connect(env)),
  handlers,
  telemetry,
  onError: console.error, // failed attempts: Baton prints nothing by itself
  wake: inline({ budgetMs: 10_000 }),
});

const app = new Hono<{ Variables: BatonVariables }>();
app.use(tracing({ telemetry, queue }));

app.post("/signup", async (c) => {
  const customer: { email: string } = await c.req.json();
  const { id } = await c.var.queue.enqueue(createAccount, customer);
  return c.json({ id }, 202);
});

app.get("/tasks/:id", async (c) => {
  return c.json(await queue.result(c.req.param("id"), { waitMs: 5_000 }));
});

app.post("/drain", consumer(queue, { secret: env["DRAIN_SECRET"] ?? "" }));

Deno.serve(app.fetch);
