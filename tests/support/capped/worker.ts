/**
 * A Worker whose cron trigger drains: of tasks without I/O, of slow ones, and of ones that send requests.
 *
 * @module
 */
import { UpstashBroker } from "../../../src/broker/upstash.ts";
import { scheduled } from "../../../src/cron/mod.ts";
import { Telemetry } from "../../../src/otlp/mod.ts";
import { Queue } from "../../../src/queue/queue.ts";
import { connect } from "../../../src/upstash/mod.ts";
import { add, BUDGET_MS, relay, slow, SLOW_MS } from "./tasks.ts";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT: string;
}

let telemetry: Telemetry | undefined;

function queueOf(env: Env): Queue {
  telemetry ??= Telemetry.fromEnv(env, { serviceName: "capped" });
  return new Queue({
    name: "capped",
    broker: new UpstashBroker(connect(env)),
    telemetry,
    handlers: [
      add.handle((n) => n + 1),
      slow.handle(() => new Promise((resolve) => setTimeout(resolve, SLOW_MS))),
      relay.handle((n, ctx) => ctx.enqueue(add, n, { delayMs: 3_600_000 })),
    ],
  });
}

export default {
  fetch: () => new Response("only scheduled"),
  scheduled: scheduled(queueOf, {
    budgetMs: BUDGET_MS,
    batchSize: 250,
    concurrency: 2,
  }),
};
