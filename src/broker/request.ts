import type {
  Due,
  GroupChunk,
  NewTask,
  Settlement,
  SettlementEnd,
  StepRequest,
} from "./broker.ts";
import { toMember, writeField } from "./keys.ts";

type Values = readonly (string | number)[];

/** A new task as the scripts read it. */
function taskList(task: NewTask): Values {
  const { id, name, envelope, due, priority, dedupe, concurrency } = task;
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
    concurrency === undefined
      ? ""
      : `${encodeURIComponent(concurrency.key)},${concurrency.limit}`,
  ];
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
  const { id, ttlMs, seal = -1, sealMs, callback } = chunk;
  return [
    tasks.length,
    ...tasks.flatMap((task) => taskList({ ...task, related: true })),
    encodeURIComponent(id),
    ttlMs,
    seal,
    sealMs,
    ...callback === undefined ? [0] : [
      1,
      ...taskList({
        ...callback,
        dedupe: undefined,
        concurrency: undefined,
      }),
    ],
  ];
}

/** The lists of a step: settlements, extensions, deferred tasks, each with its count before it. */
export function settlementList(request: StepRequest): Values {
  const { settle, extend } = request;
  const births = settle.flatMap(({ enqueue }, i) =>
    enqueue.map((task) => [i + 1, ...taskList(task)])
  );
  return [
    settle.length,
    ...settle.flatMap(settlementValues),
    extend.length,
    ...extend.flatMap(({ id, token, leaseMs, progress }) => [
      toMember(id),
      token,
      leaseMs ?? 0,
      progress === undefined ? "" : writeField(progress),
    ]),
    births.length,
    ...births.flat(),
  ];
}

function settlementValues(settlement: Settlement): Values {
  const { id, token, end, span, dedupe, group } = settlement;
  const { kind } = end;
  return [
    toMember(id),
    token,
    kind,
    delayMs(end),
    kind === "complete" || kind === "cancel" || kind === "expire"
      ? end.keepMs
      : 0,
    shownMs(end),
    payload(end),
    span,
    dedupe === undefined ? "" : encodeURIComponent(dedupe),
    group === undefined ? "" : encodeURIComponent(group),
  ];
}

/** For how long a task that goes on is put back; till when, if it is snoozed. */
function delayMs(end: SettlementEnd): number {
  switch (end.kind) {
    case "retry":
    case "release":
      return end.delayMs;
    case "snooze":
      return end.at;
    default:
      return 0;
  }
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

/** How long the payload can be read. */
function shownMs(end: SettlementEnd): number {
  switch (end.kind) {
    case "complete":
      return end.payload === undefined ? 0 : end.resultMs;
    case "cancel":
    case "expire":
      return end.keepMs;
    default:
      return 0;
  }
}

function payload(end: SettlementEnd): string {
  switch (end.kind) {
    case "complete":
      return end.payload ?? "";
    case "retry":
      return writeField(end.error);
    case "release":
      return "";
    case "snooze":
      return end.envelope ?? "";
    default:
      return end.error;
  }
}
