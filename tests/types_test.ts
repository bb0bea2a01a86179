import { assertEquals, assertThrows } from "@std/assert";
import {
  defineTask,
  groupOf,
  type GroupSettled,
  mapOf,
  type MemberResult,
  Queue,
  type Settled,
  type TaskId,
} from "../mod.ts";
import { test } from "./support/suite.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

/** Compiles where the two types are the same; the value is handed on. */
function typed<Wanted>() {
  return <Given>(given: Given, _same: Same<Given, Wanted>): Given => given;
}

const width = defineTask("width", { run: (n: number) => ({ width: n }) });
const length = defineTask("length", {
  run: async (text: string) => await Promise.resolve(text.length),
});
const order = defineTask<{ readonly id: string }, "ok" | "no">("order");
const sweep = defineTask("sweep", { run: () => "swept" });
const audit = defineTask("audit", { run: ({ status }: Settled) => status });
const publish = defineTask<GroupSettled>("publish");
const perhaps = defineTask<string | undefined>("perhaps");

/** A schema as one writes it by hand: what it says of types is in its functions. */
const decimal = {
  "~standard": {
    version: 1 as const,
    vendor: "test",
    validate: (value: unknown) => ({ value: Number(value) }),
    types: undefined as
      | { readonly input: string; readonly output: number }
      | undefined,
  },
};

function queueOf() {
  return Queue.inMemory({ handlers: [width, length, sweep, audit] });
}

test("results are typed by their handlers, of tasks, batches, chains and maps", async () => {
  const queue = queueOf();
  const { id } = await queue.enqueue(width, 1);
  typed<TaskId<{ width: number }>>()(id, true);
  const many = await queue.enqueueMany([width.with(2), length.with("ab")]);
  typed<TaskId<number>>()(many[1].id, true);
  const chain = await queue.chain([width.with(3), mapOf(length, ["abc"])]);
  const group = await queue.chain([groupOf([width.with(4), length.with("")])]);
  const map = await queue.map(length, ["a", "bb"]);
  await queue.drain({ lingerMs: 0 });

  const one = await queue.result(id);
  assertEquals(one.status, "completed");
  if (one.status === "completed") {
    typed<{ width: number }>()(one.value, true);
    assertEquals(one.value.width, 1);
  }
  const last = await chain.result();
  assertEquals(last.status, "completed");
  if (last.status === "completed") {
    typed<readonly MemberResult<number>[]>()(last.value, true);
    assertEquals(last.value.map((one) => one.ok && one.value), [3]);
  }
  const mixed = await group.result();
  if (mixed.status === "completed") {
    typed<readonly MemberResult<number | { width: number }>[]>()(
      mixed.value,
      true,
    );
  }
  const { results } = await map.results();
  assertEquals(results.map((one) => one.ok && one.value), [1, 2]);
  for (const one of results) if (one.ok) typed<number>()(one.value, true);
});

test("a task whose handler takes nothing takes nothing, and may be a hook of anything", async () => {
  const queue = queueOf();
  const { id } = await queue.enqueue(sweep, undefined, { id: "later" });
  await queue.enqueue(width, 1, { onSettled: sweep });
  await queue.map(length, ["a"], { onSettled: sweep });
  await queue.chain([sweep.with(), width.with(1)], { onSettled: sweep });
  const { completed } = await queue.drain({ lingerMs: 0 });
  assertEquals([id, completed], ["later", 8]);
});

test("run() gets what the schema parsed, be it written by hand", async () => {
  const doubled = defineTask("doubled", {
    input: decimal,
    maxAttempts: 2,
    run: (n) => typed<number>()(n, true) * 2,
  });
  const halved = defineTask("halved", { input: decimal });
  halved.handle((n, { attempt }) => typed<number>()(n, true) / attempt);
  const queue = Queue.inMemory({ handlers: [doubled] });
  assertEquals(await queue.inline(doubled, "21"), 42);
});

test("what is wrong does not compile", () => {
  const queue = queueOf();
  const wrong: readonly (() => unknown)[] = [
    // @ts-expect-error an input of another type
    () => queue.enqueue(width, "1"),
    // @ts-expect-error a property too many
    () => queue.enqueue(order, { id: "1", cents: 1 }),
    // @ts-expect-error options in the place of an input that there is not
    () => queue.enqueue(sweep, { delayMs: 60_000 }),
    // @ts-expect-error an option that there is not
    () => queue.enqueue(width, 1, { delay: 60_000 }),
    // @ts-expect-error an option that there is not, of a definition
    () => defineTask("x", { attempts: 3, run: () => 1 }),
    // @ts-expect-error the handler in the place of the definition
    () => defineTask("x", () => 1),
    // @ts-expect-error a result of another type
    () => order.handle(() => "maybe"),
    // @ts-expect-error a definition without its handler
    () => Queue.inMemory({ handlers: [order] }),
    // @ts-expect-error a hook that takes something else
    () => queue.enqueue(width, 1, { onSettled: width }),
    // @ts-expect-error a hook that takes a text or nothing
    () => queue.enqueue(width, 1, { onSettled: perhaps }),
    // @ts-expect-error a hook of groups
    () => queue.enqueue(width, 1, { onSettled: publish }),
    // @ts-expect-error a hook of tasks
    () => queue.map(length, ["a"], { onSettled: audit }),
    // @ts-expect-error elements of another type
    () => queue.map(length, [1]),
    // @ts-expect-error elements of another type, in a chain
    () => queue.chain([mapOf(length, [1])]),
    // @ts-expect-error a definition in the place of a call
    () => queue.schedule("x", sweep, { everyMs: 1_000 }),
    // @ts-expect-error a text in the place of an instant
    () => queue.schedule("x", sweep.with(), { at: "2027-01-01" }),
    // @ts-expect-error an input that the schema does not take
    () => queue.enqueue(defineTask("x", { input: decimal }), 1),
    // @ts-expect-error another result than the schema of the output gives
    () => defineTask("x", { input: decimal, output: decimal, run: () => "x" }),
    // @ts-expect-error an event that there is not
    () => queue.on("completed", () => {}),
    // @ts-expect-error until when it snoozes is missing
    () => length.handle((_, ctx) => ctx.snooze({})),
    // @ts-expect-error a task of another input, enqueued by a handler
    () => length.handle((text, ctx) => ctx.enqueue(width, text)),
  ];
  assertEquals(wrong.length, 21);
});

test("defineTask() refuses a definition that is no object, such as the handler itself", () => {
  for (const definition of [() => {}, null, "every day"]) {
    const error = assertThrows(
      () => defineTask("resize", definition as never),
      TypeError,
    );
    assertEquals(
      error.message,
      "Cannot define task 'resize': pass its definition as an object, the handler as its 'run'",
    );
  }
});
