import type { QueueParts } from "./parts.ts";

const PARTS: WeakMap<object, QueueParts> = /* @__PURE__ */ new WeakMap();

/** Keeps the parts of a queue for what is built of queues, and gives them back. */
export function keepParts(queue: object, parts: QueueParts): QueueParts {
  PARTS.set(queue, parts);
  return parts;
}

/** The parts of a queue; none of anything else. */
export function partsOf(queue: object): QueueParts | undefined {
  return PARTS.get(queue);
}
