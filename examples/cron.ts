/**
 * A consumer on Deno that drains each minute.
 *
 * Needs UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN: `deno run -A --unstable-cron examples/cron.ts`
 */
import { Queue, UpstashBroker } from "@baton/queue";
import { cron } from "@baton/queue/cron";
import { Telemetry } from "@baton/queue/otlp";
import { connect } from "@baton/queue/upstash";
import { handlers } from "./tasks.ts";

const env = Deno.env.toObject();
const queue = new Queue({
  name: "shop",
  broker: new UpstashBroker(connect(env)),
  handlers,
  telemetry: Telemetry.fromEnv(env, { serviceName: "shop-cron" }),
  onError: console.error, // failed attempts: Baton prints nothing by itself
});

Deno.cron("drain", "* * * * *", cron(queue, { concurrency: 20 }));
