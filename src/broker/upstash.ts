import { imported } from "../core/imported.ts";
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
  PauseReply,
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
import type { Peeker, PeekReply } from "./peek.ts";
import { ScriptRunner } from "./runner.ts";
import type { UpstashBrokerOptions, UpstashClient } from "./runner.ts";
import type { QueueStep } from "./together.ts";

const verbs = () => imported(() => import("./verbs.ts"));
const ending = () => imported(() => import("./ending.ts"));
const look = () => imported(() => import("./look.ts"));
const enqueuing = () => imported(() => import("./enqueue.ts"));
const stepping = () => imported(() => import("./step.ts"));

/**
 * Tasks in an Upstash Redis database, over `fetch`: each verb is one Lua script and one request.
 * Constructing it does no I/O. A call that fails is repeated within its deadline, which is safe for every verb.
 */
export class UpstashBroker implements WorkflowBroker {
  /** What spans call it. */
  readonly type = "baton.UpstashBroker";
  readonly #runner: ScriptRunner;
  #peeker: Peeker | undefined;
  // what is called often is kept: a module is a value, the promise of it is not
  #enqueuing: typeof import("./enqueue.ts") | undefined;
  #stepping: typeof import("./step.ts") | undefined;

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
    const { enqueue } = this.#enqueuing ??= await enqueuing();
    return await enqueue(this.#runner, queue, request);
  }

  /** As {@linkcode Broker.step}. In a full database it is repeated leanly: deletions first, results not kept. */
  async step(queue: string, request: StepRequest): Promise<StepReply> {
    const { step } = this.#stepping ??= await stepping();
    return await step(this.#runner, { queue, request });
  }

  /** As {@linkcode SharedSteps.steps}: one pipeline, where the client has any. */
  steps(all: readonly QueueStep[]): readonly Promise<StepReply>[] {
    const sent = (async () => {
      const { steps } = this.#stepping ??= await stepping();
      return { answers: steps(this.#runner, all) };
    })();
    return all.map(async (_, i) => await (await sent).answers[i]!);
  }

  /** As {@linkcode Peeks.peek}: two plain commands, three where the server's time is not known. */
  async peek(queue: string): Promise<PeekReply> {
    const { Peeker } = await imported(() => import("./peek.ts"));
    this.#peeker ??= new Peeker(this.#runner);
    return await this.#peeker.peek(queue);
  }

  /** As {@linkcode Broker.cancel}. */
  async cancel(queue: string, request: CancelRequest): Promise<CancelReply> {
    const { cancel } = await ending();
    return await cancel(this.#runner, queue, request);
  }

  /** As {@linkcode Broker.result}. */
  async result(queue: string, id: string): Promise<ResultReply> {
    const { result } = await verbs();
    return await result(this.#runner, queue, id);
  }

  /** As {@linkcode WorkflowVerbs.results}. */
  async results(queue: string, request: ResultsRequest): Promise<ResultsReply> {
    const { results } = await verbs();
    return await results(this.#runner, queue, request);
  }

  /** As {@linkcode WorkflowVerbs.group}. */
  async group(queue: string, id: string): Promise<GroupReply> {
    const { group } = await verbs();
    return await group(this.#runner, queue, id);
  }

  /** As {@linkcode WorkflowVerbs.forget}. */
  async forget(queue: string, request: ForgetRequest): Promise<Counted> {
    const { forget } = await verbs();
    return await forget(this.#runner, queue, request);
  }

  /** As {@linkcode WorkflowVerbs.schedule}. */
  async schedule(
    queue: string,
    request: ScheduleRequest,
  ): Promise<ScheduleReply> {
    const { schedule } = await verbs();
    return await schedule(this.#runner, queue, request);
  }

  /** As {@linkcode WorkflowVerbs.unschedule}. */
  async unschedule(
    queue: string,
    request: UnscheduleRequest,
  ): Promise<UnscheduleReply> {
    const { unschedule } = await verbs();
    return await unschedule(this.#runner, queue, request);
  }

  /** As {@linkcode WorkflowVerbs.suspend}. */
  async suspend(queue: string, request: SuspendRequest): Promise<SuspendReply> {
    const { suspend } = await verbs();
    return await suspend(this.#runner, queue, request);
  }

  /** As {@linkcode WorkflowVerbs.schedules}. */
  async schedules(
    queue: string,
    request: SchedulesRequest,
  ): Promise<SchedulesReply> {
    const { schedules } = await verbs();
    return await schedules(this.#runner, queue, request);
  }

  /** As {@linkcode Broker.pause}. */
  async pause(queue: string, request: PauseRequest): Promise<PauseReply> {
    const { pause } = await verbs();
    return await pause(this.#runner, queue, request);
  }

  /** As {@linkcode Broker.purge}. */
  async purge(queue: string, request: PurgeRequest): Promise<ChangedReply> {
    const { purge } = await ending();
    return await purge(this.#runner, queue, request);
  }

  /** As {@linkcode Broker.redrive}. */
  async redrive(queue: string, request: RedriveRequest): Promise<ChangedReply> {
    const { redrive } = await ending();
    return await redrive(this.#runner, queue, request);
  }

  /** As {@linkcode Broker.list}. */
  async list(queue: string, request: ListRequest): Promise<ListReply> {
    const { list } = await look();
    return await list(this.#runner, queue, request);
  }

  /** As {@linkcode Broker.stats}. */
  async stats(queue: string): Promise<StatsReply> {
    const { stats } = await look();
    return await stats(this.#runner, queue);
  }

  /** As {@linkcode Broker.inspect}. */
  async inspect(queue: string, request: InspectRequest): Promise<InspectReply> {
    const { inspect } = await look();
    return await inspect(this.#runner, queue, request);
  }
}
