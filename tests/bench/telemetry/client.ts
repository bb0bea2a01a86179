/**
 * A consumer that is told on its standard input, a line each, to drain, and answers with the CPU time that took in milliseconds.
 *
 * Arguments: the database's URL and token, the queue's name, what its handlers fetch if anything, and the OTLP endpoint if it is to be traced.
 */
import { argv, cpuUsage, stdin } from "node:process";
import { createInterface } from "node:readline";
import { UpstashBroker } from "../../../mod.ts";
import { Telemetry } from "../../../src/otlp/mod.ts";
import { Queue } from "../../../src/queue/queue.ts";
import { connect } from "../../../src/upstash/mod.ts";
import { type Payload, resizing, RESULT } from "../work.ts";

const [url = "", token = "", name = "", target = "", endpoint] = argv.slice(2);

const handle = async ({ index }: Payload): Promise<typeof RESULT> => {
  const response = await fetch(`${target}/${index}`);
  await response.arrayBuffer();
  return RESULT;
};

const queue = new Queue({
  name,
  broker: new UpstashBroker(connect({ url, token })),
  handlers: [target === "" ? resizing() : resizing().handle(handle)],
  ...endpoint === undefined
    ? {}
    : { telemetry: new Telemetry({ serviceName: "bench", endpoint }) },
});

for await (const line of createInterface({ input: stdin })) {
  const before = cpuUsage();
  const { completed } = await queue.drain({ lingerMs: 0 });
  const { user, system } = cpuUsage(before);
  if (completed !== Number(line)) {
    throw new Error(`${completed} of ${line} tasks were completed`);
  }
  console.log((user + system) / 1_000);
}
