/** Promise 4: a task that kills its process, among 200 claimed 50 at a time, is alone dead; all others complete. */
import { assert, assertEquals } from "@std/assert";
import { Queue, UpstashBroker } from "../../mod.ts";
import { connect } from "../../src/upstash/mod.ts";
import { inspectAll } from "../support/books.ts";
import { startGateway } from "../support/gateway/mod.ts";
import { QUEUE, work } from "../support/poison/tasks.ts";
import { test } from "../support/suite.ts";

const TASKS = 200;
const POISON = "task-70";

test("a task that kills its process takes no other task with it", async () => {
  await using gateway = await startGateway();
  const { url, token } = gateway;
  const broker = new UpstashBroker(connect({ url, token }));
  const queue = new Queue({ name: QUEUE, broker });
  await queue.enqueueMany(Array.from({ length: TASKS }, (_, i) => {
    const id = `task-${i}`;
    return work.with({ poison: id === POISON }, { id });
  }));

  let deaths = 0;
  for (;;) {
    const { success, signal } = await consume(url, token);
    if (success) break;
    assertEquals(signal, "SIGKILL");
    assert(++deaths <= 3, "the poison was run again and again");
  }

  assertEquals(deaths, 3);
  for (let i = 0; i < TASKS; i++) {
    const id = `task-${i}`;
    const result = await queue.result(id);
    if (id === POISON) {
      assertEquals(result.status, "dead");
      continue;
    }
    assertEquals(result.status, "completed", id);
    assert(result.status === "completed" && result.attempt <= 2, id);
  }
  assertEquals((await inspectAll(broker, QUEUE)).problems, []);
});

async function consume(
  url: string,
  token: string,
): Promise<Deno.CommandStatus> {
  const consumer = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-lock",
      "tests/support/poison/consumer.ts",
      url,
      token,
    ],
    cwd: new URL("../../", import.meta.url),
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  return await consumer.status;
}
