import type { Context } from "@opentelemetry/api";
import type {
  EnqueueAnswer,
  EnqueueRequest,
  NewTask,
} from "../../broker/broker.ts";
import type { Carrier } from "../../codec/envelope.ts";
import type { Enqueued } from "../../core/context.ts";
import { BrokerError } from "../../core/error.ts";
import { newId, SHARDS } from "../../core/id.ts";
import { imported } from "../../core/imported.ts";
import type { Call } from "../../core/task.ts";
import { check, type CheckedCall, isDefined } from "./calls.ts";
import { chunk, MAX_TASKS } from "./chunk.ts";
import { announceEnqueued } from "./newcomers.ts";
import { type Bonds, bondsOf, write } from "./writing.ts";
import type { QueueParts } from "../parts.ts";
import { factsOf } from "../trace/facts.ts";
import type { SentTask } from "../trace/instrument.ts";
import { sendRinging } from "../wake/waker.ts";

/** Where tasks come from: a request, or an attempt of another task. */
export interface Origin {
  /** Whose trace the tasks continue, unless their `context` option says otherwise. */
  readonly context: Context;
  /** How deep in that trace the tasks are. */
  readonly depth: number;
  /** The id of the `index`th task of the call where the caller gave none; a new one where this is absent. */
  readonly defaultId:
    | ((index: number, name: string) => Promise<string>)
    | undefined;
}

/** How tasks are enqueued, beyond where they come from. */
export interface EnqueueManner {
  /** Whether it is `enqueueMany` that asks: its span says how many, and the queue's `maxBacklog` holds. @default {whether there are several} */
  readonly batch?: boolean;
}

/**
 * Checks all calls, then sends them under one PRODUCER span, in as few requests as their size allows, and answers in order.
 *
 * @throws {TypeError} If a name or an option is of the wrong type or unknown.
 * @throws {RangeError} If one is out of its range.
 * @throws {PayloadError} If an input is refused by its schema, cannot be JSON, or is over the limit. In all three nothing was sent.
 * @throws {QueueFullError} If the queue takes no more.
 * @throws {BrokerError} If the broker could not do it. Of a batch of several requests those before stay accepted.
 */
export async function enqueue(
  parts: QueueParts,
  calls: readonly Call[],
  origin: Origin,
  { batch = calls.length !== 1 }: EnqueueManner = {},
): Promise<readonly Enqueued[]> {
  const send = (through: readonly Call[]) =>
    enqueueAll(parts, through, origin, batch);
  if (parts.middleware.length === 0) return await send(calls);
  const { passCalls } = await imported(() => import("./passing.ts"));
  return await passCalls(parts.middleware, calls, send);
}

async function enqueueAll(
  parts: QueueParts,
  calls: readonly Call[],
  origin: Origin,
  batch: boolean,
): Promise<readonly Enqueued[]> {
  const checked: CheckedCall[] = [];
  for (const call of calls) checked.push(await check(parts, call));
  if (checked.length === 0) return [];
  const context = contextOf(checked) ?? origin.context;
  const ids = await makeIds(parts, checked, origin);
  const ready = checked.map((call, i): ReadyCall => ({
    call,
    id: ids[i]!,
    bonds: bondsOf(parts, call, ids[i]!),
    isNew: isNew(call, origin),
  }));
  return await dispatch(parts, ready, { context, depth: origin.depth }, batch);
}

/** A call that can be sent. */
export interface ReadyCall {
  readonly call: CheckedCall;
  readonly id: string;
  readonly bonds: Bonds;
  /** Whether the id was made for this very call: that the broker knows it can only mean that an earlier reply was lost. */
  readonly isNew: boolean;
}

