import type {
  Counted,
  ForgetRequest,
  GroupReply,
  PauseReply,
  PauseRequest,
  ResultReply,
  ResultsReply,
  ResultsRequest,
  ScheduleReply,
  ScheduleRequest,
  SchedulesReply,
  SchedulesRequest,
  SuspendReply,
  SuspendRequest,
  UnscheduleReply,
  UnscheduleRequest,
} from "./broker.ts";
import { ALL_SHARDS, shardsOf, toMember } from "./keys.ts";
import { FORGET } from "./lua/forget.ts";
import { GROUP } from "./lua/group.ts";
import { PAUSE_NAME } from "./lua/park.ts";
import { PAUSE } from "./lua/pause.ts";
import { RESULT } from "./lua/result.ts";
import { SCHEDULE, SCHEDULES, SUSPEND, UNSCHEDULE } from "./lua/schedule.ts";
import { readGroup, readSchedules, readStandings } from "./replies.ts";
import { commandsOf } from "./reply.ts";
import { dueMs } from "./request.ts";
import type { ScriptRunner } from "./runner.ts";
import { scriptCall } from "./script.ts";

export async function result(
  runner: ScriptRunner,
  queue: string,
  id: string,
): Promise<ResultReply> {
  const { standings: [standing], commands, requests } = await results(
    runner,
    queue,
    { ids: [id], maxBytes: 0 },
  );
  return { ...standing ?? { status: "missing" }, commands, requests };
}

export async function results(
  runner: ScriptRunner,
  queue: string,
  { ids, maxBytes }: ResultsRequest,
): Promise<ResultsReply> {
  const { reply, requests } = await runner.run(
    scriptCall(
      RESULT,
      queue,
      { max_bytes: maxBytes },
      [ids.length, ...ids.map(toMember)],
      shardsOf(ids),
    ),
  );
  return {
    standings: readStandings(reply),
    commands: commandsOf(reply),
    requests,
  };
}

export async function group(
  runner: ScriptRunner,
  queue: string,
  id: string,
): Promise<GroupReply> {
  const { reply, requests } = await runner.run(
    scriptCall(GROUP, queue, { id: encodeURIComponent(id) }, [], ""),
  );
  return { ...readGroup(reply), commands: commandsOf(reply), requests };
}

export async function forget(
  runner: ScriptRunner,
  queue: string,
  { operation, ids, group }: ForgetRequest,
): Promise<Counted> {
  const { reply, requests } = await runner.run(
    scriptCall(
      FORGET,
      queue,
      {
        operation,
        group: group === undefined ? "" : encodeURIComponent(group),
      },
      [ids.length, ...ids.map(toMember)],
      shardsOf(ids),
    ),
  );
  return { commands: commandsOf(reply), requests };
}

export async function pause(
  runner: ScriptRunner,
  queue: string,
  { operation, paused, name }: PauseRequest,
): Promise<PauseReply> {
  const values = { operation, paused: paused ? 1 : 0 };
  const { reply, requests } = await runner.run(
    name === undefined ? scriptCall(PAUSE, queue, values, [], "") : scriptCall(
      PAUSE_NAME,
      queue,
      { ...values, task_name: encodeURIComponent(name) },
      [],
      "",
    ),
  );
  return { more: reply.head[2] === "1", commands: commandsOf(reply), requests };
}

export async function schedule(
  runner: ScriptRunner,
  queue: string,
  { operation, hash, task }: ScheduleRequest,
): Promise<ScheduleReply> {
  const { id, name, envelope, due } = task;
  const { reply, requests } = await runner.run(
    scriptCall(
      SCHEDULE,
      queue,
      {
        operation,
        id: toMember(id),
        hash,
        name: encodeURIComponent(name),
        envelope,
        kind: due.kind,
        ms: dueMs(due),
      },
      [],
      shardsOf([id]),
    ),
  );
  const status = reply.head[0] as ScheduleReply["status"];
  return { status, commands: commandsOf(reply), requests };
}

export async function unschedule(
  runner: ScriptRunner,
  queue: string,
  { operation, id }: UnscheduleRequest,
): Promise<UnscheduleReply> {
  const values = { operation, id: toMember(id) };
  const { reply, requests } = await runner.run(
    scriptCall(UNSCHEDULE, queue, values, [], shardsOf([id])),
  );
  const status = reply.head[0] as UnscheduleReply["status"];
  return { status, commands: commandsOf(reply), requests };
}

export async function suspend(
  runner: ScriptRunner,
  queue: string,
  { operation, id, suspended }: SuspendRequest,
): Promise<SuspendReply> {
  const values = {
    operation,
    id: toMember(id),
    suspended: suspended ? 1 : 0,
  };
  const { reply, requests } = await runner.run(
    scriptCall(SUSPEND, queue, values, [], shardsOf([id])),
  );
  const status = reply.head[0] as SuspendReply["status"];
  return { status, commands: commandsOf(reply), requests };
}

export async function schedules(
  runner: ScriptRunner,
  queue: string,
  { limit, cursor }: SchedulesRequest,
): Promise<SchedulesReply> {
  const { reply, requests } = await runner.run(
    scriptCall(
      SCHEDULES,
      queue,
      { after: cursor ?? "", limit: limit + 1 },
      [],
      ALL_SHARDS,
    ),
  );
  const found = readSchedules(reply);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    schedules: page,
    cursor: found.length > limit && last !== undefined
      ? toMember(last.id)
      : undefined,
    commands: commandsOf(reply),
    requests,
  };
}
