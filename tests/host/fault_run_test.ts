/**
 * 10,000 tasks through 4 consumer processes while the gateway injects every fault and one consumer is killed every second.
 * The end state hides double work, so the database's own log is the witness: see `witness.ts`.
 */
import { assert, assertEquals } from "@std/assert";
import { Queue, UpstashBroker } from "../../mod.ts";
import { connect } from "../../src/upstash/mod.ts";
import { inspectAll } from "../support/books.ts";
import { forgetAll, leftovers } from "../support/fault_run/leftovers.ts";
import { QUEUE, work } from "../support/fault_run/tasks.ts";
import { pause } from "../support/fault_run/pause.ts";
import { newWitness } from "../support/fault_run/witness.ts";
import type { Lane } from "../support/gateway/mod.ts";
import { startGateway } from "../support/gateway/mod.ts";
import { test } from "../support/suite.ts";

const TASKS = 10_000;
const CONSUMERS = 4;
/** What a killed consumer settles in one step at most; as in `consumer.ts`. */
const BATCH = 25;
const LONGEST_MS = 240_000;
const HELD_MS = 20;
const root = new URL("../../", import.meta.url);

test("10,000 tasks survive every fault and a killed consumer every second", async () => {
  await using gateway = await startGateway({ seed: 7 });
  const { port } = gateway.redis;
  const quiet = new UpstashBroker(
    connect({ url: gateway.url, token: gateway.token }),
  );
  const queue = new Queue({ name: QUEUE, broker: quiet });
  await queue.enqueueMany(
    Array.from(
      { length: TASKS },
      (_, n) => work.with({ n }, { id: `work-${n}` }),
    ),
  );
  const witness = newWitness(QUEUE);
  await witness.watch(port);
  const lane = gateway.faults("consumers");
  misbehave(lane);

  const start = () => startConsumer(gateway.url, gateway.tokenOf("consumers"));
  let consumers = Array.from({ length: CONSUMERS }, start);
  const deadline = Date.now() + LONGEST_MS;
  let kills = 0;
  try {
    for (;;) {
      // a twentieth of the work at most
      const far = (kills + 1) * TASKS / 10;
      await pause(1_000, () => witness.endings.size >= far);
      const { ready, scheduled, leased } = await queue.stats();
      const left = ready + scheduled + leased;
      console.log(
        `${left} of ${2 * TASKS} tasks left, ${kills} consumers killed`,
      );
      if (left === 0) break;
      assert(
        Date.now() < deadline,
        `${left} tasks left after ${LONGEST_MS} ms`,
      );
      const victim = consumers.shift()!;
      await kill(victim);
      consumers.push(start());
      kills++;
      if (kills === 2) {
        await Promise.all(consumers.map(kill));
        // a request that is held back still runs: no log would show it if Redis ended meanwhile
        await new Promise((resolve) => setTimeout(resolve, 10 * HELD_MS));
        await witness.caughtUp();
        await gateway.manage({ restart: "keep" });
        await witness.watch(port);
        consumers = Array.from({ length: CONSUMERS }, start);
      }
      if (kills === 4) lane.set({ clock: { offsetMs: 2_000 } });
    }
  } finally {
    await Promise.all(consumers.map(kill));
  }
  const { struck } = lane.report();
  lane.clear();
  await witness.caughtUp();
  assert(
    kills >= 5,
    `only ${kills} consumers were killed: the run was too short`,
  );
  console.log(`${kills} consumers killed; faults: ${JSON.stringify(struck)}`);

  assertEquals((await inspectAll(quiet, QUEUE)).problems, []);
  assertEquals((await queue.stats()).dead, 0);
  let works = 0, next = 0, unanswered = 0;
  for (let n = 0; n < TASKS; n++) {
    for (const id of [`work-${n}`, `next-${n}`]) {
      const standing = await quiet.result(QUEUE, id);
      assertEquals(standing.status, "completed", id);
      if (standing.status !== "completed") continue;
      const endings = witness.endings.get(`.${id}`) ?? 0;
      assert(endings <= 1, `${id}: ${endings} accepted settlements`);
      if (endings === 0) unanswered++;
      const { tokens, unspent } = witness.claims.get(`.${id}`)!;
      assertEquals(
        tokens.size - unspent,
        standing.attempt,
        `${id}: distinct claims, less those given back, against attempts`,
      );
      if (id.startsWith("work")) works++;
      else next++;
    }
  }
  assertEquals([works, next], [TASKS, TASKS]);
  // a script that was made to fail just before its commit, and whose consumer was killed before it could repeat it, has written the ending all the same
  assert(
    unanswered <= kills * BATCH,
    `${unanswered} endings without a commit, ${kills} kills`,
  );
  await witness.leave();

  await forgetAll(gateway.faults(), quiet, QUEUE);
  const left = await leftovers(port);
  assertEquals(left, [], "records left after all TTLs");
});

/** Every fault of the gateway, again and again. */
function misbehave(lane: Lane): void {
  lane.add(
    { kind: "delay", ms: HELD_MS, probability: 0.05 },
    { kind: "status", status: 500, probability: 0.01 },
    { kind: "status", status: 502, probability: 0.01 },
    { kind: "status", status: 503, when: "after", probability: 0.01 },
    { kind: "status", status: 429, retryAfter: 0, probability: 0.01 },
    { kind: "cut", when: "before", probability: 0.02 },
    { kind: "cut", when: "after", probability: 0.03 },
    { kind: "cut", when: "during", probability: 0.01 },
    { kind: "truncate", probability: 0.01 },
    { kind: "late", after: 3, probability: 0.02 },
    { kind: "again", after: 3, probability: 0.03 },
    ...Array.from({ length: 20 }, (_, i) => ({
      kind: "script" as const,
      k: i + 1,
      error: "ERR injected",
      probability: 0.002,
    })),
  );
}

function startConsumer(url: string, token: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-lock",
      "tests/support/fault_run/consumer.ts",
      url,
      token,
    ],
    cwd: root,
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

async function kill(consumer: Deno.ChildProcess): Promise<void> {
  try {
    consumer.kill("SIGKILL");
  } catch { /* it ended by itself */ }
  await consumer.status;
}
