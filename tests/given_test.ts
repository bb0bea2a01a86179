/** What a producer gives counts as it is at the call, whatever becomes of it afterwards. */
import { assertEquals } from "@std/assert";
import {
  type Call,
  defineTask,
  groupOf,
  type HandlerContext,
  mapOf,
  Queue,
  type StandardSchema,
  testClock,
} from "../mod.ts";
import { test } from "./support/suite.ts";

const echo = defineTask("echo", { run: (word: string) => word });
const words = ["a", "b", "c"] as const;

/** A queue in memory whose task `act` does this. */
function acting(act: (ctx: HandlerContext) => unknown = () => {}) {
  const ran: string[] = [];
  const queue = Queue.inMemory({
    clock: testClock(),
    handlers: [
      echo.handle((word) => {
        ran.push(word);
        return word;
      }),
      defineTask("act", { run: (_: void, ctx) => act(ctx) }),
    ],
  });
  return { queue, ran };
}

/** Gives a list to `send`, and empties it at once. */
function emptied<Item>(
  items: readonly Item[],
  send: (list: Item[]) => unknown,
): unknown {
  const list = [...items];
  const sent = send(list);
  list.length = 0;
  return sent;
}

const calls = (): readonly Call[] => words.map((word) => echo.with(word));

const sends: Readonly<Record<string, (queue: Queue) => unknown>> = {
  "enqueueMany()": (queue) =>
    emptied(calls(), (list) => queue.enqueueMany(list)),
  "enqueueGroup()": (queue) =>
    emptied(calls(), (list) => queue.enqueueGroup(list)),
  "map()": (queue) => emptied(words, (list) => queue.map(echo, list)),
  "chain()": (queue) => emptied(calls(), (list) => queue.chain(list)),
  "mapOf()": (queue) =>
    queue.chain([emptied(words, (list) => mapOf(echo, list)) as Call]),
  "groupOf()": (queue) =>
    queue.chain([emptied(calls(), (list) => groupOf(list)) as Call]),
};

for (const [verb, send] of Object.entries(sends)) {
  test(`${verb} takes a list as it is at the call`, async () => {
    const { queue, ran } = acting();
    await send(queue);
    await queue.drain();
    assertEquals(ran, [...words]);
  });
}

for (const verb of ["chain", "map"] as const) {
  test(`ctx.${verb}() takes a list as it is at the call`, async () => {
    const { queue, ran } = acting((ctx) =>
      verb === "chain"
        ? emptied(calls(), (list) => ctx.chain(list))
        : emptied(words, (list) => ctx.map(echo, list))
    );
    await queue.enqueueNamed("act");
    await queue.drain();
    assertEquals(ran, [...words]);
  });
}

test("enqueue() takes an input as it is at the call", async () => {
  const task = defineTask("task", { run: (input: { word: string }) => input });
  const queue = Queue.inMemory({ clock: testClock(), handlers: [task] });
  const input = { word: "before" };
  const enqueued = queue.enqueue(task, input);
  input.word = "after";
  const { id } = await enqueued;
  await queue.drain();
  const result = await queue.result(id);
  assertEquals("value" in result && result.value, { word: "before" });
});

test("enqueue() sends an input as it was given where its schema changes it in place", async () => {
  const schema: StandardSchema<{ n: number }> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate(value) {
        const input = value as { n: number };
        input.n++;
        return { value: input };
      },
    },
  };
  const task = defineTask("task", { input: schema, run: ({ n }) => n });
  const queue = Queue.inMemory({ clock: testClock(), handlers: [task] });
  const { id } = await queue.enqueue(task, { n: 1 });
  await queue.drain();
  const result = await queue.result(id);
  assertEquals("value" in result && result.value, 2);
});
