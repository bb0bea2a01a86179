import { assertEquals } from "@std/assert";
import {
  defineTask,
  type HandlerContext,
  PayloadError,
  Queue,
  testClock,
} from "../mod.ts";
import { Outstanding } from "../src/queue/attempt/outstanding.ts";
import { test } from "./support/suite.ts";

const task = defineTask<number>("task", { maxAttempts: 1 });
const next = defineTask<number>("next");

/** JSON has no word for it. */
const bad = Infinity;

/** A turn of the host's loop: what failed before it has failed. */
const turn = () => new Promise((go) => setTimeout(go, 0));

/** How a task ends whose handler does this. */
async function endOf(act: (ctx: HandlerContext) => unknown) {
  const queue = Queue.inMemory({
    clock: testClock(),
    handlers: [task.handle((_, ctx) => act(ctx))],
  });
  const { id } = await queue.enqueue(task, 1);
  await queue.drain();
  const result = await queue.result(id);
  return "error" in result ? result.error.name : result.status;
}

for (const verb of ["enqueue", "defer", "chain", "map"] as const) {
  const call = (ctx: HandlerContext) =>
    verb === "chain"
      ? ctx.chain([next.with(bad)])
      : verb === "map"
      ? ctx.map(next, [bad])
      : ctx[verb](next, bad);

  test(`a ctx.${verb}() that a handler forgets fails its attempt, be it while it runs or at its end`, async () => {
    const forgotten = [
      async (ctx: HandlerContext) => {
        void call(ctx);
        await turn();
      },
      (ctx: HandlerContext) => void call(ctx),
    ];
    for (const act of forgotten) assertEquals(await endOf(act), "PayloadError");
  });

  test(`a ctx.${verb}() whose failure a handler has seen to fails nothing`, async () => {
    const seen: unknown[] = [];
    const see = (error: unknown) => void seen.push(error);
    const seenTo = [
      async (ctx: HandlerContext) => {
        try {
          await call(ctx);
        } catch (error) {
          see(error);
        }
      },
      (ctx: HandlerContext) => (call(ctx) as Promise<unknown>).catch(see),
      (ctx: HandlerContext) => (call(ctx) as Promise<unknown>).then(see, see),
      async (ctx: HandlerContext) => {
        const later = call(ctx);
        await turn();
        const [settled] = await Promise.allSettled([later]);
        if (settled.status === "rejected") see(settled.reason);
      },
      (ctx: HandlerContext) => void (call(ctx) as Promise<unknown>).catch(see),
    ];
    for (const act of seenTo) assertEquals(await endOf(act), "completed");
    assertEquals(seen.map((one) => one instanceof PayloadError), [
      true,
      true,
      true,
      true,
      true,
    ]);
  });
}

test("a ctx.enqueue() that a handler forgets is sent before its task has ended", async () => {
  const queue = Queue.inMemory({
    clock: testClock(),
    handlers: [task.handle((_, ctx) => void ctx.enqueue(next, 2))],
  });
  await queue.enqueue(task, 1);
  const { completed, unknown } = await queue.drain();
  assertEquals([completed, unknown], [1, 1]);
});

test("a forgotten extension that failed while the handler went on is not held against it", async () => {
  const calls = new Outstanding();
  void calls.add(Promise.reject(new Error("no answer")), false);
  await turn();
  await calls.ended();
  const late = Promise.withResolvers<void>();
  const given = calls.add(late.promise.finally(() => {}), false);
  const ended = calls.ended().catch((error) => error.message);
  late.reject(new Error("too late"));
  assertEquals(await ended, "too late");
  assertEquals(
    await given.finally(() => {}).catch(({ message }) => message),
    "too late",
  );
});
