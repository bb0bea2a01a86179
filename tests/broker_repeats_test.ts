/**
 * Promise 2, on the wire: for every verb the reply is lost after the command ran, and copies of the request arrive
 * at once, and late after newer requests. The database must hold what it holds after one request.
 */
import { assertEquals } from "@std/assert";
import { inspectAll } from "./support/books.ts";
import { task } from "./support/contract/bench.ts";
import { dump } from "./support/dump.ts";
import type { Fault } from "./support/gateway/fault.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import {
  enqueue,
  type Scenario,
  scenarios,
  type Stage,
  START,
  step,
} from "./support/scenarios.ts";
import { test } from "./support/suite.ts";

const mishaps: Readonly<Record<string, Fault>> = {
  "its reply is lost": { kind: "cut", when: "after" },
  "it runs twice at once": { kind: "again", after: 0 },
  "a copy of it runs after newer requests": { kind: "again" },
  "it is lost and runs after its repeat and newer requests": { kind: "late" },
};

const looks: Readonly<Record<string, Scenario>> = {
  "result()": look(({ broker, queue }) => broker.result(queue, "a")),
  "list()": look(({ broker, queue }) =>
    broker.list(queue, { state: "ready", limit: 5, cursor: undefined })
  ),
  "stats()": look(({ broker, queue }) => broker.stats(queue)),
  "inspect()": look(({ broker, queue }) =>
    broker.inspect(queue, { repair: true, cursor: undefined })
  ),
};

function look(request: Scenario["request"]): Scenario {
  return {
    script: "look",
    prepare: (stage) => enqueue(stage, task("a")).then(() => {}),
    request,
  };
}

for (const [name, scenario] of Object.entries({ ...scenarios, ...looks })) {
  for (const [mishap, fault] of Object.entries(mishaps)) {
    test(`${name} has the effect of one request when ${mishap}`, async () => {
      const expected = await run(scenario, undefined);
      assertEquals(await run(scenario, fault), expected);
    });
  }
}

/** The answer and the database after the scenario, the mishap, newer requests, and whatever was late. */
async function run(
  scenario: Scenario,
  fault: Fault | undefined,
): Promise<unknown> {
  await using made = await gatewayBroker(START);
  const stage = { ...made, queue: `repeats-${crypto.randomUUID()}` };
  await scenario.prepare(stage);
  if (fault !== undefined) await made.lane.add(fault);
  const answer = await scenario.request(stage);
  await newer(stage, scenario);
  await made.lane.release();
  const { problems } = await inspectAll(stage.broker, stage.queue);
  assertEquals(problems, []);
  return { answer: withoutCost(answer), books: await dump(stage.queue) };
}

/** What goes on meanwhile: the same consumer steps on, a task comes, and what was paused or resumed is turned round. */
async function newer(stage: Stage, { script }: Scenario): Promise<void> {
  const { broker, queue } = stage;
  await enqueue(stage, task("newer"));
  await step(stage, "worker", 9, { limit: 1 });
  if (script !== "pause") return;
  const { paused } = await broker.stats(queue);
  await broker.pause(queue, { operation: "newer", paused: !paused });
}

/** A repeat costs requests and commands of its own, and says that it is one: `replay`, or `known` for each task. */
function withoutCost(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer, (key, value) => {
    if (
      ["commands", "requests", "nextDueAt", "reaped", "suspects"].includes(key)
    ) return;
    if (key !== "status") return value;
    return { replay: "done", known: "new" }[value as string] ?? value;
  }));
}
