/**
 * A web service on Bun with a worker beside it, in one process that stays.
 *
 * Needs UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN: `bun run examples/bun.ts`
 */
import process from "node:process";
import { Queue, UpstashBroker } from "@baton/queue";
import { type BatonVariables, tracing } from "@baton/queue/hono";
import { Telemetry } from "@baton/queue/otlp";
import { connect } from "@baton/queue/upstash";
import { Hono } from "hono";
import { createAccount, handlers } from "./tasks.ts";

const telemetry = Telemetry.fromEnv(process.env, { serviceName: "shop" });
const queue = new Queue({
  name: "shop",
  broker: new UpstashBroker(connect(process.env)),
  handlers,
  telemetry,
  onError: console.error, // failed attempts: Baton prints nothing by itself
});

const app = new Hono<{ Variables: BatonVariables }>();
app.use(tracing({ telemetry, queue }));

app.post("/signup", async (c) => {
  const customer: { email: string } = await c.req.json();
  const { id } = await c.var.queue.enqueue(createAccount, customer);
  return c.json({ id }, 202);
});

const worker = queue.work({ concurrency: 10, onError: console.error });
process.on("SIGTERM", async () => {
  await worker.stop();
  process.exit(0);
});

export default { fetch: app.fetch }; // on $PORT, or 3000
