/** One consumer of the run of chains, in a process of its own, to be killed at any moment. */
import { Queue, UpstashBroker } from "../../../mod.ts";
import { connect } from "../../../src/upstash/mod.ts";
import { end, hook, link, QUEUE } from "./tasks.ts";

const [url = "", token = ""] = Deno.args;
const queue = new Queue({
  name: QUEUE,
  broker: new UpstashBroker(connect({ url, token })),
  handlers: [
    link.handle(async ({ at }, { previous }) => {
      // long enough that a killed consumer is always in the middle of something
      await new Promise((resolve) => setTimeout(resolve, 2));
      const reached = previous?.status === "completed" ? previous.value : -1;
      if (reached !== at - 1) throw new Error(`${reached} comes before ${at}`);
      return at;
    }),
    end.handle(() => {}),
    hook.handle(() => {}),
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
