import type { Context } from "@opentelemetry/api";
import type {
  EnqueueAnswer,
  EnqueueRequest,
  NewTask,
} from "../../broker/broker.ts";
import type { ChainRest } from "../../codec/plan.ts";
import { checkEffect, checkKnown } from "../../core/check.ts";
import { BrokerError } from "../../core/error.ts";
import type {
  GroupOptions,
  Inputs,
  MemberOutput,
  SentGroup,
} from "../../core/group.ts";
import { memberIds, newId } from "../../core/id.ts";
import type { Hook } from "../../core/options.ts";
import type { Call } from "../../core/task.ts";
import {
  type CheckedCall,
  type CheckedHook,
  checkHook,
} from "../enqueue/calls.ts";
import { chunk } from "../enqueue/chunk.ts";
import { describe, type Origin } from "../enqueue/enqueue.ts";
import { announceEnqueued } from "../enqueue/newcomers.ts";
import { passCheck } from "../enqueue/passing.ts";
import { type Bonds, bondsOf, write } from "../enqueue/writing.ts";
import type { QueueParts } from "../parts.ts";
import { factsOf } from "../trace/facts.ts";
import type { EnqueueTrace } from "../trace/instrument.ts";
import { sendRinging } from "../wake/waker.ts";
import { type Block, blocksOf } from "./blocks.ts";
import type { Enqueuing } from "./followers.ts";
import { groupOf } from "./group.ts";
import {
  checkGroup,
  checkInputs,
  checkLength,
  DAY_MS,
  GROUP_OPTIONS,
  NOT_OF_MEMBERS,
} from "./group_options.ts";

/** A number that no member has, for the callback's id. */
const CALLBACK_INDEX = 262_143;

/** What is enqueued with a group's end. */
interface Callback extends Omit<CheckedHook, "on"> {
  /** What comes after it, where the group is a link of a chain. */
  readonly chain?: ChainRest | undefined;
}

/** A group that is being sent. */
interface Job {
  readonly parts: QueueParts;
  readonly id: string;
  /** Whether the id was made for this very call: that the broker knows a member can only mean that an earlier reply was lost. */
  readonly isNew: boolean;
  readonly idOf: (index: number) => string;
  /** How many members there will be, where that is known. */
  readonly size: number | undefined;
  readonly depth: number;
  readonly callback: Callback | undefined;
  readonly backlog: Pick<EnqueueRequest, "maxBacklog" | "maxReady">;
  readonly ttlMs: number;
  readonly sealMs: number;
  readonly idleMs: number;
}

/**
 * Sends the calls as the members of one group, block by block, each under a PRODUCER span: the first one's is the parent of the others' and of the callback's.
 * The group is open until the last block seals it. As a link of a chain it has a callback that leads on, and the queue takes it however full it is.
 *
 * @throws {TypeError} If a call or an option is of the wrong type or unknown.
 * @throws {RangeError} If an option is out of its range, or there are over 100,000 calls.
 * @throws {PayloadError} If an input is refused by its schema, cannot be JSON, or is over the limit.
 * @throws {QueueFullError} If the queue takes no more.
 * @throws {BrokerError} If the broker could not do it.
 * @throws What the calls throw while they are read. Where the calls are a list, nothing was sent of one that is not as it should be; else the members before stay accepted, and the group is lost after `sealMs`, unless the call is repeated with the same id.
 */
export async function sendGroup<Output>(
  parts: QueueParts,
  calls: Inputs<Call>,
  options: GroupOptions,
  origin: Origin,
  link?: Callback,
): Promise<SentGroup<Output>> {
  checkGroup(options);
  const { onSettled, ttlMs = DAY_MS, sealMs = 600_000, maxBacklog } = options;
  const { idleMs = Math.max(7 * DAY_MS, ttlMs) } = options;
  const callback = link ??
    (onSettled && await checkHook(parts, onSettled as Hook));
  const id = options.id ?? await origin.defaultId?.(0, "group") ??
    newId(parts.wall(), parts.random);
  const idOf = await memberIds(id);
  const checked = Array.isArray(calls)
    ? await checkAll(parts, calls, idOf)
    : checkEach(parts, calls, idOf);
  const job: Job = {
    parts,
    id,
    isNew: (options.id ?? origin.defaultId) === undefined,
    idOf,
    size: Array.isArray(checked) ? checked.length : undefined,
    depth: origin.depth,
    callback,
    // a link was accepted with its chain
    backlog: maxBacklog === undefined && link === undefined
      ? { maxBacklog, maxReady: parts.limits.maxBacklog }
      : { maxBacklog },
    ttlMs,
    sealMs,
    idleMs,
  };
  let context = options.context ?? origin.context;
  let length = 0;
  for await (const block of blocksOf(checked)) {
    const { context: inner } = await sendBlock(job, block, context);
    if (block.from === 0) context = inner;
    length += block.calls.length;
  }
  return { ...groupOf<Output>(parts, id), length };
}

