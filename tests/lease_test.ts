/** What one consumer knows of its leases: when they end, when they are extended, and who hears of it. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { LeaseLostError, TaskCancelledError } from "../src/core/error.ts";
import { Lease } from "../src/queue/consume/lease.ts";
import { Leases } from "../src/queue/consume/leases.ts";
import { Session } from "../src/queue/consume/session.ts";
import { Tally } from "../src/queue/consume/tally.ts";
import { defineTask } from "../src/core/task.ts";
import { drain } from "../src/queue/drain.ts";
import { execute } from "../src/queue/execute.ts";
import { bench } from "./support/consumer.ts";
import { ManualClock } from "./support/manual_clock.ts";
import { EMPTY_REPLY } from "./support/empty_reply.ts";
import { test } from "./support/suite.ts";
import { delivery } from "./support/traced.ts";
import type { StepReply, StepRequest } from "../src/broker/broker.ts";

const SECOND = 1_000;
const BROKER_NOW = 5_000_000;

/** What a step that extends answers, where a test says nothing else. */
function replyOf(more: Partial<StepReply> = {}): StepReply {
  return { ...EMPTY_REPLY, now: BROKER_NOW, ...more };
}

interface Held {
  readonly clock: ManualClock;
  readonly leases: Leases;
  readonly losses: () => number;
  /** Holds one that was asked for now, for 100 seconds. */
  hold(id: string): Lease;
}

/** The leases of a consumer that asks for 100 seconds. */
function held(): Held {
  const clock = new ManualClock();
  let losses = 0;
  const leaseMs = 100 * SECOND;
  const leases = new Leases(leaseMs, () => void losses++);
  return {
    clock,
    leases,
    losses: () => losses,
    hold(id) {
      const terms = { sentAt: clock.now(), leaseMs, now: BROKER_NOW };
      const lease = new Lease(clock, delivery({ id }), terms);
      leases.add([lease]);
      return lease;
    },
  };
}

test("Lease ends by when it was asked for, not by when the answer came", async () => {
  const clock = new ManualClock();
  const sentAt = clock.now();
  await clock.advance(30 * SECOND);
  const terms = { sentAt, leaseMs: 100 * SECOND, now: BROKER_NOW };
  const lease = new Lease(clock, delivery(), terms);
  assertEquals(lease.endsAt, sentAt + 100 * SECOND);
  await clock.advance(70 * SECOND - 1);
  assert(!lease.isOver);
  await clock.advance(1);
  assert(lease.isOver);
});

test("Lease tells the broker's clock, which goes on from the answer", async () => {
  const clock = new ManualClock();
  const terms = { sentAt: clock.now(), leaseMs: SECOND, now: BROKER_NOW };
  const lease = new Lease(clock, delivery(), terms);
  assertEquals(lease.brokerNow, BROKER_NOW);
  await clock.advance(700);
  assertEquals(lease.brokerNow, BROKER_NOW + 700);
});

test("Lease tells a loss and a cancel to who listens, and keeps the cancel for who comes later", () => {
  const { hold } = held();
  const lease = hold("a");
  const cancelled = new TaskCancelledError("cancelled");
  lease.cancel(cancelled);
  assert(lease.delivery.cancelled);
  const heard: Error[] = [];
  lease.onInterrupt((reason) => heard.push(reason));
  const lost = new LeaseLostError("lost");
  lease.cancel(cancelled);
  lease.lose(lost);
  assertEquals(heard, [cancelled, lost]);
  assert(lease.isLost);
});

test("Leases.take() extends what half a heartbeat has passed for, and asks for a heartbeat by then", async () => {
  const { clock, leases, hold } = held();
  assertEquals(leases.extendAt, Infinity);
  hold("a");
  assertEquals(leases.extendAt, clock.now() + 15 * SECOND);
  await clock.advance(7.5 * SECOND - 1);
  assertEquals(leases.take(clock.now(), new Set()), []);
  await clock.advance(1);
  hold("b");
  const taken = leases.take(clock.now(), new Set());
  assertEquals(taken.map(({ lease }) => lease.id), ["a"]);
  leases.apply(taken, clock.now(), replyOf());
  assertEquals(leases.extendAt, clock.now() + 15 * SECOND);
  assertEquals(leases.nextEndAt, clock.now() + 100 * SECOND);
});

