/**
 * Consumes three queues until it is killed.
 *
 * @module
 */
import { Consumer } from "../../../src/queue/consumer.ts";
import { openQueues } from "./queues.ts";

const [url = "", token = ""] = Deno.args;
const queues = openQueues(url, token);
const worker = new Consumer({ queues: queues.map((queue) => ({ queue })) })
  .work({ leaseMs: 1_000, settleMs: 50, batchSize: 30 });
console.log("works");
await worker.done;
