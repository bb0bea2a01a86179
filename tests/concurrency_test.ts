/** Concurrency keys: at most so many tasks of a key run at a time, by whichever consumers. */
import { assertEquals, assertRejects } from "@std/assert";
import { defineTask, Queue, type StepRequest } from "../mod.ts";
import { onBoth } from "./support/both_brokers.ts";
import { test } from "./support/suite.ts";

/** Counts how many of it run, by key, and the most that ever did. */
function watched() {
  const running = new Map<string, number>();
  const most = new Map<string, number>();
  const order: string[] = [];
  const task = defineTask<string>("watched");
  const handler = task.handle(async (key) => {
    const now = (running.get(key) ?? 0) + 1;
    running.set(key, now);
    most.set(key, Math.max(most.get(key) ?? 0, now));
    order.push(key);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    running.set(key, running.get(key)! - 1);
  });
  return { task, handler, most, order };
}

onBoth("no more than 'limit' tasks of a key run at a time", async (place) => {
  const { task, handler, most, order } = watched();
  const queue = place.queue({ handlers: [handler] });
  const keyed = (key: string, limit: number) =>
    task.with(key, { concurrency: { key, limit } });
  await queue.enqueueMany([
    ...Array.from({ length: 9 }, () => keyed("one", 1)),
    ...Array.from({ length: 9 }, () => keyed("two", 2)),
    ...Array.from({ length: 9 }, () => task.with("free")),
  ]);
  const consumers = [1, 2, 3].map(() => queue.drain({ concurrency: 9 }));
  await Promise.all(consumers);
  await queue.drain();
  assertEquals(order.length, 27);
  assertEquals(most.get("one"), 1);
  assertEquals(most.get("two"), 2);
});

onBoth("a task that follows another waits for its key, too", async (place) => {
  const { task, handler, most } = watched();
  const first = defineTask("first", { run: (_: string) => {} });
  const queue = place.queue({ handlers: [handler, first] });
  const concurrency = { key: "shared", limit: 1 };
  for (let n = 0; n < 4; n++) {
    await queue.enqueue(first, "go", {
      onSuccess: task.with("shared", { concurrency }),
    });
  }
  await queue.drain({ concurrency: 4 });
  await queue.drain();
  assertEquals(most.get("shared"), 1);
  const delivered = place.broker.of<StepRequest>("step")
    .flatMap(({ settle }) => settle.flatMap((one) => one.enqueue))
    .map((born) => born.concurrency);
  assertEquals(delivered, Array.from({ length: 4 }, () => concurrency));
});

test("enqueue() refuses a concurrency that is none", async () => {
  const task = defineTask<string>("watched");
  const queue = Queue.inMemory();
  const refused = (concurrency: unknown, message: string) =>
    assertRejects(
      () =>
        queue.enqueue(task, "x", {
          concurrency: concurrency as { key: string; limit: number },
        }),
      Error,
      message,
    );
  await refused("tenant", "must be an object with a 'key'");
  await refused({ key: "", limit: 1 }, "concurrency.key");
  await refused({ key: "a", limit: 0 }, "concurrency.limit");
  await refused({ key: "a", limit: 1_001 }, "concurrency.limit");
  await refused({ key: "a", limit: 1, per: 2 }, "Unknown option 'per'");
});
