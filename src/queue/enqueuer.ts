import type { Context } from "@opentelemetry/api";
import type { Enqueued } from "../core/context.ts";
import type { EnqueueOptions } from "../core/options.ts";
import type { Call, CallArguments, Task } from "../core/task.ts";
import { callNamed, enqueue, type EnqueueManner } from "./enqueue.ts";
import type { QueueParts } from "./parts.ts";

/** What `enqueueMany` answers: one for each call, in order. */
export type EnqueuedAll<Calls extends readonly Call[]> = {
  readonly [Index in keyof Calls]: Calls[Index] extends Call<infer Output>
    ? Enqueued<Output>
    : Enqueued;
};

/** The producer's half of a queue. */
export interface Enqueuer {
  /** The queue's name. */
  readonly name: string;
  /**
   * Adds a task, once: the same id again adds none. One request of four commands.
   *
   * @param task What `defineTask` gave.
   * @param call The input and the options.
   * @throws {TypeError} If an option is unknown or of another type; nothing was sent.
   * @throws {RangeError} If an option or its length is out of its range; nothing was sent.
   * @throws {PayloadError} If the schema refuses the input, JSON cannot carry it or it is over the limit; nothing was sent.
   * @throws {QueueFullError} If the queue takes no more tasks.
   * @throws {BrokerError} If the broker cannot be reached or refuses.
   */
  enqueue<Input, Parsed, Output>(
    task: Task<Input, Parsed, Output>,
    ...call: CallArguments<Input>
  ): Promise<Enqueued<Output>>;
  /** As {@linkcode Enqueuer.enqueue}, without a definition: across services. Where this queue has a handler of that name, its schema checks the input. */
  enqueueNamed(
    name: string,
    input?: unknown,
    options?: EnqueueOptions,
  ): Promise<Enqueued>;
  /**
   * Adds many tasks in few requests, up to 1,000 tasks and 8 MB in each; everything is checked before the first is sent.
   * If a later request fails, what earlier ones added stays: with ids of your own the call can simply be repeated.
   *
   * @param calls What `task.with(input, options)` gave.
   * @throws As {@linkcode Enqueuer.enqueue}, and {@linkcode QueueFullError} also past the queue's `maxBacklog`.
   */
  enqueueMany<const Calls extends readonly Call[]>(
    calls: Calls,
  ): Promise<EnqueuedAll<Calls>>;
}

/** The producer's half of the queue of `parts`, under `context` or, where that is absent, whatever is current at each call. */
export function createEnqueuer(
  parts: QueueParts,
  context: Context | undefined,
): Enqueuer {
  const send = (calls: readonly Call[], manner?: EnqueueManner) =>
    enqueue(parts, calls, {
      context: context ?? currentContext(parts, calls),
      depth: 0,
      defaultId: undefined,
    }, manner);
  const sendOne = async <Output>(call: Call<Output>) => {
    const [enqueued] = await send([call]);
    return enqueued as Enqueued<Output>;
  };
  return {
    name: parts.name,
    enqueue: async (task, ...call) => await sendOne(callOf(task, call)),
    enqueueNamed: (name, input, options) =>
      sendOne(callNamed(name, input, options)),
    async enqueueMany<const Calls extends readonly Call[]>(calls: Calls) {
      if (!Array.isArray(calls)) {
        throw new TypeError(
          "enqueueMany() takes a list of calls, each as task.with(input) gives it",
        );
      }
      calls.forEach(checkCall);
      return await send(calls, { batch: true }) as EnqueuedAll<Calls>;
    },
  };
}

/** The context of calls that were given none by `within`. */
export function currentContext(
  { instrument }: QueueParts,
  calls: readonly Call[],
): Context {
  const active = instrument.activeContext();
  const isPlain = calls.every(({ options }) => options?.context === undefined);
  if (isPlain) instrument.checkContext(active);
  return active;
}

/** A call, told from the bare inputs and the definitions that are easily taken for one. */
function checkCall(call: Partial<Call> | null, index: number): void {
  const { name, options } = call ?? {};
  const isCall = typeof name === "string" && typeof options === "object" &&
    !("handle" in call!);
  if (isCall) return;
  throw new TypeError(
    `enqueueMany() takes calls: pass task.with(input) as element ${index} of the list`,
  );
}

/** The call of a definition. */
export function callOf<Input, Parsed, Output>(
  task: Task<Input, Parsed, Output>,
  call: CallArguments<Input>,
): Call<Output> {
  if (typeof (task as Partial<typeof task> | null)?.with !== "function") {
    throw new TypeError(
      "Cannot enqueue what is no task: pass what defineTask() gave, or use enqueueNamed() for a name",
    );
  }
  return task.with(...call);
}
