/**
 * Drains and workers, one after the other, against a broker that fails before or after it did what was asked, answers late and is asked twice, with handlers that fail, hang, release and extend.
 * Everything is drawn from a seed, and time stands still between events.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { fixed } from "../src/core/backoff.ts";
import type { HandlerContext } from "../src/core/context.ts";
import { BrokerError } from "../src/core/error.ts";
import { defineTask } from "../src/core/task.ts";
import { drain } from "../src/queue/drain.ts";
import { work } from "../src/queue/later.ts";
import { bench, times } from "./support/consumer.ts";
import { test } from "./support/suite.ts";

const TASKS = 25;
const ROUNDS = 60;

const child = defineTask<number>("child");
const parent = defineTask<number>("parent", {
  backoff: fixed(500),
  timeoutMs: 3_000,
  maxAttempts: 1_000,
});

/** A number in [0, 1), the same for the same seed. */
function drawing(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Works until nothing is left, and gives the completions that the broker accepted. */
async function live(draw: () => number) {
  const doors: (() => void)[] = [];
  const accepted: string[] = [];
  const asleep = (ms: number) =>
    new Promise<void>((resolve) =>
      void made.clock.after(Math.floor(ms), () => resolve())
    );
  async function run(n: number, ctx: HandlerContext): Promise<number> {
    const mood = draw();
    if (mood < 0.1) throw new Error("failed");
    if (mood < 0.15) await new Promise<void>((resolve) => doors.push(resolve));
    if (mood < 0.2) ctx.release({ delayMs: 100 });
    else if (mood < 0.25) await ctx.extend(5_000);
    else if (mood < 0.5) await asleep(draw() * 2_000);
    await ctx.defer(child, n, { id: `child-${n}` });
    return n;
  }
  const made = bench({
    handlers: [parent.handle(run), child.handle(() => {})],
    async step(request, ask) {
      const mood = draw();
      if (mood < 0.1) throw new BrokerError("unavailable", "before");
      if (draw() < 0.3) await asleep(draw() * 3_000);
      const reply = await ask(request);
      if (reply.status === "done") {
        const stale = new Set(reply.stale);
        for (const { id, end } of request.settle) {
          if (end.kind === "complete" && !stale.has(id)) accepted.push(id);
        }
      }
      if (mood < 0.2) throw new BrokerError("unavailable", "after");
      return mood < 0.25 ? await ask(request) : reply;
    },
  });
  await made.enqueue(
    ...times(TASKS, (n) => parent.with(n, { id: `parent-${n}` })),
  );
  for (let round = 0; round < ROUNDS; round++) {
    const concurrency = 1 + Math.floor(draw() * 10);
    const batchSize = concurrency + Math.floor(draw() * 20);
    if (draw() < 0.4) {
      const shared = { concurrency, batchSize, leaseMs: 5_000, graceMs: 300 };
      const worker = work(made.parts, shared);
      await made.clock.advance(5_000);
      await made.until(worker.stop());
    } else {
      const shared = { concurrency, batchSize, graceMs: 300 };
      const budgetMs = 5_000 + Math.floor(draw() * 5_000);
      await made.until(
        drain(made.parts, { ...shared, budgetMs }).catch((error) => {
          if (!(error instanceof BrokerError)) throw error;
        }),
      );
    }
    for (const open of doors.splice(0)) open();
    await made.clock.advance(1_000);
    const { ready, scheduled, leased } = await made.broker.stats("tested");
    if (ready + scheduled + leased === 0) break;
  }
  await made.clock.advance(10_000);
  return { made, accepted };
}

for (const seed of [8, 11, 28]) {
  test(`drain() and work() lose nothing, double nothing and leave nothing open when the broker fails at random (seed ${seed})`, async () => {
    const { made, accepted } = await live(drawing(seed));
    assertEquals(new Set(accepted).size, accepted.length);
    assertEquals(accepted.length, 2 * TASKS);
    for (const kind of ["parent", "child"]) {
      for (const n of times(TASKS, (n) => n)) {
        const { status } = await made.broker.result("tested", `${kind}-${n}`);
        assertEquals(status, "completed", `${kind}-${n}`);
      }
    }
    const { problems } = await made.broker.inspect("tested", {
      repair: false,
      cursor: undefined,
    });
    assertEquals(problems, []);
    const { enqueued, processed } = made.instrument;
    for (const { ends } of enqueued) assertEquals(ends.length, 1);
    for (const { answer, end } of processed) {
      assertEquals([typeof answer, typeof end], ["string", "object"]);
    }
    assertEquals(made.clock.pending, 0);
  });
}
