/**
 * A member of a group counts once, also when the script that settles it fails half-way and its consumer dies before it can repeat:
 * its end is recorded then, but neither committed nor counted, and whoever takes it out of the line has to count it.
 */
import { assert, assertEquals } from "@std/assert";
import type { Settlement } from "../../src/broker/broker.ts";
import { BrokerError } from "../../src/core/error.ts";
import { inspectAll } from "../support/books.ts";
import { ends, settle, task } from "../support/contract/bench.ts";
import {
  type GatewayBroker,
  gatewayBroker,
} from "../support/gateway_broker.ts";
import { enqueueGroup, type Stage, START, step } from "../support/scenarios.ts";
import { test } from "../support/suite.ts";

const MEMBERS = ["~0first", "~5second"];

const HOW = {
  completed: ends.complete("1"),
  dead: ends.dead(),
  cancelled: ends.cancel(),
  expired: ends.expire(),
} as const;

type How = keyof typeof HOW;

/** What else happens between the failure and the heir, who goes on with the queue. */
const between: Readonly<Record<string, (stage: Stage) => Promise<unknown>>> = {
  "": () => Promise.resolve(),
  " and repair() comes first": ({ broker, queue }) =>
    inspectAll(broker, queue, true),
  " and purge() comes first": async (stage) => {
    await step(stage, "reaper", 1, { limit: 0 });
    await stage.broker.purge(stage.queue, {
      operation: "purge",
      tasks: MEMBERS.map((id) => ({ id })),
      error: "purged",
      keepMs: 3_600_000,
    });
  },
  " and redrive() comes first": async (stage) => {
    await step(stage, "reaper", 1, { limit: 0 });
    const { tasks } = await stage.broker.list(stage.queue, {
      state: "dead",
      limit: 10,
      cursor: undefined,
    });
    await stage.broker.redrive(stage.queue, {
      operation: "redrive",
      tasks: tasks.map(({ id, at = 0 }) => ({ id, diedAt: at })),
    });
  },
};

for (const how of Object.keys(HOW) as How[]) {
  for (const [what, act] of Object.entries(between)) {
    if (how !== "dead" && /redrive/.test(what)) continue;
    test(`step() counts members that are ${how} once when it failed half-way and its consumer died${what}`, async () => {
      let uncounted = 0;
      for (let k = 1;; k++) {
        await using made = await gatewayBroker(START, { attempts: 1 });
        const stage = { ...made, queue: `half-${crypto.randomUUID()}` };
        const settlements = await prepare(stage, how);
        const request = () =>
          step(stage, "one", 2, { limit: 0, settle: settlements });
        if (!await failsAt(made, k, request)) break;
        assert(k < 40, "the script never ends");
        if (await isUncounted(stage)) uncounted++;
        const early = await step(stage, "early", 1);
        const { status } = await stage.broker.group(stage.queue, "g");
        assertEquals(
          early.deliveries.map(({ id, name }) => [id, name]),
          status === "complete" ? [["callback", "work"]] : [],
          `command ${k} failed: the callback comes with the commit`,
        );
        await stage.advance(60_000);
        await act(stage);
        const fired = await goOn(stage, how);
        const late = await request();
        assert(
          late.status === "replay" || late.stale.length === 2,
          late.status,
        );
        await goOn(stage, how);
        await assertCounted(stage, k);
        assertEquals(fired, 1, `command ${k} failed: the callback`);
      }
      assert(uncounted > 2, "no end was ever recorded without being counted");
    });
  }
}

/** Two members of a group, claimed by a consumer, and how they are to end. */
async function prepare(
  stage: Stage,
  how: How,
): Promise<readonly Settlement[]> {
  await enqueueGroup(
    stage,
    { ttlMs: 30 * 86_400_000 },
    ...MEMBERS.map((id) => task(id)),
  );
  const { deliveries } = await step(stage, "one", 1);
  assertEquals(deliveries.map(({ group }) => group), ["g", "g"]);
  return deliveries.map((delivery) =>
    settle(delivery, HOW[how], { group: "g" })
  );
}

/** Whether the request failed at its `k`th command, which it has then. */
async function failsAt(
  { lane }: GatewayBroker,
  k: number,
  request: () => Promise<unknown>,
): Promise<boolean> {
  await lane.add({ kind: "script", k, error: "ERR injected" });
  try {
    await request();
    return false;
  } catch (error) {
    assert(error instanceof BrokerError, String(error));
    return true;
  } finally {
    await lane.clear();
  }
}

/** Whether an end is there that the group knows nothing of. */
async function isUncounted(stage: Stage): Promise<boolean> {
  const { broker, queue } = stage;
  await stage.advance(0);
  const { standings } = await broker.results(queue, {
    ids: MEMBERS,
    maxBytes: 10_000,
  });
  const group = await broker.group(queue, "g");
  return group.status === "sealed" &&
    standings.some((standing) => "endedAt" in standing);
}

let heirs = 0;

/** Another consumer takes over everything; says how often the callback ran. */
async function goOn(stage: Stage, how: How): Promise<number> {
  const heir = `heir${++heirs}`;
  let fired = 0;
  for (let seq = 1;;) {
    const { deliveries, nextDueAt = Infinity, now } = await step(
      stage,
      heir,
      seq++,
    );
    if (deliveries.length === 0 && nextDueAt > now) return fired;
    fired += deliveries.filter(({ id }) => id === "callback").length;
    await step(stage, heir, seq++, {
      limit: 0,
      settle: deliveries.map((delivery) =>
        settle(
          delivery,
          delivery.id === "callback" ? ends.complete("1") : HOW[how],
          {
            group: delivery.id === "callback" || delivery.counted
              ? undefined
              : delivery.group,
          },
        )
      ),
    });
  }
}

async function assertCounted(
  { broker, queue }: Stage,
  k: number,
): Promise<void> {
  const { commands: _, requests: __, ...group } = await broker.group(
    queue,
    "g",
  );
  assert(group.status === "complete", `command ${k}: ${JSON.stringify(group)}`);
  const { completed, dead, cancelled, expired } = group;
  assertEquals(
    completed + dead + cancelled + expired,
    2,
    `command ${k} failed: ${JSON.stringify(group)}`,
  );
  const { problems } = await inspectAll(broker, queue);
  assertEquals(problems, [], `command ${k} failed`);
}