/** Sends the calls under one PRODUCER span, and answers in order. */
export async function dispatch(
  parts: QueueParts,
  calls: readonly ReadyCall[],
  { context, depth }: Pick<Origin, "context" | "depth">,
  batch: boolean,
): Promise<readonly Enqueued[]> {
  if (!parts.instrument.isReady) await parts.instrument.load();
  const sent = calls.map(({ call, id, bonds }) => ({
    ...describe(parts, call, id),
    ...factsOf(bonds),
  }));
  const trace = parts.instrument.startEnqueue(context, sent, batch);
  try {
    const batched = calls.length > 1;
    const tasks = calls.map(({ call, id, bonds }, i) =>
      write(call, id, { carrier: trace.carrierOf(i), depth, batched, ...bonds })
    );
    const checked = calls.map(({ call }) => call);
    const backlog = backlogOf(parts, checked, batch);
    const answers = await send(parts, tasks, backlog, context);
    const enqueued = answers.map(({ id, status }, i) => ({
      id,
      deduplicated: status === "duplicate" ||
        status === "known" && !calls[i]!.isNew,
    }));
    const added = tasks.filter((_, i) => !enqueued[i]!.deduplicated);
    trace.succeed(added.length);
    announceEnqueued(parts, added);
    return enqueued;
  } catch (error) {
    if (error instanceof BrokerError) {
      const { attempts: requests } = error;
      parts.instrument.spent("enqueue", { requests, commands: 0 });
    }
    trace.fail(error);
    throw error;
  }
}

/**
 * One checked task for the broker, its trace in the envelope: for whoever enqueues it with something else, as `ctx.defer` does.
 *
 * @throws {TypeError} As {@linkcode enqueue}.
 * @throws {RangeError} As {@linkcode enqueue}.
 * @throws {PayloadError} As {@linkcode enqueue}.
 */
export async function prepare(
  parts: QueueParts,
  call: Call,
  id: string,
  carrier: Carrier,
  depth: number,
): Promise<NewTask> {
  const checked = await check(parts, call);
  const bonds = bondsOf(parts, checked, id);
  return write(checked, id, { carrier, depth, batched: false, ...bonds });
}

/** What the PRODUCER span of a call says of it. */
export function describe(
  parts: QueueParts,
  call: Pick<Call, "name" | "options">,
  id: string,
): SentTask {
  const { name, options } = call;
  return {
    id,
    name,
    label: options.label,
    defined: isDefined(call) || parts.handlers.has(name),
    timeoutMs: options.timeoutMs,
  };
}

/** The context that the calls ask for: one, for they have one span. */
function contextOf(calls: readonly CheckedCall[]): Context | undefined {
  const context = calls[0]?.options.context;
  if (calls.some(({ options }) => options.context !== context)) {
    throw new TypeError(
      "The tasks of one enqueueMany() share a span: give all of them the same 'context', or none",
    );
  }
  return context;
}

/** New ids of up to 1,000 tasks share a shard, so that tasks enqueued together are claimed from few hashes. */
function makeIds(
  { wall, random }: QueueParts,
  calls: readonly CheckedCall[],
  { defaultId }: Origin,
): Promise<readonly string[]> {
  const now = wall();
  const second = Math.floor(now / 1_000);
  return Promise.all(calls.map(({ name, options }, i) => {
    if (options.id !== undefined) return options.id;
    if (defaultId !== undefined) return defaultId(i, name);
    const shard = (second + Math.floor(i / MAX_TASKS)) % SHARDS;
    return newId(now, random, shard);
  }));
}

/** The smallest limit that the calls give; else, of a batch, the queue's, by what is ready. */
function backlogOf(
  { limits }: QueueParts,
  calls: readonly CheckedCall[],
  batch: boolean,
): Pick<EnqueueRequest, "maxBacklog" | "maxReady"> {
  let smallest: number | undefined;
  for (const { options: { maxBacklog = Infinity } } of calls) {
    if (maxBacklog < (smallest ?? Infinity)) smallest = maxBacklog;
  }
  if (smallest !== undefined || !batch) return { maxBacklog: smallest };
  return { maxBacklog: undefined, maxReady: limits.maxBacklog };
}

async function send(
  parts: QueueParts,
  tasks: readonly NewTask[],
  backlog: Pick<EnqueueRequest, "maxBacklog" | "maxReady">,
  context: Context,
): Promise<readonly EnqueueAnswer[]> {
  const { instrument, limits } = parts;
  const answers: EnqueueAnswer[] = [];
  for (const part of chunk(tasks, limits.maxChunkBytes)) {
    const request = { tasks: part, ...backlog };
    const reply = await sendRinging(parts, request, context);
    instrument.spent("enqueue", reply);
    for (const answer of reply.answers) answers.push(answer);
  }
  return answers;
}

function isNew({ options }: CheckedCall, { defaultId }: Origin): boolean {
  return options.id === undefined && defaultId === undefined;
}
