import {
  assert,
  assertEquals,
  assertFalse,
  assertLessOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import type { StepRequest } from "../src/broker/broker.ts";
import { fixed } from "../src/core/backoff.ts";
import {
  BrokerError,
  ConsumerStoppedError,
  LeaseLostError,
} from "../src/core/error.ts";
import { defineTask, type Run } from "../src/core/task.ts";
import { work } from "../src/queue/later.ts";
import type { ListenFor } from "../src/queue/wake/listen.ts";
import type { Instrument } from "../src/queue/trace/instrument.ts";
import { bench, type BenchOptions, gate, times } from "./support/consumer.ts";
import { test } from "./support/suite.ts";

const task = defineTask<number>("t", { backoff: fixed(1_000) });

function benchOf(run: Run<number, unknown>, options: BenchOptions = {}) {
  return bench({ handlers: [task.handle(run)], ...options });
}

function down(): Promise<never> {
  return Promise.reject(new BrokerError("unavailable", "down"));
}

/** A bench that notes when its steps are sent. */
function timed(run: Run<number, unknown> = () => {}) {
  const at: number[] = [];
  const made = benchOf(run, {
    step(request: StepRequest, ask) {
      at.push(made.clock.now());
      return ask(request);
    },
  });
  const from = made.clock.now();
  return { ...made, made, at: () => at.map((instant) => instant - from) };
}

test("work() runs what is there and what comes, until it is stopped", async () => {
  const ran: number[] = [];
  const made = benchOf((n) => void ran.push(n));
  await made.enqueue(...times(3, (n) => task.with(n)));
  const worker = work(made.parts);
  await made.clock.advance(1_000);
  assertEquals(ran, [0, 1, 2]);
  await made.enqueue(task.with(3));
  await made.clock.advance(5_000);
  assertEquals(ran, [0, 1, 2, 3]);
  const report = await made.until(worker.stop());
  assertEquals([report.claimed, report.completed], [4, 4]);
  assertEquals(await worker.done, report);
  assertEquals(made.clock.pending, 0);
});

test("work() leaves an empty queue alone for longer and longer", async () => {
  const { made, at } = timed();
  const worker = work(made.parts, { pollMs: { min: 100, max: 1_000 } });
  await made.clock.advance(4_000);
  assertEquals(at(), [0, 100, 300, 700, 1_500, 2_500, 3_500]);
  await made.until(worker.stop());
});

test("work() wakes when the next task is due, and not before", async () => {
  const { made, at } = timed();
  await made.enqueue(task.with(0, { delayMs: 130 }));
  const worker = work(made.parts, { pollMs: { min: 1_000, max: 5_000 } });
  await made.clock.advance(500);
  // an empty step, one that claims at the due time, one that settles
  assertEquals(at(), [0, 130, 130]);
  const report = await made.until(worker.stop());
  assertEquals(report.completed, 1);
});

test("work() claims for its free lanes while another handler takes long", async () => {
  const door = gate();
  const ran: number[] = [];
  const made = benchOf(async (n) => {
    ran.push(n);
    if (n === 0) await door.opened;
  });
  await made.enqueue(task.with(0, { timeoutMs: 600_000 }));
  const worker = work(made.parts, { pollMs: { min: 100, max: 1_000 } });
  await made.clock.advance(3_000);
  await made.enqueue(task.with(1));
  await made.clock.advance(1_000);
  assertEquals(ran, [0, 1]);
  door.open();
  assertEquals((await made.until(worker.stop())).completed, 2);
});

test("work() sends a failed step again, the same, with growing pauses, and goes on", async () => {
  let failures = 0;
  const heard: unknown[] = [];
  const made = benchOf((n) => n, {
    step: (request, ask) =>
      request.settle.length > 0 && failures++ < 3 ? down() : ask(request),
  });
  await made.enqueue(...times(3, (n) => task.with(n)));
  const worker = work(made.parts, {
    onError(error) {
      heard.push(error);
      throw new Error("of the listener");
    },
  });
  await made.clock.advance(5_000);
  assertEquals(heard.length, 3);
  assert(heard[0] instanceof BrokerError);
  const [, second, third, fourth, fifth] = made.steps;
  for (const again of [third, fourth, fifth]) assertEquals(again, second);
  const report = await made.until(worker.stop());
  assertEquals([report.completed, report.stale], [3, 0]);
  assertEquals(report.requests, made.steps.length);
});

for (const failure of ["unauthorized", "wrong_type"] as const) {
  test(`work() stops, and rejects its done, when the broker fails as ${failure}`, async () => {
    const refused = new BrokerError(failure, "no");
    const heard: unknown[] = [];
    const made = benchOf(() => {}, { step: () => Promise.reject(refused) });
    const worker = work(made.parts, { onError: (e) => void heard.push(e) });
    const error = await assertRejects(() => made.until(worker.done));
    assert(error === refused);
    assertEquals([made.steps.length, heard], [1, [refused]]);
    await assertRejects(() => worker.stop(), BrokerError);
    assertEquals(made.instrument.flushed.length, 1);
    assertEquals(made.clock.pending, 0);
  });
}

test("work() goes on when the broker is full, limits requests or is late", async () => {
  for (const failure of ["full", "throttled", "timeout"] as const) {
    let failures = 0;
    const made = benchOf((n) => n, {
      step: (request, ask) =>
        failures++ < 5
          ? Promise.reject(new BrokerError(failure, "not now"))
          : ask(request),
    });
    await made.enqueue(task.with(0));
    const worker = work(made.parts);
    await made.clock.advance(30_000);
    assertEquals((await made.until(worker.stop())).completed, 1);
  }
});

test("work() gives up at the third failure in a row that nobody foresaw", async () => {
  for (
    const error of [
      new BrokerError("invalid_reply", "what?"),
      new BrokerError("too_large", "much"),
      new BrokerError("rejected", "no"),
      new TypeError("a bug of the broker"),
    ]
  ) {
    const mend = [true, true, false, true, true, true];
    const made = benchOf(() => {}, {
      step: (request, ask) =>
        mend.shift() ? Promise.reject(error) : ask(request),
    });
    const worker = work(made.parts, { onError() {} });
    assert(await assertRejects(() => made.until(worker.done)) === error);
    assertEquals(made.steps.length, 6);
  }
});

test("work() ends and settles what runs before it rejects", async () => {
  let isRefused = false;
  const reasons: unknown[] = [];
  const made = benchOf(async (n, { signal }) => {
    if (n === 2) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => {
      reasons.push(signal.reason);
      resolve();
    });
    if (n === 0) made.clock.after(2_000, resolve);
    await promise;
  }, {
    async step(request, ask) {
      if (request.settle.length > 0 && !isRefused) {
        isRefused = true;
        throw new BrokerError("unauthorized", "the token is being changed");
      }
      return await ask(request);
    },
  });
  const ids = await made.enqueue(
    ...times(3, (n) => task.with(n, { timeoutMs: 600_000 })),
  );
  const worker = work(made.parts, { graceMs: 5_000, onError() {} });
  await assertRejects(() => made.until(worker.done), BrokerError, "token");
  assertEquals(reasons.length, 1);
  assert(reasons[0] instanceof ConsumerStoppedError);
  for (const id of ids) {
    assertEquals((await made.broker.result("tested", id)).status, "completed");
  }
  assertEquals(made.clock.pending, 0);
});

