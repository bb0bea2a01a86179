import { randomName } from "../../core/id.ts";
import type { QueueParts } from "../parts.ts";
import { wakeFor } from "./waker.ts";

/**
 * Wakes a consumer for tasks that may be claimed again, as an enqueue does for new ones: a step that claims nothing and leaves is told whether to ring for what it leaves behind.
 * One request where the queue has a `wake`, none where it has not. What goes wrong is reported and no more, since what it is for is done.
 */
export async function rouse(parts: QueueParts): Promise<void> {
  const { broker, instrument, name: queue, random, waker } = parts;
  if (waker === undefined) return;
  try {
    const reply = await broker.step(queue, {
      consumer: randomName(random, 12),
      seq: 1,
      leaseMs: 1_000,
      limit: 0,
      maxBytes: 1_000,
      alone: false,
      settle: [],
      extend: [],
      wake: { leaving: "ringing" },
    });
    instrument.spent("wake", reply);
    wakeFor(parts, reply.mark, instrument.activeContext());
  } catch (error) {
    await parts.report?.(parts.redact(error), { kind: "wake", queue });
  }
}
