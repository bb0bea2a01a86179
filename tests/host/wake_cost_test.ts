/** What being woken costs, as Redis and the gateway count it. */
import { assertEquals } from "@std/assert";
import { defineTask, Queue, type WakeHint } from "../../mod.ts";
import { type Cost, type CostBench, openCosts } from "../support/cost.ts";
import { test } from "../support/suite.ts";

const echo = defineTask("echo", { run: (input: number) => ({ input }) });

/** A queue that is woken, and the mark that the last ring brought. */
function woken({ broker }: CostBench) {
  const hints: WakeHint[] = [];
  const queue = new Queue({
    broker,
    wake: (hint) => void hints.push(hint),
    handlers: [echo],
  });
  const drain = () =>
    queue.drain({ rung: { mark: hints.at(-1)!.mark }, lingerMs: 0 });
  return { queue, hints, drain };
}

function counts(
  { commands, requests, told }: Cost,
): readonly [commands: number, requests: number] {
  assertEquals(told, commands, "the scripts' own count");
  return [commands, requests];
}

test("enqueue() costs 6 commands when it rings, 5 when it need not, 4 without wake", async () => {
  await using bench = await openCosts();
  const { queue, hints } = woken(bench);
  const cost = async (n: number) =>
    counts(await bench.costOf(() => queue.enqueue(echo, n)));
  assertEquals(await cost(1), [6, 1]);
  assertEquals(await cost(2), [5, 1]);
  assertEquals(hints.length, 1);
  const plain = new Queue({ name: "plain", broker: bench.broker });
  const without = await bench.costOf(() => plain.enqueue(echo, 3));
  assertEquals(counts(without), [4, 1]);
});

test("a step of a queue that was woken costs no command more when it changes no mark", async () => {
  await using bench = await openCosts();
  const { queue, drain } = woken(bench);
  await queue.enqueue(echo, 1);
  await drain();
  const idle = await bench.costOf(() => queue.drain({ lingerMs: 0 }));
  assertEquals(counts(idle), [4, 1]);
});

test("drain() that a ring brought costs two commands more than one by the clock", async () => {
  await using bench = await openCosts();
  const { queue, drain } = woken(bench);
  const other = new Queue({
    name: "plain",
    broker: bench.broker,
    handlers: [echo],
  });
  for (const each of [queue, other]) {
    await each.enqueue(echo, 0);
    await each.drain({ lingerMs: 0 });
    await each.enqueue(echo, 1);
  }
  const byClock = await bench.costOf(() => other.drain({ lingerMs: 0 }));
  const rung = await bench.costOf(drain);
  const [commands, requests] = counts(byClock);
  assertEquals(counts(rung), [commands + 2, requests]);
});

test("a ring that is replayed costs an empty step", async () => {
  await using bench = await openCosts();
  const { queue, drain } = woken(bench);
  await queue.enqueue(echo, 1);
  await drain();
  const replayed = await bench.costOf(drain);
  assertEquals(counts(replayed), [4, 1]);
});