test("work() tells onError and done of a bug of its own", async () => {
  const bug = new Error("a bug");
  const heard: unknown[] = [];
  const made = benchOf(() => {});
  const { startDrain } = made.instrument;
  let drains = 0;
  const instrument = {
    ...made.parts.instrument,
    startDrain: (...args: Parameters<typeof startDrain>) => {
      if (drains++ === 0) throw bug;
      return startDrain(...args);
    },
  };
  const worker = work({ ...made.parts, instrument }, {
    onError: (error) => void heard.push(error),
  });
  assert(await assertRejects(() => made.until(worker.done)) === bug);
  assertEquals(heard, [bug]);
});

test("work() starts nothing after it has rejected, though handlers return", async () => {
  const doors = times(2, gate);
  const ran: number[] = [];
  const made = benchOf(async (n) => {
    ran.push(n);
    await doors[n]!.opened;
  });
  await made.enqueue(task.with(0), task.with(1));
  const { startDrain } = made.instrument;
  let isBroken = false;
  const instrument: Instrument = {
    ...made.parts.instrument,
    startDrain(outer) {
      if (isBroken) throw new Error("a bug");
      return startDrain(outer);
    },
  };
  const worker = work({ ...made.parts, instrument }, {
    concurrency: 1,
    flushEveryMs: 1,
    onError() {},
  });
  await made.clock.advance(1);
  isBroken = true;
  await assertRejects(() => made.until(worker.done), Error, "a bug");
  doors[0]!.open();
  await made.clock.advance(1);
  assertEquals(ran, [0]);
});

