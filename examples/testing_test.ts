/**
 * Testing your tasks: the whole queue in memory, by a clock that stands still until you advance it.
 *
 * Run it: `deno test examples/testing_test.ts`
 */
import { defineTask, exponential, Queue, testClock } from "@baton/queue";
import { assertEquals } from "@std/assert";

const charge = defineTask<{ cents: number }>("charge", {
  maxAttempts: 4,
  backoff: exponential({ baseMs: 60_000, jitter: 0 }),
});

/** A bank that is down for a while; in an app, the handler calls the real one. */
function bankDownFor(calls: number): () => string {
  return () => {
    if (calls-- > 0) throw new Error("The bank is down");
    return "receipt 1";
  };
}

Deno.test("a charge is tried again while the bank is down", async () => {
  const clock = testClock(Date.UTC(2026, 10, 22));
  const queue = Queue.inMemory({
    clock,
    handlers: [charge.handle(bankDownFor(2))],
  });
  const { id } = await queue.enqueue(charge, { cents: 100 });

  await queue.drain();
  await clock.advance(60_000);
  await queue.drain();
  assertEquals((await queue.result(id)).status, "scheduled");

  await clock.advance(120_000);
  await queue.drain();
  const result = await queue.result(id);
  assertEquals(result.status === "completed" && result.value, "receipt 1");
});

Deno.test("a charge that never succeeds is dead, and can be redriven", async () => {
  const queue = Queue.inMemory({
    clock: testClock(),
    handlers: [charge.handle(bankDownFor(Infinity))],
  });
  const { id } = await queue.enqueue(charge, { cents: 100 }, {
    maxAttempts: 1,
  });
  await queue.drain();

  const result = await queue.result(id);
  assertEquals(
    result.status === "dead" && result.error.message,
    "The bank is down",
  );
  assertEquals((await queue.redrive()).redriven, 1);
});

Deno.test("a handler alone, with its schema, its time-out and its spans", async () => {
  const queue = Queue.inMemory({ handlers: [charge.handle(bankDownFor(0))] });
  assertEquals(await queue.inline(charge, { cents: 100 }), "receipt 1");
});
