import type { ListedSchedule } from "../../broker/broker.ts";
import { NEVER_AT } from "../../broker/workflow.ts";
import { readEnvelope } from "../../codec/opened.ts";
import { readSchedule, type StoredSchedule } from "../../codec/schedule.ts";
import { checkInteger, checkKnown } from "../../core/check.ts";
import { scheduleId, scheduleName } from "../../core/id.ts";
import type { Recurrence } from "../../core/recurrence.ts";
import { type CatchUp, firstSlot, type Overlap } from "../../core/schedule.ts";
import { newOperation } from "../admin/administration.ts";
import type { QueueParts } from "../parts.ts";
import { checkScheduleName } from "./schedule.ts";
import { rouse } from "../wake/rouse.ts";

/** Which page `queue.schedules` answers. */
export interface SchedulesOptions {
  /** How many at most, from 1 to 500. @default {100} */
  readonly limit?: number;
  /** Where the page before ended. */
  readonly cursor?: string;
}

/** A page of schedules. */
export interface SchedulePage {
  /** The schedules, by name. */
  readonly schedules: readonly ScheduleSummary[];
  /** Where the next page begins; absent on the last. */
  readonly cursor?: string;
}

/** A schedule, as lists show it. All instants are in milliseconds since the epoch. */
export interface ScheduleSummary {
  /** The schedule's name. */
  readonly name: string;
  /** Whether it was paused. */
  readonly paused: boolean;
  /** The next slot; it may have passed, if no consumer has looked at it yet. Absent when the schedule is over. */
  readonly nextAt?: number;
  /** The last slot whose task was enqueued, if any was. */
  readonly lastAt?: number;
  /** How many tasks it may still have, where that was said. */
  readonly repeatsLeft?: number;
  /** The task's name; absent, as everything after it, where the schedule cannot be read here. */
  readonly task?: string;
  /** When its slots are. */
  readonly recurrence?: Recurrence;
  /** What becomes of slots that were missed. */
  readonly catchUp?: CatchUp;
  /** What becomes of a slot while the task of one before it has not ended. */
  readonly overlap?: Overlap;
  /** Before its first slot, where that was said. */
  readonly startAt?: number;
  /** After its last slot, where that was said. */
  readonly endAt?: number;
}

/** A page of the schedules. */
export async function schedules(
  { broker, instrument, name }: QueueParts,
  options: SchedulesOptions = {},
): Promise<SchedulePage> {
  checkKnown("of schedules()", options, ["limit", "cursor"]);
  const { limit = 100, cursor } = options;
  checkInteger("limit", limit, 1, 500);
  if (cursor !== undefined && typeof cursor !== "string") {
    throw new TypeError("cursor must be that of the page before, or absent");
  }
  const reply = await broker.schedules(name, { limit, cursor });
  instrument.spent("schedules", reply);
  return {
    schedules: reply.schedules.map(summarize),
    ...(reply.cursor === undefined ? {} : { cursor: reply.cursor }),
  };
}

/** Takes a schedule out; what it has enqueued stays. */
export async function unschedule(
  parts: QueueParts,
  name: string,
): Promise<"removed" | "missing"> {
  checkScheduleName(name);
  const { broker, instrument } = parts;
  const operation = newOperation(parts);
  const id = scheduleId(name);
  const reply = await broker.unschedule(parts.name, { operation, id });
  instrument.spent("unschedule", reply);
  return reply.status;
}

/** Stops one schedule, or lets it go on, and says whether there is one. What it has missed is rung for. */
export async function suspend(
  parts: QueueParts,
  name: string,
  suspended: boolean,
): Promise<boolean> {
  checkScheduleName(name);
  const { broker, instrument } = parts;
  const reply = await broker.suspend(parts.name, {
    operation: newOperation(parts),
    id: scheduleId(name),
    suspended,
  });
  instrument.spent("suspend", reply);
  const isDone = reply.status === "done";
  if (isDone && !suspended) await rouse(parts);
  return isDone;
}

function summarize(
  { id, envelope, dueAt, suspended }: ListedSchedule,
): ScheduleSummary {
  const name = scheduleName(id) ?? id;
  const opened = readSchedule(readEnvelope(envelope));
  if (opened.kind !== "open") return { name, paused: suspended };
  const { schedule: { timetable, plan, left, lastAt } } = opened;
  const { recurrence, catchUp, overlap, startAt, endAt } = timetable;
  const nextAt = nextOf(opened.schedule, dueAt);
  return {
    name,
    paused: suspended,
    ...(nextAt === undefined ? {} : { nextAt }),
    ...(lastAt === undefined ? {} : { lastAt }),
    ...(left === undefined ? {} : { repeatsLeft: left }),
    task: String(plan.n),
    recurrence,
    catchUp,
    overlap,
    ...(startAt === undefined ? {} : { startAt }),
    ...(endAt === undefined ? {} : { endAt }),
  };
}

/** Of one that no consumer has looked at, the slot that the first who does will find. */
function nextOf(
  { timetable, hasBegun }: StoredSchedule,
  dueAt: number | undefined,
): number | undefined {
  if (dueAt === undefined || dueAt >= NEVER_AT) return undefined;
  return hasBegun ? dueAt : firstSlot(timetable, dueAt);
}