test("work() starts nothing and settles nothing whose lease ran out meanwhile", async () => {
  let isDown = false;
  const reasons: unknown[] = [];
  const ran: number[] = [];
  const made = benchOf((n, { signal }) => {
    ran.push(n);
    return new Promise((resolve) =>
      signal.addEventListener("abort", () => {
        reasons.push(signal.reason);
        resolve("too late");
      })
    );
  }, { step: (request, ask) => isDown ? down() : ask(request) });
  await made.enqueue(
    ...times(3, (n) => task.with(n, { timeoutMs: 600_000 })),
  );
  const worker = work(made.parts, { concurrency: 1, leaseMs: 10_000 });
  await made.clock.advance(1);
  isDown = true;
  await made.clock.advance(9_998);
  assertEquals(reasons, []);
  await made.clock.advance(1_000);
  assertEquals(reasons.length, 1);
  assert(reasons[0] instanceof LeaseLostError);
  assertEquals(ran, [0]);
  const seqs = new Set(made.steps.map(({ seq }) => seq));
  assertEquals(seqs.size, 2);
  assertEquals(made.settlements, []);
  const stopped = worker.stop();
  isDown = false;
  const report = await made.until(stopped);
  assertEquals(report.stale, 3);
  assertEquals(report.completed, 0);
});

test("Worker.stop() waits for what runs and gives back the rest", async () => {
  const made = benchOf((n) =>
    new Promise((resolve) => void made.clock.after(2_000, () => resolve(n)))
  );
  await made.enqueue(...times(5, (n) => task.with(n)));
  const worker = work(made.parts, { concurrency: 2 });
  await made.clock.advance(1_000);
  const report = await made.until(worker.stop());
  assertEquals([report.completed, report.released], [2, 3]);
  const stats = await made.broker.stats("tested");
  assertEquals([stats.ready, stats.leased], [3, 0]);
  assertEquals(made.clock.pending, 0);
});

test("Worker.stop() aborts what outlasts the grace, and leaves what ignores that", async () => {
  const door = gate();
  let reason: unknown;
  const made = benchOf((n, { signal }) => {
    if (n === 1) return door.opened;
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => {
        reason = signal.reason;
        reject(signal.reason);
      })
    );
  });
  await made.enqueue(task.with(0), task.with(1));
  const worker = work(made.parts, { graceMs: 3_000 });
  await made.clock.advance(1);
  const stopped = worker.stop();
  await made.clock.advance(2_999);
  assertEquals(reason, undefined);
  const report = await made.until(stopped);
  assert(reason instanceof ConsumerStoppedError);
  assertEquals([report.retried, report.released, report.abandoned], [1, 0, 1]);
  door.open();
  await made.clock.advance(0);
  assertEquals(made.clock.pending, 0);
});

test("Worker.stop() tries until the grace is over when the broker is down", async () => {
  let isDown = false;
  const made = benchOf((n) => n, {
    step: (request, ask) => isDown ? down() : ask(request),
  });
  const worker = work(made.parts);
  await made.clock.advance(1);
  isDown = true;
  await made.enqueue(task.with(0));
  await made.clock.advance(1_000);
  const from = made.clock.now();
  await made.until(worker.stop());
  assertLessOrEqual(made.clock.now() - from, 16_000);
  assertEquals(made.clock.pending, 0);
});

test("work() stops by its signal, and works not at all when that is aborted before", async () => {
  const stopping = new AbortController();
  const made = benchOf((n) => n);
  const worker = work(made.parts, { signal: stopping.signal });
  await made.clock.advance(1);
  stopping.abort();
  await made.until(worker.done);
  const steps = made.steps.length;
  await made.until(work(made.parts, { signal: stopping.signal }).done);
  assertEquals(made.steps.length, steps);
});

test("Worker[Symbol.asyncDispose]() stops it", async () => {
  const made = benchOf((n) => n);
  await made.enqueue(task.with(0));
  const worker = work(made.parts);
  await made.clock.advance(1);
  await made.until(worker[Symbol.asyncDispose]());
  assertEquals((await worker.done).completed, 1);
  assertEquals((await made.broker.stats("tested")).leased, 0);
});

