/** One consumer of the maps of the fault run, in a process of its own, to be killed at any moment. */
import { Queue, UpstashBroker } from "../../../mod.ts";
import { connect } from "../../../src/upstash/mod.ts";
import { closed, double, QUEUE } from "./maps.ts";

const [url = "", token = ""] = Deno.args;
const queue = new Queue({
  name: QUEUE,
  broker: new UpstashBroker(connect({ url, token })),
  handlers: [
    double.handle(async (n) => {
      // long enough that a killed consumer is always in the middle of something
      await new Promise((resolve) => setTimeout(resolve, 3));
      return 2 * n;
    }),
    closed.handle((settled) => settled),
  ],
});
const worker = queue.work({
  batchSize: 100,
  concurrency: 50,
  leaseMs: 2_000,
  settleMs: 50,
  pollMs: { min: 20, max: 200 },
});
console.log("working");
await worker.done;
