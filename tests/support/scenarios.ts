import type {
  EnqueueReply,
  GroupChunk,
  NewTask,
  ScheduleReply,
  StepReply,
  StepRequest,
  WorkflowBroker,
} from "../../src/broker/broker.ts";
import { RING_MS } from "../../src/broker/wake.ts";
import { delayed, ends, settle, task } from "./contract/bench.ts";

export const START: number = 1_763_800_000_000;

/** What a scenario has at hand. */
export interface Stage {
  readonly broker: WorkflowBroker;
  readonly queue: string;
  advance(ms: number): Promise<void>;
}

/** A request of one script, after what leads up to it. */
export interface Scenario {
  readonly script: string;
  prepare(stage: Stage): Promise<void>;
  request(stage: Stage): Promise<unknown>;
}

/** A step with what the scenarios share. */
export function step(
  { broker, queue }: Stage,
  consumer: string,
  seq: number,
  more: Partial<StepRequest> = {},
): Promise<StepReply> {
  return broker.step(queue, {
    consumer,
    seq,
    leaseMs: 30_000,
    limit: 10,
    maxBytes: 4_000_000,
    alone: true,
    settle: [],
    extend: [],
    ...more,
  });
}

/** Enqueues without a bound. */
export const enqueue = (
  { broker, queue }: Stage,
  ...tasks: readonly NewTask[]
): Promise<EnqueueReply> =>
  broker.enqueue(queue, { tasks, maxBacklog: undefined });

/** Enqueues as who rings if told to, and gives the mark. */
async function ask(
  { broker, queue }: Stage,
  ...tasks: readonly NewTask[]
): Promise<string | undefined> {
  const request = { tasks, maxBacklog: undefined, rings: true };
  return (await broker.enqueue(queue, request)).mark;
}

/** Enqueues the members of a group, which is sealed with two and has a callback unless it says otherwise. */
export const enqueueGroup = (
  { broker, queue }: Stage,
  chunk: Partial<GroupChunk>,
  ...tasks: readonly NewTask[]
): Promise<EnqueueReply> =>
  broker.enqueue(queue, {
    tasks,
    maxBacklog: undefined,
    group: {
      id: "g",
      seal: 2,
      callback: task("callback"),
      sealMs: 600_000,
      ttlMs: 3_600_000,
      ...chunk,
    },
  });

/** Enters a schedule of this hash, due at an instant. */
export const schedule = (
  { broker, queue }: Stage,
  hash: string,
  at: number,
  operation = `enter ${hash}`,
): Promise<ScheduleReply> =>
  broker.schedule(queue, {
    operation,
    hash,
    task: task("tick", { envelope: hash, due: { kind: "at", at } }),
  });

const paced = { rate: { key: "k", limit: 2, perMs: 1_000 } } as const;
const rate = { limit: 3, perMs: 1_000 } as const;
const rated = (...ids: readonly string[]) => ids.map((id) => task(id, paced));
const lane = { concurrency: { key: "k", limit: 2 } } as const;

/** Tasks of a key of which two may be leased. */
const keyed = (...ids: readonly string[]): readonly NewTask[] =>
  ids.map((id) => task(id, lane));

const held = (seq: number, ...ids: readonly string[]) =>
  ids.map((id) => ({ id, token: `worker:${seq}` }));

function suspend(
  { broker, queue }: Stage,
  suspended: boolean,
  operation = "op",
) {
  return broker.suspend(queue, { operation, id: "tick", suspended });
}

function unschedule({ broker, queue }: Stage) {
  return broker.unschedule(queue, { operation: "op", id: "tick" });
}

function cancelA({ broker, queue }: Stage) {
  return broker.cancel(queue, {
    operation: "op",
    id: "a",
    error: "{}",
    keepMs: 600_000,
  });
}

const nothing = () => Promise.resolve();

