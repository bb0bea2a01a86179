import type { Enqueued, HandlerContext } from "../../core/context.ts";
import type { Call } from "../../core/task.ts";
import { check, type CheckedCall } from "./calls.ts";
import type { Middleware } from "../middleware.ts";
import type { QueueParts } from "../parts.ts";

/** One turn of an onion. */
type Layer<Input, Output> = (
  input: Input,
  next: (input: Input) => Promise<Output>,
) => Output | Promise<Output>;

/** Takes calls through the middleware to `send`, which gets all that come through at once, and answers in order. If one of them fails before, nothing is sent. */
export async function passCalls(
  middleware: readonly Middleware[],
  calls: readonly Call[],
  send: (calls: readonly Call[]) => Promise<readonly Enqueued[]>,
): Promise<readonly Enqueued[]> {
  const layers = middleware.flatMap((one): Layer<Call, Enqueued>[] =>
    one.enqueue ? [(call, next) => one.enqueue!(call, next)] : []
  );
  if (layers.length === 0 || calls.length === 0) return await send(calls);
  const through = new Map<number, Call>();
  const answers = Promise.withResolvers<ReadonlyMap<number, Enqueued>>();
  // those who wait for it are told; there may be none
  answers.promise.catch(() => {});
  let left = calls.length;
  let isOff = false;
  const sendAll = async () => {
    const order = [...through.keys()].sort((a, b) => a - b);
    const given = order.map((index) => through.get(index)!);
    const sent = given.length === 0 ? [] : await send(given);
    return new Map(order.map((index, i) => [index, sent[i]!]));
  };
  const arrive = () => {
    if (--left === 0 && !isOff) answers.resolve(sendAll());
  };
  return await Promise.all(calls.map(async (call, index) => {
    try {
      return await pass(layers, call, async (given) => {
        through.set(index, given);
        arrive();
        return (await answers.promise).get(index)!;
      });
    } catch (error) {
      isOff = true;
      answers.reject(error);
      throw error;
    } finally {
      if (!through.has(index)) arrive();
    }
  }));
}

/**
 * Takes a call that is sent with others through the middleware to its check, and answers there with the id that it will have.
 *
 * @throws {TypeError} As {@linkcode check}, and if a middleware keeps it back: it has a place among the others.
 * @throws {RangeError} As {@linkcode check}.
 * @throws {PayloadError} As {@linkcode check}.
 */
export async function passCheck(
  parts: QueueParts,
  call: Call,
  id: string,
): Promise<CheckedCall> {
  if (parts.middleware.length === 0) return await check(parts, call);
  let checked: CheckedCall | undefined;
  await passCalls(parts.middleware, [call], async ([through]) => {
    checked = await check(parts, through!);
    return [{ id, deduplicated: false }];
  });
  if (checked !== undefined) return checked;
  throw new TypeError(
    `A middleware kept back a link or member '${call.name}': call next(call)`,
  );
}

/** Takes a run of a handler through the middleware. */
export function passRun(
  middleware: readonly Middleware[],
  ctx: HandlerContext,
  input: unknown,
  run: () => Promise<unknown>,
): Promise<unknown> {
  const layers = middleware.flatMap((one): Layer<void, unknown>[] =>
    one["process"]
      ? [(_, next) => one["process"]!({ ...ctx, input }, next)]
      : []
  );
  return pass(layers, undefined, run);
}

/** Layer by layer to the core, each once. Nothing is left running behind a layer that does not wait for it. */
async function pass<Input, Output>(
  [layer, ...rest]: readonly Layer<Input, Output>[],
  input: Input,
  core: (input: Input) => Promise<Output>,
): Promise<Output> {
  if (layer === undefined) return await core(input);
  let inner: Promise<Output> | undefined;
  let isRunning = false;
  const ended = () => void (isRunning = false);
  const next = (given: Input) => {
    if (inner !== undefined) {
      throw new TypeError("A middleware called its next() twice");
    }
    isRunning = true;
    inner = pass(rest, given, core);
    inner.then(ended, ended);
    return inner;
  };
  try {
    const output = await layer(input, next);
    if (!isRunning) return output;
  } finally {
    await (inner as Promise<Output> | undefined)?.then(ended, ended);
  }
  throw new TypeError(
    "A middleware must await its next(), or return it",
  );
}
