import type { Delivery, NewTask } from "../../broker/broker.ts";
import type { Envelope } from "../../codec/envelope.ts";
import { writeJson } from "../../codec/json.ts";
import { checkEffect, checkInteger, checkKnown } from "../../core/check.ts";
import type {
  Enqueued,
  HandlerContext,
  SnoozeOptions,
} from "../../core/context.ts";
import { derivedId, type TaskId } from "../../core/id.ts";
import type { Call } from "../../core/task.ts";
import { Outstanding } from "./outstanding.ts";
import { asGiven, callNamed } from "../enqueue/calls.ts";
import { describe, enqueue, type Origin, prepare } from "../enqueue/enqueue.ts";
import { callOf, callWith } from "../enqueue/enqueuer.ts";
import { passCalls } from "../enqueue/passing.ts";
import type { QueueParts } from "../parts.ts";
import type { ProcessTrace } from "../trace/instrument.ts";
import { chain } from "../workflow/chain.ts";
import type { Enqueuing } from "../workflow/followers.ts";
import { map } from "../workflow/map.ts";

/** How many tasks one attempt may defer: they travel in one settlement. */
const MAX_DEFERRED = 1_000;
/** How long their envelopes may be in all, in characters. */
const MAX_DEFERRED_LENGTH = 2_000_000;
/** How many bytes of JSON a handler may tell of its progress. */
const MAX_PROGRESS_BYTES = 4_096;

/** What a context is made of. */
export interface ContextSource {
  readonly parts: QueueParts;
  readonly delivery: Delivery;
  readonly envelope: Envelope;
  readonly trace: ProcessTrace;
  /** Takes what the handler tells of its progress, as JSON. */
  readonly progress: (json: string) => void;
}

/** How a handler gave its task back. */
export interface Released {
  readonly delayMs: number;
  /** Due at this instant instead. */
  readonly at?: number | undefined;
  /** Whether its attempts are counted anew. */
  readonly isSnoozed: boolean;
}

/** The context of one attempt, from the side of who runs it. */
export interface AttemptContext {
  readonly ctx: HandlerContext;
  /** How the handler gave its task back, if it did. */
  released(): Released | undefined;
  /** What the handler may not have waited for: if one of it fails, nobody else would know. */
  readonly calls: Pick<Outstanding, "ended">;
  /** Ends the context, and gives what was deferred. */
  close(): readonly Enqueuing[];
}

