/** One consumer of the chains with maps of the fault run, in a process of its own, to be killed at any moment. */
import { type MemberResult, Queue, UpstashBroker } from "../../../mod.ts";
import { connect } from "../../../src/upstash/mod.ts";
import { closed, double, list, publish, QUEUE } from "./forks.ts";

const [url = "", token = ""] = Deno.args;
const queue = new Queue({
  name: QUEUE,
  broker: new UpstashBroker(connect({ url, token })),
  handlers: [
    list.handle((numbers) => numbers),
    double.handle(async (n) => {
      // long enough that a killed consumer is always in the middle of something
      await new Promise((resolve) => setTimeout(resolve, 2));
      return 2 * n;
    }),
    publish.handle((_, { previous }) => {
      if (previous?.status !== "completed") throw new Error("nothing before");
      return previous.value as readonly MemberResult[];
    }),
    closed.handle(() => {}),
  ],
});
const worker = queue.work({
  batchSize: 25,
  concurrency: 10,
  leaseMs: 2_000,
  settleMs: 50,
  pollMs: { min: 20, max: 200 },
});
console.log("working");
await worker.done;
