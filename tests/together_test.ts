/** Steps of several queues in one request, and what becomes of each when some of them, or all, do not get through. Real HTTP, real Redis. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Redis } from "@upstash/redis";
import type {
  Delivery,
  StepReply,
  WorkflowBroker,
} from "../src/broker/broker.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import type { UpstashPipeline } from "../src/broker/pipeline.ts";
import type { UpstashClient } from "../src/broker/runner.ts";
import type { QueueStep } from "../src/broker/together.ts";
import { UpstashBroker } from "../src/broker/upstash.ts";
import { BrokerError } from "../src/core/error.ts";
import { ends, settle, task } from "./support/contract/bench.ts";
import type { Fault } from "./support/gateway/fault.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import { gateway } from "./support/host.ts";
import { test } from "./support/suite.ts";

const START = 1_763_800_000_000;

const numbers = [0, 1, 2, 3];

/** Names of queues nobody else has, each with one task in it. */
async function filled(broker: WorkflowBroker): Promise<readonly string[]> {
  const run = crypto.randomUUID();
  const queues = numbers.map((i) => `together-${run}-${i}`);
  for (const queue of queues) {
    const tasks = [task(`of ${queue}`)];
    await broker.enqueue(queue, { tasks, maxBacklog: undefined });
  }
  return queues;
}

/** The first step of a consumer of the queue. */
function claiming(queue: string): QueueStep {
  return {
    queue,
    request: {
      consumer: `consumer of ${queue}`.slice(0, 30),
      seq: 1,
      leaseMs: 30_000,
      limit: 10,
      maxBytes: 1_000_000,
      alone: false,
      settle: [],
      extend: [],
    },
  };
}

/** The second: it settles. */
function settling(queue: string, deliveries: readonly Delivery[]): QueueStep {
  const { request } = claiming(queue);
  const settlements = deliveries.map((one) => settle(one, ends.complete("x")));
  return {
    queue,
    request: { ...request, seq: 2, limit: 0, settle: settlements },
  };
}

function idsIn(replies: readonly StepReply[]): readonly (readonly string[])[] {
  return replies.map(({ deliveries }) => deliveries.map(({ id }) => id));
}

function idsOf(queues: readonly string[]): readonly (readonly string[])[] {
  return queues.map((queue) => [`of ${queue}`]);
}

function sumOf(replies: readonly StepReply[]): number {
  return replies.reduce((sum, { requests }) => sum + requests, 0);
}

/** A client whose single commands and pipelines go through the hands of a test. */
function clientOf(
  lane: string,
  meddle: {
    readonly alone?: (verb: string) => void;
    readonly answers?: (
      answers: readonly unknown[],
      verbs: readonly string[],
    ) => readonly unknown[];
    readonly pipeline?: boolean;
  },
): UpstashClient {
  const redis = new Redis({
    url: gateway.url,
    token: `${gateway.token}.${lane}`,
    automaticDeserialization: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
    retry: { retries: 0 },
  });
  const alone: UpstashClient = {
    eval(...call) {
      meddle.alone?.("eval");
      return redis.eval(...call);
    },
    evalsha(...call) {
      meddle.alone?.("evalsha");
      return redis.evalsha(...call);
    },
  };
  if (meddle.pipeline === false) return alone;
  const pipeline = (): UpstashPipeline => {
    const real = redis.pipeline();
    const verbs: string[] = [];
    return {
      eval(...call) {
        verbs.push("eval");
        real.eval(...call);
      },
      evalsha(...call) {
        verbs.push("evalsha");
        real.evalsha(...call);
      },
      async exec(options) {
        const answers: readonly unknown[] = await real.exec(options);
        return meddle.answers?.(answers, verbs) ?? answers;
      },
    };
  };
  return { ...alone, pipeline };
}

const quick = { random: () => 0 };

test("steps() sends the steps of several queues in one request, and answers each as if it had been alone", async () => {
  await using at = await gatewayBroker(START);
  const queues = await filled(at.broker);
  const ask = (steps: readonly QueueStep[]) =>
    Promise.all(at.broker.steps(steps));
  await ask(numbers.map((i) => claiming(`empty-${i}`)));
  const before = (await at.lane.report()).requests;
  const replies = await ask(queues.map(claiming));
  assertEquals((await at.lane.report()).requests - before, 1);
  assertEquals(idsIn(replies), idsOf(queues));
  assertEquals(replies.map(({ requests }) => requests), [1, 0, 0, 0]);
  assert(replies.every(({ commands }) => commands > 3));
  const settled = await ask(
    queues.map((queue, i) => settling(queue, replies[i]!.deliveries)),
  );
  assertEquals(settled.flatMap(({ stale }) => stale), []);
  for (const queue of queues) {
    const { status } = await at.broker.result(queue, `of ${queue}`);
    assertEquals(status, "completed");
  }
});

