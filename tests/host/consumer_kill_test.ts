/**
 * SIGKILL of consumers that each hold tasks of three queues: nothing is lost in any of them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Consumer } from "../../src/queue/consumer.ts";
import { openQueues, work } from "../support/consumer_run/queues.ts";
import { type Gateway, startGateway } from "../support/gateway/mod.ts";
import { test } from "../support/suite.ts";

const root = new URL("../../", import.meta.url);
const TASKS = 200;
const KILLS = 4;

/** Lets a consumer work for a while, and kills it. */
async function workAndDie({ url, token }: Gateway, ms: number): Promise<void> {
  const file = "tests/support/consumer_run/consumer.ts";
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--frozen", file, url, token],
    cwd: root,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  try {
    const reader = child.stdout.getReader();
    await reader.read();
    await new Promise((resolve) => setTimeout(resolve, ms));
    await reader.cancel();
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

test("Consumers that are killed lose nothing of any of their queues", async () => {
  await using gateway = await startGateway();
  const queues = openQueues(gateway.url, gateway.token);
  for (const queue of queues) {
    await queue.enqueueMany(
      Array.from({ length: TASKS }, (_, n) => work.with(n, { id: `n${n}` })),
    );
  }
  for (let kill = 0; kill < KILLS; kill++) {
    await workAndDie(gateway, 60 + 35 * kill);
  }
  const held = await Promise.all(queues.map((queue) => queue.stats()));
  const consumer = new Consumer({ queues: queues.map((queue) => ({ queue })) });
  const report = await consumer.drain({ lingerMs: 5_000, budgetMs: 120_000 });
  console.log(
    `${KILLS} consumers killed, which held ${
      held.map(({ leased }) => leased).join(" + ")
    } tasks at the end; ${report.reaped} leases returned, ${report.requests} requests for the rest`,
  );
  for (const queue of queues) {
    for (let n = 0; n < TASKS; n++) {
      assertEquals((await queue.result(`n${n}`)).status, "completed");
    }
    const { ready, scheduled, leased, dead } = await queue.stats();
    assertEquals([ready, scheduled, leased, dead], [0, 0, 0, 0]);
    assertEquals((await queue.verify()).problems, []);
  }
});
