import { assert, assertEquals } from "@std/assert";
import { MemoryBroker } from "../src/broker/memory.ts";
import { end, enter, type Live, newBooks } from "../src/broker/memory/books.ts";
import { newLive } from "../src/broker/memory/groups.ts";
import { inspect } from "../src/broker/memory/inspect.ts";
import { compareBytes, Sorted } from "../src/broker/memory/sorted.ts";
import { idsOf, newBench, START, task } from "./support/contract/bench.ts";
import { memoryBroker } from "./support/memory_broker.ts";
import { test } from "./support/suite.ts";

test("MemoryBroker() asks for no time before its first call", async () => {
  let asked = 0;
  const clock = { now: () => (asked++, START) };
  const broker = new MemoryBroker({ clock });
  assertEquals(asked, 0);
  assertEquals((await broker.stats("q")).now, START);
  assertEquals(asked, 1);
});

test("MemoryBroker() takes the host's time when it is given none", async () => {
  const before = Date.now();
  const { now } = await new MemoryBroker().stats("q");
  assert(now >= before && now <= Date.now());
});

test("MemoryBroker counts a request and no commands", async () => {
  const broker = new MemoryBroker();
  assertEquals(broker.type, "baton.MemoryBroker");
  const { commands, requests } = await broker.enqueue("q", {
    tasks: [task("a")],
    maxBacklog: undefined,
  });
  assertEquals([commands, requests], [0, 1]);
});

test("MemoryBroker keeps requests of one millisecond first in, first out", async () => {
  const bench = newBench(memoryBroker(START));
  const ids = ["c", "b", "a", "e", "d"];
  for (const id of ids) await bench.enqueue(id);
  assertEquals(idsOf(await bench.consumer().claim()), ids);
  const { stats } = await bench.snapshot();
  assertEquals(stats.leased, 5);
});

test("MemoryBroker drains a backlog of 50,000 in order", async () => {
  const bench = newBench(memoryBroker(START));
  for (let i = 0; i < 50; i++) {
    await bench.enqueue(
      ...Array.from({ length: 1000 }, (_, j) => `${i * 1000 + j}`),
    );
    await bench.advance(1);
  }
  const consumer = bench.consumer();
  let next = 0;
  let reply = await consumer.step({ limit: 50 });
  while (reply.deliveries.length > 0) {
    for (const { id } of reply.deliveries) assertEquals(id, `${next++}`);
    const settle = reply.deliveries.map(({ id, token }) => ({
      id,
      token,
      end: {
        kind: "complete",
        payload: undefined,
        resultMs: 0,
        keepMs: 60_000,
      } as const,
      span: "",
      dedupe: undefined,
      enqueue: [],
    }));
    reply = await consumer.step({ settle, limit: 50 });
    assertEquals(reply.stale, []);
  }
  assertEquals(next, 50_000);
});

test("Sorted keeps its members as a sort of them would be", () => {
  const sorted = new Sorted<{ readonly id: string; readonly score: number }>();
  const members = Array.from({ length: 3000 }, (_, i) => ({
    id: `${(i * 7919) % 3001}`,
    score: (i * 104_729) % 97,
  }));
  for (const each of members) sorted.add(each);
  for (const each of members.slice(0, 1000)) sorted.remove(each);
  sorted.remove({ id: "no member", score: 5 });
  const left = members.slice(1000).sort((a, b) =>
    a.score - b.score || compareBytes(a.id, b.id)
  );
  assertEquals(sorted.size, 2000);
  assertEquals(sorted.first, left[0]);
  assertEquals(sorted.range({ limit: Infinity }), left);
  assertEquals(sorted.range({ limit: 10, to: 3 }), left.slice(0, 10));
  assertEquals(
    sorted.range({ limit: Infinity, to: 3 }),
    left.filter((each) => each.score <= 3),
  );
  for (const at of [0, 511, 512, 1234, 1999]) {
    const page = sorted.range({ after: left[at], limit: 5 });
    assertEquals(page, left.slice(at + 1, at + 6));
  }
  const between = { id: "", score: 50 };
  assertEquals(
    sorted.range({ after: between, limit: 1 })[0],
    left.find((each) => each.score >= 50),
  );
  assert(left.every((each) => sorted.has(each)));
  assert(members.slice(0, 1000).every((each) => !sorted.has(each)));
});

test("Sorted is empty again when all is removed", () => {
  const sorted = new Sorted<{ readonly id: string; readonly score: number }>();
  assertEquals([sorted.size, sorted.first], [0, undefined]);
  const members = Array.from({ length: 1500 }, (_, i) => ({
    id: `${i}`,
    score: i,
  }));
  for (const each of members) sorted.add(each);
  for (const each of members) sorted.remove(each);
  assertEquals([sorted.size, sorted.first], [0, undefined]);
  assertEquals(sorted.range({ limit: 5 }), []);
});

test("compareBytes() orders texts as their UTF-8 bytes", () => {
  const texts = [
    "",
    "a",
    "aa",
    "b",
    "~",
    "é",
    "\uFFFD",
    "\u{1F3C3}",
    "\u{1F3C3}a",
    "\uE000",
  ];
  const bytesOf = (text: string) => [...new TextEncoder().encode(text)];
  for (const a of texts) {
    for (const b of texts) {
      const [x, y] = [bytesOf(a), bytesOf(b)];
      const at = x.findIndex((byte, i) => byte !== y[i]);
      const expected = at < 0
        ? x.length - y.length
        : (x[at] ?? 0) - (y[at] ?? -1);
      assertEquals(
        Math.sign(compareBytes(a, b)),
        Math.sign(expected),
        `${a} ${b}`,
      );
    }
  }
});

function live(id: string, state: Live["state"]): Live {
  return newLive(newBooks(), task(id), START, {
    state,
    score: START,
    order: undefined,
    dueAt: undefined,
  });
}

test("inspect() finds what does not agree in the memory broker's books, and puts it right", () => {
  const books = newBooks();
  const [lost, doubled, ghost] = [
    live("lost", "ready"),
    live("doubled", "scheduled"),
    live("ghost", "leased"),
  ];
  enter(books, lost);
  enter(books, doubled);
  enter(books, live("fine", "dead"));
  end(books, {
    id: "ended",
    state: "ended",
    score: START,
    standing: { status: "expired", attempt: 1, endedAt: START, error: "" },
    payloadUntil: 0,
  });
  assertEquals(inspect(books, false).problems, []);
  books.lines.ready.remove(lost);
  books.lines.leased.add(doubled);
  books.lines.leased.add(ghost);
  for (const ended of books.ended.range({ limit: 1 })) {
    books.ended.remove(ended);
  }
  const problems = [
    { kind: "unindexed", id: "lost" },
    { kind: "unswept", id: "ended" },
    { kind: "doubled", id: "doubled" },
    { kind: "ghost", id: "ghost" },
  ] as const;
  assertEquals(inspect(books, false).problems, problems);
  assertEquals(inspect(books, true).problems, problems);
  assertEquals(inspect(books, false).problems, []);
  assertEquals(books.lines.ready.first, lost);
  assertEquals(books.lines.leased.size, 0);
});