test("Leases renews from when the step was first sent", async () => {
  const { clock, leases, hold } = held();
  const lease = hold("a");
  await clock.advance(15 * SECOND);
  const sentAt = clock.now();
  const taken = leases.take(sentAt, new Set());
  await clock.advance(9 * SECOND);
  leases.apply(taken, sentAt, replyOf());
  assertEquals(lease.endsAt, sentAt + 100 * SECOND);
});

test("Leases.extend() asks for the longest of all wishes, and never for less than is left", async () => {
  const { clock, leases, hold } = held();
  const lease = hold("a");
  const wishes = [leases.extend(lease, SECOND), leases.extend(lease, 250_000)];
  assert(leases.isAsked);
  const [first] = leases.take(clock.now(), new Set());
  assertEquals(first?.leaseMs, 250_000);
  assertEquals(leases.extensionOf(first!).leaseMs, 250_000);
  assert(!leases.isAsked);
  leases.apply([first!], clock.now(), replyOf());
  await Promise.all(wishes);
  await clock.advance(50 * SECOND);
  const [second] = leases.take(clock.now(), new Set());
  assertEquals(second?.leaseMs, 200_000);
  await clock.advance(150 * SECOND);
  const [third] = leases.take(clock.now(), new Set());
  assertEquals(leases.extensionOf(third!).leaseMs, undefined);
});

test("Leases.extend() rejects what was not held, was lost meanwhile, or is lost by the answer", async () => {
  const { clock, leases, losses, hold } = held();
  const gone = hold("gone");
  leases.remove(gone);
  await assertRejects(() => leases.extend(gone, SECOND), LeaseLostError);

  const settled = hold("settled");
  const late = assertRejects(
    () => leases.extend(settled, SECOND),
    LeaseLostError,
  );
  leases.remove(settled);
  assertEquals(leases.take(clock.now(), new Set()), []);
  await late;

  const lost = hold("lost");
  const refused = assertRejects(
    () => leases.extend(lost, SECOND),
    LeaseLostError,
  );
  const taken = leases.take(clock.now(), new Set());
  leases.apply(taken, clock.now(), replyOf({ lost: ["lost"] }));
  await refused;
  assert(lost.isLost);
  assertEquals([losses(), leases.size], [1, 0]);
});

test("Leases.take() leaves the wish for a task that is settled in this step to the next", async () => {
  const { clock, leases, hold } = held();
  const again = hold("a");
  const wish = leases.extend(again, 300_000);
  assertEquals(leases.take(clock.now(), new Set(["a"])), []);
  assert(leases.isAsked);
  const taken = leases.take(clock.now(), new Set());
  assertEquals(taken.map(({ leaseMs }) => leaseMs), [300_000]);
  leases.takeBack(taken);
  assert(leases.isAsked);
  const second = leases.take(clock.now(), new Set());
  leases.apply(second, clock.now(), replyOf());
  await wish;
});

test("Leases.expire() gives up what ran out, once", async () => {
  const { clock, leases, losses, hold } = held();
  const first = hold("first");
  const heard: Error[] = [];
  first.onInterrupt((reason) => heard.push(reason));
  await clock.advance(SECOND);
  hold("second");
  assertEquals(leases.nextEndAt, clock.now() + 99 * SECOND);
  await clock.advance(99 * SECOND);
  leases.expire();
  leases.expire();
  assertEquals([losses(), leases.size, heard.length], [1, 1, 1]);
  assert(heard[0] instanceof LeaseLostError);
});

test("Leases tells the cancel of a task to its handler", () => {
  const { clock, leases, hold } = held();
  const lease = hold("a");
  leases.extend(lease, SECOND).catch(() => {});
  const taken = leases.take(clock.now(), new Set());
  leases.apply(taken, clock.now(), replyOf({ cancelled: ["a"] }));
  assert(lease.delivery.cancelled);
});

const task = defineTask<number>("t");

/** A consumer's session, whose handlers never return by themselves. */
function sessionOf(answerMs: number, status?: StepReply["status"]) {
  const made = bench({
    handlers: [task.handle(() => {})],
    async step(request, ask) {
      const reply = await ask(request);
      if (answerMs > 0) await made.clock.advance(answerMs);
      return request.extend.length > 0 && status !== undefined
        ? { ...reply, status }
        : reply;
    },
  });
  let rings = 0;
  const session = new Session(made.parts, new Tally(), {
    leaseMs: 20 * SECOND,
    maxBytes: 4_000_000,
    ring: () => void rings++,
  });
  const trace = made.parts.instrument.startDrain(
    made.parts.instrument.activeContext(),
  );
  const step = (room: number) => session.step({ room }, trace);
  return { ...made, session, step, rings: () => rings };
}

