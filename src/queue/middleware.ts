import type { Enqueued, HandlerContext } from "../core/context.ts";
import type { Call } from "../core/task.ts";

/** What stands around every task of a queue: where it is enqueued, where it is processed, or both. The first that is used is the outermost. */
export interface Middleware {
  /**
   * Stands around the enqueueing of one task. `next(call)` goes on with the call as it is given then, another input or other options, before anything is checked, and answers when the broker has; what it throws may pass through.
   * Without `next` the task is not enqueued, and the caller gets what is returned here. Tasks of one `enqueueMany` pass side by side, and are sent when the last of them has come through, so none may wait for another's answer.
   * What `ctx.defer` takes, links of a chain and members of a group are answered when they are checked, and the latter two cannot be kept back. Hooks do not pass: they are options of their task.
   */
  enqueue?(
    call: Call,
    next: (call: Call) => Promise<Enqueued>,
  ): Promise<Enqueued>;
  /**
   * Stands around the handler, once its input is parsed. `next()` runs it and gives what it returns, or throws what it throws; what this returns or throws is what came of the attempt.
   * The time-out counts it, and `next()` has to be awaited or returned.
   */
  process?(ctx: ProcessContext, next: () => Promise<unknown>): unknown;
}

/** What an attempt offers to its middleware. */
export interface ProcessContext extends HandlerContext {
  /** The input as the handler gets it. */
  readonly input: unknown;
}

const PARTS = ["enqueue", "process"] as const;

/**
 * A middleware, before it is used.
 *
 * @throws {TypeError} If it is no object with one of the two functions, or both.
 */
export function checkMiddleware(given: Middleware): void {
  const parts = PARTS.map((part) => (given ?? {})[part])
    .filter((part) => part !== undefined);
  if (
    parts.length > 0 && parts.every((part) => typeof part === "function")
  ) return;
  throw new TypeError(
    "A middleware must have a function 'enqueue', a function 'process', or both",
  );
}
