/**
 * 10,000 chains of 5, with a hook on each last link and one at each chain's end, through consumers that are killed while the gateway cuts replies, sends requests late or twice and breaks scripts.
 * The witness is the database's own log: see `fault_run/witness.ts`. Each link and hook ends once; nothing is left over.
 */
import { assert, assertEquals } from "@std/assert";
import { Queue, UpstashBroker } from "../../mod.ts";
import { connect } from "../../src/upstash/mod.ts";
import { inspectAll } from "../support/books.ts";
import { end, hook, link, QUEUE } from "../support/chain_run/tasks.ts";
import { crowd } from "../support/fault_run/crowd.ts";
import { NETWORK, SCRIPTS } from "../support/fault_run/faults.ts";
import { startFleet } from "../support/fault_run/fleet.ts";
import { forgetAll, leftovers } from "../support/fault_run/leftovers.ts";
import { completedOnce } from "../support/fault_run/verdict.ts";
import { pause } from "../support/fault_run/pause.ts";
import { newWitness } from "../support/fault_run/witness.ts";
import { startGateway } from "../support/gateway/mod.ts";
import { test } from "../support/suite.ts";

const CHAINS = 10_000;
const LINKS = 5;
/** The links of all chains, the hooks of their last links, and their ends. */
const TASKS = CHAINS * (LINKS + 2);
const CONSUMERS = 2;
const LEAST_KILLS = 5;
/** What a killed consumer settles in one step at most; as in `consumer.ts`. */
const BATCH = 100;
const LONGEST_MS = 600_000;

test("10,000 chains of 5 are enqueued link by link, each once, under faults and killed consumers", async () => {
  await using gateway = await startGateway({ seed: 11 });
  const { port } = gateway.redis;
  const quiet = new UpstashBroker(
    connect({ url: gateway.url, token: gateway.token }),
  );
  const queue = new Queue({ name: QUEUE, broker: quiet });
  const witness = newWitness(QUEUE);
  await witness.watch(port);
  const lane = gateway.faults("consumers");
  lane.add(...NETWORK, ...SCRIPTS);
  let kills = 0;
  const ids: string[] = [];
  {
    await using fleet = startFleet({
      script: "tests/support/chain_run/consumer.ts",
      url: gateway.url,
      token: gateway.tokenOf("consumers"),
      size: CONSUMERS,
    });
    const producing = crowd(CHAINS, 20, async (chain) => {
      const made = await queue.chain(
        Array.from({ length: LINKS }, (_, at) =>
          link.with(
            { chain, at },
            at === LINKS - 1
              ? { onSettled: hook.with(undefined as never, hookId(chain)) }
              : {},
          )),
        { onSettled: end.with(undefined as never, endId(chain)) },
      );
      ids.push(...made.ids, hookId(chain).id, endId(chain).id);
    });
    const deadline = Date.now() + LONGEST_MS;
    for (;;) {
      const far = (fleet.kills + 1) * TASKS / 20;
      await pause(2_000, () => witness.endings.size >= far);
      const { ready, scheduled, leased } = await queue.stats();
      const left = ready + scheduled + leased;
      console.log(`${witness.endings.size} of ${TASKS} tasks have ended`);
      if (left === 0 && ids.length === TASKS) break;
      assert(Date.now() < deadline, `tasks are left after ${LONGEST_MS} ms`);
      await fleet.replace();
    }
    await producing;
    kills = fleet.kills;
  }
  const { struck } = lane.report();
  lane.clear();
  console.log(`${kills} consumers killed; faults: ${JSON.stringify(struck)}`);
  await witness.caughtUp();
  assert(kills >= LEAST_KILLS, `only ${kills} consumers were killed`);

  assertEquals((await inspectAll(quiet, QUEUE)).problems, []);
  const unseen = await completedOnce(quiet, QUEUE, ids, witness);
  // a script that was made to fail just before its commit, and whose consumer was killed before it could repeat it, has written the ending all the same
  assert(
    unseen <= kills * BATCH,
    `${unseen} endings without a commit, ${kills} kills`,
  );
  assertEquals(witness.claims.size, TASKS, "nothing else was ever enqueued");
  await witness.leave();
  await forgetAll(gateway.faults(), quiet, QUEUE);
  assertEquals(await leftovers(port), [], "records left after all TTLs");
});

const hookId = (n: number) => ({ id: `hook-${n}` });
const endId = (n: number) => ({ id: `end-${n}` });
