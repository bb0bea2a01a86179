/** What a script that failed half-way left behind, and nobody repeats: it keeps nobody else from their own. On Deno only: it is the same code on the others. */
import { assert, assertEquals } from "@std/assert";
import { BrokerError } from "../../src/core/error.ts";
import { inspectAll } from "../support/books.ts";
import { ends, HOUR, settle, task } from "../support/contract/bench.ts";
import { gatewayBroker } from "../support/gateway_broker.ts";
import {
  enqueue,
  enqueueGroup,
  type Stage,
  START,
  step,
} from "../support/scenarios.ts";
import { test } from "../support/suite.ts";

/** A queue on which one request has failed at its `k`th command. */
interface HalfDone extends Stage {
  readonly k: number;
}

/** A request that fails at its first command, at its second, and so on until it succeeds; each on a queue of its own. */
async function* halves(
  prepare: (stage: Stage) => Promise<unknown>,
  request: (stage: Stage) => Promise<unknown>,
): AsyncGenerator<HalfDone> {
  for (let k = 1;; k++) {
    assert(k < 100, "the script never ends");
    await using made = await gatewayBroker(START, { attempts: 1 });
    const stage = { ...made, queue: `uncommitted-${crypto.randomUUID()}`, k };
    await prepare(stage);
    await made.lane.add({ kind: "script", k, error: "ERR injected" });
    try {
      await request(stage);
      return;
    } catch (error) {
      assert(error instanceof BrokerError, String(error));
    }
    await made.lane.clear();
    await stage.advance(0);
    yield stage;
  }
}

for (const limit of [undefined, 1]) {
  const concurrency = limit && { key: "k", limit };
  const of = concurrency ? " of a key" : "";
  test(`step() forgets no end${of} that another one recorded and did not commit, however late it comes`, async () => {
    let uncounted = 0;
    const members = ["~0first", "~5second"];
    const request = (stage: Stage) =>
      step(stage, "worker", 2, {
        limit: 0,
        settle: members.slice(0, limit).map((id) =>
          settle({ id, token: "worker:1" }, ends.complete("1"), { group: "g" })
        ),
      });
    const stages = halves(
      async (stage) => {
        await enqueueGroup(
          stage,
          { ttlMs: 30 * 24 * HOUR },
          ...members.map((id) => task(id, concurrency ? { concurrency } : {})),
        );
        await step(stage, "worker", 1);
      },
      request,
    );
    for await (const stage of stages) {
      const { broker, queue, k } = stage;
      const { standings } = await broker.results(queue, {
        ids: members,
        maxBytes: 10_000,
      });
      if (standings.some((standing) => "endedAt" in standing)) uncounted++;
      await stage.advance(3 * HOUR);
      for (let seq = 1; seq <= 3; seq++) {
        await step(stage, "janitor", seq, { limit: 0 });
        await stage.advance(2 * HOUR);
      }
      let fired = 0;
      for (let seq = 1; seq < 20; seq += 2) {
        const { deliveries } = await step(stage, "heir", seq);
        fired += deliveries.filter(({ id }) => id === "callback").length;
        await step(stage, "heir", seq + 1, {
          limit: 0,
          settle: deliveries.map((delivery) =>
            settle(delivery, ends.complete("1"), { group: delivery.group })
          ),
        });
      }
      assertEquals(fired, 1, `command ${k} failed: the callback`);
      const group = await broker.group(queue, "g");
      assertEquals(
        "completed" in group && [group.status, group.completed],
        ["complete", 2],
        `command ${k} failed`,
      );
      await stage.advance(25 * HOUR);
      await step(stage, "janitor", 4, { limit: 0 });
      const { problems } = await inspectAll(broker, queue);
      assertEquals(problems, [], `command ${k} failed`);
    }
    assert(uncounted > 0, "no end was ever recorded without being counted");
  });
}

test("enqueue() that failed half-way and is repeated takes its dedupe key, though one that ran out is still remembered", async () => {
  const dedupe = { key: "k", ttlMs: 1_000 };
  const request = (stage: Stage) => enqueue(stage, task("a", { dedupe }));
  const stages = halves(async (stage) => {
    await enqueue(stage, task("before", { dedupe }));
    await stage.advance(1_000);
  }, request);
  for await (const stage of stages) {
    await request(stage);
    const { answers } = await enqueue(stage, task("b", { dedupe }));
    const duplicate = { status: "duplicate", id: "a" } as const;
    assertEquals(answers, [duplicate], `command ${stage.k} failed`);
  }
});

