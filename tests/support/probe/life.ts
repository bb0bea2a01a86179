/** The question that matters most: do Baton's own scripts do there what they do here? */
import type {
  Delivery,
  NewTask,
  Settlement,
  SettlementEnd,
} from "../../../src/broker/broker.ts";
import { UpstashBroker } from "../../../src/broker/upstash.ts";
import { inspectAll } from "../books.ts";
import type { Database } from "./database.ts";
import { compared, type Question, words } from "./question.ts";

const QUEUE = "life";

const LATER_MS = 3_600_000;
const TEN_MINUTES_MS = 600_000;

function task(id: string, more: Partial<NewTask> = {}): NewTask {
  return {
    id,
    name: "probe",
    envelope: `envelope of ${id}`,
    priority: 0,
    due: { kind: "now" },
    dedupe: undefined,
    ...more,
  };
}

function settle(
  { id, token }: Delivery,
  end: SettlementEnd,
  enqueue: readonly NewTask[] = [],
): Settlement {
  return { id, token, end, span: "", dedupe: undefined, enqueue };
}

/** What each verb has to find, in the order of a short life. */
async function live(database: Database): Promise<readonly string[]> {
  const wrong: string[] = [];
  const expect = (what: string, got: unknown, wanted: unknown) => {
    const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
    if (a !== b) wrong.push(`${what}: ${a}, not ${b}`);
  };
  const broker = new UpstashBroker({
    eval: (script, keys, args) => database.script(script, keys, ...args),
    evalsha: () => Promise.reject(new Error("NOSCRIPT")),
  }, { attempts: 1, deadlineMs: 60_000 });
  let seq = 0;
  const step = (limit: number, ...settlements: readonly Settlement[]) =>
    broker.step(QUEUE, {
      consumer: "probe",
      seq: ++seq,
      leaseMs: 60_000,
      limit,
      maxBytes: 1_000_000,
      alone: true,
      settle: settlements,
      extend: [],
    });
  const standing = async (id: string) =>
    (await broker.result(QUEUE, id)).status;

  const { answers } = await broker.enqueue(QUEUE, {
    tasks: [
      task("a"),
      task("123"),
      task("null", { priority: 1 }),
      task("later", {
        due: { kind: "after", delayMs: LATER_MS },
        dedupe: { key: "k", ttlMs: 60_000 },
      }),
      task("twin", { dedupe: { key: "k", ttlMs: 60_000 } }),
    ],
    maxBacklog: 100,
  });
  expect("enqueue", answers.map((each) => each.status), [
    "new",
    "new",
    "new",
    "new",
    "duplicate",
  ]);
  const { deliveries } = await step(10);
  expect("claim", deliveries.map((each) => each.id), ["null", "a", "123"]);
  const [first, second, third] = deliveries;
  if (!first || !second || !third) return wrong;
  const settled = await step(
    0,
    settle(first, {
      kind: "complete",
      payload: "1",
      resultMs: TEN_MINUTES_MS,
      keepMs: TEN_MINUTES_MS,
    }, [task("next")]),
    settle(second, { kind: "retry", delayMs: LATER_MS, error: "{}" }),
    settle(third, { kind: "dead", error: "{}" }),
  );
  expect("settle", settled.stale, []);
  for (
    const [id, status] of [
      ["null", "completed"],
      ["a", "scheduled"],
      ["123", "dead"],
      ["next", "ready"],
      ["missing", "missing"],
    ] as const
  ) expect(`result of ${id}`, await standing(id), status);
  const dead = await broker.list(QUEUE, {
    state: "dead",
    limit: 10,
    cursor: undefined,
  });
  const { changed } = await broker.redrive(QUEUE, {
    operation: "probe1",
    tasks: dead.tasks.map(({ id, at = 0 }) => ({ id, diedAt: at })),
  });
  expect("redrive", [changed, await standing("123")], [1, "ready"]);
  const cancelled = await broker.cancel(QUEUE, {
    operation: "probe2",
    id: "a",
    error: "{}",
    keepMs: TEN_MINUTES_MS,
  });
  expect("cancel", cancelled.status, "cancelled");
  await broker.pause(QUEUE, { operation: "probe3", paused: true });
  expect("pause", (await step(1)).paused, true);
  await broker.pause(QUEUE, { operation: "probe4", paused: false });
  const { ready, scheduled, leased, dead: left } = await broker.stats(QUEUE);
  expect("stats", [ready, scheduled, leased, left], [2, 1, 0, 0]);
  const waiting = await broker.list(QUEUE, {
    state: "ready",
    limit: 10,
    cursor: undefined,
  });
  const purged = await broker.purge(QUEUE, {
    operation: "probe5",
    tasks: waiting.tasks,
    error: "{}",
    keepMs: TEN_MINUTES_MS,
  });
  expect("purge", purged.changed, 2);
  expect("inspect", (await inspectAll(broker, QUEUE)).problems, []);
  return wrong;
}

/** Whether every script of Baton's runs, and does what it does on Redis. */
export const LIFE: Question = {
  about: "Baton's own scripts",
  async ask(database) {
    const wrong = await live(database).catch((error) => [words(error)]);
    return compared(
      wrong.length === 0,
      wrong.length === 0
        ? "every verb does what it does on Redis"
        : wrong.join("; "),
      wrong.length === 0
        ? "Baton works on this database."
        : "Baton does not work on this database as it is.",
    );
  },
};
