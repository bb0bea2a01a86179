/**
 * Brokers whose requests come again, or fail half-way: the queue ends as it does without that.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type {
  EnqueueReply,
  StepReply,
  StepRequest,
  WorkflowBroker,
} from "../../../src/broker/broker.ts";
import { BrokerError } from "../../../src/core/error.ts";
import { instead } from "../../../src/broker/instead.ts";
import type { MakeBroker } from "../contract.ts";
import { DAY } from "../contract/bench.ts";
import type { GatewayBroker } from "../gateway_broker.ts";
import { generator, type Random } from "./random.ts";

/** Every verb that changes something. */
const VERBS = [
  "enqueue",
  "step",
  "cancel",
  "pause",
  "purge",
  "redrive",
  "forget",
  "schedule",
  "unschedule",
  "suspend",
] as const;

/** Every verb that changes nothing. */
const LOOKS = [
  "result",
  "results",
  "group",
  "list",
  "stats",
  "schedules",
  "inspect",
] as const;

type Verb = typeof VERBS[number];
type Send = (queue: string, request: object) => Promise<object>;

/** How many requests may still come again. */
const UNDER_WAY = 12;
/** Longer than any sequence goes on. */
const KEEP = 100 * DAY;
/** At which command inside a request fails, at most; most have fewer. */
const MOST_COMMANDS = 24;

/** What is done to a broker, and how it is asked and heard so that nothing else is seen of it. */
interface Change {
  readonly to: (made: Made) => WorkflowBroker;
  readonly ask?: (request: object) => object;
  readonly hear?: (reply: object) => object;
}

type Made = Awaited<ReturnType<MakeBroker>>;

/** Brokers that get each request once. */
export function once(make: MakeBroker): MakeBroker {
  return changed(make, "once", { to: ({ broker }) => broker });
}

/** Brokers that get requests again, at once or late; a copy that comes at once is answered the same. */
export function again(make: MakeBroker, seed: number): MakeBroker {
  const to = ({ broker }: Made) => copying(broker, generator(seed));
  return changed(make, "again", { to });
}

/** Brokers none of whose requests fails. */
export function whole(make: MakeBroker): MakeBroker {
  const to = ({ broker }: Made) => broker;
  return changed(make, "whole", { to, ask: plain, hear: unmarked });
}

/** Brokers of whose requests some fail at any command inside, and come again at once. */
export function failing(
  make: (options: Parameters<MakeBroker>[0]) => Promise<GatewayBroker>,
  seed: number,
): MakeBroker {
  const random = generator(seed);
  return async (options) => {
    const made = await make(options);
    const to = () =>
      instead(
        made.broker,
        each(VERBS, async (verb, queue, request) => {
          const send = () => sending(made.broker, verb)(queue, request);
          if (random() < 0.4) return await send();
          const k = 1 + Math.floor(random() * MOST_COMMANDS);
          await made.lane.add({ kind: "script", k, error: "ERR injected" });
          try {
            return await send();
          } catch (error) {
            if (!(error instanceof BrokerError)) throw error;
          } finally {
            await made.lane.clear();
            await made.advance(0);
          }
          return await send();
        }),
      );
    const change = { to, ask: plain, hear: unmarked };
    return await changed(() => Promise.resolve(made), "failing", change)(
      options,
    );
  };
}

/**
 * Both have queues of their own and remember ends for longer than a copy may take. Somebody else moves before each request what is due and what leases ran out of:
 * a copy of a step does so too, and may, as any step; and one that fails may leave what it was about to take over to its old lease for once more.
 */
