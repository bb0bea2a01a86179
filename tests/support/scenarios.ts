import type {
  Broker,
  EnqueueReply,
  NewTask,
  StepReply,
  StepRequest,
} from "../../src/broker/broker.ts";
import { delayed, ends, settle, task } from "./contract/bench.ts";

export const START: number = 1_763_800_000_000;

/** What a scenario has at hand. */
export interface Stage {
  readonly broker: Broker;
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

const held = (seq: number, ...ids: readonly string[]) =>
  ids.map((id) => ({ id, token: `worker:${seq}` }));

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
  "purge()": {
    script: "purge",
    async prepare(stage) {
      await enqueue(stage, task("dead"));
      await step(stage, "worker", 1);
      await step(stage, "worker", 2, {
        limit: 0,
        settle: held(1, "dead").map((each) => settle(each, ends.dead())),
      });
      await enqueue(stage, task("ready"), delayed("due", 5_000));
    },
    request: ({ broker, queue }) =>
      broker.purge(queue, {
        operation: "op",
        tasks: ["dead", "ready", "due"].map((id) => ({
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