test("steps() of a MemoryBroker counts one request", async () => {
  const broker = new MemoryBroker();
  const queues = await filled(broker);
  const replies = await Promise.all(broker.steps(queues.map(claiming)));
  assertEquals(idsIn(replies), idsOf(queues));
  assertEquals(sumOf(replies), 1);
});

const faults: Readonly<Record<string, Fault>> = {
  "a 500": { kind: "status", status: 500, times: 2 },
  "a 429": { kind: "status", status: 429 },
  "an answer that is lost": { kind: "cut", when: "after" },
  "an answer cut short": { kind: "truncate" },
  "a request that is lost": { kind: "cut", when: "before" },
};

for (const [what, fault] of Object.entries(faults)) {
  test(`steps() gets all of them through after ${what}, in one request again`, async () => {
    await using at = await gatewayBroker(START);
    const queues = await filled(at.broker);
    await Promise.all(
      at.broker.steps(queues.map((q) => claiming(`no-${q}`.slice(0, 40)))),
    );
    await at.lane.add(fault);
    const before = (await at.lane.report()).requests;
    const replies = await Promise.all(at.broker.steps(queues.map(claiming)));
    assertEquals(idsIn(replies), idsOf(queues));
    const sent = (await at.lane.report()).requests - before;
    assertEquals([sumOf(replies), sent], [sent, "times" in fault ? 3 : 2]);
  });
}

test("steps() answers those that got through at once, and sends only the others again", async () => {
  await using at = await gatewayBroker(START);
  const queues = await filled(at.broker);
  await Promise.all(
    at.broker.steps(queues.map((q) => claiming(`no-${q}`.slice(0, 40)))),
  );
  await at.lane.add({
    kind: "script",
    k: 2,
    error: "LOADING the database",
    skip: 1,
  });
  const order: number[] = [];
  const replies = await Promise.all(
    at.broker.steps(queues.map(claiming)).map(async (answer, i) => {
      const reply = await answer;
      order.push(i);
      return reply;
    }),
  );
  assertEquals(idsIn(replies), idsOf(queues));
  assertEquals(order.at(-1), 1);
  assertEquals(replies.map(({ requests }) => requests), [1, 1, 0, 0]);
});

test("steps() fails the one that is refused, and none of the others", async () => {
  await using at = await gatewayBroker(START);
  const queues = await filled(at.broker);
  await Promise.all(
    at.broker.steps(queues.map((q) => claiming(`no-${q}`.slice(0, 40)))),
  );
  const error = "WRONGTYPE Operation against a key of another kind";
  await at.lane.add({ kind: "script", k: 2, error, skip: 2 });
  const results = await Promise.allSettled(
    at.broker.steps(queues.map(claiming)),
  );
  const reasons = results.map((one) =>
    one.status === "rejected" ? (one.reason as BrokerError).failure : "answered"
  );
  assertEquals(reasons, ["answered", "answered", "wrong_type", "answered"]);
});

test("steps() repeats leanly, alone, the one that a full database refuses", async () => {
  await using at = await gatewayBroker(START);
  const queues = await filled(at.broker);
  await Promise.all(
    at.broker.steps(queues.map((q) => claiming(`no-${q}`.slice(0, 40)))),
  );
  const error = "OOM command not allowed when used memory > 'maxmemory'.";
  await at.lane.add({ kind: "script", k: 2, error, skip: 3 });
  await at.lane.set({ log: true });
  const replies = await Promise.all(at.broker.steps(queues.map(claiming)));
  assertEquals(idsIn(replies), idsOf(queues));
  const { entries } = await at.lane.report();
  assertEquals(entries.map(({ commands }) => commands.length), [4, 1]);
});

test("steps() fails all of them, each with its own error, when nobody answers", async () => {
  await using at = await gatewayBroker(START, { ...quick, attempts: 2 });
  await at.lane.add({ kind: "status", status: 500, times: 10 });
  const results = at.broker.steps(numbers.map((i) => claiming(`gone-${i}`)));
  const errors = await Promise.all(
    results.map((one) => assertRejects(() => one, BrokerError)),
  );
  assertEquals(
    errors.map(({ failure }) => failure),
    numbers.map(() => "unavailable"),
  );
  assertEquals(errors.map(({ attempts }) => attempts), numbers.map(() => 2));
  assertEquals(new Set(errors).size, 4);
  assertEquals((await at.lane.report()).requests, 2);
});

