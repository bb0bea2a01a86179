/** What things cost: commands as Redis itself counts them (`INFO commandstats`), requests as the gateway counts them. */
import { Redis } from "@upstash/redis";
import type {
  Broker,
  Counted,
  Delivery,
  NewTask,
  WorkflowBroker,
} from "../../src/broker/broker.ts";
import { UpstashBroker } from "../../src/broker/upstash.ts";
import { derivedId } from "../../src/core/id.ts";
import { type Gateway, type Lane, startGateway } from "./gateway/mod.ts";
import { RespClient } from "./redis.ts";

/** What some work cost. */
export interface Cost {
  /** Commands that Redis ran: scripts, and those inside them. */
  readonly commands: number;
  /** Requests that reached the gateway. */
  readonly requests: number;
  /** `commands` as the scripts' own replies say it. */
  readonly told: number;
  /** `commands` by name. */
  readonly calls: Readonly<Record<string, number>>;
}

/** A gateway over a Redis of its own, and a broker whose costs are counted. */
export interface CostBench extends AsyncDisposable {
  readonly gateway: Gateway;
  /** Where the broker's requests go. */
  readonly lane: Lane;
  readonly broker: WorkflowBroker;
  /** What `work` costs. Nothing else may use this bench meanwhile. */
  costOf(work: () => Promise<unknown>): Promise<Cost>;
  /**
   * What all of Baton's keys hold: the sum of MEMORY USAGE, every element counted, of a copy of each.
   * A copy is as large as what is in it; the key itself keeps its emptied buckets until Redis, used further, gives them back.
   */
  storedBytes(): Promise<number>;
}

const HOUR = 3_600_000;

/** What connections and counting itself send, and the gateway when it looks a script up: no part of what is measured. */
const ASIDE = /^(info|ping|hello|select|auth|config|client|command|script)\b/;

/** Starts a gateway with a Redis, and lets Redis learn the scripts. */
export async function openCosts(): Promise<CostBench> {
  const gateway = await startGateway();
  const lane = gateway.faults("cost");
  const client = new Redis({
    url: gateway.url,
    token: gateway.tokenOf("cost"),
    enableTelemetry: false,
  });
  const tally = { commands: 0, requests: 0 };
  const broker = tallied(new UpstashBroker(client), tally);
  await warm(broker);
  return {
    gateway,
    lane,
    broker,
    async costOf(work) {
      const before = await callsOf(gateway);
      const requests = lane.report().requests;
      const told = tally.commands;
      await work();
      const calls = difference(await callsOf(gateway), before);
      return {
        commands: sum(calls),
        requests: lane.report().requests - requests,
        told: tally.commands - told,
        calls,
      };
    },
    storedBytes: () => storedBytes(gateway),
    [Symbol.asyncDispose]: () => gateway.stop(),
  };
}

/**
 * Consumes a queue of `broker` in batches of 50, each step settling one batch and claiming the next: what scripts cost, whatever the pace of a drain.
 * With `defers`, each task of this name enqueues a task `link` with its success; with `group`, each counts there. Says how many it completed.
 */
export async function consume(
  broker: Broker,
  queue: string,
  defers?: string,
  group?: string,
): Promise<number> {
  let held: readonly Delivery[] = [];
  let completed = 0;
  for (let seq = 1;; seq++) {
    const { deliveries } = await broker.step(queue, {
      consumer: "consumer",
      seq,
      leaseMs: 60_000,
      limit: 50,
      maxBytes: 4_000_000,
      alone: true,
      settle: await Promise.all(held.map(async ({ id, token, name }) => ({
        id,
        token,
        end: { kind: "complete", payload: "1", resultMs: HOUR, keepMs: HOUR },
        span: "",
        dedupe: undefined,
        enqueue: name === defers ? [await linkOf(id)] : [],
        group,
      }))),
      extend: [],
    });
    completed += held.length;
    if (deliveries.length + held.length === 0) return completed;
    held = deliveries;
  }
}