/** Sends the calls as the members of one group. */
export async function enqueueGroup<Calls extends Inputs<Call>>(
  parts: QueueParts,
  calls: Calls,
  options: GroupOptions,
  origin: Origin,
): Promise<SentGroup<MemberOutput<Calls>>> {
  checkKnown("of enqueueGroup()", options, GROUP_OPTIONS);
  checkInputs("enqueueGroup()", "calls", calls);
  return await sendGroup(parts, calls, options, origin);
}

async function checkAll(
  parts: QueueParts,
  calls: readonly Call[],
  idOf: Job["idOf"],
): Promise<readonly CheckedCall[]> {
  const checked: CheckedCall[] = [];
  checkLength(calls.length);
  for await (const call of checkEach(parts, calls, idOf)) checked.push(call);
  return checked;
}

async function* checkEach(
  parts: QueueParts,
  calls: Inputs<Call>,
  idOf: Job["idOf"],
): AsyncGenerator<CheckedCall, void, void> {
  let length = 0;
  for await (const call of calls) {
    checkLength(length + 1);
    const checked = await passCheck(parts, call, idOf(length++));
    checkEffect("on a member of a group", checked.options, NOT_OF_MEMBERS);
    yield checked;
  }
}

/** Sends a block in as few requests as its size allows, the first with the callback, the very last with the seal. */
async function sendBlock(
  job: Job,
  { from, calls, isLast }: Block<CheckedCall>,
  context: Context,
): Promise<EnqueueTrace> {
  const { parts, id: group, ttlMs, sealMs, idleMs, depth } = job;
  const { instrument, limits } = parts;
  const total = from + calls.length;
  const size = job.size ?? (isLast && from === 0 ? total : undefined);
  const membership = { role: "member", group, ttlMs, size } as const;
  const members = calls.map((call, i) => {
    const id = job.idOf(from + i);
    const bonds: Bonds = { ...bondsOf(parts, call, id), membership };
    return { id, bonds, call: lasting(call, ttlMs) };
  });
  const sent = members.map(({ id, bonds, call }) => ({
    ...describe(parts, call, id),
    ...factsOf(bonds),
  }));
  const trace = instrument.startEnqueue(context, sent, true);
  let callback: Enqueuing | undefined;
  try {
    if (from === 0) callback = callbackOf(job, trace.context);
    const tasks = members.map(({ id, bonds, call }, i): NewTask => {
      const carrier = trace.carrierOf(i);
      const lineage = { carrier, depth, batched: true, ...bonds };
      return { ...write(call, id, lineage), group };
    });
    const requests = tasks.length === 0
      ? [[]]
      : chunk(tasks, limits.maxChunkBytes);
    let added = 0;
    for (const [n, tasks] of requests.entries()) {
      const isEnd = isLast && n === requests.length - 1;
      const chunk = {
        id: group,
        seal: isEnd ? total : undefined,
        callback: n === 0 ? callback?.task : undefined,
        sealMs,
        idleMs,
        ttlMs,
      };
      const request = { tasks, ...job.backlog, group: chunk };
      const reply = await sendRinging(parts, request, context);
      instrument.spent("enqueue", reply);
      const isAdded = ({ status }: EnqueueAnswer) =>
        job.isNew || status === "new";
      const taken = tasks.filter((_, i) => isAdded(reply.answers[i]!));
      announceEnqueued(parts, taken);
      if (n === 0 && callback && (job.isNew || taken.length > 0)) {
        announceEnqueued(parts, [callback.task]);
      }
      added += taken.length;
    }
    trace.succeed(added);
    callback?.trace.succeed(1);
    return trace;
  } catch (error) {
    if (error instanceof BrokerError) {
      const { attempts: requests } = error;
      instrument.spent("enqueue", { requests, commands: 0 });
    }
    trace.fail(error);
    callback?.trace.fail(error);
    throw error;
  }
}

/** A member's result is kept as long as its group asks, if one is kept at all. */
function lasting(call: CheckedCall, ttlMs: number): CheckedCall {
  const { resultTtlMs = ttlMs } = call.options;
  const keptMs = resultTtlMs === 0 ? 0 : Math.max(resultTtlMs, ttlMs);
  return { ...call, options: { ...call.options, resultTtlMs: keptMs } };
}

/** The task that waits for the group's end, its PRODUCER span a child of the group's. */
function callbackOf(
  { parts, id: group, idOf, depth, callback }: Job,
  context: Context,
): Enqueuing | undefined {
  if (callback === undefined) return undefined;
  const { call, takesPrevious: takesCounts, chain } = callback;
  const id = call.options.id ?? idOf(CALLBACK_INDEX);
  const membership = { role: "callback", group, takesCounts } as const;
  const bonds: Bonds = { ...bondsOf(parts, call, id, chain), membership };
  const sent = { ...describe(parts, call, id), ...factsOf(bonds) };
  const trace = parts.instrument.startEnqueue(context, [sent]);
  const carrier = trace.carrierOf(0);
  const lineage = { carrier, depth, batched: false, ...bonds };
  return { task: write(call, id, lineage), trace };
}
