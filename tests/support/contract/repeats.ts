import { assert, assertEquals } from "@std/assert";
import type { Delivery, StepReply } from "../../../src/broker/broker.ts";
import {
  type Bench,
  type Declare,
  delayed,
  ends,
  HOUR,
  LEASE,
  MINUTE,
  operation,
  SECOND,
  settle,
  START,
  task,
} from "./bench.ts";

/** What a verb answers, less what it cost and when. */
type Answer = Readonly<Record<string, unknown>>;

/** One verb, ready to be sent. */
interface Sending {
  /** Sends the very same request, as often as it is called. */
  readonly send: () => Promise<object>;
  /** Whether a late copy is answered as the first was. */
  readonly remembered: boolean;
}

function answerOf(reply: object): Answer {
  const {
    commands: _,
    requests: __,
    now: ___,
    nextDueAt: ____,
    status,
    answers,
    reaped: _____,
    paused: ______,
    sweeping: _______,
    ...rest
  } = reply as Partial<StepReply> & {
    answers?: readonly { readonly id: string; readonly status: string }[];
  };
  // a repeat says so: what it says beside must be the same
  return {
    ...rest,
    status: status === "replay" ? "done" : status,
    answers: answers?.map((each) => each.id),
  };
}

/** What goes on in the queue between a request and its late copy. */
async function goOn(bench: Bench): Promise<void> {
  const consumer = bench.consumer("bystander");
  await bench.enqueue("later 1", delayed("later 2", MINUTE), "later 3");
  await bench.advance(1);
  const held = await consumer.claim(2, { alone: false });
  await consumer.settle(...held.map((d) => settle(d, ends.retry())));
  await bench.cancel("later 1");
}

/** Five tasks, one in each state that a verb may find: leased, ready, scheduled, dead, retrying. */
async function populate(bench: Bench): Promise<Delivery> {
  const consumer = bench.consumer("populator");
  await bench.enqueue(
    "dead",
    "retrying",
    "leased",
    "ready",
    delayed("scheduled", HOUR),
  );
  const [dead, retrying, leased] = await consumer.claim(3, { leaseMs: HOUR });
  assert(dead && retrying && leased);
  await consumer.settle(
    settle(dead, ends.dead()),
    settle(retrying, ends.retry(HOUR)),
  );
  return leased;
}

/** Every verb, by name: how its request is made. */
const verbs: Readonly<Record<string, (bench: Bench) => Promise<Sending>>> = {
  "enqueue of one": (bench) => enqueueing(bench, ["new"]),
  "enqueue of several": (bench) => enqueueing(bench, ["new", "next", "ready"]),
  async "step that claims"(bench) {
    await populate(bench);
    return stepping(bench, { limit: 10 });
  },
  async "step that reaps and claims"(bench) {
    await bench.enqueue("crashed");
    await bench.consumer("crasher").claim();
    await bench.advance(LEASE);
    return stepping(bench, { limit: 10 });
  },
  async "step that promotes and claims"(bench) {
    await bench.enqueue(delayed("due", SECOND));
    await bench.advance(SECOND);
    return stepping(bench, { limit: 10 });
  },
  ...settlements(),
  async "step that settles late"(bench) {
    const leased = await populate(bench);
    await bench.advance(HOUR);
    await bench.consumer().claim(1);
    const end = ends.complete("late");
    return stepping(bench, { settle: [settle(leased, end)] });
  },
  async "step that settles and claims"(bench) {
    const leased = await populate(bench);
    return stepping(bench, {
      settle: [settle(leased, ends.complete("done"), {
        enqueue: [task("deferred")],
      })],
      limit: 10,
    });
  },
  async "cancel of a ready task"(bench) {
    await populate(bench);
    return cancelling(bench, "ready");
  },
  async "cancel of a scheduled task"(bench) {
    await populate(bench);
    return cancelling(bench, "scheduled");
  },
  async "cancel of a leased task"(bench) {
    await populate(bench);
    return cancelling(bench, "leased");
  },
  async "cancel of a dead task"(bench) {
    await populate(bench);
    return cancelling(bench, "dead");
  },
  async "pause"(bench) {
    await populate(bench);
    return pausing(bench, true);
  },
  async "pause of a queue that is paused"(bench) {
    await bench.pause(true);
    return pausing(bench, true);
  },
  async "resume"(bench) {
    await populate(bench);
    await bench.pause(true);
    return pausing(bench, false);
  },
  async "pause of a name"(bench) {
    await populate(bench);
    return pausing(bench, true, "work");
  },
  async "resume of a name"(bench) {
    await populate(bench);
    await bench.broker.pause(bench.queue, {
      operation: operation(),
      paused: true,
      name: "work",
    });
    await bench.consumer().step({ limit: 10 });
    return pausing(bench, false, "work");
  },
  async "purge"(bench) {
    await populate(bench);
    const ids = ["dead", "retrying", "leased", "ready", "scheduled", "never"];
    const request = {
      operation: operation(),
      tasks: ids.map((id) => ({ id, enqueuedAt: START })),
      error: "purged",
      keepMs: HOUR,
    };
    const send = () => bench.broker.purge(bench.queue, request);
    return { send, remembered: true };
  },
  async "redrive"(bench) {
    await populate(bench);
    const ids = ["dead", "retrying", "leased", "ready", "never"];
    const request = {
      operation: operation(),
      tasks: ids.map((id) => ({ id, diedAt: START })),
    };
    const send = () => bench.broker.redrive(bench.queue, request);
    return { send, remembered: true };
  },
};

