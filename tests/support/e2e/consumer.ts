/**
 * A consumer that gets stuck in its first task, after that has enqueued the next one: it says so on a line of its own, and waits to be killed.
 *
 * Arguments: the database's URL and token, the OTLP endpoint, the lease in milliseconds.
 */
import { UpstashBroker } from "../../../mod.ts";
import { connect } from "../../../src/upstash/mod.ts";
import { openShop } from "./shop.ts";

const [url = "", token = "", endpoint = "", leaseMs] = Deno.args;

const { queue } = openShop({
  broker: new UpstashBroker(connect({ url, token })),
  endpoint,
  service: "killed",
  async onRun({ ctx, next }) {
    console.log(JSON.stringify({ name: ctx.name, next: next?.id }));
    await new Promise(() => {});
  },
});
await queue.drain({
  concurrency: 1,
  batchSize: 1,
  leaseMs: Number(leaseMs),
});
