import { BrokerError, QueueFullError } from "../core/error.ts";
import { shardOf } from "../core/id.ts";
import type {
  Broker,
  CancelReply,
  CancelRequest,
  ChangedReply,
  Counted,
  EnqueueReply,
  EnqueueRequest,
  InspectReply,
  InspectRequest,
  ListReply,
  ListRequest,
  PauseRequest,
  PurgeRequest,
  RedriveRequest,
  ResultReply,
  StatsReply,
  StepReply,
  StepRequest,
} from "./broker.ts";
import { ALL_SHARDS, toMember } from "./keys.ts";
import { CANCEL } from "./lua/cancel.ts";
import { ENQUEUE } from "./lua/enqueue.ts";
import { INSPECT } from "./lua/inspect.ts";
import { LIST } from "./lua/list.ts";
import { PAUSE } from "./lua/pause.ts";
import { PURGE } from "./lua/purge.ts";
import { REDRIVE } from "./lua/redrive.ts";
import { RESULT } from "./lua/result.ts";
import { STATS } from "./lua/stats.ts";
import { STEP } from "./lua/step.ts";
import {
  commandsOf,
  readAnswers,
  readListed,
  readProblems,
  readStanding,
  readStep,
} from "./reply.ts";
import { type Ran, ScriptRunner } from "./runner.ts";
import type { UpstashBrokerOptions, UpstashClient } from "./runner.ts";
import { type ScriptCall, scriptCall } from "./script.ts";
import { settlementList, taskList } from "./request.ts";

/**
 * Tasks in an Upstash Redis database, over `fetch`: each verb is one Lua script and one request.
 * Constructing it does no I/O. A call that fails is repeated within its deadline, which is safe for every verb.
 */
export class UpstashBroker implements Broker {
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
    const shards = shardsOf(tasks.map((task) => task.id));
    const list = [tasks.length, ...tasks.flatMap(taskList)];
    const call = scriptCall(
      ENQUEUE,
      queue,
      {
        backlog: maxBacklog ?? maxReady ?? 0,
        ready_only: maxBacklog === undefined ? 1 : 0,
      },
      list,
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
    const { reply, requests } = await this.#runner.run(
      scriptCall(RESULT, queue, { id: toMember(id) }, [], shardsOf([id])),
    );
    return { ...readStanding(reply), commands: commandsOf(reply), requests };
  }

  /** As {@linkcode Broker.list}. */
  async list(queue: string, request: ListRequest): Promise<ListReply> {
    const { state, limit } = request;
    const first = state === "ready"
      ? "(-inf"
      : state === "scheduled"
      ? "0"
      : "-inf";
    const [from = first, ...after] = request.cursor?.split("|") ?? [];
    const { reply, requests } = await this.#runner.run(
      scriptCall(LIST, queue, {
        index: state,
        from,
        after: after.join("|"),
        limit,
      }),
    );
    const score = reply.head[2];
    const last = reply.rest.at(-4);
    return {
      tasks: readListed(reply, state),
      cursor: score === "" ? undefined : `${score}|${last}`,
      commands: commandsOf(reply),
      requests,
    };
  }

  /** As {@linkcode Broker.stats}. */
  async stats(queue: string): Promise<StatsReply> {
    const { reply, requests } = await this.#runner.run(
      scriptCall(STATS, queue, {}),
    );
    const [, , now, ready, scheduled, leased, dead, paused, order] = reply.head;
    return {
      now: Number(now),
      ready: Number(ready),
      scheduled: Number(scheduled),
      leased: Number(leased),
      dead: Number(dead),
      paused: paused === "1",
      oldestAt: order === "" ? undefined : Math.floor(Number(order) / 1000),
      evicted: reply.rest.map((key) => String(key).slice(1)),
      commands: commandsOf(reply),
      requests,
    };
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
    const { operation, tasks, error, keepMs } = request;
    if (tasks.length === 0) return Promise.resolve(NOTHING);
    const list = tasks.flatMap((task) => [toMember(task.id), task.enqueuedAt]);
    return this.#change(scriptCall(
      PURGE,
      queue,
      { operation, reason: error, keep: keepMs },
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

  /** As {@linkcode Broker.inspect}. */
  async inspect(queue: string, request: InspectRequest): Promise<InspectReply> {
    const [part = PARTS[0]!, from = "0"] = request.cursor?.split("|") ?? [];
    const { reply, requests } = await this.#runner.run(
      scriptCall(INSPECT, queue, {
        part,
        from,
        repair: request.repair ? 1 : 0,
      }),
    );
    const [, , next, checked] = reply.head;
    const following = PARTS[PARTS.indexOf(part) + 1];
    return {
      checked: Number(checked),
      problems: readProblems(reply),
      cursor: next !== "0"
        ? `${part}|${next}`
        : following === undefined
        ? undefined
        : `${following}|0`,
      commands: commandsOf(reply),
      requests,
    };
  }

  async #change(call: ScriptCall): Promise<ChangedReply> {
    const { reply, requests } = await this.#runner.run(call);
    const changed = Number(reply.head[2]);
    return { changed, commands: commandsOf(reply), requests };
  }
}

const NOTHING: ChangedReply = { changed: 0, commands: 0, requests: 0 };

const PARTS: readonly string[] = [
  ...ALL_SHARDS,
  "ready",
  "due",
  "lease",
  "dead",
  "ends",
  "state",
  "markers",
];

/** The shards of `ids`: only their hashes are declared, so that a cold database loads no others. */
function shardsOf(ids: readonly string[]): string {
  return [...new Set(ids.map(shardOf))].join("");
}
