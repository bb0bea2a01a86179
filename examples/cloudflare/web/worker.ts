/**
 * A Cloudflare Worker: requests enqueue, a cron trigger drains.
 *
 * In wrangler.toml: `main = "cloudflare.ts"` and `[triggers] crons = ["* * * * *"]`.
 * Secrets: UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN; OTEL_EXPORTER_OTLP_ENDPOINT says where spans go.
 */
import { Queue, UpstashBroker } from "@baton/queue";
import { scheduled } from "@baton/queue/cron";
import { type BatonVariables, tracing } from "@baton/queue/hono";
import { Telemetry } from "@baton/queue/otlp";
import { connect } from "@baton/queue/upstash";
import { Hono } from "hono";
import { createAccount, handlers } from "./tasks.ts";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT: string;
}

let telemetry: Telemetry | undefined;

/** One for the isolate: the request and its tasks share a flush. */
function telemetryOf(env: Env): Telemetry {
  return telemetry ??= Telemetry.fromEnv(env, { serviceName: "shop" });
}

function queueOf(env: Env): Queue {
  return new Queue({
    name: "shop",
    broker: new UpstashBroker(connect(env)),
    handlers,
    telemetry: telemetryOf(env),
  });
}

const app = new Hono<{ Bindings: Env; Variables: BatonVariables }>();
app.use(tracing({ telemetry: telemetryOf, queue: queueOf }));

app.post("/signup", async (c) => {
  const customer: { email: string } = await c.req.json();
  const { id } = await c.var.queue.enqueue(createAccount, customer);
  return c.json({ id }, 202);
});

export default { fetch: app.fetch, scheduled: scheduled(queueOf) };
