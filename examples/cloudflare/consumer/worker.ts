/**
 * The Worker that runs the tasks: when the other one rings, and each minute for whatever nobody rang for (delays, retries, schedules).
 *
 * wrangler.toml has the cron trigger. Secrets as of the other Worker.
 */
import { Queue, UpstashBroker } from "@baton/queue";
import { scheduled } from "@baton/queue/cron";
import { consumer } from "@baton/queue/hono";
import { Telemetry } from "@baton/queue/otlp";
import { connect } from "@baton/queue/upstash";
import { Hono } from "hono";
import { handlers } from "../../tasks.ts";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT: string;
  readonly RING_SECRET: string;
}

function queueOf(env: Env): Queue {
  return new Queue({
    name: "shop",
    broker: new UpstashBroker(connect(env)),
    handlers,
    telemetry: Telemetry.fromEnv(env, { serviceName: "shop-tasks" }),
    onError: console.error, // failed attempts: Baton prints nothing by itself
  });
}

const app = new Hono<{ Bindings: Env }>();
app.post("/drain", consumer(queueOf, { secret: (env) => env.RING_SECRET }));

export default { fetch: app.fetch, scheduled: scheduled(queueOf) };
