/** From the return of `enqueue` to the handler's start, the gateway delaying each request by 50 ms; and what an idle queue and a burst cost. */
import { assert, assertEquals } from "@std/assert";
import { inline } from "../mod.ts";
import { DELAY_MS, HOP_MS, median, openLine, run } from "./support/hop.ts";
import { test } from "./support/suite.ts";

/** What else may take time: signing, checking, this machine. */
const SLACK_MS = 20;

test("ring() starts the handler within a broker's round trip and a hop after enqueue() returned", async () => {
  await using line = await openLine();
  const took: number[] = [];
  for (let i = 0; i < 7; i++) took.push(await line.wakeMs());
  const ms = median(took);
  console.log(`wake by ring: median ${ms.toFixed(1)} ms of ${took.length}`);
  assert(ms >= DELAY_MS, "the gateway was not slow");
  assert(ms <= DELAY_MS + HOP_MS + SLACK_MS, `${took}`);
});

test("inline() starts the handler within a broker's round trip after enqueue() returned", async () => {
  await using line = await openLine({ local: inline() });
  const took: number[] = [];
  for (let i = 0; i < 7; i++) took.push(await line.wakeMs());
  const ms = median(took);
  console.log(`wake inline: median ${ms.toFixed(1)} ms of ${took.length}`);
  assert(ms <= DELAY_MS + SLACK_MS, `${took}`);
});

test("a queue that is rung for sends no request while it is idle", async () => {
  await using line = await openLine();
  await line.wakeMs();
  await line.quiet();
  const before = (await line.lane.report()).requests;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assertEquals((await line.lane.report()).requests, before);
});

test("1,000 enqueues in a burst ring at most five times", async () => {
  await using line = await openLine();
  const before = line.rings();
  await Promise.all(
    Array.from({ length: 1_000 }, (_, n) => line.producer.enqueue(run, -n)),
  );
  await line.quiet();
  const rings = line.rings() - before;
  console.log(`a burst of 1,000: ${rings} rings`);
  assert(rings >= 1 && rings <= 5, `${rings}`);
  const { ready, leased } = await line.producer.stats();
  assertEquals([ready, leased], [0, 0]);
});
