/** One consumer of the fault run, in a process of its own, to be killed at any moment. */
import { connect } from "../../../src/upstash/mod.ts";
import { Queue, UpstashBroker } from "../../../mod.ts";
import { next, QUEUE, work } from "./tasks.ts";

const [url = "", token = ""] = Deno.args;
const queue = new Queue({
  name: QUEUE,
  broker: new UpstashBroker(connect({ url, token })),
  handlers: [
    work.handle(async ({ n }, ctx) => {
      // long enough that a killed consumer is always in the middle of something
      await new Promise((resolve) => setTimeout(resolve, 3));
      await ctx.defer(next, { n }, { id: `next-${n}` });
    }),
    next.handle(() => {}),
  ],
});
const worker = queue.work({
  batchSize: 25,
  concurrency: 5,
  leaseMs: 3_000,
  settleMs: 50,
  pollMs: { min: 20, max: 200 },
});
console.log("working");
await worker.done;
