import { BrokerError, QueueFullError } from "../core/error.ts";
import type {
  CancelReply,
  CancelRequest,
  ChangedReply,
  Counted,
  EnqueueReply,
  EnqueueRequest,
  ForgetRequest,
  GroupReply,
  InspectReply,
  InspectRequest,
  ListReply,
  ListRequest,
  PauseRequest,
  PurgeRequest,
  RedriveRequest,
  ResultReply,
  ResultsReply,
  ResultsRequest,
  ScheduleReply,
  ScheduleRequest,
  SchedulesReply,
  SchedulesRequest,
  StatsReply,
  StepReply,
  StepRequest,
  SuspendReply,
  SuspendRequest,
  UnscheduleReply,
  UnscheduleRequest,
  WorkflowBroker,
} from "./broker.ts";
import { ALL_SHARDS, shardsOf, toMember } from "./keys.ts";
import { CANCEL } from "./lua/cancel.ts";
import { ENQUEUE } from "./lua/enqueue.ts";
import { PAUSE } from "./lua/pause.ts";
import { PURGE } from "./lua/purge.ts";
import { REDRIVE } from "./lua/redrive.ts";
import { STEP } from "./lua/step.ts";
import { commandsOf, readAnswers, readStep } from "./reply.ts";
import { type Ran, ScriptRunner } from "./runner.ts";
import type { UpstashBrokerOptions, UpstashClient } from "./runner.ts";
import { type ScriptCall, scriptCall } from "./script.ts";
import { inspect, list, stats } from "./look.ts";
import { enqueueList, settlementList } from "./request.ts";
import {
  forget,
  group,
  results,
  schedule,
  schedules,
  suspend,
  unschedule,
} from "./verbs.ts";

/**
 * Tasks in an Upstash Redis database, over `fetch`: each verb is one Lua script and one request.
 * Constructing it does no I/O. A call that fails is repeated within its deadline, which is safe for every verb.
 */
export class UpstashBroker implements WorkflowBroker {
  /** What spans call it. */
  readonly type = "baton.UpstashBroker";
  readonly #runner: ScriptRunner;

  /**
   * A broker over this client.
   *
   * @param client An `@upstash/redis` client, or anything with its `eval` and `evalsha`.
   * @throws {TypeError} If the client is none, or an option is not of its type.
   * @throws {RangeError} If an option is out of its range.
   */
  constructor(client: UpstashClient, options: UpstashBrokerOptions = {}) {
    this.#runner = new ScriptRunner(client, options);
  }

