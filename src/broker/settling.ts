import type { Settlement, SettlementEnd, StepRequest } from "./broker.ts";
import { toMember, writeField } from "./keys.ts";
import { taskList, type Values } from "./request.ts";

/** The lists of a step: settlements, extensions, deferred tasks, each with its count before it. */
export function settlementList(request: StepRequest): Values {
  const { settle, extend } = request;
  const births: Values[] = [];
  for (const [i, { enqueue }] of settle.entries()) {
    for (const task of enqueue) births.push([i + 1, ...taskList(task)]);
  }
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
    settlement.unlessCancelled ? 1 : settlement.thoughCancelled ? 2 : 0,
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
