import type { Due, GroupChunk, NewTask } from "./broker.ts";
import { toMember } from "./keys.ts";

/** As many as are never leased at a time. */
const NO_LIMIT = 1e9;

/** What follows the named arguments of a script. */
export type Values = readonly (string | number)[];

/** A new task as the scripts read it. */
export function taskList(task: NewTask): Values {
  const { id, name, envelope, due, priority, dedupe, group } = task;
  return [
    toMember(id),
    encodeURIComponent(name),
    envelope,
    due.kind,
    dueMs(due),
    priority,
    dedupe === undefined ? "" : encodeURIComponent(dedupe.key),
    dedupe?.ttlMs ?? 0,
    isRelated(task) ? "r" : "",
    laneOf(task),
    group === undefined ? "" : encodeURIComponent(group),
  ];
}

/** `key,limit[,rate's limit,its ms]`; a lane without a limit has one that is never reached. */
function laneOf({ concurrency, rate }: NewTask): string {
  const key = concurrency?.key ?? rate?.key;
  if (key === undefined) return "";
  const head = `${encodeURIComponent(key)},${concurrency?.limit ?? NO_LIMIT}`;
  return rate === undefined ? head : `${head},${rate.limit},${rate.perMs}`;
}

function isRelated({ related = false, group }: NewTask): boolean {
  return related || group !== undefined;
}

/** Tasks with their count before them, and the group whose members they are. */
export function enqueueList(
  tasks: readonly NewTask[],
  chunk: GroupChunk | undefined,
): Values {
  if (chunk === undefined) {
    return [tasks.length, ...tasks.flatMap(taskList), ""];
  }
  const { id, ttlMs, seal = -1, sealMs, idleMs = ttlMs, callback } = chunk;
  return [
    tasks.length,
    ...tasks.flatMap((task) => taskList({ ...task, group: id })),
    encodeURIComponent(id),
    ttlMs,
    seal,
    sealMs,
    idleMs,
    ...callback === undefined ? [0] : [
      1,
      ...taskList({
        ...callback,
        dedupe: undefined,
        concurrency: undefined,
        rate: undefined,
      }),
    ],
  ];
}

/** The number of a due time: an instant, or a delay. */
export function dueMs(due: Due): number {
  switch (due.kind) {
    case "now":
      return 0;
    case "after":
      return due.delayMs;
    case "at":
      return due.at;
  }
}
