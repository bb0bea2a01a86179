import type {
  DedupeKey,
  Delivery,
  GroupChunk,
  NewTask,
  Settlement,
  WorkflowBroker,
} from "../../../src/broker/broker.ts";
import { QueueFullError } from "../../../src/core/error.ts";
import {
  type ContractBroker,
  DAY,
  HOUR,
  MINUTE,
  SECOND,
  START,
  task,
} from "../contract/bench.ts";
import { look, problems } from "../contract/snapshot.ts";
import { answer, differ, type Found, repeated, seen } from "./answer.ts";
import {
  CONSUMERS,
  type GroupPick,
  type Operation,
  type SettlePick,
  type TaskPick,
} from "./operations.ts";
import { pickOf, some } from "./random.ts";

/** The ids of all tasks: few, so that they meet. */
const IDS: readonly string[] = [
  "a",
  "b",
  "c",
  "123",
  "null",
  "true",
  "{}",
  '"a"',
  "~x",
  "!paused",
  "é",
  "\u{1F3C3}",
  "a|b",
  "a,b",
];
/** Dedupe keys, each with how long it holds. */
const KEYS: readonly DedupeKey[] = [
  { key: "k", ttlMs: SECOND },
  { key: "1", ttlMs: HOUR },
  { key: "x|y", ttlMs: DAY },
];
/** Keys, and what bounds their tasks. */
const LANES: readonly Pick<NewTask, "concurrency" | "rate">[] = [
  { concurrency: { key: "one,|", limit: 1 } },
  { concurrency: { key: "k", limit: 2 } },
  { rate: { key: "paced", limit: 3, perMs: 10_000 } },
  {
    concurrency: { key: "both", limit: 2 },
    rate: { key: "both", limit: 1, perMs: 70_000 },
  },
];
/** Groups, each with a callback of its own. */
const GROUPS: readonly string[] = ["g", "h|i"];
const CALLBACKS: readonly string[] = GROUPS.map((id) => `callback of ${id}`);
/** Schedules, which share no id with a task. */
const SCHEDULES: readonly string[] = ["tick", "s:|"];
const ALL: readonly string[] = [...IDS, ...CALLBACKS, ...SCHEDULES];
const LEASE = 30 * SECOND;

/** The reply, or that there is none because the queue is full. */
async function orFull(reply: Promise<object>): Promise<object> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof QueueFullError) return { isFull: true };
    throw error;
  }
}

/** A request as it was sent, to be sent again. */
interface Sent {
  readonly at: number;
  readonly send: (broker: WorkflowBroker) => Promise<object>;
}

/** Both brokers, and what their callers know. */
export class Driver {
  readonly #brokers: readonly [ContractBroker, ContractBroker];
  readonly #queue = `model-${crypto.randomUUID().slice(0, 18)}`;
  readonly #held: Delivery[][] = Array.from({ length: CONSUMERS }, () => []);
  readonly #past: Delivery[] = [];
  readonly #seqs: number[] = Array(CONSUMERS).fill(0);
  readonly #sent: Sent[] = [];
  #operations = 0;
  #steps = 0;
  #now = START;

  constructor(left: ContractBroker, right: ContractBroker) {
    this.#brokers = [left, right];
  }

