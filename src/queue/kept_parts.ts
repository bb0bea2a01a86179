import type { QueueParts } from "./parts.ts";

const PARTS: WeakMap<object, QueueParts> = /* @__PURE__ */ new WeakMap();
const SEVERAL: WeakMap<object, readonly QueueParts[]> =
  /* @__PURE__ */ new WeakMap();

/** Keeps the parts of a queue for what is built of queues, and gives them back. */
export function keepParts(queue: object, parts: QueueParts): QueueParts {
  PARTS.set(queue, parts);
  return parts;
}

/** Keeps the parts of the queues that a consumer has. */
export function keepSeveral(
  consumer: object,
  parts: readonly QueueParts[],
): void {
  SEVERAL.set(consumer, parts);
}

/** The parts of a queue; none of anything else. */
export function partsOf(queue: object): QueueParts | undefined {
  return PARTS.get(queue);
}

/** The parts of a queue, or of each queue of a consumer; none of anything else. */
export function allPartsOf(given: object): readonly QueueParts[] {
  return SEVERAL.get(given) ?? [PARTS.get(given) ?? []].flat();
}
