import { assert, assertEquals } from "@std/assert";
import { MemoryBroker } from "../src/broker/memory.ts";
import { interleave, warm } from "./support/interleaving.ts";
import { test } from "./support/suite.ts";

test("enqueue() and the end of a drain leave no task waiting for cron in 1,000 interleavings, in memory", async () => {
  const clock = { now: () => 1_763_800_000_000 };
  const ends = new Set<string>();
  let rings = 0;
  await warm();
  for (let seed = 1; seed <= 1_000; seed++) {
    const outcome = await interleave(new MemoryBroker({ clock }), "q", seed);
    assertEquals(outcome.waiting, 0, `seed ${seed}`);
    for (const end of outcome.ends) ends.add(end);
    rings += outcome.rings;
  }
  assertEquals([...ends].sort(), ["answered", "budget", "empty", "requests"]);
  assert(rings > 1_000, `${rings}`);
});
