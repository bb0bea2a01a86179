import type { Context } from "@opentelemetry/api";
import type { Plan } from "../../codec/plan.ts";
import {
  nameHooks,
  SCHEDULE_TASK,
  writeSchedule,
} from "../../codec/schedule.ts";
import { checkEffect, checkName } from "../../core/check.ts";
import { BrokerError } from "../../core/error.ts";
import { scheduleId } from "../../core/id.ts";
import type { EnqueueOptions } from "../../core/options.ts";
import {
  firstSlot,
  type ScheduleOptions,
  type Timetable,
  timetableOf,
  type When,
} from "../../core/schedule.ts";
import type { Call } from "../../core/task.ts";
import { newOperation } from "../admin/administration.ts";
import { check, type CheckedCall } from "../enqueue/calls.ts";
import { plan } from "../enqueue/writing.ts";
import type { QueueParts } from "../parts.ts";
import { rouse } from "../wake/rouse.ts";

/** How long a slot's task keeps others from being enqueued at most, with `overlap: "skip"`. */
const OVERLAP_MS = 7 * 86_400_000;
/** So that the ids of its slots are no longer than ids may be. */
const MAX_NAME_BYTES = 180;
const utf8 = new TextEncoder();

/** What a task cannot say for itself that comes again and again. */
const NOT_OF_SLOTS: readonly (keyof EnqueueOptions)[] = [
  "id",
  "runAt",
  "maxBacklog",
  "context",
];

/** What `queue.schedule` answers. */
export interface Scheduled {
  /** `unchanged`: it was there, with the same task and times, and nothing was done. `changed`: it replaced one that differs. */
  readonly status: "created" | "changed" | "unchanged";
  /** The next slot by this host's clock, in milliseconds since the epoch; absent where none comes any more. */
  readonly nextAt?: number;
}

/** Enters a schedule, or changes it. Its first slot is reckoned by the consumer that sees it first, from when the broker accepted it. */
export async function schedule(
  parts: QueueParts,
  name: string,
  call: Call,
  when: When,
  options: ScheduleOptions = {},
  active: Context = parts.instrument.activeContext(),
): Promise<Scheduled> {
  checkScheduleName(name);
  const timetable = timetableOf(when, options);
  const task = await planOf(parts, name, call, timetable);
  const hash = await hashOf({ timetable, task });
  const context = options.context ?? active;
  const trace = parts.instrument.startSchedule(context, name, call.name);
  const { broker, instrument } = parts;
  try {
    const reply = await broker.schedule(parts.name, {
      operation: newOperation(parts),
      hash,
      task: {
        id: scheduleId(name),
        name: SCHEDULE_TASK,
        envelope: writeSchedule({
          timetable,
          plan: task,
          carrier: trace.carrier,
          hasBegun: false,
          left: timetable.repeats,
          lastAt: undefined,
        }),
        priority: 0,
        due: { kind: "now" },
        dedupe: undefined,
      },
    });
    instrument.spent("schedule", reply);
    trace.succeed(reply.status);
    const now = parts.wall();
    const nextAt = firstSlot(timetable, now);
    const isDue = reply.status !== "unchanged" && (nextAt ?? Infinity) <= now;
    if (isDue) await rouse(parts);
    return {
      status: reply.status,
      ...(nextAt === undefined ? {} : { nextAt }),
    };
  } catch (error) {
    if (error instanceof BrokerError) {
      const { attempts: requests } = error;
      instrument.spent("schedule", { requests, commands: 0 });
    }
    trace.fail(error);
    throw error;
  }
}

/**
 * The name of a schedule.
 *
 * @throws {TypeError} If it is no string.
 * @throws {RangeError} If it is empty, over 180 bytes, malformed or has control characters.
 */
export function checkScheduleName(name: unknown): asserts name is string {
  checkName("schedule's name", name);
  const bytes = utf8.encode(name).length;
  if (bytes <= MAX_NAME_BYTES) return;
  throw new RangeError(
    `The schedule's name must be at most ${MAX_NAME_BYTES} bytes: it is ${bytes}`,
  );
}

/** What each slot enqueues: the same from the same call, so that its hash is. */
async function planOf(
  parts: QueueParts,
  name: string,
  call: Call,
  { overlap }: Timetable,
): Promise<Plan> {
  const checked = await check(parts, call);
  checkEffect("on a schedule's task", checked.options, NOT_OF_SLOTS);
  for (const { call } of checked.hooks) checkHookIds(call);
  const { options } = checked;
  if (overlap === "skip") {
    checkEffect("beside overlap: 'skip'", options, ["dedupe"]);
  }
  const id = scheduleId(name);
  const dedupe = overlap === "skip"
    ? { key: id, ttlMs: OVERLAP_MS }
    : options.dedupe;
  const own = {
    ...checked,
    options: { ...options, ...(dedupe && { dedupe }) },
  };
  // named when they are enqueued, each time anew
  return await nameHooks(plan(parts, own, id), id, () => Promise.resolve(""));
}

function checkHookIds({ options, hooks }: CheckedCall): void {
  checkEffect("on a hook of a schedule's task", options, ["id"]);
  for (const { call } of hooks) checkHookIds(call);
}

/** What tells a schedule from one that differs. */
async function hashOf(
  spec: { readonly timetable: Timetable; readonly task: Plan },
): Promise<string> {
  const text = utf8.encode(JSON.stringify(spec));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  return Array.from(
    digest.subarray(0, 16),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}
