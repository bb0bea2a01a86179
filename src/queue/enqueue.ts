import type { Context } from "@opentelemetry/api";
import type {
  Due,
  EnqueueAnswer,
  EnqueueRequest,
  NewTask,
} from "../broker/broker.ts";
import {
  type Carrier,
  type Envelope,
  writeEnvelope,
} from "../codec/envelope.ts";
import { writeJson } from "../codec/json.ts";
import { exponential } from "../core/backoff.ts";
import {
  checkContext,
  checkName,
  checkOptions,
  ENQUEUE_OPTIONS,
} from "../core/check.ts";
import type { Enqueued } from "../core/context.ts";
import { BrokerError } from "../core/error.ts";
import { newId, SHARDS } from "../core/id.ts";
import type { EnqueueOptions } from "../core/options.ts";
import { parse } from "../core/schema.ts";
import type { Call } from "../core/task.ts";
import { chunk, MAX_TASKS } from "./chunk.ts";
import type { SentTask } from "./instrument.ts";
import type { QueueParts } from "./parts.ts";

const DAY_MS = 86_400_000;

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

/** A call by name only. */
interface NamedCall extends Call {
  readonly defined: false;
}

/** A call whose name and options hold and whose input is JSON. */
interface CheckedCall {
  readonly name: string;
  readonly options: EnqueueOptions;
  readonly input: string | undefined;
  readonly defined: boolean;
}

/** A call for a task without a definition, across services. */
export function callNamed(
  name: string,
  input?: unknown,
  options: EnqueueOptions = {},
): Call {
  const call: NamedCall = {
    name,
    schema: undefined,
    input,
    options,
    defined: false,
  };
  return call;
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
  const checked: CheckedCall[] = [];
  for (const call of calls) checked.push(await check(parts, call));
  if (checked.length === 0) return [];
  const context = contextOf(checked) ?? origin.context;
  const ids = await makeIds(parts, checked, origin);
  const sent = checked.map((call, i) => describe(parts, call, ids[i]!));
  const trace = parts.instrument.startEnqueue(context, sent, batch);
  try {
    const { depth } = origin;
    const batched = checked.length > 1;
    const tasks = checked.map((call, i) =>
      write(call, ids[i]!, { carrier: trace.carrierOf(i), depth, batched })
    );
    const answers = await send(parts, tasks, backlogOf(parts, checked, batch));
    const enqueued = answers.map(({ id, status }, i) => ({
      id,
      deduplicated: status === "duplicate" ||
        status === "known" && !isNew(checked[i]!, origin),
    }));
    trace.succeed(enqueued.filter((task) => !task.deduplicated).length);
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
  const lineage = { carrier, depth, batched: false };
  return write(await check(parts, call), id, lineage);
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

async function check(parts: QueueParts, call: Call): Promise<CheckedCall> {
  if (typeof call !== "object" || call === null || "handle" in call) {
    throw new TypeError(
      "Cannot enqueue what is no call: pass task.with(input), as defineTask() gives it",
    );
  }
  const { name, input, options } = call;
  checkName("task", name);
  checkOptions(options, ENQUEUE_OPTIONS, `of task '${name}'`);
  checkContext(options.context);
  const subject = `payload of task '${name}'`;
  const schema = call.schema ?? parts.handlers.get(name)?.schema;
  if (schema !== undefined) await parse(schema, input, `the ${subject}`);
  const { maxPayloadBytes } = parts.limits;
  return {
    name,
    options,
    input: writeJson(input, `The ${subject}`, maxPayloadBytes),
    defined: isDefined(call),
  };
}

function isDefined(call: Pick<Call, "name"> & { defined?: boolean }): boolean {
  return call.defined !== false;
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

function write(
  { name, options, input }: CheckedCall,
  id: string,
  lineage: Pick<Envelope, "carrier" | "depth" | "batched">,
): NewTask {
  const { dedupe } = options;
  const envelope: Envelope = {
    name,
    maxAttempts: options.maxAttempts ?? 5,
    backoff: options.backoff ?? exponential(),
    timeoutMs: options.timeoutMs ?? 30_000,
    resultTtlMs: options.resultTtlMs ?? 3_600_000,
    expiresInMs: options.expiresInMs,
    label: options.label,
    dedupe: dedupe && { key: dedupe.key, until: dedupe.until ?? "ended" },
    ...lineage,
  };
  return {
    id,
    name,
    envelope: writeEnvelope(envelope, input),
    priority: options.priority ?? 0,
    due: dueOf(options),
    dedupe: dedupe && { key: dedupe.key, ttlMs: dedupe.ttlMs ?? DAY_MS },
  };
}

function dueOf({ delayMs, runAt }: EnqueueOptions): Due {
  if (runAt !== undefined) return { kind: "at", at: Number(runAt) };
  return delayMs ? { kind: "after", delayMs } : { kind: "now" };
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
  { name, broker, instrument }: QueueParts,
  tasks: readonly NewTask[],
  backlog: Pick<EnqueueRequest, "maxBacklog" | "maxReady">,
): Promise<readonly EnqueueAnswer[]> {
  const answers: EnqueueAnswer[] = [];
  for (const part of chunk(tasks)) {
    const reply = await broker.enqueue(name, { tasks: part, ...backlog });
    instrument.spent("enqueue", reply);
    for (const answer of reply.answers) answers.push(answer);
  }
  return answers;
}

/** Whether the id was made for this very call: that the broker knows it can only mean that an earlier reply was lost. */
function isNew({ options }: CheckedCall, { defaultId }: Origin): boolean {
  return options.id === undefined && defaultId === undefined;
}