async function enqueueing(
  bench: Bench,
  ids: readonly string[],
): Promise<Sending> {
  await populate(bench);
  const tasks = ids.map((id) => task(id, { due: { kind: "now" } }));
  return {
    send: async () => ({ answers: await bench.enqueue(...tasks) }),
    remembered: true,
  };
}

function stepping(
  bench: Bench,
  more: Parameters<ReturnType<Bench["consumer"]>["request"]>[0],
): Sending {
  const request = bench.consumer("stepper").request(more);
  return { send: () => bench.step(request), remembered: true };
}

function settlements() {
  const all = {
    complete: ends.complete("done"),
    retry: ends.retry(),
    "retry later": ends.retry(MINUTE),
    release: ends.release(),
    "release later": ends.release(MINUTE),
    dead: ends.dead(),
    cancel: ends.cancel(),
    expire: ends.expire(),
  };
  return Object.fromEntries(
    Object.entries(all).map(([word, end]) => [
      `step that settles as ${word}`,
      async (bench: Bench): Promise<Sending> => {
        const leased = await populate(bench);
        const enqueue = [task("deferred"), delayed("deferred later", MINUTE)];
        return stepping(bench, {
          settle: [settle(leased, end, { enqueue, span: "span" })],
        });
      },
    ]),
  );
}

function cancelling(bench: Bench, id: string): Sending {
  const op = operation();
  const send = async () => ({ status: await bench.cancel(id, op) });
  return { send, remembered: true };
}

function pausing(bench: Bench, paused: boolean, name?: string): Sending {
  const request = { operation: operation(), paused, name };
  const send = async () => {
    await bench.broker.pause(bench.queue, request);
    return {};
  };
  return { send, remembered: true };
}

/** A request sent twice has the effect of one. */
export function repeats(declare: Declare): void {
  for (const [verb, make] of Object.entries(verbs)) {
    declare(
      `${verb}: sent again at once, it has the effect of one`,
      async (bench) => {
        const { send } = await make(bench);
        const first = answerOf(await send());
        const books = await bench.snapshot();
        assertEquals(answerOf(await send()), first);
        assertEquals(await bench.snapshot(), books);
        assertEquals(answerOf(await send()), first);
        assertEquals(await bench.snapshot(), books);
      },
    );

    declare(
      `${verb}: sent again late, after newer requests, it has the effect of one`,
      async (bench) => {
        const { send, remembered } = await make(bench);
        const first = answerOf(await send());
        await goOn(bench);
        await bench.advance(MINUTE);
        const books = await bench.snapshot();
        const late = answerOf(await send());
        assertEquals(await bench.snapshot(), books);
        if (remembered && !("deliveries" in first)) assertEquals(late, first);
        await bench.advance(20 * HOUR);
        const later = await bench.snapshot();
        await send();
        assertEquals(await bench.snapshot(), later);
      },
    );
  }
}
