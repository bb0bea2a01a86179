import { assert, assertEquals } from "@std/assert";
import { defineTask, Queue } from "../mod.ts";
import {
  isLow,
  type Pace,
  roomFor,
  type Standing,
  yielding,
} from "../src/queue/consume/pace.ts";
import { test } from "./support/suite.ts";

const pace: Pace = { batchSize: 50, concurrency: 10, settleMs: 1_000 };

function standing(more: Partial<Standing>): Standing {
  return {
    waiting: 0,
    running: 0,
    clogged: 0,
    hasSuspect: false,
    unsettled: 0,
    unsettledSince: Infinity,
    urgentSince: Infinity,
    lowSince: Infinity,
    extendAt: Infinity,
    restUntil: -Infinity,
    isYielding: false,
    isClosing: false,
    ...more,
  };
}

const room = (more: Partial<Standing>) => roomFor(standing(more), pace);

test("roomFor() never lets a consumer hold more than a batch", () => {
  assertEquals(room({}), 50);
  assertEquals(room({ waiting: 4, running: 10 }), 36);
  assertEquals(
    roomFor(standing({ running: 50 }), { ...pace, concurrency: 50 }),
    0,
  );
});

test("roomFor() refills when fewer than half of the lanes have a successor waiting", () => {
  assertEquals(room({ waiting: 5, running: 10 }), 0);
  assertEquals(room({ waiting: 4, running: 10 }), 36);
});

test("roomFor() claims nothing beside a suspect, for clogged lanes, or while closing", () => {
  assertEquals(room({ hasSuspect: true }), 0);
  assertEquals(room({ clogged: 10 }), 0);
  assertEquals(room({ isClosing: true }), 0);
});

test("roomFor() lets the lanes run empty for suspects, and claims once they are", () => {
  assertEquals(room({ isYielding: true, running: 1 }), 0);
  assertEquals(room({ isYielding: true, waiting: 1 }), 0);
  assertEquals(room({ isYielding: true }), 50);
});

test("isLow() asks for a refill of its own only when it is three quarters of a batch", () => {
  assertEquals(isLow(standing({ running: 12 }), pace), true);
  assertEquals(isLow(standing({ running: 10, waiting: 4 }), pace), false);
});

test("yielding() passes suspects over for 5 s, runs empty for 10 s, and begins again", () => {
  assertEquals(yielding(0), { now: false, changesInMs: 5_000 });
  assertEquals(yielding(4_999), { now: false, changesInMs: 1 });
  assertEquals(yielding(5_000), { now: true, changesInMs: 10_000 });
  assertEquals(yielding(14_999), { now: true, changesInMs: 1 });
  assertEquals(yielding(15_000), { now: false, changesInMs: 5_000 });
});

test("drain() lets the host's timers run though its tasks take no time", async () => {
  const task = defineTask("task", { run: () => {} });
  const queue = Queue.inMemory({ handlers: [task] });
  await queue.enqueueMany(Array.from({ length: 5_000 }, () => task.with()));
  let ran = 0;
  const timer = setInterval(() => ran++, 1);
  const { completed } = await queue.drain();
  clearInterval(timer);
  assertEquals(completed, 5_000);
  assert(ran > 0, "no timer ran meanwhile");
});