function changed(
  make: MakeBroker,
  suffix: string,
  { to, ask = (request) => request, hear = (reply) => reply }: Change,
): MakeBroker {
  return async (options) => {
    const made = await make(options);
    const { broker } = made;
    const other = to(made);
    const looks = each(
      LOOKS,
      (verb, queue, request) =>
        sending(broker, verb)(`${queue} ${suffix}`, request),
    );
    let seq = 0;
    const verbs = each(VERBS, async (verb, queue, request) => {
      const name = `${queue} ${suffix}`;
      await broker.step(name, bystanding(++seq));
      return hear(await sending(other, verb)(name, ask(keptLong(request))));
    });
    return {
      broker: instead(broker, { ...looks, ...verbs }),
      advance: (ms) => made.advance(ms),
      [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
    };
  };
}

function copying(broker: WorkflowBroker, random: Random): WorkflowBroker {
  const underWay: (() => Promise<object>)[] = [];
  return instead(
    broker,
    each(VERBS, async (verb, queue, request) => {
      while (underWay.length > 0 && random() < 0.4) {
        const [copy] = underWay.splice(random() * underWay.length, 1);
        await copy?.();
      }
      const send = () => sending(broker, verb)(queue, request);
      const reply = await send();
      // who forgets a task forgets its request
      if (verb === "forget") underWay.length = 0;
      if (!isRemembered(verb, request, reply)) return reply;
      if (random() < 0.4) {
        assertEquals(essence(await send()), essence(reply), `again: ${verb}`);
      }
      underWay.push(send);
      if (underWay.length > UNDER_WAY) underWay.shift();
      return reply;
    }),
  );
}

/** Whether a copy is known as one, as the port says. */
function isRemembered(verb: Verb, request: object, reply: object): boolean {
  switch (verb) {
    case "step": {
      const { settle, extend } = request as StepRequest;
      const { deliveries, lost } = reply as StepReply;
      return settle.length + deliveries.length > 0 ||
        extend.some(({ id, progress }) =>
          progress !== undefined && !lost.includes(id)
        );
    }
    case "enqueue":
      return (reply as EnqueueReply).answers.every(({ status }) =>
        status !== "duplicate"
      );
    case "schedule":
      return (reply as { readonly status: string }).status !== "unchanged";
    default:
      return true;
  }
}

/** What a copy has to be answered, but for a word that says that it is one. */
function essence(reply: object): object {
  const { answers, deliveries, stale, changed } = reply as
    & Partial<EnqueueReply & StepReply>
    & { readonly changed?: number };
  return { ids: answers?.map(({ id }) => id), deliveries, stale, changed };
}

/** The request without keys and paused names: what one that failed leaves in their lines is not taken away by its repeat, but by who comes there next. */
function plain(request: object): object {
  const { name: _, ...pause } = request as { readonly name?: string };
  const shown = "paused" in pause ? pause : request;
  const isLane = (key: string) => key === "concurrency" || key === "rate";
  return JSON.parse(
    JSON.stringify(
      shown,
      (key, value) => isLane(key) ? undefined : value,
    ),
  );
}

/** The reply without what says that something was done before, by a request that failed or by a bystander. */
function unmarked(reply: object): object {
  const { answers, deliveries } = reply as Partial<EnqueueReply & StepReply>;
  if (deliveries !== undefined) {
    return { ...reply, status: "", reaped: [], suspects: false, paused: false };
  }
  return answers === undefined ? reply : {
    ...reply,
    answers: answers.map(({ id, status }) => ({
      id,
      status: status === "known" ? "new" : status,
    })),
  };
}

/** A step that only moves what is due. */
function bystanding(seq: number): StepRequest {
  return {
    consumer: "tidy",
    seq,
    leaseMs: 1,
    limit: 0,
    maxBytes: 1,
    alone: true,
    settle: [],
    extend: [],
  };
}

/** The request, with what ends by it remembered for longer than a copy may take. */
function keptLong<T extends object>(request: T): T {
  const text = JSON.stringify(
    request,
    (key, value) => key === "keepMs" ? KEEP : value,
  );
  return JSON.parse(text);
}

function each<V extends keyof WorkflowBroker>(
  verbs: readonly V[],
  send: (verb: V, queue: string, request: object) => Promise<object>,
): Partial<WorkflowBroker> {
  return Object.fromEntries(
    verbs.map((verb) => [
      verb,
      (queue: string, request: object) => send(verb, queue, request),
    ]),
  );
}

function sending(broker: WorkflowBroker, verb: keyof WorkflowBroker): Send {
  return (broker[verb] as unknown as Send).bind(broker);
}
