/** From the return of `enqueue` to the handler's start, the gateway delaying each request by 50 ms; and what an idle queue and a burst cost. */
import { assert, assertEquals } from "@std/assert";
import { inline } from "../mod.ts";
import {
  DELAY_MS,
  HOP_MS,
  type Line,
  median,
  openLine,
  run,
} from "./support/hop.ts";
import { test } from "./support/suite.ts";

/** What else may take time: signing, checking. */
const SLACK_MS = 20;
/** A machine that is busy with something else is measured again, so often. */
const ROUNDS = 8;

/** Medians of seven, in milliseconds. */
interface Measured {
  readonly wake: number;
  readonly trip: number;
  readonly hop: number;
}

/** Measures wakes, and between them what a broker's round trip and a hop take on this machine, until `holds` or for the last time. */
async function measure(
  line: Line,
  holds: (measured: Measured) => boolean,
): Promise<Measured> {
  for (let round = 1;; round++) {
    const wakes: number[] = [], trips: number[] = [], hops: number[] = [];
    for (let i = 0; i < 7; i++) {
      trips.push(await line.tripMs());
      hops.push(await line.hopMs());
      wakes.push(await line.wakeMs());
    }
    const measured = {
      wake: median(wakes),
      trip: Math.max(DELAY_MS, median(trips)),
      hop: Math.max(HOP_MS, median(hops)),
    };
    if (holds(measured) || round === ROUNDS) return measured;
  }
}

test("ring() starts the handler within a broker's round trip and a hop after enqueue() returned", async () => {
  await using line = await openLine();
  const isSoon = ({ wake, trip, hop }: Measured) =>
    wake <= trip + hop + SLACK_MS;
  const ms = await measure(line, isSoon);
  console.log(`wake by ring: medians in ms ${JSON.stringify(ms)}`);
  assert(ms.wake >= DELAY_MS, "the gateway was not slow");
  assert(isSoon(ms), JSON.stringify(ms));
});

test("inline() starts the handler within a broker's round trip after enqueue() returned", async () => {
  await using line = await openLine({ local: inline() });
  const isSoon = ({ wake, trip }: Measured) => wake <= trip + SLACK_MS;
  const ms = await measure(line, isSoon);
  console.log(`wake inline: medians in ms ${JSON.stringify(ms)}`);
  assert(isSoon(ms), JSON.stringify(ms));
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
