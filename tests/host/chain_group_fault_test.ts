/**
 * 60 chains of a list, a map of 20 and what reads its results, through consumers that are killed while replies are cut, requests come late or twice and scripts fail.
 * The witness is the database's own log: each link, each element and each end is settled once, and the next link reads what came of every element, in order.
 */
import { assert, assertEquals } from "@std/assert";
import { mapOf, Queue, UpstashBroker } from "../../mod.ts";
import { forkOfLink } from "../../src/core/id.ts";
import { connect } from "../../src/upstash/mod.ts";
import { inspectAll } from "../support/books.ts";
import { NETWORK, SCRIPTS } from "../support/fault_run/faults.ts";
import { startFleet } from "../support/fault_run/fleet.ts";
import {
  closed,
  double,
  list,
  publish,
  QUEUE,
} from "../support/fault_run/forks.ts";
import { forgetAll, leftovers } from "../support/fault_run/leftovers.ts";
import { newWitness } from "../support/fault_run/witness.ts";
import { startGateway } from "../support/gateway/mod.ts";
import { test } from "../support/suite.ts";

const CHAINS = 60;
const ELEMENTS = 20;
/** A list, who sends the elements, the elements, who joins them, who reads them, and the end. */
const TASKS = CHAINS * (ELEMENTS + 5);
const CONSUMERS = 2;
const LEAST_KILLS = 3;
const BATCH = 25;
const LONGEST_MS = 300_000;

test("60 chains with a map in each are enqueued link by link and element by element, each once, under faults and killed consumers", async () => {
  await using gateway = await startGateway({ seed: 23 });
  const { port } = gateway.redis;
  const quiet = new UpstashBroker(
    connect({ url: gateway.url, token: gateway.token }),
  );
  const queue = new Queue({ name: QUEUE, broker: quiet });
  const witness = newWitness(QUEUE);
  await witness.watch(port);
  const lane = gateway.faults("consumers");
  lane.add(...NETWORK, ...SCRIPTS);
  const chains = await Promise.all(
    Array.from(
      { length: CHAINS },
      (_, n) =>
        queue.chain([list.with(inputsOf(n)), mapOf(double), publish.with()], {
          onSettled: closed.with(undefined as never, { id: endOf(n) }),
        }),
    ),
  );
  let kills = 0;
  {
    await using fleet = startFleet({
      script: "tests/support/fault_run/fork_consumer.ts",
      url: gateway.url,
      token: gateway.tokenOf("consumers"),
      size: CONSUMERS,
    });
    const deadline = Date.now() + LONGEST_MS;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const { ready, scheduled, leased } = await queue.stats();
      const { status } = await queue.result(endOf(CHAINS - 1));
      const isDone = ready + scheduled + leased === 0 && status !== "missing";
      if (isDone && fleet.kills >= LEAST_KILLS) break;
      assert(Date.now() < deadline, `not done after ${LONGEST_MS} ms`);
      await fleet.replace();
    }
    kills = fleet.kills;
  }
  console.log(
    `${kills} consumers killed; faults: ${
      JSON.stringify(lane.report().struck)
    }`,
  );
  lane.clear();
  await witness.caughtUp();

  assertEquals((await inspectAll(quiet, QUEUE)).problems, []);
  let unseen = 0;
  for (const [n, chain] of chains.entries()) {
    const result = await chain.result();
    assert(result.status === "completed", `chain ${n}: ${result.status}`);
    assertEquals(
      result.value.map((one) => one.ok && one.value),
      inputsOf(n).map((input) => 2 * input),
    );
    const ids = [
      ...chain.ids,
      forkOfLink(chain.ids[1]!),
      endOf(n),
      ...result.value.map(({ id }) => id),
    ];
    for (const id of ids) {
      const endings = witness.endings.get(memberOf(id)) ?? 0;
      assert(endings <= 1, `${id}: ${endings} accepted settlements`);
      if (endings === 0) unseen++;
    }
  }
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

const endOf = (n: number) => `end-${n}`;
const inputsOf = (n: number) =>
  Array.from({ length: ELEMENTS }, (_, i) => n * ELEMENTS + i);

/** A task's id as the database has it. */
function memberOf(id: string): string {
  return id.startsWith("~") ? id : `.${id}`;
}
