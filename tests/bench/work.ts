/** What both peers do: the same payload, handlers that take as long. */
import type { WorkflowBroker } from "../../src/broker/broker.ts";
import { defineTask, type Run, type Task } from "../../src/core/task.ts";
import { Queue } from "../../src/queue/queue.ts";

/** About 150 bytes of JSON, as a task that names something to work on has. */
export interface Payload {
  readonly index: number;
  readonly url: string;
  readonly width: number;
  readonly formats: readonly string[];
}

/** The payload of the `index`th task. */
export function payload(index: number): Payload {
  return {
    index,
    url: `https://images.example.com/uploads/2025/11/${index}/original.jpg`,
    width: 640,
    formats: ["avif", "webp", "jpeg"],
  };
}

/** What both handlers return. */
export const RESULT = { width: 640, bytes: 48_213 } as const;

/** A handler that takes `ms`, as one that waits for something does. */
export function taking(ms: number): () => Promise<typeof RESULT> {
  if (ms === 0) return () => Promise.resolve(RESULT);
  return () => new Promise((resolve) => setTimeout(() => resolve(RESULT), ms));
}

/** The task of the benchmarks, its handler taking `ms`. */
export function resizing(
  ms = 0,
): Task<Payload, Payload, typeof RESULT> & {
  readonly run: Run<Payload, typeof RESULT>;
} {
  return defineTask<Payload, typeof RESULT>("resize", { run: taking(ms) });
}

let names = 0;

/** A name that no queue has had. */
export function newName(): string {
  return `bench-${++names}`;
}

/** A new queue of Baton's, with the benchmarks' task. */
export function newQueue(broker: WorkflowBroker, ms = 0): Queue {
  return new Queue({ name: newName(), broker, handlers: [resizing(ms)] });
}

/** 0, 1, 2 … */
export function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}
