/**
 * A Cloudflare Worker whose requests enqueue, and ring for the Worker beside it over a service binding: a task starts at once, not with the next minute.
 *
 * wrangler.toml has the binding. Secrets: UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN, RING_SECRET; OTEL_EXPORTER_OTLP_ENDPOINT says where spans go.
 */
import { Queue, ring, UpstashBroker } from "@baton/queue";
import { type BatonVariables, tracing } from "@baton/queue/hono";
import { Telemetry } from "@baton/queue/otlp";
import { connect } from "@baton/queue/upstash";
import { Hono } from "hono";
import { createAccount } from "../../tasks.ts";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT: string;
  readonly RING_SECRET: string;
  readonly CONSUMER: { fetch: typeof fetch };
}

let telemetry: Telemetry | undefined;

/** One for the isolate: a request and its queue share a flush. */
function telemetryOf(env: Env): Telemetry {
  return telemetry ??= Telemetry.fromEnv(env, { serviceName: "shop" });
}

function queueOf(env: Env): Queue {
  return new Queue({
    name: "shop",
    broker: new UpstashBroker(connect(env)),
    telemetry: telemetryOf(env),
    wake: ring({
      url: "https://consumer/drain", // any host: the binding leads there
      secret: env.RING_SECRET,
      fetch: (...call) => env.CONSUMER.fetch(...call),
    }),
  });
}

const app = new Hono<{ Bindings: Env; Variables: BatonVariables }>();
app.use(tracing({ telemetry: telemetryOf, queue: queueOf }));

app.post("/signup", async (c) => {
  const customer: { email: string } = await c.req.json();
  const { id } = await c.var.queue.enqueue(createAccount, customer);
  return c.json({ id }, 202);
});

export default { fetch: app.fetch };
