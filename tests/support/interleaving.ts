/**
 * Producers, rings and drains of one queue, whose every request, ring, handler and timer waits for a seed to say that it goes on.
 * Nobody comes by the clock: a task that is left when nothing is under way would wait for cron.
 */
import {
  defineTask,
  Queue,
  type WakeHint,
  type WorkflowBroker,
} from "../../mod.ts";
import type { Clock } from "../../src/core/clock.ts";
import { generator, type Random } from "./model/random.ts";

/** What one seed brought about. */
export interface Outcome {
  /** Tasks that were accepted and that nobody has run. */
  readonly waiting: number;
  readonly rings: number;
  readonly drains: number;
  /** Why drains ended. */
  readonly ends: readonly string[];
}

/** What is further off than this comes when nothing else is under way: a grace period is long enough. */
const NEAR_MS = 100;

const work = defineTask<number>("work", { maxAttempts: 100 });

/** Runs one seed to its end. */
export async function interleave(
  broker: WorkflowBroker,
  name: string,
  seed: number,
): Promise<Outcome> {
  const random = generator(seed);
  const stage = new Stage(random);
  const ends: string[] = [];
  const done = new Set<number>();
  let rings = 0, drains = 0;

  async function drainFor({ mark, hop }: WakeHint): Promise<void> {
    await stage.turn();
    drains++;
    const report = await consumer.drain({
      rung: { mark, hop },
      lingerMs: 0,
      graceMs: 1_000,
      concurrency: 1 + Math.floor(random() * 3),
      batchSize: 3,
      ...(random() < 0.3 ? { maxRequests: 2 + Math.floor(random() * 3) } : {}),
      ...(random() < 0.3 ? { budgetMs: 1 + Math.floor(random() * 30) } : {}),
    });
    ends.push(report.stoppedBy);
  }
  const options = {
    name,
    broker: held(broker, stage, random),
    clock: stage,
    random: (bytes: Uint8Array<ArrayBuffer>) =>
      bytes.map(() => Math.floor(random() * 256)),
    wake(hint: WakeHint) {
      rings++;
      stage.begin(drainFor(hint));
    },
  };
  const producer = new Queue(options);
  const consumer = new Queue({
    ...options,
    handlers: [work.handle(async (n, ctx) => {
      await Promise.race([stage.turn(), aborted(ctx.signal)]);
      if (n >= 100 || random() > 0.2) return void done.add(n);
      // what a handler enqueues is nobody's to wait for either
      // an id of its own takes no digest, and so no time but the stage's
      await ctx.enqueue(work, n + 100, { id: `child of ${n}` });
      accepted++;
      done.add(n);
    })],
  });

  let accepted = 0;
  for (let n = 0, count = 2 + Math.floor(random() * 5); n < count; n++) {
    stage.begin((async () => {
      for (let i = Math.floor(random() * 12); i > 0; i--) await stage.turn();
      await producer.enqueue(work, n);
      accepted++;
    })());
  }
  await stage.play();
  return { waiting: accepted - done.size, rings, drains, ends };
}

/** A handler that heeds its signal: one that does not holds its task until the lease ends, as one that crashed. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

/** A broker whose requests wait for their turn, and whose replies are lost now and then: the request is then sent again. */
function held(
  broker: WorkflowBroker,
  stage: Stage,
  random: Random,
): WorkflowBroker {
  async function ask<Reply>(send: () => Promise<Reply>): Promise<Reply> {
    await stage.turn();
    let reply = await stage.outside(send);
    while (random() < 0.1) {
      await stage.turn();
      reply = await stage.outside(send);
    }
    return reply;
  }
  const rest = new Proxy(broker, {
    get(target, verb: keyof WorkflowBroker) {
      const value = target[verb];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return new Proxy(rest, {
    get(_, verb: keyof WorkflowBroker) {
      if (verb === "enqueue") {
        return (...call: Parameters<WorkflowBroker["enqueue"]>) =>
          ask(() => rest.enqueue(...call));
      }
      if (verb === "step") {
        return (...call: Parameters<WorkflowBroker["step"]>) =>
          ask(() => rest.step(...call));
      }
      if (verb === "steps") return undefined;
      return rest[verb];
    },
  });
}

/** Whose turn it is next, and what time it is: both by the seed alone. */
class Stage implements Clock {
  readonly #random: Random;
  readonly #failures: unknown[] = [];
  #turns: (() => void)[] = [];
  #timers: { readonly at: number; readonly callback: () => void }[] = [];
  #now = 1_763_800_000_000;
  #outside: Promise<unknown> | undefined;
  #open = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Waits until the seed says so. */
  turn(): Promise<void> {
    return new Promise((resolve) => void this.#turns.push(resolve));
  }

  /** Does what takes real time, which is none here. */
  outside<T>(act: () => Promise<T>): Promise<T> {
    const acting = act();
    this.#outside = acting;
    return acting;
  }

  /** Something is under way. */
  begin(work: Promise<unknown>): void {
    this.#open++;
    work.catch((error) => void this.#failures.push(error))
      .then(() => void this.#open--);
  }

  /** Goes on until nothing is under way. */
  async play(): Promise<void> {
    for (let i = 0;; i++) {
      await this.#quiet();
      if (this.#failures.length > 0) throw this.#failures[0];
      if (this.#open === 0) return;
      if (i > 5_000) throw new Error("It never ends");
      const next = Math.min(...this.#timers.map(({ at }) => at));
      const isNear = next <= this.#now + NEAR_MS;
      const isTimer = this.#timers.length > 0 &&
        (this.#turns.length === 0 || isNear && this.#random() < 0.2);
      if (isTimer) this.#fire(next);
      else if (this.#turns.length > 0) {
        const at = Math.floor(this.#random() * this.#turns.length);
        this.#turns.splice(at, 1)[0]!();
      } else throw new Error("Something waits for nothing");
    }
  }

  #fire(at: number): void {
    this.#now = Math.max(this.#now, at);
    const due = this.#timers.filter((timer) => timer.at <= this.#now);
    this.#timers = this.#timers.filter((timer) => timer.at > this.#now);
    for (const { callback } of due) callback();
  }

  /** Lets everything run that is ready to. */
  async #quiet(): Promise<void> {
    for (;;) {
      const outside = this.#outside;
      this.#outside = undefined;
      await outside?.catch(() => {});
      // code that is there already is still imported by the host's own loop
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 100; j++) await undefined;
        await breath();
      }
      if (this.#outside === undefined) return;
    }
  }
}

/** One turn of the host's own loop. */
function breath(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/** Loads what queues load when they are used, which takes real time. */
export async function warm(): Promise<void> {
  const queue = Queue.inMemory({ handlers: [work.handle(() => {})] });
  await queue.enqueue(work, 0);
  await queue.drain({ lingerMs: 0 });
}
