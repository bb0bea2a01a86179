import { partsOf, queuesOf } from "../kept_parts.ts";
import type { QueueParts } from "../parts.ts";

/**
 * Whether a drain of the queue, or of one of a consumer's, has anything to do within `withinMs`; so it is said to be where the broker cannot tell.
 * All queues are looked at at once. One that cannot be does not keep the others from being drained.
 *
 * @throws {TypeError} If it is neither a queue nor a consumer.
 * @throws {BrokerError} If a queue cannot be looked at, and no other has anything to do.
 */
export async function hasWork(
  queue: object,
  withinMs: number,
): Promise<boolean> {
  const all = (queuesOf(queue) ?? [queue]).flatMap((one) => partsOf(one) ?? []);
  if (all.length === 0) {
    throw new TypeError(
      "The option 'peek' looks at a Queue, or at the queues of a Consumer: pass one of them",
    );
  }
  const looks = await Promise.allSettled(
    all.map((parts) => isDue(parts, withinMs)),
  );
  if (looks.some((look) => look.status === "fulfilled" && look.value)) {
    return true;
  }
  const failed = looks.find((look) => look.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return false;
}

async function isDue(parts: QueueParts, withinMs: number): Promise<boolean> {
  const { name, instrument } = parts;
  const { broker } = parts.source ?? parts;
  if (broker.peek === undefined) return true;
  const reply = await broker.peek(name);
  if (reply.requests > 0) instrument.spent("peek", reply);
  const { now, nextDueAt = Infinity } = reply;
  return nextDueAt - now <= withinMs;
}
