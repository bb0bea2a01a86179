import { BrokerError, QueueFullError } from "../core/error.ts";
import type { EnqueueReply, EnqueueRequest } from "./broker.ts";
import { ALL_SHARDS, shardsOf } from "./keys.ts";
import { ENQUEUE } from "./lua/enqueue.ts";
import { commandsOf, readAnswers } from "./reply.ts";
import { enqueueList } from "./request.ts";
import type { Ran, ScriptRunner } from "./runner.ts";
import { scriptCall } from "./script.ts";

/** Adds tasks, in one request. */
export async function enqueue(
  runner: ScriptRunner,
  queue: string,
  request: EnqueueRequest,
): Promise<EnqueueReply> {
  const { tasks, maxBacklog, maxReady } = request;
  const { seal, callback } = request.group ?? {};
  const stored = callback === undefined ? tasks : [...tasks, callback];
  const shards = seal === undefined
    ? shardsOf(stored.map((task) => task.id))
    : ALL_SHARDS; // a callback that it releases may be in any
  const call = scriptCall(
    ENQUEUE,
    queue,
    {
      backlog: maxBacklog ?? maxReady ?? 0,
      ready_only: maxBacklog === undefined ? 1 : 0,
      rings: request.rings ? 1 : 0,
    },
    enqueueList(tasks, request.group),
    shards,
  );
  let answered: Ran;
  try {
    answered = await runner.run(call);
  } catch (error) {
    if (!(error instanceof BrokerError) || error.failure !== "full") {
      throw error;
    }
    throw new QueueFullError(queue, "the database is full", { cause: error });
  }
  const { reply, requests } = answered;
  if (reply.head[0] === "full") {
    throw new QueueFullError(
      queue,
      `${reply.head[2]} tasks wait and maxBacklog is ${maxBacklog ?? maxReady}`,
    );
  }
  const answers = readAnswers(reply, tasks.map((task) => task.id));
  const mark = reply.head[2] || undefined;
  return {
    answers,
    ...mark && { mark },
    commands: commandsOf(reply),
    requests,
  };
}