/** Opens the context of one attempt, whose `extend` holds the lease and moves the time-out. Its functions need no `this`. */
export function openContext(
  { parts, delivery, envelope, trace, progress: tell }: ContextSource,
  signal: AbortSignal,
  extend: (ms: number) => Promise<void>,
): AttemptContext {
  const depth = trace.depth + 1;
  const calls = new Outstanding();
  const deferred: Enqueuing[] = [];
  let deferredLength = 0;
  let made = 0;
  let closed = false;
  let released: Released | undefined;

  function checkOpen(verb: string): void {
    if (!closed) return;
    throw new TypeError(
      `Cannot call ctx.${verb}() of task '${envelope.name}': the attempt has ended. Await it inside the handler`,
    );
  }

  /** A call that the handler forgets is still waited for, and never an unhandled rejection: it fails the attempt. */
  function during<T>(verb: string, act: () => Promise<T>): Promise<T> {
    const call = (async () => {
      checkOpen(verb);
      return await act();
    })();
    // an extension that fails has lost nothing that the lease does not tell
    return calls.add(call, verb !== "extend");
  }

  function send<Output>(
    verb: string,
    call: () => Call<Output>,
  ): Promise<Enqueued<Output>> {
    const index = made++;
    return during(verb, async () => {
      const [enqueued] = await enqueue(parts, [call()], originOf(index));
      return enqueued as Enqueued<Output>;
    });
  }

  /** Of what the `index`th call of this attempt enqueues. */
  function originOf(index: number): Origin {
    return {
      context: trace.context,
      depth,
      defaultId: (_, name) => idOf(index, name),
    };
  }

  function idOf(index: number, name: string): Promise<string> {
    return derivedId(delivery.id, delivery.enqueuedAt, index, name);
  }

  async function deferThrough<Output>(
    call: Call<Output>,
    index: number,
  ): Promise<TaskId<Output>> {
    const { middleware } = parts;
    const [answer] = await passCalls(middleware, [call], async ([through]) => [
      { id: await defer(through!, index), deduplicated: false },
    ]);
    return answer!.id as TaskId<Output>;
  }

  async function defer<Output>(
    call: Call<Output>,
    index: number,
  ): Promise<TaskId<Output>> {
    const { name, options } = call;
    checkEffect("in ctx.defer()", options, ["maxBacklog"]);
    const id: TaskId<Output> = options.id ??
      await idOf(index, name);
    const producer = parts.instrument.startEnqueue(
      options.context ?? trace.context,
      [describe(parts, call, id)],
    );
    try {
      const task = await prepare(parts, call, id, producer.carrierOf(0), depth);
      checkOpen("defer");
      checkRoom(task);
      deferred.push({ task, trace: producer });
      return id;
    } catch (error) {
      producer.fail(error);
      throw error;
    }
  }

  function checkRoom({ envelope: text }: NewTask): void {
    deferredLength += text.length;
    if (
      deferred.length < MAX_DEFERRED && deferredLength <= MAX_DEFERRED_LENGTH
    ) return;
    throw new RangeError(
      `One attempt defers at most ${MAX_DEFERRED} tasks of ${MAX_DEFERRED_LENGTH} characters in all: use ctx.enqueue() for more`,
    );
  }

  const ctx: HandlerContext = {
    id: delivery.id,
    name: envelope.name,
    queue: parts.name,
    attempt: delivery.attempt,
    maxAttempts: envelope.maxAttempts,
    enqueuedAt: delivery.enqueuedAt,
    previous: envelope.previous,
    signal,
    span: trace.span,
    context: trace.context,
    // made when it is called, for most handlers never do
    fetch: (input, init) =>
      abortable(parts.instrument.fetchIn(trace.context), signal)(input, init),
    enqueue: (task, ...call) => send("enqueue", () => callOf(task, call)),
    enqueueNamed: (name, input, options) =>
      send("enqueueNamed", () => callNamed(name, input, options)),
    chain(calls, options = {}) {
      const origin = originOf(made++);
      return during(
        "chain",
        async () => await chain(parts, asGiven(calls), options, origin),
      );
    },
    map(task, inputs, options = {}) {
      const origin = originOf(made++);
      return during(
        "map",
        async () => await map(parts, callWith(task), inputs, options, origin),
      );
    },
    defer(task, ...call) {
      const index = made++;
      return during(
        "defer",
        async () => await deferThrough(callOf(task, call), index),
      );
    },
    extend: (ms) =>
      during("extend", () => {
        checkInteger("ctx.extend(ms)", ms, 1, 2 ** 31 - 1);
        return extend(ms);
      }),
    progress(value) {
      checkOpen("progress");
      const subject = `The progress of task '${envelope.name}'`;
      const json = writeJson(value, subject, MAX_PROGRESS_BYTES);
      tell(json ?? "null");
    },
    release({ delayMs = 1_000 } = {}) {
      checkOpen("release");
      checkInteger("ctx.release({ delayMs })", delayMs, 0);
      released = { delayMs, isSnoozed: false };
    },
    snooze(options) {
      checkOpen("snooze");
      released = snoozed(options);
    },
    // last: V8 calls its runtime for each member after a spread
    ...(envelope.label !== undefined && { label: envelope.label }),
    ...(envelope.membership && { group: envelope.membership.group }),
    ...(envelope.slot && {
      schedule: envelope.slot.schedule,
      intendedAt: envelope.slot.at,
    }),
  };

  return {
    ctx,
    // no getter: V8 keeps what one closes over until a full collection
    released: () => released,
    calls,
    close() {
      closed = true;
      return deferred.splice(0);
    },
  };
}

/** Until when the options put a task off. */
function snoozed(options: SnoozeOptions): Released {
  checkKnown("of ctx.snooze()", options, ["delayMs", "at"]);
  const { delayMs, at } = options;
  if ((delayMs === undefined) === (at === undefined)) {
    throw new TypeError("ctx.snooze() takes either 'delayMs' or 'at'");
  }
  if (delayMs !== undefined) {
    checkInteger("ctx.snooze({ delayMs })", delayMs, 0);
    return { delayMs, isSnoozed: true };
  }
  const instant = Number(at);
  checkInteger("ctx.snooze({ at })", instant, 0);
  return { delayMs: 0, at: instant, isSnoozed: true };
}

/** A `fetch` that `signal` ends, too. */
function abortable(send: typeof fetch, signal: AbortSignal): typeof fetch {
  return (input, init) => {
    const own = init?.signal === undefined && input instanceof Request
      ? input.signal
      : init?.signal;
    const signals = own ? [own, signal] : [signal];
    return send(input, { ...init, signal: AbortSignal.any(signals) });
  };
}
