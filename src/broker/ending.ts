import type {
  CancelReply,
  CancelRequest,
  ChangedReply,
  PurgeRequest,
  RedriveRequest,
} from "./broker.ts";
import { shardsOf, toMember } from "./keys.ts";
import { CANCEL } from "./lua/cancel.ts";
import { PURGE } from "./lua/purge.ts";
import { REDRIVE } from "./lua/redrive.ts";
import { commandsOf } from "./reply.ts";
import type { ScriptRunner } from "./runner.ts";
import { type ScriptCall, scriptCall } from "./script.ts";

const NOTHING: ChangedReply = { changed: 0, commands: 0, requests: 0 };

export async function cancel(
  runner: ScriptRunner,
  queue: string,
  { operation, id, error, keepMs }: CancelRequest,
): Promise<CancelReply> {
  const { reply, requests } = await runner.run(scriptCall(
    CANCEL,
    queue,
    { operation, id: toMember(id), reason: error, keep: keepMs },
    [],
    shardsOf([id]),
  ));
  const [word, , name] = reply.head;
  return {
    status: word as CancelReply["status"],
    ...(name ? { name: decodeURIComponent(name) } : {}),
    commands: commandsOf(reply),
    requests,
  };
}

export async function purge(
  runner: ScriptRunner,
  queue: string,
  { operation, tasks, error, keepMs, stop = false }: PurgeRequest,
): Promise<ChangedReply> {
  if (tasks.length === 0) return NOTHING;
  const list = tasks.flatMap((task) => [
    toMember(task.id),
    task.enqueuedAt ?? -1,
  ]);
  return await change(
    runner,
    scriptCall(
      PURGE,
      queue,
      { operation, reason: error, keep: keepMs, polite: stop ? 1 : 0 },
      [tasks.length, ...list],
    ),
  );
}

export async function redrive(
  runner: ScriptRunner,
  queue: string,
  { operation, tasks }: RedriveRequest,
): Promise<ChangedReply> {
  if (tasks.length === 0) return NOTHING;
  const list = tasks.flatMap((task) => [toMember(task.id), task.diedAt]);
  return await change(
    runner,
    scriptCall(REDRIVE, queue, { operation }, [tasks.length, ...list]),
  );
}

async function change(
  runner: ScriptRunner,
  call: ScriptCall,
): Promise<ChangedReply> {
  const { reply, requests } = await runner.run(call);
  const changed = Number(reply.head[2]);
  return { changed, commands: commandsOf(reply), requests };
}