test("work() flushes every flushEveryMs while it works, and at its end", async () => {
  const made = benchOf((n) => n);
  const worker = work(made.parts, {
    flushEveryMs: 2_000,
    pollMs: { min: 500, max: 500 },
  });
  await made.enqueue(task.with(0));
  await made.clock.advance(7_000);
  const { drains, flushed, processed } = made.instrument;
  assertEquals(drains.length, 4);
  assertEquals(flushed.length, 3);
  assertEquals(drains.map(({ moved }) => moved), [1, 0, 0, undefined]);
  assertEquals(processed[0]!.ambient, drains[0]!.context);
  await made.until(worker.stop());
  assertEquals(flushed.length, 4);
});

test("work() ends no drain's span while a step of it is under way", async () => {
  const answer = gate();
  const doors = times(3, gate);
  const told: string[] = [];
  let isSlow = false;
  const made = benchOf(async (n) => await doors[n]!.opened, {
    async step(request, ask) {
      const reply = await ask(request);
      if (isSlow) await answer.opened;
      return reply;
    },
  });
  await made.enqueue(...times(3, (n) => task.with(n)));
  const { startDrain } = made.instrument;
  const instrument: Instrument = {
    ...made.parts.instrument,
    startDrain(outer) {
      const drain = startDrain(outer);
      return {
        context: drain.context,
        startStep(settling) {
          told.push("begun");
          const done = drain.startStep(settling);
          return (step) => {
            told.push("answered");
            done(step);
          };
        },
        end(...how) {
          told.push("ended");
          drain.end(...how);
        },
      };
    },
  };
  const worker = work({ ...made.parts, instrument }, {
    concurrency: 1,
    flushEveryMs: 5_000,
  });
  await made.clock.advance(1);
  isSlow = true;
  doors[0]!.open();
  await made.clock.advance(1_000);
  assertEquals(told, ["begun", "answered", "begun"]);
  // the next handler is started when the span of now is old
  await made.clock.advance(5_000);
  doors[1]!.open();
  await made.clock.advance(1);
  assertEquals(made.instrument.processed.length, 3);
  answer.open();
  isSlow = false;
  doors[2]!.open();
  await made.until(worker.stop());
  assertEquals(told.slice(0, 5), [
    "begun",
    "answered",
    "begun",
    "answered",
    "ended",
  ]);
});

test("work() that listens looks again for a ring that came between a failed step and its repeat", async () => {
  let isLosing = false;
  const ran: number[] = [];
  const made = benchOf((n) => void ran.push(n), {
    async step(request, ask) {
      const reply = await ask(request);
      if (!isLosing || request.settle.length === 0) return reply;
      isLosing = false;
      return down();
    },
  });
  let ear: ListenFor | undefined;
  const worker = work(made.parts, {
    listen(listener) {
      ear = listener;
      listener.connected(true);
      return new Promise((resolve) =>
        listener.signal.addEventListener("abort", () => resolve())
      );
    },
    onError() {},
  });
  const ring = async (n: number) => {
    await made.enqueue(task.with(n));
    ear!.called();
  };
  await made.clock.advance(1);
  isLosing = true;
  await ring(0);
  await made.clock.advance(100);
  assertFalse(isLosing);
  // the step was executed: its repeat is answered the same, without this task
  await ring(1);
  await made.clock.advance(1_000);
  assertEquals(ran, [0, 1]);
  await made.until(worker.stop());
});

test("work() refuses options that are unknown or impossible", () => {
  const made = benchOf(() => {});
  const bad: readonly Record<string, unknown>[] = [
    { concurrency: 0 },
    { concurrency: 251 },
    { batchSize: 1_000 },
    { batchSize: 2, concurrency: 3 },
    { pollMs: { min: 0, max: 1 } },
    { pollMs: { min: 10, max: 1 } },
    { pollMs: 5 },
    { flushEveryMs: 0 },
    { onError: "log" },
    { budgetMs: 1_000 },
    { signal: null },
  ];
  for (const options of bad) {
    const [name] = Object.keys(options);
    const error = assertThrows(() => work(made.parts, options), Error);
    assert(error instanceof TypeError || error instanceof RangeError);
    assert(error.message.includes(name!), error.message);
  }
  assertFalse(made.broker.asked.length > 0);
});
