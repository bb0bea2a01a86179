/** A consumer that a poison task kills. Ends by itself when nothing is left. */
import { connect } from "../../../src/upstash/mod.ts";
import { Queue, UpstashBroker } from "../../../mod.ts";
import { QUEUE, work } from "./tasks.ts";

const [url = "", token = ""] = Deno.args;
const queue = new Queue({
  name: QUEUE,
  broker: new UpstashBroker(connect({ url, token })),
  handlers: [
    work.handle(async ({ poison }) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (poison) Deno.kill(Deno.pid, "SIGKILL");
    }),
  ],
});
await queue.drain({
  budgetMs: 60_000,
  batchSize: 50,
  concurrency: 10,
  leaseMs: 1_000,
  settleMs: 50,
  lingerMs: 2_000,
});