test("Session reckons its leases from when a step was sent", async () => {
  const { clock, enqueue, step } = sessionOf(5 * SECOND);
  await enqueue(task.with(1));
  const sentAt = clock.now();
  const { leases } = await step(10);
  assertEquals(leases.map(({ endsAt }) => endsAt), [sentAt + 20 * SECOND]);
});

test("Session rings when a handler extends, so that a step is sent for it", async () => {
  const { enqueue, step, session, rings, broker } = sessionOf(0);
  await enqueue(task.with(1));
  const { leases: [lease] } = await step(10);
  const extended = session.extend(lease!, 90 * SECOND);
  assertEquals(rings(), 1);
  assert(session.isAsked);
  await step(0);
  await extended;
  assertEquals(broker.of("step").length, 2);
});

test("Session fails the extensions of a step that failed, and of one that is never sent", async () => {
  const made = bench({
    handlers: [task.handle(() => {})],
    step: (request, ask) =>
      request.extend.length > 0
        ? Promise.reject(new Error("down"))
        : ask(request),
  });
  const session = new Session(made.parts, new Tally(), {
    leaseMs: 20 * SECOND,
    maxBytes: 4_000_000,
    ring() {},
  });
  const trace = made.parts.instrument.startDrain(
    made.parts.instrument.activeContext(),
  );
  await made.enqueue(task.with(1));
  const { leases: [lease] } = await session.step({ room: 10 }, trace);
  const first = assertRejects(
    () => session.extend(lease!, SECOND),
    Error,
    "down",
  );
  await assertRejects(() => session.step({ room: 0 }, trace), Error, "down");
  await first;
  const second = assertRejects(
    () => session.extend(lease!, SECOND),
    Error,
    "closed",
  );
  session.close(new Error("closed"));
  await second;
});

test("Session asks again for what a step of somebody else's name did not extend", async () => {
  const { enqueue, step, session, broker } = sessionOf(0, "old");
  await enqueue(task.with(1));
  const { leases: [lease] } = await step(10);
  const wish = session.extend(lease!, 90 * SECOND);
  wish.catch(() => {});
  await assertRejects(() => step(0));
  assert(session.isAsked);
  await assertRejects(() => step(0));
  const [, second, third] = broker.of<StepRequest>("step");
  assertEquals(third!.extend, second!.extend);
  assert(third!.consumer !== second!.consumer);
  session.close(new Error("closed"));
  await assertRejects(() => wish, Error, "closed");
});

test("execute() releases, when the handler fails because its lease is lost", async () => {
  const made = bench({
    handlers: [
      task.handle((_, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason))
        )
      ),
    ],
  });
  await made.enqueue(task.with(1));
  const { envelope } = made.broker.sent[0]!;
  const execution = execute(made.parts, delivery({ envelope, name: "t" }), {
    now: made.clock.now(),
    ambient: made.parts.instrument.activeContext(),
    worker: "worker",
    extend: () => Promise.resolve(),
    progress() {},
  });
  execution.abort(new LeaseLostError("lost"));
  const { settlement } = await made.until(execution.concluded);
  assertEquals(settlement.end, { kind: "release", delayMs: 0 });
});

test("drain() hands back at once what it claimed while it was told to stop", async () => {
  const stopping = new AbortController();
  let runs = 0;
  const made = bench({
    handlers: [task.handle(() => void runs++)],
    async step(request, ask) {
      const reply = await ask(request);
      if (reply.deliveries.length > 0) stopping.abort();
      return reply;
    },
  });
  await made.enqueue(task.with(1), task.with(2), task.with(3));
  const startedAt = made.clock.now();
  const { signal } = stopping;
  const report = await made.until(drain(made.parts, { signal }));
  assertEquals([report.claimed, report.released, runs], [3, 3, 0]);
  assertEquals(report.stoppedBy, "signal");
  assertEquals(made.clock.now(), startedAt);
  assertEquals((await made.broker.stats("tested")).ready, 3);
});
