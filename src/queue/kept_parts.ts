import type { QueueParts } from "./parts.ts";
import type { Queue } from "./queue.ts";

const PARTS: WeakMap<object, QueueParts> = /* @__PURE__ */ new WeakMap();
const QUEUES: WeakMap<object, readonly Queue[]> = /* @__PURE__ */ new WeakMap();

/** Keeps the parts of a queue for what is built of queues, and gives them back. */
export function keepParts(queue: object, parts: QueueParts): QueueParts {
  PARTS.set(queue, parts);
  return parts;
}

/** The parts of a queue; none of anything else. */
export function partsOf(queue: object): QueueParts | undefined {
  return PARTS.get(queue);
}

/** Keeps the queues of a consumer, for what drains one of them or looks at each. */
export function keepQueues(consumer: object, queues: readonly Queue[]): void {
  QUEUES.set(consumer, queues);
}

/** The queues of a consumer; of anything else none. */
export function queuesOf(consumer: object): readonly Queue[] | undefined {
  return QUEUES.get(consumer);
}
