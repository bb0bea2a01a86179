/** What a queue costs when it is busy: many small tasks at once. */
import { defineTask, type Queue } from "@baton/queue";

const count = defineTask("count", {
  resultTtlMs: 0,
  run: (n: number) => n + 1,
});

/** How many. */
export const BULK = 1_000;

/** What runs them. */
export const bulkHandlers = [count];

/** Enqueues them in one call. */
export async function fill(queue: Queue): Promise<void> {
  await queue.enqueueMany(
    Array.from({ length: BULK }, (_, n) => count.with(n)),
  );
}