async function linkOf(parent: string): Promise<NewTask> {
  return {
    id: await derivedId(parent, 0, 0, "link"),
    name: "link",
    envelope: "{}",
    priority: 0,
    due: { kind: "now" },
    dedupe: undefined,
  };
}

/**
 * Measures until `holds`, eight times at most, and gives the last figure.
 * For what is settled together ends together on a machine at rest only: on a
 * busy one ids, which other threads make, and timers come late and one by one.
 */
export async function atRest<T>(
  measure: () => Promise<T>,
  holds: (measured: T) => boolean,
): Promise<T> {
  for (let round = 1;; round++) {
    const measured = await measure();
    if (holds(measured) || round === 8) return measured;
  }
}

/** How often each command has run so far. */
export async function callsOf(
  gateway: Gateway,
): Promise<Readonly<Record<string, number>>> {
  return (await gateway.manage({})).calls;
}

/** What ran between two counts. */
export function difference(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const rows = Object.entries(after)
    .map(([name, calls]) => [name, calls - (before[name] ?? 0)] as const)
    .filter(([name, calls]) => calls > 0 && !ASIDE.test(name));
  return Object.fromEntries(rows);
}

/** All calls together. */
export function sum(calls: Readonly<Record<string, number>>): number {
  return Object.values(calls).reduce((all, one) => all + one, 0);
}

async function storedBytes({ redis }: Gateway): Promise<number> {
  await using client = await RespClient.connect(redis);
  const keys = await client.command("KEYS", "baton:*") as readonly string[];
  let bytes = 0;
  for (const key of keys) {
    await client.command("COPY", key, "copy", "REPLACE");
    bytes += Number(
      await client.command("MEMORY", "USAGE", "copy", "SAMPLES", "0"),
    );
  }
  await client.command("DEL", "copy");
  return bytes;
}

/** A broker that adds to `tally` what the replies of `inner` say they cost. */
export function tallied(
  inner: WorkflowBroker,
  tally: { commands: number; requests: number },
): WorkflowBroker {
  async function add<T extends Counted>(replying: Promise<T>): Promise<T> {
    const reply = await replying;
    tally.commands += reply.commands;
    tally.requests += reply.requests;
    return reply;
  }
  return {
    type: inner.type,
    enqueue: (queue, request) => add(inner.enqueue(queue, request)),
    step: (queue, request) => add(inner.step(queue, request)),
    cancel: (queue, request) => add(inner.cancel(queue, request)),
    result: (queue, id) => add(inner.result(queue, id)),
    list: (queue, request) => add(inner.list(queue, request)),
    stats: (queue) => add(inner.stats(queue)),
    pause: (queue, request) => add(inner.pause(queue, request)),
    purge: (queue, request) => add(inner.purge(queue, request)),
    redrive: (queue, request) => add(inner.redrive(queue, request)),
    inspect: (queue, request) => add(inner.inspect(queue, request)),
    group: (queue, id) => add(inner.group(queue, id)),
    results: (queue, request) => add(inner.results(queue, request)),
    forget: (queue, request) => add(inner.forget(queue, request)),
    schedule: (queue, request) => add(inner.schedule(queue, request)),
    unschedule: (queue, request) => add(inner.unschedule(queue, request)),
    suspend: (queue, request) => add(inner.suspend(queue, request)),
    schedules: (queue, request) => add(inner.schedules(queue, request)),
  };
}

/** Redis learns a script by its first use, which costs one request more. */
async function warm(broker: WorkflowBroker): Promise<void> {
  const queue = "warm";
  await broker.enqueue(queue, { tasks: [], maxBacklog: undefined });
  await broker.step(queue, {
    consumer: "warm",
    seq: 1,
    leaseMs: 1_000,
    limit: 1,
    maxBytes: 1,
    alone: true,
    settle: [],
    extend: [],
  });
  await broker.pause(queue, { operation: "warm", paused: false });
  await broker.stats(queue);
  await broker.schedule(queue, {
    operation: "warm",
    hash: "",
    task: await linkOf("warm"),
  });
}
