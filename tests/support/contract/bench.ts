import { assertEquals } from "@std/assert";
import { look, problems, type Snapshot, walk } from "./snapshot.ts";
import type {
  Delivery,
  EnqueueAnswer,
  Extension,
  GroupChunk,
  GroupStanding,
  ListedState,
  ListedTask,
  NewTask,
  Settlement,
  StepReply,
  StepRequest,
  TaskStanding,
  WorkflowBroker,
} from "../../../src/broker/broker.ts";

/** The instant at which every test begins. */
export const START: number = 1_763_800_000_000;
export const SECOND: number = 1_000;
export const MINUTE: number = 60_000;
export const HOUR: number = 3_600_000;
export const DAY: number = 86_400_000;
/** How long a test's claims hold where it does not say. */
export const LEASE: number = 30_000;

/** A broker under test, and its clock, which stands still but for `advance`. */
export interface ContractBroker extends AsyncDisposable {
  readonly broker: WorkflowBroker;
  /** Moves the broker's clock. */
  advance(ms: number): Promise<void>;
}

/** A task for tests; what a test does not say is as plain as can be. */
export function task(id: string, more: Partial<NewTask> = {}): NewTask {
  return {
    id,
    name: "work",
    envelope: `envelope of ${id}`,
    priority: 0,
    due: { kind: "now" },
    dedupe: undefined,
    ...more,
  };
}

/** A task due `delayMs` after it is accepted. */
export function delayed(
  id: string,
  delayMs: number,
  more: Partial<NewTask> = {},
): NewTask {
  return task(id, { due: { kind: "after", delayMs }, ...more });
}

/** The settlement of a delivery; a test says how it ends and whatever else matters. */
export function settle(
  { id, token }: Pick<Delivery, "id" | "token">,
  end: Settlement["end"],
  more: Partial<Settlement> = {},
): Settlement {
  return {
    id,
    token,
    end,
    span: "",
    dedupe: undefined,
    enqueue: [],
    ...more,
  };
}

/** Ends of attempts, with what tests seldom vary. */
export const ends = {
  complete: (
    payload?: string,
    { resultMs = HOUR, keepMs = HOUR }: {
      readonly resultMs?: number;
      readonly keepMs?: number;
    } = {},
  ): Settlement["end"] => ({ kind: "complete", payload, resultMs, keepMs }),
  retry: (delayMs = 0, error = "failed"): Settlement["end"] => ({
    kind: "retry",
    delayMs,
    error,
  }),
  snooze: (at: number, envelope?: string): Settlement["end"] => ({
    kind: "snooze",
    at,
    envelope,
  }),
  release: (delayMs = 0): Settlement["end"] => ({ kind: "release", delayMs }),
  dead: (error = "dead"): Settlement["end"] => ({ kind: "dead", error }),
  cancel: (error = "cancelled", keepMs = HOUR): Settlement["end"] => ({
    kind: "cancel",
    error,
    keepMs,
  }),
  expire: (error = "expired", keepMs = HOUR): Settlement["end"] => ({
    kind: "expire",
    error,
    keepMs,
  }),
} as const;

/** A consumer that numbers its steps. */
export interface Consumer {
  readonly name: string;
  /** The next request of this consumer, not sent yet. */
  request(more?: Partial<StepRequest>): StepRequest;
  /** Sends the next request. It claims nothing unless it says a limit. */
  step(more?: Partial<StepRequest>): Promise<StepReply>;
  /** Claims up to `limit` tasks, as a consumer that holds nothing else. */
  claim(
    limit?: number,
    more?: Partial<StepRequest>,
  ): Promise<readonly Delivery[]>;
  /** Settles, and claims nothing. */
  settle(...settlements: readonly Settlement[]): Promise<StepReply>;
  /** Extends, and claims nothing. */
  extend(
    deliveries: readonly Pick<Extension, "id" | "token">[],
    leaseMs?: number,
  ): Promise<StepReply>;
}

