import { readCall, writeCall } from "../../codec/call.ts";
import { writeJson } from "../../codec/json.ts";
import {
  checkEffect,
  checkOptions,
  ENQUEUE_OPTIONS,
} from "../../core/check.ts";
import {
  NonRetryableError,
  PayloadError,
  TaskCancelledError,
} from "../../core/error.ts";
import { linkOfFork } from "../../core/id.ts";
import type { Elements, GroupLink } from "../../core/link.ts";
import type { EnqueueOptions } from "../../core/options.ts";
import type { Settled } from "../../core/state.ts";
import type { Call } from "../../core/task.ts";
import type { AttemptEnd, AttemptSource } from "../attempt/attempt.ts";
import { check, type CheckedCall, checkOwn } from "../enqueue/calls.ts";
import type { QueueParts } from "../parts.ts";
import { FORK, JOIN } from "./control.ts";
import { cancelMembers } from "./group.ts";
import { checkLength, DAY_MS, NOT_OF_MEMBERS } from "./group_options.ts";
import { sendGroup } from "./send_group.ts";

const OPTIONS = { maxAttempts: 25, timeoutMs: 600_000 } as const;
/** How much longer than its elements it is remembered, for the task that joins them. */
const MARGIN_MS = 7 * DAY_MS;

/** What a fork is told. */
interface Fork {
  readonly elements: Elements;
  /** Whether one element without a result is the link's end. */
  readonly stops: boolean;
  readonly ttlMs: number | undefined;
}

/**
 * The task that sends the elements of a link, all of them checked as far as they are known.
 *
 * @throws {TypeError} As {@linkcode check}, and if an element has an option that it cannot have.
 * @throws {RangeError} As {@linkcode check}, and if there are over 100,000 elements.
 * @throws {PayloadError} As {@linkcode check}, and if the elements are over the limit of one payload.
 */
export async function checkFork(
  parts: QueueParts,
  { elements, options: { onFailure, ttlMs } }: GroupLink,
  goesOn: boolean,
): Promise<CheckedCall> {
  for (const { name, options } of callsOf(elements)) {
    checkElement(name, options);
  }
  if (elements.kind === "map") {
    const { name, options } = elements.each;
    checkElement(name, options);
    await checkOwn(parts, name, options, 0);
  }
  for (const call of callsOf(elements)) await check(parts, call);
  const fork: Fork = {
    elements,
    stops: (onFailure ?? (goesOn ? "continue" : "stop")) === "stop",
    ttlMs,
  };
  const { maxPayloadBytes } = parts.limits;
  const input = writeJson(
    writeFork(fork),
    "What a link of a chain maps over",
    maxPayloadBytes,
  );
  const resultTtlMs = (ttlMs ?? DAY_MS) + MARGIN_MS;
  const options = { ...OPTIONS, resultTtlMs, ...priorityOf(elements) };
  return { name: FORK, options, input, defined: true, hooks: [] };
}

function checkElement(name: string, options: EnqueueOptions): void {
  checkOptions(options, ENQUEUE_OPTIONS, `of task '${name}'`);
  checkEffect(`on a member of a group, '${name}'`, options, NOT_OF_MEMBERS);
}

/** Sends the elements as a group whose callback joins them and leads on; a repeat sends the same. */
export async function fork(
  source: AttemptSource,
  signal: AbortSignal,
): Promise<AttemptEnd> {
  const { parts, delivery } = source;
  const id = linkOfFork(delivery.id);
  try {
    await sendElements(source, id);
  } catch (error) {
    return isMisuse(error)
      ? { kind: "refused", error }
      : { kind: "failed", error };
  }
  if (!(signal.reason instanceof TaskCancelledError)) {
    return { kind: "returned", value: undefined, leads: false };
  }
  await cancelMembers(parts, id);
  return { kind: "cancelled", error: signal.reason };
}

async function sendElements(
  { parts, envelope, input, trace }: AttemptSource,
  id: string,
): Promise<void> {
  const told = readFork(input);
  if (told === undefined) {
    throw new NonRetryableError("What the link maps over is no list");
  }
  const calls = callsToSend(told.elements, envelope.previous);
  const { elements, stops, ttlMs = DAY_MS + longestDelay(parts, calls) } = told;
  const join: CheckedCall = {
    name: JOIN,
    options: { id, ...OPTIONS, maxAttempts: 1_000, ...priorityOf(elements) },
    input: JSON.stringify(stops),
    defined: true,
    hooks: [],
  };
  await sendGroup(
    parts,
    calls,
    { id, ttlMs, sealMs: ttlMs },
    { context: trace.context, depth: trace.depth + 1, defaultId: undefined },
    { call: join, takesPrevious: false, chain: envelope.chain },
  );
}

/** What is known of the elements before the link before has ended. */
function callsOf(elements: Elements): readonly Call[] {
  if (elements.kind === "calls") {
    checkLength(elements.calls.length);
    return elements.calls;
  }
  const { each, inputs = [] } = elements;
  checkLength(inputs.length);
  return inputs.map((input) => ({ ...each, input }));
}

/**
 * One call for each element.
 *
 * @throws {NonRetryableError} If what they are to be made of is no list.
 * @throws {RangeError} If it is too long.
 */
function callsToSend(
  elements: Elements,
  previous: Settled | undefined,
): readonly Call[] {
  if (elements.kind === "calls" || elements.inputs !== undefined) {
    return callsOf(elements);
  }
  const inputs = previous?.status === "completed" ? previous.value : undefined;
  if (Array.isArray(inputs)) return callsOf({ ...elements, inputs });
  throw new NonRetryableError(
    `A map of '${elements.each.name}' without inputs takes the list that the link before it returned: ${
      previous?.status !== "completed"
        ? "that one did not complete"
        : inputs === undefined
        ? "that one returned nothing, or more than maxResultBytes"
        : `that one returned ${inputs === null ? "null" : typeof inputs}`
    }`,
  );
}

function longestDelay({ wall }: QueueParts, calls: readonly Call[]): number {
  let longest = 0;
  for (const { options: { delayMs = 0, runAt } } of calls) {
    const untilMs = runAt === undefined ? delayMs : Number(runAt) - wall();
    longest = Math.max(longest, Math.ceil(untilMs));
  }
  return longest;
}

/** Its control tasks stand in line as the first of the elements does. */
function priorityOf(elements: Elements): Pick<EnqueueOptions, "priority"> {
  const call = elements.kind === "map" ? elements.each : elements.calls[0];
  const { priority } = call?.options ?? {};
  return priority === undefined ? {} : { priority };
}

/** What no repeat would put right. */
function isMisuse(error: unknown): boolean {
  return error instanceof PayloadError || error instanceof TypeError ||
    error instanceof RangeError || error instanceof NonRetryableError;
}

function writeFork({ elements, stops, ttlMs }: Fork): unknown {
  const of = elements.kind === "calls"
    ? { c: elements.calls.map(writeCall) }
    : { e: writeCall(elements.each), x: elements.inputs };
  return { ...of, s: stops ? 1 : 0, t: ttlMs };
}

function readFork(input: unknown): Fork | undefined {
  const { c, e, x, s, t } = (input ?? {}) as Readonly<Record<string, unknown>>;
  const each = readCall(e);
  const elements: Elements | undefined = Array.isArray(c)
    ? { kind: "calls", calls: c.flatMap((call) => readCall(call) ?? []) }
    : each && { kind: "map", each, inputs: Array.isArray(x) ? x : undefined };
  if (elements === undefined) return undefined;
  const ttlMs = typeof t === "number" ? t : undefined;
  return { elements, stops: s === 1, ttlMs };
}
