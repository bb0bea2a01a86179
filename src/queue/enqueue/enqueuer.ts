import type { Context } from "@opentelemetry/api";
import type { Chain, ChainOptions, LastOutput } from "../../core/chain.ts";
import type { Enqueued } from "../../core/context.ts";
import type {
  GroupOptions,
  Inputs,
  MapOptions,
  MemberOutput,
  SentGroup,
} from "../../core/group.ts";
import { imported } from "../../core/imported.ts";
import type { ChainLink } from "../../core/link.ts";
import type { EnqueueOptions } from "../../core/options.ts";
import type { Call, CallArguments, Task } from "../../core/task.ts";
import { asGiven, callNamed, checkCalls } from "./calls.ts";
import { enqueue, type EnqueueManner, type Origin } from "./enqueue.ts";
import type { QueueParts } from "../parts.ts";
import { type WaitUntil, withHost } from "../wake/hold.ts";

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
  /** As {@linkcode Enqueuer.enqueue}, without a definition: across services. Where this queue has a handler of that name, its schema checks the input; what a definition's options say is not known here. */
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
  /**
   * Enqueues the first call; each other one is enqueued when the one before it ends, once, and reads how as `ctx.previous`. All of it is one request, and one trace.
   * The plan travels with the links: up to 1,000 of them, their inputs within `maxPayloadBytes` in all.
   *
   * @param calls What `task.with(input, options)` gave, one at least; and what {@linkcode mapOf} or {@linkcode groupOf} gave, for a link that is many tasks at a time. A `delayMs` counts from the end of the link before.
   * @throws {TypeError} As {@linkcode Enqueuer.enqueue}, and if a link has an `id`, a `dedupe` or a `context` of its own.
   * @throws {RangeError} As {@linkcode Enqueuer.enqueue}, and if there are no links or more than 1,000.
   * @throws {PayloadError} As {@linkcode Enqueuer.enqueue}, and if the plan is over the limit of one payload.
   * @throws {QueueFullError} If the queue takes no more tasks.
   * @throws {BrokerError} If the broker cannot be reached or refuses.
   */
  chain<const Calls extends readonly ChainLink[]>(
    calls: Calls,
    options?: ChainOptions,
  ): Promise<Chain<LastOutput<Calls>>>;
  /**
   * Enqueues one task for each input, as a group: its `results()` are in the order of the inputs, whatever came of each, and `onSettled` fires once when all have ended.
   * One request for each 1,000 inputs or 8 MB. A group without inputs is complete at once.
   *
   * A list is checked as a whole before anything is sent. Anything else to iterate over is sent while it is read: if it throws, holds an input that is refused, or a request fails, what was sent stays and runs, and the group is lost after `sealMs`.
   * With an `id` the call can then be repeated: the same inputs under the same id are no second group.
   *
   * @param task What `defineTask` gave.
   * @param inputs Up to 100,000.
   * @throws {TypeError} As {@linkcode Enqueuer.enqueue}.
   * @throws {RangeError} As {@linkcode Enqueuer.enqueue}, and if there are over 100,000 inputs.
   * @throws {PayloadError} As {@linkcode Enqueuer.enqueue}.
   * @throws {QueueFullError} If the queue takes no more tasks, or its `maxBacklog` is passed.
   * @throws {BrokerError} If the broker cannot be reached or refuses.
   */
  map<Input, Parsed, Output>(
    task: Task<Input, Parsed, Output>,
    inputs: Inputs<Input>,
    options?: MapOptions,
  ): Promise<SentGroup<Output>>;
  /**
   * As {@linkcode Enqueuer.map}, of calls that may be of several tasks, each with options of its own but `id`, `group`, `dedupe`, `maxBacklog` and `context`.
   *
   * @param calls What `task.with(input, options)` gave.
   * @throws As {@linkcode Enqueuer.map}.
   */
  enqueueGroup<Calls extends Inputs<Call>>(
    calls: Calls,
    options?: GroupOptions,
  ): Promise<SentGroup<MemberOutput<Calls>>>;
}

/** The producer's half of the queue of `parts`, under `within` or, where that is absent, whatever is current at each call. */
export function createEnqueuer(
  parts: QueueParts,
  within: Context | undefined,
  host?: WaitUntil,
): Enqueuer {
  const context = within && host ? withHost(within, host) : within;
  const originOf = (calls: readonly Contextual[]): Origin => ({
    context: context ?? currentContext(parts, calls),
    depth: 0,
    defaultId: undefined,
  });
  const send = (calls: readonly Call[], manner?: EnqueueManner) =>
    enqueue(parts, calls, originOf(calls), manner);
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
      checkCalls("enqueueMany()", calls);
      const all = asGiven<readonly Call[]>(calls);
      return await send(all, { batch: true }) as EnqueuedAll<Calls>;
    },
    async chain(calls, options = {}) {
      const origin = originOf([{ options }]);
      const links = asGiven(calls);
      const { chain } = await imported(() => import("../workflow/chain.ts"));
      return await chain(parts, links, options, origin);
    },
    async map(task, inputs, options = {}) {
      const origin = originOf([{ options }]);
      const all = asGiven(inputs);
      const { map } = await imported(() => import("../workflow/map.ts"));
      if (!parts.instrument.isReady) await parts.instrument.load();
      return await map(parts, callWith(task), all, options, origin);
    },
    async enqueueGroup(calls, options = {}) {
      const origin = originOf([{ options }]);
      const all = asGiven(calls);
      const { enqueueGroup } = await imported(() =>
        import("../workflow/send_group.ts")
      );
      if (!parts.instrument.isReady) await parts.instrument.load();
      return await enqueueGroup(parts, all, options, origin);
    },
  };
}

/** What may say of itself in which context it belongs. */
interface Contextual {
  readonly options?: { readonly context?: Context };
}

/** The context of calls that were given none by `within`. */
export function currentContext(
  { instrument }: QueueParts,
  calls: readonly Contextual[],
): Context {
  const active = instrument.activeContext();
  const isPlain = calls.every(({ options }) => options?.context === undefined);
  if (isPlain) instrument.checkContext(active);
  return active;
}

/** The call of a definition. */
export function callOf<Input, Parsed, Output>(
  task: Task<Input, Parsed, Output>,
  call: CallArguments<Input>,
): Call<Output> {
  if (typeof (task as Partial<typeof task> | null)?.with !== "function") {
    throw new TypeError(
      "Cannot enqueue what is no task: pass what defineTask() gave, or use enqueueNamed() for a name; a call goes to enqueueMany([call])",
    );
  }
  return task.with(...call);
}

/** What makes the calls of a map, of a definition. */
export function callWith<Input, Parsed, Output>(
  task: Task<Input, Parsed, Output>,
): (input: Input, options: EnqueueOptions) => Call<Output> {
  return (...call) => callOf(task, call as unknown as CallArguments<Input>);
}
