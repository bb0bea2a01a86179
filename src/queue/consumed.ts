import type { WorkflowBroker } from "../broker/broker.ts";
import { checkInteger, checkKnown } from "../core/check.ts";
import { partsOf } from "./kept_parts.ts";
import type { QueueParts } from "./parts.ts";
import type { Queue } from "./queue.ts";

/** What a `Consumer` is made of. */
export interface ConsumerOptions {
  /** What it consumes, each queue once. Those on one and the same broker object share its requests. */
  readonly queues: readonly ConsumerQueue[];
}

/** One of its queues. */
export interface ConsumerQueue {
  /** The queue, with the handlers of its tasks. */
  readonly queue: Queue;
  /** Its part of `concurrency` and `batchSize` while others have work, too, 1 … 1,000: twice the weight has twice the part. @default {1} */
  readonly weight?: number;
}

/** A queue that is consumed with others. */
export interface Consumed {
  readonly parts: QueueParts;
  readonly weight: number;
  /** The broker as it was given, which those who share requests have in common. */
  readonly broker: WorkflowBroker;
}

/**
 * The queues of a consumer, checked.
 *
 * @throws {TypeError} If there are none, or something is of another type or unknown.
 * @throws {RangeError} If a weight is out of its range, or a queue is given twice.
 */
export function consumedOf(options: ConsumerOptions): readonly Consumed[] {
  checkKnown("of a Consumer", options, ["queues"]);
  const { queues } = options;
  if (!Array.isArray(queues) || queues.length === 0) {
    throw new TypeError(
      "A Consumer needs 'queues', a list of at least one { queue, weight? }",
    );
  }
  const all: Consumed[] = [];
  for (const given of queues as readonly ConsumerQueue[]) {
    const one = consumed(given);
    if (all.some((other) => isSame(one, other))) {
      throw new RangeError(
        `Queue '${one.parts.name}' is given twice: a Consumer takes each queue of a broker once, give it more weight instead`,
      );
    }
    all.push(one);
  }
  return all;
}

function consumed(given: ConsumerQueue): Consumed {
  const parts = partsOf(given?.queue ?? {});
  if (parts === undefined) {
    throw new TypeError(
      "Each of a Consumer's 'queues' is an object { queue, weight? } whose 'queue' is a Queue",
    );
  }
  checkKnown(`of queue '${parts.name}' in a Consumer`, given, [
    "queue",
    "weight",
  ]);
  const { weight = 1 } = given;
  checkInteger(`weight of queue '${parts.name}'`, weight, 1, 1_000);
  const { broker } = parts.source ?? parts;
  return { parts, weight, broker };
}

function isSame(one: Consumed, other: Consumed): boolean {
  return one.broker === other.broker && one.parts.name === other.parts.name;
}
