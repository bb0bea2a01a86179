/** Promise 8: time is the broker's. Producers and consumers whose clocks are an hour off, on both brokers. */
import { assert, assertEquals } from "@std/assert";
import { defineTask, Queue } from "../mod.ts";
import type { Clock, StepRequest } from "../mod.ts";
import { systemClock } from "../src/core/clock.ts";
import type { ContractBroker } from "./support/contract.ts";
import { ends, newBench, settle } from "./support/contract/bench.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import { ManualClock } from "./support/manual_clock.ts";
import { memoryBroker } from "./support/memory_broker.ts";
import { make } from "./support/recording_broker.ts";
import { test } from "./support/suite.ts";

const START = 1_763_800_000_000;
const HOUR = 3_600_000;

const brokers: Readonly<Record<string, () => Promise<ContractBroker>>> = {
  MemoryBroker: () => Promise.resolve(memoryBroker(START)),
  UpstashBroker: () => gatewayBroker(START),
};

function clockAt(now: number): Clock {
  return { now: () => now, after: systemClock.after };
}

for (const [name, make] of Object.entries(brokers)) {
  for (const [when, off] of [["ahead", HOUR], ["behind", -HOUR]] as const) {
    test(`${name}: a consumer whose clock is an hour ${when} changes nothing`, async () => {
      await using made = await make();
      const ran: string[] = [];
      const task = defineTask("task", {
        run: (id: string) => void ran.push(id),
      });
      const queue = new Queue({
        name: `clock-${crypto.randomUUID()}`,
        broker: made.broker,
        handlers: [task.handle((id) => void ran.push(id))],
        clock: clockAt(START + off),
      });
      await queue.enqueueMany([
        task.with("now"),
        task.with("delayed", { delayMs: 60_000 }),
        task.with("at", { runAt: START + 120_000 }),
        task.with("fresh", { expiresInMs: 30_000 }),
      ]);
      const drain = () => queue.drain({ lingerMs: 0 });

      const first = await drain();
      assertEquals(ran.sort(), ["fresh", "now"]);
      assertEquals(first.nextDueInMs, 60_000);
      await made.advance(59_999);
      await drain();
      assertEquals(ran.length, 2);
      await made.advance(1);
      await drain();
      assertEquals(ran.at(-1), "delayed");
      await made.advance(60_000);
      await drain();
      assertEquals(ran.at(-1), "at");
    });

    test(`${name}: a consumer whose clock is an hour ${when} takes no lease that holds`, async () => {
      await using made = await make();
      const bench = newBench(made);
      await bench.enqueue("a");
      const holder = bench.consumer();
      const [held] = await holder.claim(1);
      const queue = new Queue({
        name: bench.queue,
        broker: made.broker,
        clock: clockAt(START + off),
      });
      const { claimed, reaped } = await queue.drain({ lingerMs: 0 });
      assertEquals([claimed, reaped], [0, 0]);
      const { stale } = await holder.settle(settle(held!, ends.complete()));
      assertEquals(stale, []);
      await bench.verify();
    });
  }
}

test("a running consumer whose wall clock is set back or forward keeps its leases", async () => {
  for (const by of [-HOUR, HOUR]) {
    const clock = new ManualClock(START);
    const returned = Promise.withResolvers<void>();
    const task = defineTask("task", { timeoutMs: 10 * 60_000 });
    let signal: AbortSignal | undefined;
    const { queue, broker } = make({
      broker: memoryBroker(START).broker,
      clock,
      handlers: [
        task.handle((_, ctx) => {
          signal = ctx.signal;
          return returned.promise;
        }),
      ],
    });
    await queue.enqueue(task);
    const drained = queue.drain({ leaseMs: 30_000, budgetMs: 300_000 });
    await clock.advance(1_000);
    clock.set(clock.now() + by);
    await clock.advance(40_000);
    const steps = broker.of<StepRequest>("step");
    const extended = steps.filter(({ extend }) => extend.length > 0).length;
    assertEquals(signal?.aborted, false);
    assert(extended >= 2 && extended <= 4, `${extended} heartbeats in 40 s`);
    returned.resolve();
    await clock.advance(20_000);
    assertEquals((await drained).completed, 1);
  }
});
