/** Rates: so many tasks in a span of time, of a key or of the whole queue, by whichever consumers. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  defineTask,
  type EnqueueRequest,
  Queue,
  type QueueOptions,
  type RateOfKey,
  type StepRequest,
} from "../mod.ts";
import { onBoth } from "./support/both_brokers.ts";
import { test } from "./support/suite.ts";

const rate: RateOfKey = { key: "tenant", limit: 1, perMs: 60_000 };
const work = defineTask("work", { run: (_: string) => {} });
const first = defineTask("first", { run: (_: string) => {} });

onBoth(
  "a queue's rate is that of all its consumers together",
  async (place) => {
    const options = { handlers: [work], rate: { limit: 2, perMs: 60_000 } };
    const queue = place.queue(options);
    await queue.enqueueMany(
      Array.from({ length: 5 }, () => work.with("x")),
    );
    const completed: number[] = [];
    for (let minute = 0; minute < 3; minute++) {
      const reports = [await queue.drain(), await place.queue(options).drain()];
      completed.push(reports[0]!.completed + reports[1]!.completed);
      const ms = reports[1]!.nextDueInMs;
      assertEquals(ms, minute < 2 ? 30_000 : undefined);
      await place.advance(60_000);
    }
    assertEquals(completed, [1, 2, 2]);
    const steps = place.broker.of<StepRequest>("step");
    assert(steps.every((step) => step.rate?.perMs === 60_000));
  },
);

onBoth("a key's rate holds its tasks back, and no others", async (place) => {
  const queue = place.queue({ handlers: [work] });
  await queue.enqueueMany([
    ...Array.from({ length: 3 }, () => work.with("x", { rate })),
    ...Array.from({ length: 3 }, () => work.with("y")),
  ]);
  assertEquals((await queue.drain()).completed, 4);
  for (let minute = 0; minute < 2; minute++) {
    const { completed, nextDueInMs } = await queue.drain();
    assertEquals([completed, nextDueInMs], [0, 60_000]);
    await place.advance(60_000);
    assertEquals((await queue.drain()).completed, 1);
  }
});

onBoth(
  "what follows a task keeps to the rate of its key, too",
  async (place) => {
    const queue = place.queue({ handlers: [work, first] });
    const concurrency = { key: "tenant", limit: 3 };
    const follower = work.with("x", { rate, concurrency });
    await queue.enqueue(first, "hook", { onSuccess: follower });
    await queue.chain([first.with("chain"), follower]);
    await queue.map(work, ["map"], { rate, concurrency });
    await queue.drain();
    await queue.drain();
    const born = place.broker.of<StepRequest>("step")
      .flatMap(({ settle }) => settle.flatMap((one) => one.enqueue));
    const sent = place.broker.of<EnqueueRequest>("enqueue")
      .flatMap(({ tasks }) => tasks).filter(({ name }) => name === "work");
    assertEquals(
      [...born, ...sent].map((task) => [task.rate, task.concurrency]),
      Array.from({ length: 3 }, () => [rate, concurrency]),
    );
    assertEquals((await queue.stats()).ready, 2);
  },
);

onBoth("a schedule's slots keep to the rate of their key", async (place) => {
  const queue = place.queue({ handlers: [work] });
  await queue.schedule("often", work.with("x", { rate }), { everyMs: 20_000 });
  let completed = 0;
  for (let slot = 0; slot < 10; slot++) {
    await place.advance(20_000);
    completed += (await queue.drain()).completed;
  }
  assert(completed >= 3 && completed <= 4, `${completed} in 200 s`);
});

for (
  const [kind, options, own] of [
    ["a queue", { rate: { limit: 50, perMs: 1_000 } }, {}],
    ["a key", {}, { rate: { key: "k", limit: 50, perMs: 1_000 } }],
  ] as const
) {
  test(`drain() waits for the rate of ${kind} instead of asking again and again`, async () => {
    const queue = Queue.inMemory({ handlers: [work], ...options });
    await queue.enqueueMany(
      Array.from({ length: 20 }, () => work.with("x", own)),
    );
    const began = performance.now();
    const { completed, requests } = await queue.drain({ lingerMs: 1_000 });
    const ms = performance.now() - began;
    assertEquals(completed, 20);
    assert(ms >= 330, `20 tasks at 50 a second took ${ms} ms`);
    assert(requests <= 45, `${requests} requests`);
  });
}

test("enqueue() refuses a rate that is none, and one of another key than its limit's", async () => {
  const queue = Queue.inMemory();
  const refused = (options: unknown, message: string) =>
    assertRejects(
      () => queue.enqueue(work, "x", options as { rate: RateOfKey }),
      Error,
      message,
    );
  await refused({ rate: "fast" }, "rate must be an object with a 'key'");
  await refused({ rate: { ...rate, key: "" } }, "rate.key");
  await refused({ rate: { ...rate, limit: 0 } }, "rate.limit");
  await refused({ rate: { ...rate, limit: 0.5 } }, "rate.limit");
  await refused({ rate: { ...rate, perMs: 0 } }, "rate.perMs");
  await refused({ rate: { ...rate, perMs: 32 * 86_400_000 } }, "rate.perMs");
  await refused({ rate: { ...rate, per: 1 } }, "Unknown option 'per' of rate");
  await refused(
    { rate, concurrency: { key: "other", limit: 1 } },
    'must be the same, for a task waits for one key: they are "other" and "tenant"',
  );
});

test("new Queue() refuses a rate that is none", () => {
  const make = (given: unknown) => () =>
    Queue.inMemory({ rate: given } as Omit<QueueOptions, "broker">);
  assertThrows(make("fast"), TypeError, "'limit' and 'perMs'");
  assertThrows(make({ limit: 1, perMs: 0 }), RangeError, "rate.perMs");
  assertThrows(make({ ...rate }), TypeError, "Unknown option 'key' of rate");
});
