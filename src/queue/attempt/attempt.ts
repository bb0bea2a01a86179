import type { Delivery } from "../../broker/broker.ts";
import type { Envelope } from "../../codec/envelope.ts";
import type { Clock } from "../../core/clock.ts";
import { PayloadError, TaskTimeoutError } from "../../core/error.ts";
import { parse } from "../../core/schema.ts";
import type { Handler } from "../../core/task.ts";
import { announceStart } from "./announce.ts";
import { type AttemptContext, openContext, type Released } from "./context.ts";
import { passRun } from "../enqueue/passing.ts";
import type { QueueParts } from "../parts.ts";
import type { ProcessTrace } from "../trace/instrument.ts";
import { controlOf } from "../workflow/control.ts";
import type { Enqueuing } from "../workflow/followers.ts";
import { settledOf } from "../workflow/group.ts";

/** What one run of a handler is made of. */
export interface AttemptSource {
  readonly parts: QueueParts;
  readonly delivery: Delivery;
  readonly envelope: Envelope;
  readonly input: unknown;
  readonly handler: Handler;
  readonly trace: ProcessTrace;
  /** Holds the lease for so long. */
  readonly extend: (ms: number) => Promise<void>;
  /** Tells how far it is, as JSON, with whatever step is next. */
  readonly progress: (json: string) => void;
}

/** How an attempt ended. `refused`: the schema does not take the input, or no repeat would help. */
export type AttemptEnd =
  | {
    readonly kind: "returned";
    readonly value: unknown;
    /** Whether its chain goes on from here. @default {true} */
    readonly leads?: boolean;
  }
  | { readonly kind: "released" } & Released
  | { readonly kind: "refused"; readonly error: unknown }
  | { readonly kind: "cancelled"; readonly error: unknown }
  | { readonly kind: "failed"; readonly error: unknown };

/** An attempt that has ended, with what it deferred. */
export interface EndedAttempt {
  readonly end: AttemptEnd;
  readonly deferred: readonly Enqueuing[];
  /** How long it took. */
  readonly durationMs: number;
}

/** A handler at work. */
export interface Attempt {
  /** The end: when the handler returned or failed, or its time was over, whatever it does then. Never rejects. */
  readonly ended: Promise<EndedAttempt>;
  /** When the handler has really returned. Never rejects. */
  readonly returned: Promise<void>;
  /** Why `ctx.signal` was aborted, if it was. */
  abortedBy(): unknown;
  /** Aborts `ctx.signal`. */
  abort(reason: Error): void;
  /** Ends the time-out and the context while the handler may still run, and gives what it deferred. */
  leave(): readonly Enqueuing[];
}

/** Parses the input and runs the handler, within the envelope's time-out. */
export function attempt(source: AttemptSource): Attempt {
  const { parts, envelope, trace, extend } = source;
  const control = new AbortController();
  const startedAt = parts.clock.now();
  const deadline = new Deadline(parts.clock, envelope.timeoutMs);
  const context = openContext(source, control.signal, async (ms) => {
    const from = parts.clock.now();
    await extend(ms);
    deadline.move(from, ms);
  });
  const timedOut = deadline.passed.then((error): AttemptEnd => {
    control.abort(error);
    return endOfFailure(error, context);
  });
  const ran = trace.run(() => run(source, context, control.signal));
  const leave = () => {
    deadline.cancel();
    return context.close();
  };
  return {
    ended: endedBy(
      Promise.race([ran, timedOut]),
      leave,
      startedAt,
      parts.clock,
    ),
    returned: ran.then(() => {}),
    // no getter: V8 keeps what one closes over until a full collection
    abortedBy: () => control.signal.reason,
    abort: (reason) => control.abort(reason),
    leave,
  };
}

// Functions with names, where each attempt would make closures: once a collection finds none of them, V8 has to compile them anew.

async function run(
  source: AttemptSource,
  context: AttemptContext,
  signal: AbortSignal,
): Promise<AttemptEnd> {
  const { parts, delivery, handler, envelope, input } = source;
  const { ctx } = context;
  let parsed = input;
  try {
    const { membership } = envelope;
    if (membership?.role === "callback" && membership.takesCounts) {
      parsed = await settledOf(parts, membership.group);
    }
    if (handler.schema !== undefined) {
      const subject = `the input of task '${envelope.name}'`;
      parsed = await parse(handler.schema, parsed, subject);
    }
  } catch (thrown) {
    const error = readable(thrown);
    const kind = error instanceof PayloadError ? "refused" : "failed";
    return { kind, error };
  }
  try {
    signal.throwIfAborted();
    announceStart(parts, delivery);
    const control = controlOf(envelope.name);
    if (control !== undefined) return await control(source, signal);
    const value = await passRun(
      parts.middleware,
      ctx,
      parsed,
      () => handle(handler, parsed, context),
    );
    await context.calls.ended();
    const released = context.released();
    return released === undefined
      ? { kind: "returned", value }
      : { kind: "released", ...released };
  } catch (error) {
    return endOfFailure(readable(error), context);
  }
}

/** An attempt's end, once it has come. */
async function endedBy(
  coming: Promise<AttemptEnd>,
  leave: Attempt["leave"],
  startedAt: number,
  clock: Clock,
): Promise<EndedAttempt> {
  const end = await coming;
  return { end, deferred: leave(), durationMs: clock.now() - startedAt };
}

/** Runs the handler, and whatever it did not wait for. */
async function handle(
  handler: Handler,
  input: unknown,
  { ctx, calls }: AttemptContext,
): Promise<unknown> {
  const value = await handler.run(input, ctx);
  await calls.ended();
  return value;
}

function endOfFailure(
  error: unknown,
  context: AttemptContext,
): AttemptEnd {
  const released = context.released();
  return released === undefined
    ? { kind: "failed", error }
    : { kind: "released", ...released };
}

/** What was thrown, unless reading it throws: everything after may look at it. */
function readable(error: unknown): unknown {
  try {
    let link = error;
    for (let depth = 0; link instanceof Error && depth < 16; depth++) {
      void `${link.name}${link.message}${link.stack}`;
      link = link.cause;
    }
    return error;
  } catch {
    return new Error("The handler threw an error that cannot be read");
  }
}

/** The time-out of one attempt, which may move. */
class Deadline {
  /** Resolves when it has passed. */
  readonly passed: Promise<TaskTimeoutError>;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #pass: (error: TaskTimeoutError) => void;
  #cancel: () => void = () => {};
  #over = false;

  constructor(clock: Clock, timeoutMs: number) {
    const { promise, resolve } = Promise.withResolvers<TaskTimeoutError>();
    this.passed = promise;
    this.#clock = clock;
    this.#pass = resolve;
    this.#startedAt = clock.now();
    this.move(this.#startedAt, timeoutMs);
  }

  /** Moves it to `ms` after the instant `from`. */
  move(from: number, ms: number): void {
    if (this.#over) return;
    this.#cancel();
    const now = this.#clock.now();
    this.#cancel = this.#clock.after(Math.max(0, from + ms - now), () => {
      this.#over = true;
      const limitMs = Math.round(from + ms - this.#startedAt);
      this.#pass(new TaskTimeoutError(limitMs));
    });
  }

  cancel(): void {
    this.#over = true;
    this.#cancel();
  }
}