test("enqueue() that failed half-way and is repeated stands aside for whoever took its dedupe key, unless it has its place", async () => {
  const dedupe = { key: "k", ttlMs: HOUR };
  const request = (stage: Stage) => enqueue(stage, task("a", { dedupe }));
  const heard = new Set<string | undefined>();
  const stages = halves(() => Promise.resolve(), request);
  for await (const stage of stages) {
    const { broker, queue, k } = stage;
    await enqueue(stage, task("b", { dedupe }));
    const { tasks } = await broker.list(queue, {
      state: "ready",
      limit: 10,
      cursor: undefined,
    });
    const hasPlace = tasks.some(({ id }) => id === "a");
    const { answers: [a] } = await request(stage);
    const expected = hasPlace
      ? { status: "known", id: "a" } as const
      : { status: "duplicate", id: "b" } as const;
    assertEquals(a, expected, `command ${k} failed`);
    heard.add(a?.status);
  }
  assertEquals(heard.size, 2);
});

for (const verb of ["cancel", "purge"] as const) {
  test(`${verb}() that failed half-way holds no dedupe key for a task that it ended`, async () => {
    const dedupe = { key: "k", ttlMs: HOUR };
    const request = { operation: "op", error: "{}", keepMs: HOUR };
    const stages = halves(
      (stage) => enqueue(stage, task("a", { dedupe })),
      ({ broker, queue }) =>
        verb === "cancel"
          ? broker.cancel(queue, { ...request, id: "a" })
          : broker.purge(queue, { ...request, tasks: [{ id: "a" }] }),
    );
    const heard = new Set<string>();
    for await (const stage of stages) {
      const { status } = await stage.broker.result(stage.queue, "a");
      heard.add(status);
      if (status === "ready") continue;
      const { answers } = await enqueue(stage, task("b", { dedupe }));
      assertEquals(
        answers,
        [{ status: "new", id: "b" }],
        `command ${stage.k} failed`,
      );
    }
    assertEquals([...heard].sort(), ["cancelled", "ready"]);
  });
}

/** How tasks may be enqueued: by themselves, or as members of a group, in its first chunk or in a later one. */
const ways: Readonly<
  Record<string, {
    readonly before: (stage: Stage) => Promise<unknown>;
    readonly send: typeof enqueue;
  }>
> = {
  "": { before: () => Promise.resolve(), send: enqueue },
  " of a group's first chunk": {
    before: () => Promise.resolve(),
    send: (stage, ...tasks) => enqueueGroup(stage, {}, ...tasks),
  },
  " of a group's last chunk": {
    before: (stage) => enqueueGroup(stage, { seal: undefined }),
    send: (stage, ...tasks) => enqueueGroup(stage, {}, ...tasks),
  },
};

for (const [of, { before, send }] of Object.entries(ways)) {
  test(`enqueue()${of} that failed half-way holds no dedupe key for a task that never comes`, async () => {
    const dedupe = { key: "k", ttlMs: HOUR };
    for (
      const more of [{}, { due: { kind: "after", delayMs: 1_000 } }] as const
    ) {
      const stages = halves(
        before,
        (stage) => send(stage, task("a", { ...more, dedupe })),
      );
      for await (const stage of stages) {
        await enqueue(stage, task("b", { dedupe }));
        await stage.advance(1_000);
        const { deliveries } = await step(stage, "worker", 1);
        assert(
          deliveries.length > 0,
          `command ${stage.k} failed: 'b' stands aside for 'a', which never comes`,
        );
      }
    }
  });
}

for (
  const [of, isPaused] of [
    ...Object.keys(ways).map((of) => [of, false] as const),
    ["", true],
    [" of a group's first chunk", true],
  ] as const
) {
  const later = isPaused ? ", their name paused meanwhile" : "";
  test(`enqueue() of tasks of a key${of} that failed half-way lets no more be leased than may, and no fewer${later}`, async () => {
    const { before, send } = ways[of]!;
    const concurrency = { key: "k", limit: 1 };
    const keyed = (...ids: readonly string[]) =>
      ids.map((id) => task(id, { concurrency }));
    const stages = halves(
      before,
      (stage) => send(stage, ...keyed("a", "b", "c")),
    );
    for await (const stage of stages) {
      const { broker, queue, k } = stage;
      const pause = (paused: boolean) =>
        broker.pause(queue, {
          operation: `pause ${paused}`,
          paused,
          name: "work",
        });
      if (isPaused) await pause(true);
      await step(stage, "early", 1);
      if (isPaused) await pause(false);
      await enqueue(stage, ...keyed("d", "e"));
      const run = new Set<string>();
      for (let i = 1; i <= 12; i++) {
        const heir = `heir${i}`;
        const { deliveries } = await step(stage, heir, 1);
        const { leased } = await broker.stats(queue);
        assert(leased <= 1, `command ${k} failed: ${leased} are leased`);
        for (const { id } of deliveries) run.add(id);
        await step(stage, heir, 2, {
          limit: 0,
          settle: deliveries.map((each) => settle(each, ends.complete())),
        });
        await stage.advance(30_000);
      }
      assert(run.has("d") && run.has("e"), `command ${k} failed: ${[...run]}`);
    }
  });
}
