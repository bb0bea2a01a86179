import { assert, assertEquals } from "@std/assert";
import type { ListedState, ListedTask } from "../../../src/broker/broker.ts";
import {
  type Bench,
  type Declare,
  delayed,
  ends,
  HOUR,
  idsOf,
  LEASE,
  MINUTE,
  SECOND,
  settle,
  START,
  task,
} from "./bench.ts";

const NUMBERS: readonly number[] = Array.from({ length: 23 }, (_, i) => i);

/** Fills one state with 23 tasks whose order is that of their numbers, some at the same instant. */
async function fill(bench: Bench, state: ListedState): Promise<void> {
  const idOf = (i: number) => `t${String(i).padStart(2, "0")}`;
  for (const i of NUMBERS) {
    const more = state === "scheduled"
      ? delayed(idOf(i), HOUR + (i >> 2))
      : task(idOf(i));
    await bench.enqueue(more);
    if (state !== "scheduled") await bench.advance(1);
  }
  if (state === "ready" || state === "scheduled") return;
  const consumer = bench.consumer();
  const held = await consumer.claim(50, { leaseMs: HOUR });
  if (state === "leased") return;
  await consumer.settle(...held.map((d) => settle(d, ends.dead())));
}

/** What `result`, `list`, `stats` and `inspect` show. */
export function looking(declare: Declare): void {
  for (const state of ["ready", "scheduled", "leased", "dead"] as const) {
    declare(
      `list() shows every ${state} task once, whatever the page`,
      async (bench) => {
        await fill(bench, state);
        const { broker, queue } = bench;
        const whole = await broker.list(queue, {
          state,
          limit: 100,
          cursor: undefined,
        });
        assertEquals(whole.cursor, undefined);
        assertEquals(whole.tasks.length, 23);
        for (const limit of [1, 5, 22, 23, 24]) {
          const tasks: ListedTask[] = [];
          let cursor: string | undefined;
          do {
            const page = await broker.list(queue, { state, limit, cursor });
            assert(page.tasks.length <= limit);
            tasks.push(...page.tasks);
            cursor = page.cursor;
          } while (cursor !== undefined);
          assertEquals(tasks, whole.tasks, `pages of ${limit}`);
        }
      },
    );

    declare(
      `list() shows every ${state} task that stays, while others leave between pages`,
      async (bench) => {
        await fill(bench, state);
        const { broker, queue } = bench;
        const seen: string[] = [];
        const gone: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await broker.list(queue, { state, limit: 5, cursor });
          seen.push(...idsOf(page.tasks));
          cursor = page.cursor;
          const [leaving] = page.tasks;
          if (leaving === undefined) continue;
          gone.push(leaving.id);
          await leave(bench, leaving);
        } while (cursor !== undefined);
        assertEquals(seen.length, new Set(seen).size);
        const left = idsOf(await bench.list(state));
        assertEquals(left.filter((id) => !seen.includes(id)), []);
        assertEquals(seen.length, 23);
        assert(gone.length > 3);
      },
    );
  }

  declare("list() shows ready tasks as they will be claimed", async (bench) => {
    await bench.enqueue("a", task("b", { priority: 1 }), delayed("c", SECOND));
    await bench.advance(SECOND);
    await bench.enqueue(task("d", { priority: -1 }));
    await bench.consumer().step();
    const listed = await bench.list("ready");
    assertEquals(idsOf(listed), ["b", "a", "c", "d"]);
    assertEquals(listed[2], {
      id: "c",
      name: "work",
      state: "ready",
      attempt: 0,
      enqueuedAt: START,
      at: undefined,
      error: undefined,
    });
    assertEquals(idsOf(await bench.consumer().claim()), idsOf(listed));
  });

  declare(
    "list() shows when a scheduled task is due, and what it failed with",
    async (bench) => {
      await bench.enqueue(
        delayed("a", HOUR, { name: "x|y", priority: 3 }),
        "b",
      );
      const consumer = bench.consumer();
      const [b] = await consumer.claim();
      assert(b);
      await consumer.settle(settle(b, ends.retry(MINUTE, "no|\nluck")));
      assertEquals(await bench.list("scheduled"), [{
        id: "b",
        name: "work",
        state: "scheduled",
        attempt: 1,
        enqueuedAt: START,
        at: START + MINUTE,
        error: "no|\nluck",
      }, {
        id: "a",
        name: "x|y",
        state: "scheduled",
        attempt: 0,
        enqueuedAt: START,
        at: START + HOUR,
        error: undefined,
      }]);
    },
  );

  declare(
    "list() shows scheduled tasks by their time whatever their priority",
    async (bench) => {
      await bench.enqueue(
        delayed("a", SECOND + 1, { priority: 10 }),
        delayed("b", SECOND, { priority: -10 }),
        delayed("c", SECOND + 2, { priority: 0 }),
      );
      const listed = await bench.list("scheduled");
      assertEquals(listed.map((t) => [t.id, t.at]), [
        ["b", START + SECOND],
        ["a", START + SECOND + 1],
        ["c", START + SECOND + 2],
      ]);
    },
  );

  declare("list() shows when leases end", async (bench) => {
    await bench.enqueue("a", "b");
    const consumer = bench.consumer();
    await consumer.claim(1, { leaseMs: HOUR });
    await bench.advance(SECOND);
    await consumer.claim(1);
    const listed = await bench.list("leased");
    assertEquals(listed.map((t) => [t.id, t.at, t.attempt, t.state]), [
      ["b", START + SECOND + LEASE, 1, "leased"],
      ["a", START + HOUR, 1, "leased"],
    ]);
  });

  declare("list() of a state without tasks is empty", async (bench) => {
    for (const state of ["ready", "scheduled", "leased", "dead"] as const) {
      assertEquals(await bench.list(state), []);
    }
  });

  declare("stats() counts every state", async (bench) => {
    const of = async () => (await bench.snapshot()).stats;
    const none = {
      ready: 0,
      scheduled: 0,
      leased: 0,
      dead: 0,
      paused: false,
      pausedNames: [],
      oldestAt: undefined,
      evicted: [],
    };
    assertEquals(await of(), none);
    await bench.enqueue("a", "b", "c", "d", delayed("e", HOUR));
    const consumer = bench.consumer();
    const [a, b] = await consumer.claim(3);
    assert(a && b);
    await consumer.settle(
      settle(a, ends.dead()),
      settle(b, ends.complete("x")),
    );
    assertEquals(await of(), {
      ...none,
      ready: 1,
      scheduled: 1,
      leased: 1,
      dead: 1,
      oldestAt: START,
    });
    const { now } = await bench.broker.stats(bench.queue);
    assertEquals(now, START);
  });

  declare("stats() knows no first task when none is ready", async (bench) => {
    await bench.enqueue("a", delayed("b", HOUR));
    const consumer = bench.consumer();
    await consumer.claim();
    const { oldestAt, ready } = await bench.broker.stats(bench.queue);
    assertEquals([oldestAt, ready], [undefined, 0]);
    await bench.pause(true);
    const paused = await bench.broker.stats(bench.queue);
    assertEquals([paused.oldestAt, paused.paused], [undefined, true]);
  });

  declare(
    "stats() says since when the first ready task counts",
    async (bench) => {
      await bench.advance(SECOND);
      await bench.enqueue("a");
      await bench.advance(SECOND);
      await bench.enqueue(task("b", { priority: 2 }));
      const oldestAt = async () => (await bench.snapshot()).stats.oldestAt;
      assertEquals(await oldestAt(), START + 2 * SECOND - 2 * MINUTE);
      await bench.cancel("b");
      assertEquals(await oldestAt(), START + SECOND);
    },
  );

  declare(
    "stats() says since when the first ready task counts, be it of a key or of none",
    async (bench) => {
      const oldestAt = async () => {
        const { oldestAt = NaN } = await bench.broker.stats(bench.queue);
        return oldestAt - START;
      };
      const one = { concurrency: { key: "k", limit: 1 } };
      const consumer = bench.consumer();
      await bench.advance(SECOND);
      await bench.enqueue(task("a", one), task("b", one));
      assertEquals(await oldestAt(), SECOND);
      await bench.advance(SECOND);
      await bench.enqueue("plain");
      assertEquals(await oldestAt(), SECOND);
      const [a] = await consumer.claim(1);
      assertEquals([a?.id, await oldestAt()], ["a", 2 * SECOND]);
      const [plain] = await consumer.claim();
      assertEquals([plain?.id, await oldestAt()], ["plain", SECOND]);
      assert(a);
      await consumer.settle(settle(a, ends.complete()));
      assertEquals(idsOf(await consumer.claim()), ["b"]);
      assertEquals(await oldestAt(), NaN);
    },
  );

  declare(
    "stats() counts a task of a key from when it was due, and its priority",
    async (bench) => {
      const oldestAt = async () => {
        const { oldestAt = NaN } = await bench.broker.stats(bench.queue);
        return oldestAt - START;
      };
      const concurrency = { key: "k", limit: 2 };
      await bench.enqueue(
        delayed("a", MINUTE, { concurrency, priority: -1 }),
        "plain",
      );
      await bench.advance(MINUTE);
      await bench.consumer().step();
      assertEquals(await oldestAt(), 0);
      await bench.consumer().claim(2);
      await bench.enqueue(task("b", { concurrency, priority: -1 }));
      assertEquals(await oldestAt(), 2 * MINUTE);
    },
  );

  declare(
    "inspect() looks at everything and finds nothing in a healthy queue",
    async (bench) => {
      await bench.enqueue(
        ...Array.from({ length: 30 }, (_, i) => `t${i}`),
        delayed("later", HOUR),
      );
      const consumer = bench.consumer();
      const [a, b, c] = await consumer.claim(5);
      assert(a && b && c);
      await consumer.settle(
        settle(a, ends.complete("x")),
        settle(b, ends.dead()),
        settle(c, ends.retry(MINUTE)),
      );
      await bench.pause(true);
      for (const repair of [false, true]) {
        const books = await bench.snapshot();
        let checked = 0;
        let cursor: string | undefined;
        do {
          const page = await bench.broker.inspect(bench.queue, {
            repair,
            cursor,
          });
          assertEquals(page.problems, []);
          checked += page.checked;
          cursor = page.cursor;
        } while (cursor !== undefined);
        assert(checked >= 31);
        assertEquals(await bench.snapshot(), books);
      }
    },
  );
}

/** Takes a task out of the state in which it was listed. */
async function leave(bench: Bench, { id, state }: ListedTask): Promise<void> {
  switch (state) {
    case "ready":
    case "scheduled":
      assertEquals(await bench.cancel(id), "cancelled");
      return;
    case "leased": {
      const settlement = settle({ id, token: "consumer1:1" }, ends.complete());
      const { stale } = await bench.consumer("other").settle(settlement);
      assertEquals(stale, []);
      return;
    }
    case "dead": {
      const { changed } = await bench.broker.purge(bench.queue, {
        operation: crypto.randomUUID(),
        tasks: [{ id, enqueuedAt: START + Number(id.slice(1)) }],
        error: "purged",
        keepMs: HOUR,
      });
      assertEquals(changed, 1);
    }
  }
}
