/**
 * 300 chains of 5, with a hook on each last link and one at each chain's end, through consumers that are killed while the gateway cuts replies, repeats requests and breaks scripts.
 * The witness is the database's own log: see `fault_run/witness.ts`. Each link and hook ends once; nothing is left over.
 */
import { assert, assertEquals } from "@std/assert";
import { Queue, UpstashBroker } from "../../mod.ts";
import { inspectAll } from "../support/books.ts";
import { end, hook, link, QUEUE } from "../support/chain_run/tasks.ts";
import { newWitness } from "../support/fault_run/witness.ts";
import { type Lane, startGateway } from "../support/gateway/mod.ts";
import { test } from "../support/suite.ts";
import { connect } from "../../src/upstash/mod.ts";

const CHAINS = 300;
const LINKS = 5;
/** The links of all chains, the hooks of their last links, and their ends. */
const TASKS = CHAINS * (LINKS + 2);
const CONSUMERS = 2;
const KILLS = 3;
/** What a killed consumer settles in one step at most; as in `consumer.ts`. */
const BATCH = 25;
const LONGEST_MS = 60_000;
const root = new URL("../../", import.meta.url);

test("300 chains of 5 are enqueued link by link, each once, under faults and killed consumers", async () => {
  await using gateway = await startGateway({ seed: 11 });
  const quiet = new UpstashBroker(
    connect({ url: gateway.url, token: gateway.token }),
  );
  const queue = new Queue({ name: QUEUE, broker: quiet });
  const chains = await Promise.all(
    Array.from(
      { length: CHAINS },
      (_, chain) =>
        queue.chain(
          Array.from({ length: LINKS }, (_, at) =>
            link.with(
              { chain, at },
              at === LINKS - 1
                ? { onSettled: hook.with(undefined as never, hookId(chain)) }
                : {},
            )),
          { onSettled: end.with(undefined as never, endId(chain)) },
        ),
    ),
  );
  const witness = newWitness(QUEUE);
  await witness.watch(gateway.redis.port);
  const lane = gateway.faults("consumers");
  misbehave(lane);
  const start = () => startConsumer(gateway.url, gateway.tokenOf("consumers"));
  const consumers = Array.from({ length: CONSUMERS }, start);
  const deadline = Date.now() + LONGEST_MS;
  let kills = 0;
  try {
    for (let left = TASKS; left > 0;) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert(Date.now() < deadline, `tasks are left after ${LONGEST_MS} ms`);
      left = TASKS - witness.endings.size;
      const { ready, scheduled, leased } = await queue.stats();
      if (ready + scheduled + leased === 0) break;
      if (kills < KILLS && left < TASKS * (1 - (kills + 1) / (KILLS + 2))) {
        kills++;
        await kill(consumers.shift()!);
        consumers.push(start());
      }
    }
  } finally {
    await Promise.all(consumers.map(kill));
  }
  lane.clear();
  assertEquals(kills, KILLS);

  assertEquals((await inspectAll(quiet, QUEUE)).problems, []);
  let unanswered = 0;
  for (const [n, { ids }] of chains.entries()) {
    for (const id of [...ids, hookId(n).id, endId(n).id]) {
      const { status } = await quiet.result(QUEUE, id);
      assertEquals(status, "completed", `${id} of chain ${n}`);
      const endings = witness.endings.get(memberOf(id)) ?? 0;
      assert(endings <= 1, `${id}: ${endings} accepted settlements`);
      if (endings === 0) unanswered++;
    }
  }
  // a script that was made to fail just before its commit, and whose consumer was killed before it could repeat it, has written the ending all the same
  assert(
    unanswered <= KILLS * BATCH,
    `${unanswered} endings without a commit, ${KILLS} kills`,
  );
  assertEquals(
    witness.claims.size,
    TASKS,
    "nothing else was ever enqueued",
  );
  await witness.leave();
});

const hookId = (n: number) => ({ id: `hook-${n}` });
const endId = (n: number) => ({ id: `end-${n}` });

/** A task's id as the database has it. */
function memberOf(id: string): string {
  return id.startsWith("~") ? id : `.${id}`;
}

/** Every fault that a settlement may meet, again and again. */
function misbehave(lane: Lane): void {
  lane.add(
    { kind: "status", status: 503, when: "after", probability: 0.02 },
    { kind: "cut", when: "before", probability: 0.03 },
    { kind: "cut", when: "after", probability: 0.06 },
    { kind: "truncate", probability: 0.02 },
    { kind: "late", after: 3, probability: 0.02 },
    { kind: "again", after: 3, probability: 0.05 },
    ...Array.from({ length: 20 }, (_, i) => ({
      kind: "script" as const,
      k: i + 1,
      error: "ERR injected",
      probability: 0.004,
    })),
  );
}

function startConsumer(url: string, token: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-lock",
      "tests/support/chain_run/consumer.ts",
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
