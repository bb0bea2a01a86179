import type {
  Due,
  NewTask,
  Settlement,
  SettlementEnd,
  StepRequest,
} from "./broker.ts";
import { toMember, writeField } from "./keys.ts";

type Values = readonly (string | number)[];

/** A new task as the scripts read it. */
export function taskList(task: NewTask): Values {
  const { id, name, envelope, due, priority, dedupe } = task;
  return [
    toMember(id),
    encodeURIComponent(name),
    envelope,
    due.kind,
    dueMs(due),
    priority,
    dedupe === undefined ? "" : encodeURIComponent(dedupe.key),
    dedupe?.ttlMs ?? 0,
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
    ...extend.flatMap(({ id, token, leaseMs }) => [
      toMember(id),
      token,
      leaseMs ?? 0,
    ]),
    births.length,
    ...births.flat(),
  ];
}

function settlementValues(settlement: Settlement): Values {
  const { id, token, end, span, dedupe } = settlement;
  const { kind } = end;
  return [
    toMember(id),
    token,
    kind,
    kind === "retry" || kind === "release" ? end.delayMs : 0,
    kind === "complete" || kind === "cancel" || kind === "expire"
      ? end.keepMs
      : 0,
    shownMs(end),
    payload(end),
    span,
    dedupe === undefined ? "" : encodeURIComponent(dedupe),
  ];
}

function dueMs(due: Due): number {
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
    default:
      return end.error;
  }
}
