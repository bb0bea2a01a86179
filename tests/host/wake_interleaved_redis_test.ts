import { assert, assertEquals } from "@std/assert";
import { gatewayBroker } from "../support/gateway_broker.ts";
import { interleave, warm } from "../support/interleaving.ts";
import { test } from "../support/suite.ts";

test("enqueue() and the end of a drain leave no task waiting for cron in 1,000 interleavings, on Redis", async () => {
  await using made = await gatewayBroker(1_763_800_000_000);
  let rings = 0;
  await warm();
  for (let seed = 1; seed <= 1_000; seed++) {
    const queue = `interleaved-${crypto.randomUUID()}`;
    const outcome = await interleave(made.broker, queue, seed);
    assertEquals(outcome.waiting, 0, `seed ${seed}`);
    rings += outcome.rings;
  }
  assert(rings > 1_000, `${rings}`);
});