/** One queue of a broker under test, and the verbs as tests want them. */
export interface Bench {
  readonly broker: WorkflowBroker;
  readonly queue: string;
  advance(ms: number): Promise<void>;
  consumer(name?: string): Consumer;
  step(request: StepRequest): Promise<StepReply>;
  /** Enqueues in one request; a bare id is a plain task. */
  enqueue(
    ...tasks: readonly (string | NewTask)[]
  ): Promise<readonly EnqueueAnswer[]>;
  /** Enqueues the members of a group in one request. */
  enqueueGroup(
    chunk: GroupChunk,
    ...tasks: readonly (string | NewTask)[]
  ): Promise<readonly EnqueueAnswer[]>;
  result(id: string): Promise<TaskStanding>;
  group(id: string): Promise<GroupStanding>;
  /** All tasks in a state, over pages of 3. */
  list(state: ListedState): Promise<readonly ListedTask[]>;
  cancel(id: string, operation?: string): Promise<string>;
  pause(paused: boolean, operation?: string): Promise<void>;
  /** The queue as it can be seen, with the standing of every id that was ever enqueued. */
  snapshot(): Promise<Snapshot>;
  /** Fails unless the books agree with each other. */
  verify(): Promise<void>;
}

/** Declares one promise of the port. */
export type Declare = (
  name: string,
  body: (bench: Bench) => Promise<void>,
) => void;

/** A new operation id, as long as Baton's own. */
export function operation(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 16);
}

/** A bench with a queue of its own. */
export function newBench({ broker, advance }: ContractBroker): Bench {
  const queue = `contract-${crypto.randomUUID().slice(0, 18)}`;
  const ids = new Set<string>();
  const groups = new Set<string>();
  let consumers = 0;

  const step = async (request: StepRequest): Promise<StepReply> => {
    for (const settlement of request.settle) {
      for (const each of settlement.enqueue) ids.add(each.id);
    }
    return await broker.step(queue, request);
  };
  const result = async (id: string): Promise<TaskStanding> => {
    const { commands: _, requests: __, ...standing } = await broker.result(
      queue,
      id,
    );
    return standing;
  };
  const enqueue = async (
    group: GroupChunk | undefined,
    tasks: readonly (string | NewTask)[],
  ): Promise<readonly EnqueueAnswer[]> => {
    const request = tasks.map((each) =>
      typeof each === "string" ? task(each) : each
    );
    for (const each of request) ids.add(each.id);
    const callback = group?.callback;
    if (callback !== undefined) ids.add(callback.id);
    if (group !== undefined) groups.add(group.id);
    const reply = await broker.enqueue(queue, {
      tasks: request,
      maxBacklog: undefined,
      group,
    });
    return reply.answers;
  };
  const list = (state: ListedState) => walk(broker, queue, state);

  return {
    broker,
    queue,
    advance,
    step,
    result,
    list,
    consumer: (name = `consumer${++consumers}`) => newConsumer(name, step),
    enqueue: (...tasks) => enqueue(undefined, tasks),
    enqueueGroup: (group, ...tasks) => enqueue(group, tasks),
    async group(id) {
      const { commands: _, requests: __, ...standing } = await broker.group(
        queue,
        id,
      );
      return standing;
    },
    async cancel(id, op = operation()) {
      const reply = await broker.cancel(queue, {
        operation: op,
        id,
        error: "cancelled",
        keepMs: HOUR,
      });
      return reply.status;
    },
    async pause(paused, op = operation()) {
      await broker.pause(queue, { operation: op, paused });
    },
    async snapshot() {
      return await look(broker, queue, ids, groups);
    },
    async verify() {
      assertEquals(await problems(broker, queue), []);
    },
  };
}

function newConsumer(
  name: string,
  send: (request: StepRequest) => Promise<StepReply>,
): Consumer {
  let seq = 0;
  const request = (more: Partial<StepRequest> = {}): StepRequest => ({
    consumer: name,
    seq: ++seq,
    leaseMs: LEASE,
    limit: 0,
    maxBytes: 4_000_000,
    alone: true,
    settle: [],
    extend: [],
    ...more,
  });
  const step = (more: Partial<StepRequest> = {}) => send(request(more));
  return {
    name,
    request,
    step,
    async claim(limit = 100, more = {}) {
      const reply = await step({ limit, ...more });
      return reply.deliveries;
    },
    settle: (...settlements) => step({ settle: settlements }),
    extend: (deliveries, leaseMs) =>
      step({
        extend: deliveries.map(({ id, token }) => ({ id, token, leaseMs })),
      }),
  };
}

/** The ids of tasks, deliveries or listed tasks, in order. */
export function idsOf(
  tasks: readonly { readonly id: string }[],
): readonly string[] {
  return tasks.map((each) => each.id);
}
