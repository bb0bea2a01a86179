import type { Due, NewTask } from "../../broker/broker.ts";
import {
  type Envelope,
  writeEnvelope,
  writePlan,
} from "../../codec/envelope.ts";
import { byteLength } from "../../codec/json.ts";
import type {
  ChainRest,
  Follower,
  Link,
  Plan,
  Timing,
} from "../../codec/plan.ts";
import { exponential } from "../../core/backoff.ts";
import { PayloadError } from "../../core/error.ts";
import { newId, shardOf } from "../../core/id.ts";
import type { EnqueueOptions } from "../../core/options.ts";
import type { CheckedCall, CheckedHook } from "./calls.ts";
import type { QueueParts } from "../parts.ts";

const DAY_MS = 86_400_000;

/** What a task carries beside what its caller said of it. */
export type Lineage =
  & Pick<Envelope, "carrier" | "depth" | "batched">
  & Bonds;

/** What is enqueued with a task's end. */
export type Bonds = Pick<
  Envelope,
  "followers" | "chain" | "membership" | "slot"
>;

/** A planned task carries nothing yet. */
const UNBORN: Lineage = { carrier: {}, depth: 0, batched: false };

/** A checked call as the broker takes it. */
export function write(
  call: CheckedCall,
  id: string,
  lineage: Lineage,
): NewTask {
  const { name, input, options } = call;
  const { priority = 0, dedupe, concurrency, rate } = options;
  const isRelated = (lineage.followers ?? lineage.chain) !== undefined;
  return {
    id,
    name,
    envelope: writeEnvelope(envelopeOf(call, lineage), input),
    priority,
    due: dueOf(timingOf(options)),
    dedupe: dedupe && { key: dedupe.key, ttlMs: dedupe.ttlMs ?? DAY_MS },
    ...(concurrency ? { concurrency } : {}),
    ...(rate ? { rate } : {}),
    ...(isRelated ? { related: true } : {}),
  };
}

/**
 * What follows the task of this id: its hooks, and the rest of its chain where it is a link.
 *
 * @throws {PayloadError} If that is over the limit of a payload: all of it travels with the task.
 */
export function bondsOf(
  parts: QueueParts,
  { name, hooks, options: { group } }: CheckedCall,
  id: string,
  chain?: ChainRest,
): Bonds {
  if (hooks.length === 0 && (chain ?? group) === undefined) return {};
  const followers = hooks.map((hook): Follower => ({
    on: hook.on,
    ...planHook(parts, hook, id),
  }));
  const bonds: Bonds = {
    ...(followers.length > 0 ? { followers } : {}),
    ...(chain === undefined ? {} : { chain }),
    ...(group === undefined ? {} : { membership: { role: "label", group } }),
  };
  checkSize(parts, name, bonds);
  return bonds;
}

/** When a task with this timing is due. */
export function dueOf({ delayMs, runAt }: Timing): Due {
  if (runAt !== undefined) return { kind: "at", at: runAt };
  return delayMs ? { kind: "after", delayMs } : { kind: "now" };
}

/** A checked call as a plan, for a task of this id. */
export function plan(
  parts: QueueParts,
  call: CheckedCall,
  id: string,
  takesPrevious: boolean = false,
): Plan {
  const bonds = bondsOf(parts, call, id);
  return writePlan(
    envelopeOf(call, { ...UNBORN, ...bonds }),
    call.input,
    timingOf(call.options),
    takesPrevious,
  );
}

/** A hook of the task `parent`, in whose hash it is kept unless its caller named it. */
export function planHook(
  parts: QueueParts,
  { call, takesPrevious }: Omit<CheckedHook, "on">,
  parent: string,
): Link {
  const { wall, random } = parts;
  const id = call.options.id ?? newId(wall(), random, shardOf(parent));
  return { id, plan: plan(parts, call, id, takesPrevious) };
}

function envelopeOf(
  { name, options }: CheckedCall,
  lineage: Lineage,
): Envelope {
  const { dedupe } = options;
  return {
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
}

function timingOf(
  { priority = 0, delayMs, runAt, dedupe, concurrency, rate }: EnqueueOptions,
): Timing {
  return {
    priority,
    delayMs: delayMs || undefined,
    runAt: runAt === undefined ? undefined : Number(runAt),
    dedupeMs: dedupe && (dedupe.ttlMs ?? DAY_MS),
    concurrency,
    rate,
  };
}

function checkSize(
  { limits: { maxPayloadBytes } }: QueueParts,
  name: string,
  planned: Bonds,
): void {
  const bytes = byteLength(JSON.stringify(planned), maxPayloadBytes);
  if (bytes <= maxPayloadBytes) return;
  throw new PayloadError(
    `What is planned to follow task '${name}' is ${bytes} bytes of JSON: the limit is ${maxPayloadBytes} for all of it. Store the inputs elsewhere and pass references`,
  );
}
