import type { Context } from "@opentelemetry/api";
import { imported } from "../core/imported.ts";
import { type Starting, startLater } from "./consume/starting.ts";
import type { QueueParts } from "./parts.ts";
import { workLimits, type WorkOptions } from "./work_options.ts";
import type { Worker } from "./worker.ts";

/*
 * The verbs of a queue whose code is loaded when they are called, so that who
 * only enqueues has none of it. What they read of the caller's surroundings,
 * as the current context, they read before they load.
 */

type Administration = typeof import("./admin/administration.ts");
type Bulk = typeof import("./admin/bulk.ts");
type Draining = typeof import("./drain.ts");
type Inline = typeof import("./inline.ts");
type Listing = typeof import("./admin/listing.ts");
type Results = typeof import("./admin/results.ts");
type Schedule = typeof import("./schedule/schedule.ts");
type Schedules = typeof import("./schedule/schedules.ts");

const administrationFile = () =>
  imported(() => import("./admin/administration.ts"));
const bulkFile = () => imported(() => import("./admin/bulk.ts"));
const schedulesFile = () => imported(() => import("./schedule/schedules.ts"));

export const inline: Inline["inline"] = async (parts, ...call) => {
  const { inline } = await imported(() => import("./inline.ts"));
  await parts.instrument.load();
  return await inline(parts, ...call);
};

export const schedule: Schedule["schedule"] = async (
  parts,
  name,
  call,
  when,
  options = {},
  active = parts.instrument.activeContext(),
) => {
  const { schedule } = await imported(() => import("./schedule/schedule.ts"));
  await parts.instrument.load();
  return await schedule(parts, name, call, when, options, active);
};

export const unschedule: Schedules["unschedule"] = async (...call) => {
  const { unschedule } = await schedulesFile();
  return await unschedule(...call);
};

export const schedules: Schedules["schedules"] = async (...call) => {
  const { schedules } = await schedulesFile();
  return await schedules(...call);
};

export const suspend: Schedules["suspend"] = async (...call) => {
  const { suspend } = await schedulesFile();
  return await suspend(...call);
};

export const drain: Draining["drain"] = async (
  parts,
  options = {},
  active = parts.instrument.activeContext(),
) => {
  const { drain } = await imported(() => import("./drain.ts"));
  await parts.instrument.load();
  return await drain(parts, options, active);
};

/** Starts a worker, whose code is loaded while it starts. What is wrong with its options is said at once. */
export function work(parts: QueueParts, options: WorkOptions = {}): Worker {
  const limits = workLimits(options);
  const context: Context = options.context ?? parts.instrument.activeContext();
  const start: Starting = async (signal) => {
    const { workOne } = await imported(() => import("./worker.ts"));
    await parts.instrument.load();
    return workOne(parts, { ...options, limits, context, signal });
  };
  return startLater(options, start);
}

export const result: Results["result"] = async (...call) => {
  const { result } = await imported(() => import("./admin/results.ts"));
  return await result(...call);
};

export const cancel: Administration["cancel"] = async (...call) => {
  const { cancel } = await administrationFile();
  return await cancel(...call);
};

export const pause: Administration["pause"] = async (...call) => {
  const { pause } = await administrationFile();
  return await pause(...call);
};

export const stats: Administration["stats"] = async (parts) => {
  const { stats } = await administrationFile();
  await parts.instrument.load();
  return await stats(parts);
};

export const inspect: Administration["inspect"] = async (parts, repair) => {
  const { inspect } = await administrationFile();
  await parts.instrument.load();
  return await inspect(parts, repair);
};

export const purge: Bulk["purge"] = async (...call) => {
  const { purge } = await bulkFile();
  return await purge(...call);
};

export const redrive: Bulk["redrive"] = async (...call) => {
  const { redrive } = await bulkFile();
  return await redrive(...call);
};

export const list: Listing["list"] = async (...call) => {
  const { list } = await imported(() => import("./admin/listing.ts"));
  return await list(...call);
};
