import { partsOf } from "../kept_parts.ts";

/**
 * Whether a drain of the queue has anything to do within `withinMs`; so it is said to be where the broker cannot tell.
 *
 * @throws {TypeError} If it is no single queue.
 */
export async function hasWork(
  queue: object,
  withinMs: number,
): Promise<boolean> {
  const parts = partsOf(queue);
  if (parts === undefined) {
    throw new TypeError(
      "The option 'peek' is for one Queue: leave it out for a Consumer, whose drain asks for all queues at once",
    );
  }
  const { name, instrument } = parts;
  const { broker } = parts.source ?? parts;
  if (broker.peek === undefined) return true;
  const reply = await broker.peek(name);
  if (reply.requests > 0) instrument.spent("peek", reply);
  const { now, nextDueAt = Infinity } = reply;
  return nextDueAt - now <= withinMs;
}
