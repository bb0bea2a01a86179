import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  BrokerError,
  Consumer,
  defineTask,
  Queue,
  QueuesFailedError,
  testClock,
} from "../mod.ts";
import type { QueueOptions, WorkflowBroker } from "../mod.ts";
import { instead } from "../src/broker/instead.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import type { QueueStep } from "../src/broker/together.ts";
import { Telemetry } from "../src/otlp/mod.ts";
import { Collector } from "./support/collector.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import { ManualClock } from "./support/manual_clock.ts";
import { test } from "./support/suite.ts";
import { times } from "./support/consumer.ts";

const note = defineTask<number>("note");

const LEASE_MS = 60_000;

/** A broker, what it is asked in requests, and queues on it. */
interface Place extends AsyncDisposable {
  readonly broker: WorkflowBroker;
  /** How many requests were sent so far. */
  requests(): Promise<number>;
  /** A queue of its own. */
  queue(name: string, options?: Partial<QueueOptions>): Queue;
}

const places: Readonly<Record<string, () => Promise<Place>>> = {
  "in memory"() {
    let requests = 0;
    const memory = new MemoryBroker();
    const broker = instead(memory, {
      step: (...call) => (requests++, memory.step(...call)),
      steps: (all) => (requests++, memory.steps(all)),
    });
    return Promise.resolve({
      broker,
      requests: () => Promise.resolve(requests),
      queue: (name, options) => new Queue({ name, ...options, broker }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
  async "on Redis"() {
    const at = await gatewayBroker(Date.now());
    const run = crypto.randomUUID();
    return {
      broker: at.broker,
      requests: async () => (await at.lane.report()).requests,
      queue: (name, options) =>
        new Queue({ name: `${name}-${run}`, ...options, broker: at.broker }),
      [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
    };
  },
};

function onBoth(name: string, body: (place: Place) => Promise<void>): void {
  for (const [where, open] of Object.entries(places)) {
    test(`${name}, ${where}`, async () => {
      await using place = await open();
      await body(place);
    });
  }
}

/** Queues whose handlers write down what they are given. */
function noting(
  place: Place,
  names: readonly string[],
  notes: string[],
  options: Partial<QueueOptions> = {},
) {
  return names.map((name) =>
    place.queue(name, {
      ...options,
      handlers: [note.handle((n) => void notes.push(`${name}${n}`))],
    })
  );
}

function fill(queue: Queue, count: number): Promise<unknown> {
  return queue.enqueueMany(times(count, (n) => note.with(n)));
}

onBoth(
  "Consumer.drain() asks for all queues in one request, and stops when all are empty",
  async (place) => {
    const queues = noting(place, ["a", "b", "c", "d", "e"], []);
    const consumer = new Consumer({
      queues: queues.map((queue) => ({ queue })),
    });
    await consumer.drain();
    const before = await place.requests();
    const report = await consumer.drain();
    assertEquals(await place.requests() - before, 1);
    assertEquals([report.requests, report.stoppedBy, report.more], [
      1,
      "empty",
      false,
    ]);
    assertEquals(
      report.queues.map(({ queue }) => queue),
      queues.map(({ name }) => name),
    );
    const isRedis = report.commands > 0;
    for (const { commands } of report.queues) {
      assertLessOrEqual(commands, isRedis ? 4 : 0);
    }
  },
);

onBoth(
  "Consumer.drain() runs what is in each queue, and says of each what it did",
  async (place) => {
    const notes: string[] = [];
    const queues = noting(place, ["a", "b", "c"], notes);
    const [a, b] = queues;
    await fill(a!, 30);
    await fill(b!, 120);
    const report = await new Consumer({
      queues: queues.map((queue) => ({ queue })),
    }).drain();
    assertEquals(report.completed, 150);
    assertEquals(report.queues.map(({ completed }) => completed), [30, 120, 0]);
    assertEquals(new Set(notes).size, 150);
    assertEquals(notes.length, 150);
    assertLessOrEqual(report.requests, 8);
    for (const queue of queues) {
      assertEquals((await queue.verify()).problems, []);
    }
  },
);

onBoth(
  "Consumer.drain() shares lanes and leases by weight while all have work",
  async (place) => {
    const notes: string[] = [];
    // lanes are shared by the time they are held: here handlers take none, however slow the machine
    const clock = testClock(Date.now());
    const [a, b] = noting(place, ["a", "b"], notes, { clock });
    await fill(a!, 300);
    await fill(b!, 300);
    await new Consumer({ queues: [{ queue: a!, weight: 3 }, { queue: b! }] })
      .drain({ batchSize: 40, concurrency: 4 });
    for (const upTo of [40, 80, 200]) {
      const ofA = notes.slice(0, upTo).filter((one) => one.startsWith("a"));
      assert(
        Math.abs(ofA.length / upTo - 0.75) <= 0.1,
        `${ofA.length} of the first ${upTo} are of the queue of weight 3`,
      );
    }
    assertEquals(notes.length, 600);
  },
);

test("Consumer.drain() by a clock that stands runs what has to be alone, one after the other", async () => {
  const clock = testClock();
  const broker = new MemoryBroker({ clock });
  const notes: string[] = [];
  const queues = ["a", "b"].map((name) =>
    new Queue({
      name,
      broker,
      clock,
      handlers: [note.handle((n) => void notes.push(`${name}${n}`))],
    })
  );
  for (const queue of queues) await queue.enqueue(note, 0);
  for (const { name } of queues) {
    await broker.step(name, {
      consumer: "dies",
      seq: 1,
      leaseMs: LEASE_MS,
      limit: 1,
      maxBytes: 1_000,
      alone: true,
      settle: [],
      extend: [],
    });
  }
  await clock.advance(LEASE_MS);
  for (const queue of queues) await fill(queue, 3);
  const consumer = new Consumer({ queues: queues.map((queue) => ({ queue })) });
  const report = await consumer.drain();
  assertEquals([report.completed, report.stoppedBy], [8, "empty"]);
  assertEquals(notes.length, 8);
});

onBoth(
  "Consumer.drain() runs what a task enqueues in another queue",
  async (place) => {
    const notes: string[] = [];
    const hop = defineTask<number>("hop");
    const queues: Queue[] = [];
    const to = (other: number) =>
      hop.handle(async (n) => {
        notes.push(`${other}:${n}`);
        if (n > 0) await queues[other]!.enqueue(hop, n - 1);
      });
    queues.push(
      place.queue("one", { handlers: [to(1)] }),
      place.queue("two", { handlers: [to(0)] }),
    );
    await queues[0]!.enqueue(hop, 5);
    const report = await new Consumer({
      queues: queues.map((queue) => ({ queue })),
    }).drain({ budgetMs: 10_000 });
    assertEquals([report.completed, report.stoppedBy], [6, "empty"]);
    assertEquals(report.queues.map(({ completed }) => completed), [3, 3]);
  },
);

test("Consumer lends what an idle queue does not need", async () => {
  const broker = new MemoryBroker();
  let running = 0;
  let most = 0;
  const busy = new Queue({
    name: "busy",
    broker,
    handlers: [
      note.handle(async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 1));
        running--;
      }),
    ],
  });
  const idle = new Queue({ name: "idle", broker });
  await fill(busy, 200);
  const report = await new Consumer({
    queues: [{ queue: busy }, { queue: idle, weight: 9 }],
  }).drain({ batchSize: 20, concurrency: 10 });
  assertEquals([report.completed, most], [200, 10]);
});

test("Consumer holds no more than batchSize and runs no more than concurrency, whatever the weights", async () => {
  let held = 0;
  let running = 0;
  const memory = new MemoryBroker();
  const broker = instead(memory, {
    steps: (all) => {
      for (const { request } of all) held -= request.settle.length;
      const asked = all.reduce((sum, { request }) => sum + request.limit, 0);
      assertLessOrEqual(held + asked, 12);
      return memory.steps(all).map(async (answer) => {
        const reply = await answer;
        held += reply.deliveries.length;
        return reply;
      });
    },
    step: (queue, request) => broker.steps!([{ queue, request }])[0]!,
  });
  const queues = times(4, (i) =>
    new Queue({
      name: `q${i}`,
      broker,
      handlers: [
        note.handle(async () => {
          assertLessOrEqual(++running, 3);
          await new Promise((resolve) => setTimeout(resolve, 1));
          running--;
        }),
      ],
    }));
  for (const queue of queues) await fill(queue, 25);
  const { completed } = await new Consumer({
    queues: queues.map((queue, i) => ({ queue, weight: 10 ** Math.min(i, 3) })),
  }).drain({ batchSize: 12, concurrency: 3 });
  assertEquals([completed, held, running], [100, 0, 0]);
});

test("Consumer.drain() drains the others when a queue fails, and then says so", async () => {
  const memory = new MemoryBroker();
  const refusing = (step: QueueStep) => step.queue === "bad";
  const refused = () =>
    Promise.reject(new BrokerError("wrong_type", "another type"));
  const broker = instead(memory, {
    step: (queue, request) =>
      refusing({ queue, request }) ? refused() : memory.step(queue, request),
    steps: (all) =>
      all.map((one) =>
        refusing(one) ? refused() : memory.step(one.queue, one.request)
      ),
  });
  const notes: string[] = [];
  const queues = ["good", "bad", "fine"].map((name) =>
    new Queue({
      name,
      broker,
      handlers: [note.handle((n) => void notes.push(`${name}${n}`))],
    })
  );
  for (const queue of queues) await fill(queue, 20);
  const consumer = new Consumer({ queues: queues.map((queue) => ({ queue })) });
  const error = await assertRejects(() => consumer.drain(), QueuesFailedError);
  assertEquals(error.queues, ["bad"]);
  assert(error.errors[0] instanceof BrokerError);
  assertEquals(error.report.completed, 40);
  assertEquals(notes.length, 40);
});

test("Consumer runs a task whose consumer died beside none of another queue", async () => {
  let now = 1_000_000;
  const broker = new MemoryBroker({ clock: { now: () => now } });
  const crash = { consumer: "crashed", leaseMs: 1_000, maxBytes: 1e6 };
  let running = 0;
  const alone: string[] = [];
  const queues = ["a", "b"].map((name) =>
    new Queue({
      name,
      broker,
      handlers: [
        note.handle(async (n, ctx) => {
          running++;
          for (let i = 0; i < 3; i++) {
            await new Promise((resolve) => setTimeout(resolve, 2));
            if (ctx.attempt > 1) {
              assertEquals(running, 1, `${name}${n} is not alone`);
            }
          }
          if (ctx.attempt > 1) alone.push(`${name}${n}`);
          running--;
        }),
      ],
    })
  );
  for (const queue of queues) await fill(queue, 2);
  for (const { name } of queues) {
    await broker.step(name, {
      ...crash,
      seq: 1,
      limit: 1,
      alone: true,
      settle: [],
      extend: [],
    });
  }
  now += 2_000;
  for (const queue of queues) await fill(queue, 40);
  const report = await new Consumer({
    queues: queues.map((queue) => ({ queue })),
  }).drain({ budgetMs: 20_000 });
  assertEquals(report.completed, 84);
  assertEquals(alone.sort(), ["a0", "b0"]);
});

test("Consumer.work() polls idle queues together, however long", async () => {
  const clock = new ManualClock();
  const memory = new MemoryBroker({ clock });
  const asked: number[] = [];
  const broker = instead(memory, {
    step: (...call) => (asked.push(1), memory.step(...call)),
    steps: (all) => (asked.push(all.length), memory.steps(all)),
  });
  const queues = times(4, (i) => new Queue({ name: `q${i}`, broker, clock }));
  const worker = new Consumer({ queues: queues.map((queue) => ({ queue })) })
    .work();
  for (let i = 0; i < 60; i++) await clock.advance(1_000);
  const stopped = worker.stop();
  for (let i = 0; i < 20; i++) await clock.advance(100);
  await stopped;
  assertLessOrEqual(asked.length, 20);
  assertEquals(asked.filter((length) => length < 4), []);
});

test("Consumer.work() runs what comes, and says what it did when it stops", async () => {
  const notes: string[] = [];
  const broker = new MemoryBroker();
  const done = Promise.withResolvers<void>();
  const queues = ["a", "b"].map((name) =>
    new Queue({
      name,
      broker,
      handlers: [note.handle((n) => {
        notes.push(`${name}${n}`);
        if (notes.length === 20) done.resolve();
      })],
    })
  );
  const worker = new Consumer({ queues: queues.map((queue) => ({ queue })) })
    .work({ pollMs: { min: 5, max: 20 } });
  for (const queue of queues) await fill(queue, 10);
  await done.promise;
  const report = await worker.stop();
  assertEquals([report.completed, notes.length], [20, 20]);
  assertEquals(report.queues.map(({ completed }) => completed), [10, 10]);
});

test("Consumer refuses what is no list of queues, a queue twice and weights out of range", () => {
  const broker = new MemoryBroker();
  const queue = new Queue({ broker });
  const wrong = (options: unknown, message: RegExp, type = TypeError) => {
    const error = assertThrows(
      () => new Consumer(options as never),
      type as typeof TypeError,
    );
    assert(message.test(error.message), error.message);
  };
  wrong({ queues: [] }, /at least one/);
  wrong({ queues: queue }, /a list/);
  wrong({ queues: [queue] }, /\{ queue, weight\? \}/);
  wrong({ queues: [{ queue: {} }] }, /is a Queue/);
  wrong({ queues: [{ queue, wait: 1 }] }, /wait/);
  wrong(
    { queues: [{ queue, weight: 0 }] },
    /weight of queue 'default'/,
    RangeError,
  );
  wrong(
    { queues: [{ queue }, { queue: new Queue({ broker }) }] },
    /given twice/,
    RangeError,
  );
  new Consumer({ queues: [{ queue }, { queue: Queue.inMemory() }] });
});

test("Consumer refuses a budget that is too small for its queues", async () => {
  const broker = new MemoryBroker();
  const consumer = new Consumer({
    queues: times(3, (i) => ({ queue: new Queue({ name: `q${i}`, broker }) })),
  });
  await assertRejects(
    () => consumer.drain({ batchSize: 2 }),
    RangeError,
    "2 is less than 3",
  );
  await assertRejects(
    () => consumer.drain({ maxRequests: 3 }),
    RangeError,
    "maxRequests",
  );
});

test("Consumer.drain() loses nothing when requests fail, answers are lost and requests come late or twice", async () => {
  await using at = await gatewayBroker(Date.now(), { random: () => 0 });
  const run = crypto.randomUUID();
  const handled = new Map<string, number>();
  const queues = ["a", "b", "c"].map((name) =>
    new Queue({
      name: `${name}-${run}`,
      broker: at.broker,
      handlers: [
        note.handle((n) => {
          const key = `${name}${n}`;
          handled.set(key, (handled.get(key) ?? 0) + 1);
        }),
      ],
    })
  );
  for (const queue of queues) await fill(queue, 60);
  await at.lane.add(
    { kind: "cut", when: "after", probability: 0.1 },
    { kind: "cut", when: "before", probability: 0.1 },
    { kind: "status", status: 500, probability: 0.1 },
    { kind: "truncate", probability: 0.1 },
    { kind: "late", probability: 0.05, after: 2 },
    { kind: "again", probability: 0.1, after: 1 },
  );
  const consumer = new Consumer({ queues: queues.map((queue) => ({ queue })) });
  let completed = 0;
  for (let i = 0; i < 20 && completed < 180; i++) {
    const report = await consumer.drain({
      batchSize: 24,
      leaseMs: LEASE_MS,
      lingerMs: 0,
    }).catch((error) => {
      assert(error instanceof QueuesFailedError, String(error));
      return error.report;
    });
    completed += report.completed;
  }
  await at.lane.clear();
  await at.lane.release();
  // what a request claimed whose answer never came is due again when its lease is over
  await at.advance(LEASE_MS + 1);
  await consumer.drain({ lingerMs: 0 });
  assertEquals(handled.size, 180);
  for (const queue of queues) {
    assertEquals((await queue.verify()).problems, []);
    const { ready, scheduled, leased } = await queue.stats();
    assertEquals([ready, scheduled, leased], [0, 0, 0]);
  }
});

test("Consumer.drain() leaves a span of each queue that had work, and sends all of one telemetry at once", async () => {
  const collector = new Collector();
  let exports = 0;
  const telemetry = new Telemetry({
    serviceName: "consumer",
    fetch(input, init) {
      exports++;
      return collector.handle(new Request(input, init));
    },
  });
  const broker = new MemoryBroker();
  const queues = ["a", "b", "idle"].map((name) =>
    new Queue({ name, broker, telemetry, handlers: [note.handle(() => {})] })
  );
  await fill(queues[0]!, 2);
  await fill(queues[1]!, 2);
  await telemetry.flush();
  exports = 0;
  await new Consumer({ queues: queues.map((queue) => ({ queue })) }).drain();
  const drains = collector.spans.filter(({ name }) => name.startsWith("drain"));
  assertEquals(drains.map(({ name }) => name).sort(), ["drain a", "drain b"]);
  assertEquals(new Set(drains.map(({ traceId }) => traceId)).size, 2);
  assertEquals(exports, 2);
});

onBoth(
  "Consumer.drain() opens and seals what each queue has sealed",
  async (place) => {
    const secret = "a secret of thirty-two bytes or more";
    const notes: string[] = [];
    const seals = [
      { keys: [{ id: "one", secret }] },
      { keys: [{ id: "two", secret: `${secret}!` }], encrypt: true },
      undefined,
    ];
    const queues = seals.map((seal, i) =>
      place.queue(`sealed${i}`, {
        handlers: [note.handle((n) => void notes.push(`${i}:${n}`))],
        ...seal && { seal },
      })
    );
    for (const queue of queues) await fill(queue, 10);
    const consumer = new Consumer({
      queues: queues.map((queue) => ({ queue })),
    });
    const { completed, dead } = await consumer.drain();
    assertEquals([completed, dead, new Set(notes).size], [30, 0, 30]);
    const before = await place.requests();
    await consumer.drain();
    assertLessOrEqual(await place.requests() - before, 2);
  },
);

test("Consumer gives lanes by the time they are held, not by how many tasks", async () => {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  let slowLanes = 0, quickLanes = 0;
  const held = { slow: 0, quick: 0 };
  const taking = (ms: number, count: (by: number) => void) =>
    note.handle(async () => {
      count(1);
      await new Promise<void>((resolve) => void clock.after(ms, resolve));
      count(-1);
    });
  const slow = new Queue({
    name: "slow",
    broker,
    clock,
    handlers: [taking(500, (by) => void (slowLanes += by))],
  });
  const quick = new Queue({
    name: "quick",
    broker,
    clock,
    handlers: [taking(50, (by) => void (quickLanes += by))],
  });
  await fill(slow, 1_000);
  await fill(quick, 1_000);
  const worker = new Consumer({ queues: [{ queue: slow }, { queue: quick }] })
    .work({ concurrency: 8, batchSize: 60, graceMs: 0 });
  for (let i = 0; i < 200; i++) {
    await clock.advance(50);
    assertLessOrEqual(slowLanes + quickLanes, 8);
    held.slow += slowLanes;
    held.quick += quickLanes;
  }
  const stopping = worker.stop();
  for (let i = 0; i < 20; i++) await clock.advance(100);
  await stopping;
  const share = held.quick / (held.slow + held.quick);
  // by the number of tasks it would be a tenth
  assert(share > 0.25 && share < 0.6, `${share} of the lanes were quick ones`);
});
