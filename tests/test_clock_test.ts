/** The clock that applications test their tasks by. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  defineTask,
  fixed,
  Queue,
  TaskTimeoutError,
  testClock,
} from "../mod.ts";
import "./support/loaded.ts";
import { imported } from "../src/core/imported.ts";
import { test } from "./support/suite.ts";

test("testClock() stands still until it is advanced", async () => {
  const clock = testClock();
  assertEquals(clock.now(), Date.UTC(2026, 0, 1));
  await clock.advance(1_500);
  assertEquals(clock.now(), Date.UTC(2026, 0, 1) + 1_500);
  assertEquals(testClock(5).now(), 5);
  assertEquals(testClock(new Date(7)).now(), 7);
  await assertRejects(() => clock.advance(-1), RangeError);
});

test("advance() wakes what is due on the way, in its order, each at its instant", async () => {
  const clock = testClock(0);
  const woken: unknown[] = [];
  clock.after(30, () => woken.push(["c", clock.now()]));
  clock.after(10, () => {
    woken.push(["a", clock.now()]);
    clock.after(10, () => woken.push(["b", clock.now()]));
  });
  const cancel = clock.after(15, () => woken.push("cancelled"));
  clock.after(31, () => woken.push("later"));
  cancel();
  await clock.advance(30);
  assertEquals(woken, [["a", 10], ["b", 20], ["c", 30]]);
});

test("Queue.inMemory({ clock }) runs delays and retries without waiting", async () => {
  const clock = testClock();
  const runs: unknown[] = [];
  const task = defineTask<string>("t", {
    maxAttempts: 3,
    backoff: fixed(2_000, { jitter: 0 }),
  });
  const queue = Queue.inMemory({
    clock,
    handlers: [task.handle(async (name, ctx) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      runs.push([name, ctx.attempt, clock.now() - Date.UTC(2026, 0, 1)]);
      if (name === "bad") throw new Error("no");
    })],
  });
  await queue.enqueue(task, "later", { delayMs: 60_000 });
  await queue.enqueue(task, "bad");
  const first = await queue.drain();
  assertEquals([first.stoppedBy, first.nextDueInMs], ["empty", 2_000]);
  for (let i = 0; i < 3; i++) {
    await clock.advance(2_000);
    await queue.drain();
  }
  await clock.advance(53_999);
  await queue.drain();
  assertEquals(runs, [["bad", 1, 0], ["bad", 2, 2_000], ["bad", 3, 4_000]]);
  await clock.advance(1);
  await queue.drain();
  assertEquals(runs.at(-1), ["later", 1, 60_000]);
  assertEquals((await queue.stats()).dead, 1);
});

test("Queue.inMemory({ clock }) drains many tasks to empty, and what they enqueue", async () => {
  const clock = testClock();
  let runs = 0;
  const task = defineTask<number>("t");
  const queue = Queue.inMemory({
    clock,
    handlers: [task.handle(async (n, ctx) => {
      runs++;
      if (n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      if (n < 100) await ctx.enqueue(task, n + 300);
    })],
  });
  await queue.enqueueMany(
    Array.from({ length: 300 }, (_, n) => task.with(n)),
  );
  const { completed } = await queue.drain();
  assertEquals([runs, completed], [400, 400]);
});

test("Queue.inMemory({ clock }) times a handler out when the clock is advanced while it runs", async () => {
  const clock = testClock();
  const task = defineTask<void>("slow", { timeoutMs: 5_000, maxAttempts: 1 });
  let reason: unknown;
  const queue = Queue.inMemory({
    clock,
    handlers: [task.handle((_, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          reason = signal.reason;
          reject(reason);
        });
      })
    )],
  });
  await queue.enqueue(task);
  const drained = queue.drain();
  await clock.advance(5_000);
  assertEquals((await drained).dead, 1);
  assert(reason instanceof TaskTimeoutError);
});

test("Queue.inMemory({ clock }) works by it, too", async () => {
  const clock = testClock();
  const task = defineTask<void>("t");
  const queue = Queue.inMemory({ clock, handlers: [task.handle(() => 1)] });
  const { id } = await queue.enqueue(task, undefined, { delayMs: 60_000 });
  const worker = queue.work();
  await clock.advance(59_999);
  assertEquals((await queue.result(id)).status, "scheduled");
  await clock.advance(5_000);
  assertEquals((await queue.result(id)).status, "completed");
  await worker.stop();
});

test("testClock().advance() waits for what is being loaded, as a worker's first verbs are", async () => {
  const said: string[] = [];
  const loading = imported(async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    said.push("loaded");
  });
  await testClock().advance(0);
  assertEquals(said, ["loaded"]);
  await loading;
});