/** Every verb that changes something, in each of its ways. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  "enqueue() of one task": {
    script: "enqueue",
    prepare: nothing,
    request: (stage) => enqueue(stage, task("a")),
  },
  "enqueue() of a delayed task with a dedupe key": {
    script: "enqueue",
    prepare: nothing,
    request: (stage) =>
      enqueue(
        stage,
        delayed("a", 5_000, { dedupe: { key: "k", ttlMs: 9_000 } }),
      ),
  },
  "enqueue() of a batch over several shards": {
    script: "enqueue",
    prepare: (stage) => enqueue(stage, task("b")).then(() => {}),
    request: (stage) =>
      enqueue(
        stage,
        ...["a", "b", "c", "d", "e"].map((id) => task(id)),
        delayed("f", 1_000, { priority: 3 }),
        task("g", { dedupe: { key: "k", ttlMs: 9_000 } }),
      ),
  },
  "enqueue() that is to ring": {
    script: "enqueue",
    prepare: nothing,
    request: (stage) => ask(stage, task("a"), delayed("b", 5_000)),
  },
  "step() that answers its ring": {
    script: "step",
    prepare: (stage) => ask(stage, task("a"), task("b")).then(() => {}),
    request: (stage) =>
      step(stage, "worker", 1, {
        limit: 1,
        wake: { mark: String(START + RING_MS) },
      }),
  },
  "step() that settles and finds nothing": {
    script: "step",
    async prepare(stage) {
      const mark = await ask(stage, task("a"));
      await step(stage, "worker", 1, { wake: { mark } });
    },
    request: (stage) =>
      step(stage, "worker", 2, {
        settle: held(1, "a").map((one) => settle(one, ends.complete())),
      }),
  },
  "step() that leaves a task behind": {
    script: "step",
    async prepare(stage) {
      const mark = await ask(stage, task("a"), task("b"));
      await step(stage, "worker", 1, { limit: 1, wake: { mark } });
    },
    request: (stage) =>
      step(stage, "worker", 2, {
        limit: 0,
        settle: held(1, "a").map((one) => settle(one, ends.release())),
        wake: { leaving: "ringing" },
      }),
  },
  "step() that claims": {
    script: "step",
    prepare: (stage) =>
      enqueue(stage, task("a"), task("b"), delayed("c", 50)).then(() =>
        stage.advance(100)
      ),
    request: (stage) => step(stage, "worker", 1),
  },
  "step() that does everything at once": {
    script: "step",
    async prepare(stage) {
      await enqueue(
        stage,
        ...["done", "again", "later", "back", "doomed", "stopped", "stale"]
          .map((id) => task(id)),
        task("keyed", { dedupe: { key: "k", ttlMs: 900_000 } }),
      );
      await step(stage, "worker", 1, { limit: 8 });
      await enqueue(stage, task("lost"));
      await step(stage, "dead", 1, { limit: 1, leaseMs: 1_000 });
      await enqueue(stage, task("running"));
      await step(stage, "worker", 2, { limit: 1 });
      await enqueue(stage, task("next"), delayed("due", 10));
      await stage.advance(2_000);
    },
    request: (stage) => {
      const [done, again, later, back, doomed, stopped, keyed] = held(
        1,
        "done",
        "again",
        "later",
        "back",
        "doomed",
        "stopped",
        "keyed",
      );
      return step(stage, "worker", 3, {
        alone: false,
        settle: [
          settle(done!, ends.complete("1"), {
            enqueue: [
              task("child"),
              delayed("grandchild", 60_000, {
                dedupe: { key: "g", ttlMs: 900_000 },
              }),
            ],
          }),
          settle(again!, ends.retry(0, `{"name":"E"}`), { span: "00-x" }),
          settle(later!, ends.retry(5_000)),
          settle(back!, ends.release()),
          settle(doomed!, ends.dead(`{"name":"D"}`)),
          settle(stopped!, ends.cancel()),
          settle(keyed!, ends.expire(), { dedupe: "k" }),
          settle({ id: "stale", token: "worker:9" }, ends.complete()),
        ],
        extend: [...held(2, "running"), { id: "next", token: "worker:2" }].map(
          (each) => ({ ...each, leaseMs: undefined }),
        ),
      });
    },
  },
  "step() that sweeps": {
    script: "step",
    async prepare(stage) {
      await enqueue(stage, task("a"), task("b"));
      await step(stage, "worker", 1);
      await step(stage, "worker", 2, {
        settle: held(1, "a", "b").map((each) =>
          settle(each, ends.complete("1"))
        ),
      });
      await stage.advance(30 * 3_600_000);
      await enqueue(stage, task("c"));
    },
    request: (stage) => step(stage, "other", 1),
  },
  "cancel() of a waiting task": {
    script: "cancel",
    prepare: (stage) =>
      enqueue(stage, task("a", { dedupe: { key: "k", ttlMs: 9_000 } })).then(
        () => {},
      ),
    request: ({ broker, queue }) =>
      broker.cancel(queue, {
        operation: "op",
        id: "a",
        error: "{}",
        keepMs: 600_000,
      }),
  },
  "cancel() of a leased task": {
    script: "cancel",
    prepare: (stage) =>
      enqueue(stage, task("a")).then(() => step(stage, "worker", 1)).then(
        () => {},
      ),
    request: ({ broker, queue }) =>
      broker.cancel(queue, {
        operation: "op",
        id: "a",
        error: "{}",
        keepMs: 600_000,
      }),
  },
  "cancel() of a related task that is scheduled": {
    script: "cancel",
    prepare: (stage) =>
      enqueue(stage, task("b"), delayed("a", 5_000, { related: true })).then(
        () => {},
      ),
    request: ({ broker, queue }) =>
      broker.cancel(queue, {
        operation: "op",
        id: "a",
        error: "{}",
        keepMs: 600_000,
      }),
  },
  "enqueue() of a group's first chunk": {
    script: "enqueue",
    prepare: nothing,
    request: (stage) =>
      enqueueGroup(
        stage,
        { seal: undefined },
        task("a"),
        delayed("b", 5_000, { dedupe: { key: "k", ttlMs: 9_000 } }),
      ),
  },
  "enqueue() of a group's last chunk": {
    script: "enqueue",
    prepare: (stage) =>
      enqueueGroup(stage, { seal: undefined }, task("a")).then(() => {}),
    request: (stage) => enqueueGroup(stage, { callback: undefined }, task("b")),
  },
  "enqueue() of a seal that completes a group": {
    script: "enqueue",
    prepare: async (stage) => {
      await enqueueGroup(stage, { seal: undefined }, task("a"));
      await step(stage, "worker", 1);
      await step(stage, "worker", 2, {
        limit: 0,
        settle: held(1, "a").map((each) =>
          settle(each, ends.complete("1"), { group: "g" })
        ),
      });
    },
    request: (stage) => enqueueGroup(stage, { seal: 1, callback: undefined }),
  },
  "enqueue() of a callback whose group is complete": {
    script: "enqueue",
    prepare: (stage) =>
      enqueueGroup(stage, { seal: 0, callback: undefined }).then(() => {}),
    request: (stage) => enqueueGroup(stage, { seal: undefined }),
  },
  "enqueue() of an empty group": {
    script: "enqueue",
    prepare: nothing,
    request: (stage) => enqueueGroup(stage, { seal: 0 }),
  },
  "step() that completes a group": {
    script: "step",
    prepare: async (stage) => {
      await enqueueGroup(stage, {}, task("a"), task("b"));
      await step(stage, "worker", 1);
    },
    request: (stage) =>
      step(stage, "worker", 2, {
        limit: 0,
        settle: [
          ...held(1, "a").map((each) =>
            settle(each, ends.dead("{}"), { group: "g" })
          ),
          ...held(1, "b").map((each) =>
            settle(each, ends.complete("1"), { group: "g", span: "00-b" })
          ),
        ],
      }),
  },
  "step() that completes a group and claims its callback": {
    script: "step",
    prepare: async (stage) => {
      await enqueueGroup(stage, {}, task("a"), task("b"));
      await step(stage, "worker", 1);
    },
    request: (stage) =>
      step(stage, "worker", 2, {
        settle: held(1, "a", "b").map((each) =>
          settle(each, ends.complete("1"), { group: "g", span: "00-b" })
        ),
      }),
  },
  "step() that is not to settle what was cancelled": {
    script: "step",
    prepare: async (stage) => {
      await enqueueGroup(stage, {}, task("a"), task("b", lane));
      await step(stage, "worker", 1);
      for (const id of ["a", "b"]) await cancel(stage, id);
    },
    request: (stage) =>
      step(stage, "worker", 2, {
        limit: 0,
        settle: held(1, "a", "b").map((each) => ({
          ...settle(each, ends.complete("1"), {
            group: "g",
            enqueue: [task(`after ${each.id}`)],
          }),
          unlessCancelled: each.id === "b",
        })),
      }),
  },
  "step() that closes a group and forgets another": {
    script: "step",
    prepare: async (stage) => {
      await enqueueGroup(stage, { id: "old", seal: 0, callback: undefined });
      await enqueueGroup(stage, { seal: undefined }, delayed("a", 90_000_000));
      await stage.advance(2 * 3_600_000);
    },
    request: (stage) => step(stage, "worker", 1, { limit: 0 }),
  },
  "step() that snoozes, tells progress and enqueues": {
    script: "step",
    prepare: async (stage) => {
      await enqueue(stage, ...["a", "b", "c"].map((id) => task(id)));
      await step(stage, "worker", 1);
    },
    request: (stage) =>
      step(stage, "worker", 2, {
        limit: 0,
        settle: [
          ...held(1, "a").map((each) =>
            settle(each, ends.snooze(START + 60_000, "other"), {
              enqueue: [task("a@1"), task("a@2"), task("a@3")],
            })
          ),
          ...held(1, "b").map((each) =>
            settle(each, ends.retry(60_000), { enqueue: [task("b@1")] })
          ),
        ],
        extend: held(1, "c").map((each) => ({
          ...each,
          leaseMs: undefined,
          progress: "half",
        })),
      }),
  },
  "forget()": {
    script: "forget",
    async prepare(stage) {
      await enqueueGroup(stage, { callback: undefined }, task("a"), task("b"));
      await step(stage, "worker", 1);
      const [a, b] = held(1, "a", "b");
      await step(stage, "worker", 2, {
        limit: 0,
        settle: [
          settle(a!, ends.complete("1"), { group: "g" }),
          settle(b!, ends.dead("{}"), { group: "g" }),
        ],
      });
      await enqueue(stage, task("c"));
    },
    request: ({ broker, queue }) =>
      broker.forget(queue, {
        operation: "op",
        ids: ["a", "b", "c", "never"],
        group: "g",
      }),
  },
  "enqueue() of tasks of a key": {
    script: "enqueue",
    prepare: nothing,
    request: (stage) =>
      enqueue(stage, ...keyed("a", "b", "c"), delayed("d", 5_000, lane)),
  },
  "enqueue() of one task of a key that waits": {
    script: "enqueue",
    prepare: (stage) => enqueue(stage, ...keyed("a", "b")).then(() => {}),
    request: (stage) => enqueue(stage, ...keyed("c")),
  },
  "enqueue() of a task of a key that raises its limit": {
    script: "enqueue",
    prepare: (stage) => enqueue(stage, ...keyed("a", "b", "c")).then(() => {}),
    request: (stage) =>
      enqueue(stage, task("d", { concurrency: { key: "k", limit: 4 } })),
  },
  "step() that makes room in a key": {
    script: "step",
    prepare: async (stage) => {
      await enqueue(stage, ...keyed("a", "b", "c", "d", "e"));
      await enqueue(stage, delayed("due", 10, lane));
      await stage.advance(20);
      await step(stage, "worker", 1);
    },
    request: (stage) => {
      const [a, b] = held(1, "a", "b");
      return step(stage, "worker", 2, {
        settle: [
          settle(a!, ends.complete("1"), { enqueue: keyed("birth") }),
          settle(b!, ends.retry(60_000)),
        ],
      });
    },
  },
  "enqueue() of tasks of a key with a rate": {
    script: "enqueue",
    prepare: nothing,
    request: (stage) =>
      enqueue(stage, ...rated("a", "b", "c"), delayed("d", 5_000, paced)),
  },
  "step() that claims of a key with a rate": {
    script: "step",
    prepare: async (stage) => {
      await enqueue(stage, ...rated("a", "b", "c", "d", "e"), task("free"));
    },
    request: (stage) => step(stage, "worker", 1, { rate }),
  },
  "step() that settles and claims of a key whose time has come": {
    script: "step",
    prepare: async (stage) => {
      await enqueue(stage, task("other"));
      await step(stage, "another", 1);
      await enqueue(stage, ...rated("a", "b", "c", "d", "e"), task("free"));
      await enqueue(stage, delayed("due", 10, paced));
      await stage.advance(20);
      await step(stage, "worker", 1, { rate });
      await stage.advance(1_000);
    },
    request: (stage) =>
      step(stage, "worker", 2, {
        rate,
        settle: held(1, "a").map((a) =>
          settle(a, ends.retry(60_000), { enqueue: rated("birth") })
        ),
      }),
  },
  "cancel() of a task of a key with a rate": {
    script: "cancel",
    prepare: (stage) => enqueue(stage, ...rated("a", "b", "c")).then(() => {}),
    request: cancelA,
  },
  "cancel() of a task of a key": {
    script: "cancel",
    prepare: (stage) => enqueue(stage, ...keyed("a", "b", "c")).then(() => {}),
    request: cancelA,
  },
  "cancel() of a related task of a key that waits": {
    script: "cancel",
    prepare: (stage) =>
      enqueue(
        stage,
        ...keyed("b", "c"),
        task("a", { ...lane, related: true }),
      ).then(() => {}),
    request: cancelA,
  },
  "purge() of tasks of a key": {
    script: "purge",
    prepare: (stage) =>
      enqueue(stage, ...keyed("a", "b", "c", "d")).then(() => {}),
    request: ({ broker, queue }) =>
      broker.purge(queue, {
        operation: "op",
        tasks: [{ id: "a" }, { id: "d" }, { id: "b" }],
        error: "{}",
        keepMs: 600_000,
      }),
  },
  "redrive() of tasks of a key": {
    script: "redrive",
    prepare: async (stage) => {
      await enqueue(stage, ...keyed("a", "b", "c"));
      await step(stage, "worker", 1);
      await step(stage, "worker", 2, {
        limit: 0,
        settle: held(1, "a", "b").map((each) => settle(each, ends.dead("{}"))),
      });
    },
    request: ({ broker, queue }) =>
      broker.redrive(queue, {
        operation: "op",
        tasks: ["a", "b"].map((id) => ({ id, diedAt: START })),
      }),
  },
  "schedule()": {
    script: "schedule",
    prepare: nothing,
    request: (stage) => schedule(stage, "hourly", START + 60_000),
  },
  "schedule() that is due": {
    script: "schedule",
    prepare: (stage) => schedule(stage, "old", START + 60_000).then(() => {}),
    request: (stage) => schedule(stage, "new", START - 60_000),
  },
  "schedule() that changes a leased one": {
    script: "schedule",
    prepare: async (stage) => {
      await schedule(stage, "old", START);
      await step(stage, "worker", 1);
    },
    request: (stage) => schedule(stage, "new", START + 60_000),
  },
  "schedule() that changes a suspended one": {
    script: "schedule",
    prepare: async (stage) => {
      await schedule(stage, "old", START);
      await suspend(stage, true, "before");
    },
    request: (stage) => schedule(stage, "new", START + 60_000),
  },
  "step() that fires a schedule": {
    script: "step",
    prepare: async (stage) => {
      await schedule(stage, "minutely", START);
      await step(stage, "worker", 1);
    },
    request: (stage) =>
      step(stage, "worker", 2, {
        settle: held(1, "tick").map((each) =>
          settle(each, ends.snooze(START + 60_000, "next"), {
            enqueue: [task("tick@1"), task("tick@2")],
          })
        ),
      }),
  },
  "unschedule()": {
    script: "unschedule",
    prepare: (stage) => schedule(stage, "old", START + 60_000).then(() => {}),
    request: unschedule,
  },
  "unschedule() of a leased one": {
    script: "unschedule",
    prepare: async (stage) => {
      await schedule(stage, "old", START);
      await step(stage, "worker", 1);
    },
    request: unschedule,
  },
  "suspend()": {
    script: "suspend",
    prepare: (stage) => schedule(stage, "old", START).then(() => {}),
    request: (stage) => suspend(stage, true),
  },
  "suspend() of a leased one": {
    script: "suspend",
    prepare: async (stage) => {
      await schedule(stage, "old", START);
      await step(stage, "worker", 1);
    },
    request: (stage) => suspend(stage, true),
  },
  "suspend() that resumes": {
    script: "suspend",
    prepare: async (stage) => {
      await schedule(stage, "old", START);
      await suspend(stage, true, "before");
    },
    request: (stage) => suspend(stage, false),
  },
  "pause()": {
    script: "pause",
    prepare: (stage) => enqueue(stage, task("a")).then(() => {}),
    request: ({ broker, queue }) =>
      broker.pause(queue, { operation: "op", paused: true }),
  },
  "pause() that resumes": {
    script: "pause",
    prepare: (stage) =>
      enqueue(stage, task("a")).then(() =>
        stage.broker.pause(stage.queue, { operation: "before", paused: true })
      ).then(() => {}),
    request: ({ broker, queue }) =>
      broker.pause(queue, { operation: "op", paused: false }),
  },
  "pause() of a name": {
    script: "pause_name",
    prepare: prepareNames,
    request: (stage) => pauseName(stage, true, "op"),
  },
  "pause() of a name that resumes": {
    script: "pause_name",
    async prepare(stage) {
      await prepareNames(stage);
      await pauseName(stage, true);
      await step(stage, "worker", 1);
    },
    request: (stage) => pauseName(stage, false, "op"),
  },
  "step() that sets aside tasks of a paused name": {
    script: "step",
    async prepare(stage) {
      await prepareNames(stage);
      await pauseName(stage, true);
    },
    request: (stage) => step(stage, "worker", 1),
  },
  "step() that lets tasks of a name go on": {
    script: "step",
    async prepare(stage) {
      await prepareNames(stage);
      await pauseName(stage, true);
      await step(stage, "worker", 1);
      await enqueue(
        stage,
        ...Array.from(Array(600), (_, i) => task(`r${i}`, { name: "resize" })),
      );
      await step(stage, "worker", 2, { limit: 250 });
      await pauseName(stage, false);
    },
    request: (stage) => step(stage, "worker", 3, { limit: 1 }),
  },
  "cancel() of a task that was set aside": {
    script: "cancel",
    prepare: prepareAside,
    request: (stage) => cancel(stage, "resize1"),
  },
  "cancel() of a related task that was set aside": {
    script: "cancel",
    prepare: prepareAside,
    request: (stage) => cancel(stage, "related"),
  },
  "purge() of tasks that were set aside": {
    script: "purge",
    prepare: prepareAside,
    request: ({ broker, queue }) =>
      broker.purge(queue, {
        operation: "op",
        tasks: ["resize1", "related", "other"].map((id) => ({ id })),
        error: "purged",
        keepMs: 3_600_000,
      }),
  },
  "purge()": {
    script: "purge",
    async prepare(stage) {
      await enqueue(stage, task("dead"));
      await step(stage, "worker", 1);
      await step(stage, "worker", 2, {
        limit: 0,
        settle: held(1, "dead").map((each) => settle(each, ends.dead())),
      });
      await enqueue(
        stage,
        task("ready"),
        delayed("due", 5_000),
        delayed("related", 5_000, { related: true }),
      );
    },
    request: ({ broker, queue }) =>
      broker.purge(queue, {
        operation: "op",
        tasks: ["dead", "ready", "due", "related"].map((id) => ({
          id,
          enqueuedAt: START,
        })),
        error: "{}",
        keepMs: 600_000,
      }),
  },
  "redrive()": {
    script: "redrive",
    async prepare(stage) {
      await enqueue(stage, task("a"), task("b"));
      await step(stage, "worker", 1);
      await step(stage, "worker", 2, {
        limit: 0,
        settle: held(1, "a", "b").map((each) => settle(each, ends.dead("{}"))),
      });
    },
    request: ({ broker, queue }) =>
      broker.redrive(queue, {
        operation: "op",
        tasks: ["a", "b"].map((id) => ({ id, diedAt: START })),
      }),
  },
};

/** Tasks of two names; one of them has consequences. */
async function prepareNames(stage: Stage): Promise<void> {
  await enqueue(
    stage,
    task("resize1", { name: "resize" }),
    task("related", { name: "resize", related: true }),
    task("other"),
    task("resize2", { name: "resize" }),
  );
}

/** The same, once a claim has set those aside that are paused. */
async function prepareAside(stage: Stage): Promise<void> {
  await prepareNames(stage);
  await pauseName(stage, true);
  await step(stage, "worker", 1);
}

async function pauseName(
  { broker, queue }: Stage,
  paused: boolean,
  operation = `${paused}`,
): Promise<unknown> {
  return await broker.pause(queue, { operation, paused, name: "resize" });
}

function cancel({ broker, queue }: Stage, id: string): Promise<unknown> {
  const error = "cancelled";
  return broker.cancel(queue, {
    operation: "op",
    id,
    error,
    keepMs: 3_600_000,
  });
}
