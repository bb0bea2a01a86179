import { assert, assertEquals, assertRejects } from "@std/assert";
import { QueueFullError } from "../../../src/core/error.ts";
import {
  type Declare,
  delayed,
  ends,
  HOUR,
  idsOf,
  MINUTE,
  operation,
  SECOND,
  settle,
  START,
  task,
} from "./bench.ts";

const ODD_IDS: readonly string[] = [
  "123",
  "1e3",
  "0123",
  "null",
  "true",
  "undefined",
  "{}",
  "[]",
  '"a"',
  "~x",
  "~9",
  "~0",
  "!paused",
  "!lease",
  "!sweep",
  "t:a",
  "c:consumer1",
  ".a",
  ".",
  "a,b",
  "a|b",
  "a|1",
  "a=b;c",
  "a:b",
  " a ",
  "%d %1",
  "__proto__",
  "OK",
  "é",
  "日本語",
  "\u{1F3C3}",
  "\uFFFD",
  "x".repeat(200),
];

/** What `enqueue` accepts, and how it comes back. */
export function enqueueing(declare: Declare): void {
  declare(
    "enqueue() accepts a task that step() delivers as it was",
    async (bench) => {
      const made = task("a", {
        name: "resize",
        envelope: '{"v":1}\n{"url":"x|y"}',
      });
      assertEquals(await bench.enqueue(made), [{ status: "new", id: "a" }]);
      const reply = await bench.consumer("c").step({ limit: 10 });
      assertEquals(reply.status, "done");
      assertEquals(reply.now, START);
      assertEquals(reply.deliveries, [{
        id: "a",
        token: "c:1",
        attempt: 1,
        enqueuedAt: START,
        dueAt: undefined,
        name: "resize",
        envelope: '{"v":1}\n{"url":"x|y"}',
        previousSpan: undefined,
        lastError: undefined,
        suspect: false,
        cancelled: false,
        counted: false,
        group: undefined,
        releasedBy: undefined,
      }]);
      assertEquals(reply.paused, false);
      assertEquals(reply.ghosts, 0);
    },
  );

  declare("enqueue() answers 'known' when the id is live", async (bench) => {
    await bench.enqueue("a");
    assertEquals(await bench.enqueue("a", "b"), [
      { status: "known", id: "a" },
      { status: "new", id: "b" },
    ]);
    assertEquals(await bench.enqueue("b"), [{ status: "known", id: "b" }]);
    assertEquals(idsOf(await bench.list("ready")), ["a", "b"]);
  });

  declare(
    "enqueue() takes the first of an id when a request holds it twice",
    async (bench) => {
      const answers = await bench.enqueue(
        task("a", { envelope: "first" }),
        task("a", { envelope: "second" }),
      );
      assertEquals(answers.map((each) => each.status), ["new", "known"]);
      const [delivery] = await bench.consumer().claim();
      assertEquals(delivery?.envelope, "first");
    },
  );

  declare(
    "enqueue() keeps the first envelope when the id comes again with another",
    async (bench) => {
      await bench.enqueue(task("a", { envelope: "first" }));
      await bench.enqueue(task("a", { envelope: "second", name: "other" }));
      const [delivery] = await bench.consumer().claim();
      assertEquals(delivery?.envelope, "first");
      assertEquals(delivery?.name, "work");
    },
  );

  declare("enqueue() accepts no task when none is given", async (bench) => {
    assertEquals(await bench.enqueue(), []);
    assertEquals((await bench.snapshot()).stats.ready, 0);
  });

  declare(
    "enqueue() keeps ids apart that look like something else",
    async (bench) => {
      const many = await bench.enqueue(...ODD_IDS);
      assertEquals(many, ODD_IDS.map((id) => ({ status: "new", id })));
      const again = await bench.enqueue(...ODD_IDS);
      assertEquals(again, ODD_IDS.map((id) => ({ status: "known", id })));
      assertEquals(idsOf(await bench.list("ready")), ODD_IDS);
      const consumer = bench.consumer();
      const deliveries = await consumer.claim();
      assertEquals(idsOf(deliveries), ODD_IDS);
      const { cancelled } = await consumer.extend(deliveries);
      assertEquals(cancelled, []);
      await consumer.settle(
        ...deliveries.map((d) => settle(d, ends.complete(d.id))),
      );
      for (const id of ODD_IDS) {
        assertEquals(await bench.result(id), {
          status: "completed",
          attempt: 1,
          endedAt: START,
          payload: id,
        });
      }
    },
  );

  declare("enqueue() accepts odd ids one by one", async (bench) => {
    for (const id of ODD_IDS) {
      assertEquals(await bench.enqueue(id), [{ status: "new", id }]);
      assertEquals(await bench.enqueue(id), [{ status: "known", id }]);
      assertEquals((await bench.result(id)).status, "ready");
      await bench.advance(1);
    }
    assertEquals(idsOf(await bench.consumer().claim()), ODD_IDS);
  });

  declare(
    "enqueue() keeps names and dedupe keys apart that hold separators",
    async (bench) => {
      const names = ["a|b", "|", "a,b", "x=1;", "{}", "12", "日本語", "a'\"b"];
      const dedupeOf = (name: string) => ({ key: `|${name}|7`, ttlMs: HOUR });
      await bench.enqueue(
        ...names.map((name) => task(name, { name, dedupe: dedupeOf(name) })),
      );
      const others = await bench.enqueue(
        ...names.map((name) => task(`${name}2`, { dedupe: dedupeOf(name) })),
      );
      assertEquals(others, names.map((id) => ({ status: "duplicate", id })));
      assertEquals((await bench.list("ready")).map((t) => t.name), names);
      const deliveries = await bench.consumer().claim();
      assertEquals(deliveries.map((each) => each.name), names);
      assertEquals(
        deliveries.map((each) => each.envelope),
        names.map((name) => `envelope of ${name}`),
      );
    },
  );

  declare(
    "enqueue() keeps envelopes as they were, empty and odd ones too",
    async (bench) => {
      const texts = [
        "",
        "\n",
        "L|1|2",
        "null",
        "7",
        '{"a":[]}',
        "\u0000\u0001",
        "\u{1F3C3}é",
        "\r\n|\n",
      ];
      await bench.enqueue(
        ...texts.map((envelope, i) => task(`t${i}`, { envelope })),
      );
      const deliveries = await bench.consumer().claim();
      assertEquals(deliveries.map((each) => each.envelope), texts);
    },
  );

  declare(
    "enqueue() refuses all of a request when more than maxBacklog tasks would wait",
    async (bench) => {
      const { broker, queue } = bench;
      await bench.enqueue("a", delayed("b", MINUTE));
      const tasks = [task("c"), task("d")];
      const error = await assertRejects(
        () => broker.enqueue(queue, { tasks, maxBacklog: 3 }),
        QueueFullError,
      );
      assertEquals(error.queue, queue);
      assertEquals((await bench.result("c")).status, "missing");
      const { answers } = await broker.enqueue(queue, { tasks, maxBacklog: 4 });
      assertEquals(answers.map((each) => each.status), ["new", "new"]);
      assertEquals((await bench.snapshot()).stats.ready, 3);
    },
  );

  declare(
    "enqueue() counts tasks that wait for their key or for a paused name when it looks at maxBacklog",
    async (bench) => {
      const { broker, queue } = bench;
      await broker.pause(queue, {
        operation: operation(),
        paused: true,
        name: "aside",
      });
      const lane = { concurrency: { key: "k", limit: 1 } };
      await bench.enqueue(
        task("a", lane),
        task("b", lane),
        task("c", lane),
        task("d", { name: "aside" }),
      );
      assertEquals(idsOf(await bench.consumer().claim()), ["a"]);
      const ask = (maxBacklog: number) =>
        broker.enqueue(queue, { tasks: [task("e")], maxBacklog });
      await assertRejects(() => ask(3), QueueFullError);
      assertEquals((await ask(4)).answers[0]?.status, "new");
    },
  );

  declare(
    "enqueue() refuses by maxReady what would make too many ready, scheduled ones aside",
    async (bench) => {
      const { broker, queue } = bench;
      await bench.enqueue("a", delayed("b", MINUTE));
      const ask = (id: string) =>
        broker.enqueue(queue, {
          tasks: [task(id)],
          maxBacklog: undefined,
          maxReady: 2,
        });
      await ask("c");
      await assertRejects(() => ask("d"), QueueFullError);
    },
  );

  declare(
    "enqueue() answers a repeat when the queue is full",
    async (bench) => {
      const { broker, queue } = bench;
      const request = { tasks: [task("a"), task("b")], maxBacklog: 2 };
      await broker.enqueue(queue, request);
      const { answers } = await broker.enqueue(queue, request);
      assertEquals(answers.map((each) => each.status), ["known", "known"]);
      assertEquals(idsOf(await bench.list("ready")), ["a", "b"]);
    },
  );

  declare(
    "enqueue() answers a repeat that holds a duplicate when the queue is full",
    async (bench) => {
      const { broker, queue } = bench;
      const dedupe = { key: "k", ttlMs: HOUR };
      const request = {
        tasks: [task("a", { dedupe }), task("b", { dedupe })],
        maxBacklog: 2,
      };
      const { answers } = await broker.enqueue(queue, request);
      assertEquals(answers, [
        { status: "new", id: "a" },
        { status: "duplicate", id: "a" },
      ]);
      await bench.enqueue("c");
      assertEquals((await broker.enqueue(queue, request)).answers, [
        { status: "known", id: "a" },
        { status: "duplicate", id: "a" },
      ]);
    },
  );

  declare(
    "enqueue() counts neither leased nor dead tasks when it looks at maxBacklog",
    async (bench) => {
      const { broker, queue } = bench;
      await bench.enqueue("a", "b");
      const consumer = bench.consumer();
      const [a] = await consumer.claim(2);
      assert(a);
      await consumer.settle(settle(a, ends.dead()));
      const { answers } = await broker.enqueue(queue, {
        tasks: [task("c")],
        maxBacklog: 1,
      });
      assertEquals(answers[0]?.status, "new");
    },
  );

  declare(
    "enqueue() counts tasks and nothing else when it looks at maxBacklog",
    async (bench) => {
      const { broker, queue } = bench;
      await bench.pause(true);
      const ask = (id: string) =>
        broker.enqueue(queue, { tasks: [task(id)], maxBacklog: 1 });
      assertEquals((await ask("a")).answers[0]?.status, "new");
      await assertRejects(() => ask("b"), QueueFullError);
    },
  );

  declare(
    "enqueue() takes no id that is forgotten for a repeat when the queue is full",
    async (bench) => {
      const { broker, queue } = bench;
      const consumer = bench.consumer();
      await bench.enqueue("a");
      const [a] = await consumer.claim();
      assert(a);
      await consumer.settle(
        settle(a, ends.complete(undefined, { keepMs: MINUTE })),
      );
      await bench.enqueue("b");
      const ask = () =>
        broker.enqueue(queue, { tasks: [task("a")], maxBacklog: 1 });
      assertEquals((await ask()).answers[0]?.status, "known");
      await bench.advance(MINUTE);
      await assertRejects(ask, QueueFullError);
      assertEquals((await bench.result("a")).status, "missing");
    },
  );

  declare(
    "enqueue() that comes again leaves a task where it is",
    async (bench) => {
      await bench.enqueue("retried", "leased", delayed("later", HOUR));
      const consumer = bench.consumer();
      const [retried] = await consumer.claim(2);
      assert(retried);
      await consumer.settle(settle(retried, ends.retry(10 * SECOND)));
      const before = await bench.snapshot();
      const answers = await bench.enqueue(
        "retried",
        "leased",
        delayed("later", SECOND),
      );
      assertEquals(answers.map((each) => each.status), [
        "known",
        "known",
        "known",
      ]);
      for (const id of ["retried", "leased"]) await bench.enqueue(id);
      await bench.enqueue(delayed("later", SECOND));
      assertEquals(await bench.snapshot(), before);
      await bench.advance(2 * SECOND);
      assertEquals(await bench.consumer().claim(), []);
    },
  );

  declare("enqueue() of one queue leaves another alone", async (bench) => {
    const other = `${bench.queue}-2`;
    await bench.enqueue("a");
    const reply = await bench.broker.enqueue(other, {
      tasks: [task("a")],
      maxBacklog: undefined,
    });
    assertEquals(reply.answers[0]?.status, "new");
    await bench.consumer().claim();
    assertEquals((await bench.broker.result(other, "a")).status, "ready");
  });
}