test("steps() sends the source of those scripts that the server does not know, and of none else", async () => {
  const lane = crypto.randomUUID().slice(0, 8);
  const sent: (readonly string[])[] = [];
  const client = clientOf(lane, {
    answers(answers, verbs) {
      sent.push(verbs);
      return answers.map((answer, i) =>
        verbs[i] === "evalsha" && i % 2 === 1
          ? { error: "NOSCRIPT No matching script. Please use EVAL." }
          : answer
      );
    },
  });
  const broker = new UpstashBroker(client);
  const queues = await filled(broker);
  await broker.step(...stepOf("warm"));
  const replies = await Promise.all(broker.steps(queues.map(claiming)));
  assertEquals(idsIn(replies), idsOf(queues));
  assertEquals(sent, [
    ["evalsha", "evalsha", "evalsha", "evalsha"],
    ["eval", "eval"],
  ]);
});

test("steps() leaves the flag out, for all, where the server does not know it", async () => {
  const lane = crypto.randomUUID().slice(0, 8);
  const sent: (readonly string[])[] = [];
  const client = clientOf(lane, {
    answers(answers, verbs) {
      sent.push(verbs);
      const error = sent.length === 1
        ? "NOSCRIPT No matching script. Please use EVAL."
        : "ERR Unexpected flag in script shebang: allow-key-locking";
      return sent.length <= 2 ? answers.map(() => ({ error })) : answers;
    },
  });
  const broker = new UpstashBroker(client);
  const queues = await filled(new UpstashBroker(clientOf(lane, {})));
  const replies = await Promise.all(broker.steps(queues.map(claiming)));
  assertEquals(idsIn(replies), idsOf(queues));
  assertEquals(sent.map(([verb]) => verb), ["evalsha", "eval", "eval"]);
});

test("steps() sends them one by one with a client that has no pipelines, or whose pipelines lose answers", async () => {
  for (const pipeline of [false, true]) {
    const lane = crypto.randomUUID().slice(0, 8);
    let alone = 0;
    const client = clientOf(lane, {
      pipeline,
      alone: () => void alone++,
      answers() {
        throw new Error("Command 2 [ evalsha ] failed: ERR a fault");
      },
    });
    const broker = new UpstashBroker(client);
    const queues = await filled(broker);
    alone = 0;
    const replies = await Promise.all(broker.steps(queues.map(claiming)));
    assertEquals(idsIn(replies), idsOf(queues));
    assertEquals(alone, 4);
  }
});

test("steps() takes the answers of a client that gives them bare", async () => {
  const lane = crypto.randomUUID().slice(0, 8);
  const client = clientOf(lane, {
    answers: (answers) =>
      answers.map((answer) => (answer as { result: unknown }).result),
  });
  const broker = new UpstashBroker(client);
  const queues = await filled(broker);
  const replies = await Promise.all(broker.steps(queues.map(claiming)));
  assertEquals(idsIn(replies), idsOf(queues));
});

test("steps() splits what is too large for one request", async () => {
  await using at = await gatewayBroker(START);
  const queues = await filled(at.broker);
  await Promise.all(
    at.broker.steps(queues.map((q) => claiming(`no-${q}`.slice(0, 40)))),
  );
  const before = (await at.lane.report()).requests;
  const replies = await Promise.all(at.broker.steps(
    queues.map((queue) => {
      const { request } = claiming(queue);
      return { queue, request: { ...request, maxBytes: 3_900_000 } };
    }),
  ));
  assertEquals(idsIn(replies), idsOf(queues));
  assertEquals((await at.lane.report()).requests - before, 2);
  assertEquals(sumOf(replies), 2);
});

test("steps() tells the time where the caller does", async () => {
  await using at = await gatewayBroker(START, { time: "caller" });
  const queues = await filled(at.broker);
  const replies = await Promise.all(at.broker.steps(queues.map(claiming)));
  assertEquals(idsIn(replies), idsOf(queues));
  assertEquals(replies.map(({ now }) => now), numbers.map(() => START));
});

function stepOf(queue: string): [string, QueueStep["request"]] {
  return [queue, claiming(queue).request];
}
