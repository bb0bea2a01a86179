/**
 * 1,000 maps of 100 through consumers that are killed while replies are cut, requests come late or twice and scripts fail.
 * The witness is the database's own log: each member and each callback is settled once, and nothing is left over.
 */
import { assert, assertEquals } from "@std/assert";
import { BrokerError, Queue, UpstashBroker } from "../../mod.ts";
import { connect } from "../../src/upstash/mod.ts";
import { inspectAll } from "../support/books.ts";
import { crowd } from "../support/fault_run/crowd.ts";
import { NETWORK, SCRIPTS } from "../support/fault_run/faults.ts";
import { startFleet } from "../support/fault_run/fleet.ts";
import { forgetAll, leftovers } from "../support/fault_run/leftovers.ts";
import { closed, double, QUEUE } from "../support/fault_run/maps.ts";
import { completedOnce } from "../support/fault_run/verdict.ts";
import { pause } from "../support/fault_run/pause.ts";
import { newWitness } from "../support/fault_run/witness.ts";
import { startGateway } from "../support/gateway/mod.ts";
import { test } from "../support/suite.ts";

const MAPS = 1_000;
const MEMBERS = 100;
/** The members of all maps, and their callbacks. */
const TASKS = MAPS * (MEMBERS + 1);
const CONSUMERS = 2;
const LEAST_KILLS = 5;
/** What a killed consumer settles in one step at most; as in `map_consumer.ts`. */
const BATCH = 100;
const LONGEST_MS = 600_000;

test("1,000 maps of 100 fire 1,000 callbacks, once each, while replies are lost and consumers are killed", async () => {
  await using gateway = await startGateway({ seed: 11 });
  const { port } = gateway.redis;
  const token = gateway.tokenOf("faulty");
  const quiet = new UpstashBroker(
    connect({ url: gateway.url, token: gateway.token }),
  );
  const queue = new Queue({ name: QUEUE, broker: quiet });
  const witness = newWitness(QUEUE);
  await witness.watch(port);
  const lane = gateway.faults("faulty");
  lane.add(...NETWORK, ...SCRIPTS);
  let kills = 0;
  {
    await using fleet = startFleet({
      script: "tests/support/fault_run/map_consumer.ts",
      url: gateway.url,
      token,
      size: CONSUMERS,
    });
    const producing = produce(gateway.url, token);
    let isMade = false;
    producing.then(() => isMade = true, () => {});
    const deadline = Date.now() + LONGEST_MS;
    for (;;) {
      const far = (fleet.kills + 1) * TASKS / 12;
      await pause(4_000, () => witness.endings.size >= far);
      const { ready, scheduled, leased } = await queue.stats();
      console.log(`${witness.endings.size} of ${TASKS} tasks have ended`);
      if (isMade && ready + scheduled + leased === 0) break;
      assert(Date.now() < deadline, `not done after ${LONGEST_MS} ms`);
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
  const ids = (await crowd(MAPS, 20, (map) => idsOf(quiet, queue, map))).flat();
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

const nameOf = (map: number) => `map-${map}`;
const inputsOf = (map: number) =>
  Array.from({ length: MEMBERS }, (_, n) => map * MEMBERS + n);

/** The ids of a map's tasks, once its results are as they should be. */
async function idsOf(
  broker: UpstashBroker,
  queue: Queue,
  map: number,
): Promise<readonly string[]> {
  const { results, ...counts } = await queue.group<number>(nameOf(map))
    .results();
  assertEquals(counts, {
    status: "complete",
    total: MEMBERS,
    pending: 0,
    completed: MEMBERS,
    dead: 0,
    cancelled: 0,
    expired: 0,
  });
  assertEquals(
    results.map((one) => one.ok && one.value),
    inputsOf(map).map((n) => 2 * n),
  );
  const found = await broker.group(QUEUE, nameOf(map));
  assert(found.status === "complete" && found.callback !== undefined);
  const callback = await queue.result(found.callback);
  assert(callback.status === "completed");
  assertEquals(callback.value, { group: nameOf(map), ...counts });
  return [found.callback, ...results.map(({ id }) => id)];
}

/** Makes all maps, each again until it is made, through the faults. */
async function produce(url: string, token: string): Promise<void> {
  const broker = new UpstashBroker(connect({ url, token }));
  const queue = new Queue({ name: QUEUE, broker });
  const deadline = Date.now() + LONGEST_MS;
  await crowd(MAPS, 4, async (map) => {
    for (;;) {
      try {
        return await queue.map(double, inputsOf(map), {
          id: nameOf(map),
          onSettled: closed,
        });
      } catch (error) {
        const isLate = Date.now() > deadline;
        if (isLate || !(error instanceof BrokerError)) throw error;
      }
    }
  });
}