  /** As {@linkcode Broker.enqueue}. */
  async enqueue(queue: string, request: EnqueueRequest): Promise<EnqueueReply> {
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
      },
      enqueueList(tasks, request.group),
      shards,
    );
    let answered: Ran;
    try {
      answered = await this.#runner.run(call);
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
        `${reply.head[2]} tasks wait and maxBacklog is ${
          maxBacklog ?? maxReady
        }`,
      );
    }
    const answers = readAnswers(reply, tasks.map((task) => task.id));
    return { answers, commands: commandsOf(reply), requests };
  }

  /** As {@linkcode Broker.step}. In a full database it is repeated leanly: deletions first, results not kept. */
  async step(queue: string, request: StepRequest): Promise<StepReply> {
    const call = (lean: number) =>
      this.#runner.run(scriptCall(
        STEP,
        queue,
        {
          consumer: request.consumer,
          seq: request.seq,
          lease_ms: request.leaseMs,
          limit: request.limit,
          max_bytes: request.maxBytes,
          alone: request.alone ? 1 : 0,
          lean,
        },
        settlementList(request),
      ));
    let answered: Ran;
    try {
      answered = await call(0);
    } catch (error) {
      if (!(error instanceof BrokerError) || error.failure !== "full") {
        throw error;
      }
      const lean = await call(1);
      answered = { ...lean, requests: lean.requests + error.attempts };
    }
    const token = `${request.consumer}:${request.seq}`;
    return readStep(answered.reply, token, answered.requests);
  }

  /** As {@linkcode Broker.cancel}. */
  async cancel(queue: string, request: CancelRequest): Promise<CancelReply> {
    const { operation, id, error, keepMs } = request;
    const { reply, requests } = await this.#runner.run(scriptCall(
      CANCEL,
      queue,
      { operation, id: toMember(id), reason: error, keep: keepMs },
      [],
      shardsOf([id]),
    ));
    const status = reply.head[0] as CancelReply["status"];
    return { status, commands: commandsOf(reply), requests };
  }

  /** As {@linkcode Broker.result}. */
  async result(queue: string, id: string): Promise<ResultReply> {
    const { standings: [standing], commands, requests } = await results(
      this.#runner,
      queue,
      { ids: [id], maxBytes: 0 },
    );
    return { ...standing ?? { status: "missing" }, commands, requests };
  }

  /** As {@linkcode WorkflowVerbs.results}. */
  results(queue: string, request: ResultsRequest): Promise<ResultsReply> {
    return results(this.#runner, queue, request);
  }

  /** As {@linkcode WorkflowVerbs.group}. */
  group(queue: string, id: string): Promise<GroupReply> {
    return group(this.#runner, queue, id);
  }

  /** As {@linkcode WorkflowVerbs.forget}. */
  forget(queue: string, request: ForgetRequest): Promise<Counted> {
    return forget(this.#runner, queue, request);
  }

  /** As {@linkcode WorkflowVerbs.schedule}. */
  schedule(queue: string, request: ScheduleRequest): Promise<ScheduleReply> {
    return schedule(this.#runner, queue, request);
  }

  /** As {@linkcode WorkflowVerbs.unschedule}. */
  unschedule(
    queue: string,
    request: UnscheduleRequest,
  ): Promise<UnscheduleReply> {
    return unschedule(this.#runner, queue, request);
  }

  /** As {@linkcode WorkflowVerbs.suspend}. */
  suspend(queue: string, request: SuspendRequest): Promise<SuspendReply> {
    return suspend(this.#runner, queue, request);
  }

  /** As {@linkcode WorkflowVerbs.schedules}. */
  schedules(queue: string, request: SchedulesRequest): Promise<SchedulesReply> {
    return schedules(this.#runner, queue, request);
  }

  /** As {@linkcode Broker.pause}. */
  async pause(queue: string, request: PauseRequest): Promise<Counted> {
    const { operation, paused } = request;
    const { reply, requests } = await this.#runner.run(
      scriptCall(PAUSE, queue, { operation, paused: paused ? 1 : 0 }, [], ""),
    );
    return { commands: commandsOf(reply), requests };
  }

  /** As {@linkcode Broker.purge}. */
  purge(queue: string, request: PurgeRequest): Promise<ChangedReply> {
    const { operation, tasks, error, keepMs, stop = false } = request;
    if (tasks.length === 0) return Promise.resolve(NOTHING);
    const list = tasks.flatMap((task) => [
      toMember(task.id),
      task.enqueuedAt ?? -1,
    ]);
    return this.#change(scriptCall(
      PURGE,
      queue,
      { operation, reason: error, keep: keepMs, polite: stop ? 1 : 0 },
      [tasks.length, ...list],
    ));
  }

  /** As {@linkcode Broker.redrive}. */
  redrive(queue: string, request: RedriveRequest): Promise<ChangedReply> {
    const { operation, tasks } = request;
    if (tasks.length === 0) return Promise.resolve(NOTHING);
    const list = tasks.flatMap((task) => [toMember(task.id), task.diedAt]);
    return this.#change(
      scriptCall(REDRIVE, queue, { operation }, [tasks.length, ...list]),
    );
  }

  /** As {@linkcode Broker.list}. */
  list(queue: string, request: ListRequest): Promise<ListReply> {
    return list(this.#runner, queue, request);
  }

  /** As {@linkcode Broker.stats}. */
  stats(queue: string): Promise<StatsReply> {
    return stats(this.#runner, queue);
  }

  /** As {@linkcode Broker.inspect}. */
  inspect(queue: string, request: InspectRequest): Promise<InspectReply> {
    return inspect(this.#runner, queue, request);
  }

  async #change(call: ScriptCall): Promise<ChangedReply> {
    const { reply, requests } = await this.#runner.run(call);
    const changed = Number(reply.head[2]);
    return { changed, commands: commandsOf(reply), requests };
  }
}

const NOTHING: ChangedReply = { changed: 0, commands: 0, requests: 0 };