  /** Sends one operation to both; what they answer differently. */
  async play(operation: Operation): Promise<Found | undefined> {
    // no two requests in one millisecond: there, two brokers may break ties as they like
    await this.#advance(1);
    switch (operation.kind) {
      case "advance":
        await this.#advance(operation.ms);
        return undefined;
      case "crash":
        this.#past.push(...this.#held[operation.consumer]?.splice(0) ?? []);
        return undefined;
      case "enqueue": {
        const tasks = operation.tasks.map((each) => this.#task(each));
        const group = operation.group && this.#group(operation.group);
        const { count, isOfReady = false } = operation.most ?? {};
        const request = {
          tasks,
          maxBacklog: isOfReady ? undefined : count,
          maxReady: count,
          group,
        };
        return await this.#send(
          "enqueue",
          (broker) => orFull(broker.enqueue(this.#queue, request)),
        );
      }
      case "step":
        return await this.#step(operation);
      case "cancel": {
        const id = pickOf(ALL, operation.id) ?? "a";
        const request = {
          ...this.#operation(),
          id,
          error: "why",
          keepMs: HOUR,
        };
        return await this.#send(
          "cancel",
          (broker) => broker.cancel(this.#queue, request),
        );
      }
      case "pause": {
        const { paused, name } = operation;
        const request = { ...this.#operation(), paused, name };
        return await this.#send(
          "pause",
          (broker) => broker.pause(this.#queue, request),
        );
      }
      case "purge": {
        const listed = await this.#listed([
          "ready",
          "scheduled",
          "leased",
          "dead",
        ]);
        const off = operation.off ? 1 : 0;
        const tasks = some(listed, operation.pick).map((each) => ({
          id: each.id,
          enqueuedAt: each.enqueuedAt + off,
        }));
        const request = {
          ...this.#operation(),
          tasks,
          error: "p",
          keepMs: MINUTE,
          stop: operation.stop,
        };
        return await this.#send(
          "purge",
          (broker) => broker.purge(this.#queue, request),
        );
      }
      case "forget": {
        const request = {
          ...this.#operation(),
          ids: some(ALL, operation.pick),
          group: pickOf(GROUPS, operation.group),
        };
        return await this.#send(
          "forget",
          (broker) => broker.forget(this.#queue, request),
        );
      }
      case "results": {
        const ids = some(ALL, operation.pick);
        if (ids.length === 0) return undefined;
        return await this.#both(
          "the answer to results",
          (broker) => broker.results(this.#queue, { ids, maxBytes: 1_000_000 }),
        );
      }
      case "schedule": {
        const id = pickOf(SCHEDULES, operation.id) ?? "tick";
        const request = {
          ...this.#operation(),
          hash: operation.hash,
          task: task(id, {
            envelope: operation.hash,
            due: { kind: "at", at: this.#now + operation.inMs },
          }),
        };
        return await this.#send(
          "schedule",
          (broker) => broker.schedule(this.#queue, request),
        );
      }
      case "unschedule": {
        const id = pickOf(ALL, operation.id) ?? "tick";
        const request = { ...this.#operation(), id };
        return await this.#send(
          "unschedule",
          (broker) => broker.unschedule(this.#queue, request),
        );
      }
      case "suspend": {
        const id = pickOf(SCHEDULES, operation.id) ?? "tick";
        const { suspended } = operation;
        const request = { ...this.#operation(), id, suspended };
        return await this.#send(
          "suspend",
          (broker) => broker.suspend(this.#queue, request),
        );
      }
      case "redrive": {
        const listed = await this.#listed(["dead"]);
        const off = operation.off ? 1 : 0;
        const tasks = some(listed, operation.pick).map((each) => ({
          id: each.id,
          diedAt: (each.at ?? 0) + off,
        }));
        const request = { ...this.#operation(), tasks };
        return await this.#send(
          "redrive",
          (broker) => broker.redrive(this.#queue, request),
        );
      }
      case "repeat":
        return await this.#repeat(operation.back);
    }
  }

  /** Everything that can be seen, compared. */
  async check(): Promise<Found | undefined> {
    const [left, right] = await Promise.all(
      this.#brokers.map(async ({ broker }) => ({
        seen: seen(await look(broker, this.#queue, ALL, GROUPS)),
        problems: await problems(broker, this.#queue),
        schedules: answer(
          await broker.schedules(this.#queue, { limit: 9, cursor: undefined }),
        ),
      })),
    );
    return differ("what can be seen", left?.seen, right?.seen) ??
      differ("schedules", left?.schedules, right?.schedules) ??
      differ("inspect of the left", left?.problems, []) ??
      differ("inspect of the right", [], right?.problems);
  }

  async #step(
    operation: Extract<Operation, { readonly kind: "step" }>,
  ): Promise<Found | undefined> {
    const held = this.#held[operation.consumer] ?? [];
    const settle: Settlement[] = [];
    for (const each of operation.settle) {
      const from = each.late ? this.#past : held;
      const delivery = pickOf(from, each.pick);
      if (delivery === undefined) continue;
      if (settle.some((other) => other.id === delivery.id)) continue;
      settle.push({
        id: delivery.id,
        token: delivery.token,
        end: this.#endOf(each, delivery),
        span: `span of ${delivery.token}`,
        dedupe: each.free ? pickOf(KEYS, each.pick)?.key : undefined,
        enqueue: each.enqueue.map((task) => this.#task(task)),
        group: each.group === undefined || delivery.counted
          ? undefined
          : pickOf(GROUPS, each.group),
      });
    }
    const going = new Set(settle.map((each) => each.id));
    const extend = [...held, ...this.#past]
      .filter(({ id }) => !going.has(id) && going.add(id))
      .filter((_, i) => operation.extend.includes(i))
      .map(({ id, token }, i) => ({
        id,
        token,
        leaseMs: i % 2 === 0 ? undefined : MINUTE,
        progress: operation.progress,
      }));
    const seq = (this.#seqs[operation.consumer] ?? 0) + 1;
    this.#seqs[operation.consumer] = seq;
    const request = {
      consumer: `consumer${operation.consumer}`,
      seq,
      leaseMs: LEASE,
      limit: operation.limit,
      maxBytes: operation.maxBytes,
      alone: operation.alone,
      rate: operation.isPaced ? { limit: 2, perMs: 10_000 } : undefined,
      settle,
      extend,
    };
    const ended = new Set(settle.map((each) => each.token + each.id));
    return await this.#send("step", async (broker) => {
      const reply = await broker.step(this.#queue, request);
      if (broker === this.#brokers[0].broker) {
        const known = new Set(held.map((each) => each.token + each.id));
        const more = reply.deliveries.filter((each) =>
          !known.has(each.token + each.id)
        );
        this.#past.push(...held.filter((d) => ended.has(d.token + d.id)));
        const rest = held.filter((d) => !ended.has(d.token + d.id));
        held.splice(0, held.length, ...rest, ...more);
      }
      return reply;
    });
  }

  /** A schedule is never ended by its settlement, as consumers are told. */
  #endOf({ end, snoozeMs }: SettlePick, { id }: Delivery): Settlement["end"] {
    const at = this.#now + snoozeMs;
    if (end.kind === "snooze") return { ...end, at };
    const goesOn = end.kind === "retry" || end.kind === "release";
    if (!SCHEDULES.includes(id) || goesOn) return end;
    return { kind: "snooze", at };
  }

  /** Sends one of the last requests again, as it was. */
  async #repeat(back: number): Promise<Found | undefined> {
    const sent = this.#sent.at(
      -1 - Math.floor(back * Math.min(30, this.#sent.length)),
    );
    if (sent === undefined || this.#now - sent.at > 20 * HOUR) return undefined;
    const found = await this.#both("a repeat", sent.send, repeated);
    await this.#tidy();
    return found;
  }

  /** A repeat that finds nothing may or may not promote what is due: lets any other step do so. */
  async #tidy(): Promise<void> {
    const request = {
      consumer: "bystander",
      seq: ++this.#steps,
      leaseMs: LEASE,
      limit: 0,
      maxBytes: 1,
      alone: true,
      settle: [],
      extend: [],
    };
    await Promise.all(
      this.#brokers.map(({ broker }) => broker.step(this.#queue, request)),
    );
  }

  async #send(what: string, send: Sent["send"]): Promise<Found | undefined> {
    this.#sent.push({ at: this.#now, send });
    return await this.#both(`the answer to ${what}`, send);
  }

  async #both(
    what: string,
    send: Sent["send"],
    read: (reply: object) => object = answer,
  ): Promise<Found | undefined> {
    const [left, right] = await Promise.all(
      this.#brokers.map(async ({ broker }) => read(await send(broker))),
    );
    return differ(what, left, right);
  }

  async #listed(
    states: readonly ("ready" | "scheduled" | "leased" | "dead")[],
  ) {
    const pages = await Promise.all(
      states.map((state) =>
        this.#brokers[0].broker.list(this.#queue, {
          state,
          limit: 100,
          cursor: undefined,
        })
      ),
    );
    return pages.flatMap((page) => page.tasks);
  }

  async #advance(ms: number): Promise<void> {
    this.#now += ms;
    await Promise.all(this.#brokers.map((each) => each.advance(ms)));
  }

  #operation(): { readonly operation: string } {
    return {
      operation: `operation${String(++this.#operations).padStart(6, "0")}`,
    };
  }

  #group({ id, seal, callback, related }: GroupPick): GroupChunk {
    const name = pickOf(GROUPS, id) ?? "g";
    return {
      id: name,
      seal,
      callback: callback
        ? task(`callback of ${name}`, { related, priority: 1 })
        : undefined,
      ttlMs: 30 * DAY,
      sealMs: 30 * DAY,
    };
  }

  #task({ id, priority, delayMs, at, key, related, lane }: TaskPick): NewTask {
    return {
      id: pickOf(IDS, id) ?? "a",
      name: id < 0.7 ? "work" : "rest",
      envelope: `envelope ${"x".repeat(500)}`,
      priority,
      due: at
        ? { kind: "at", at: this.#now + delayMs }
        : priority === 0 && delayMs === 0
        ? { kind: "now" }
        : { kind: "after", delayMs },
      dedupe: key === undefined ? undefined : pickOf(KEYS, key),
      related,
      ...(lane === undefined ? {} : pickOf(LANES, lane)),
    };
  }
}
