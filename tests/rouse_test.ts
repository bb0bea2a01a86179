import { assertEquals } from "@std/assert";
import {
  defineTask,
  type ErrorAbout,
  inline,
  mapOf,
  NonRetryableError,
  Queue,
  testClock,
  type Wake,
  type WakeHint,
} from "../mod.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import { onBoth, type Place, START } from "./support/both_brokers.ts";
import { recording } from "./support/recording_broker.ts";
import "./support/loaded.ts";
import { test } from "./support/suite.ts";

const task = defineTask<number>("task");

/** A wake that notes whom it was asked for. */
function noting(): Wake & { readonly hints: WakeHint[] } {
  const hints: WakeHint[] = [];
  return Object.assign((hint: WakeHint) => void hints.push(hint), { hints });
}

/** A handler that fails for good the first time. */
function failingOnce() {
  const ran: number[] = [];
  const handler = task.handle((n) => {
    ran.push(n);
    if (ran.length === 1) throw new NonRetryableError("no");
  });
  return { ran, handler };
}

onBoth(
  "redrive() wakes a consumer once for what is ready again, and nobody where nothing is",
  async ({ queue, broker }) => {
    const wake = noting();
    const { ran, handler } = failingOnce();
    const own = queue({ wake, handlers: [handler] });
    await own.enqueue(task, 1);
    await own.drain({ rung: wake.hints[0]! });
    assertEquals([ran.length, wake.hints.length], [1, 1]);

    const { length } = broker.of("step");
    assertEquals(await own.redrive(), { redriven: 1 });
    assertEquals(wake.hints.map(({ from, hop }) => [from, hop]), [
      ["producer", 1],
      ["producer", 1],
    ]);
    assertEquals(broker.of("step").length, length + 1);
    const { completed } = await own.drain({ rung: wake.hints[1]! });
    assertEquals([completed, ran.length], [1, 2]);

    const steps = broker.of("step").length;
    assertEquals(await own.redrive(), { redriven: 0 });
    assertEquals(broker.of("step").length, steps);
    assertEquals(wake.hints.length, 2);
  },
);

onBoth(
  "resume() wakes a consumer for what waited, of the queue and of one name",
  async ({ queue }) => {
    const wake = noting();
    const ran: number[] = [];
    const own = queue({
      wake,
      handlers: [task.handle((n) => void ran.push(n))],
    });
    for (const paused of [{}, { name: "task" }]) {
      const before = wake.hints.length;
      await own.pause(paused);
      await own.enqueue(task, ran.length);
      for (const rung of wake.hints.slice(before)) await own.drain({ rung });
      const { length } = wake.hints;
      assertEquals(ran.length, before === 0 ? 0 : 1);

      await own.resume(paused);
      assertEquals(wake.hints.length, length + 1);
      const { completed } = await own.drain({ rung: wake.hints[length]! });
      assertEquals(completed, 1);
    }
    assertEquals(ran, [0, 1]);
    const { length } = wake.hints;
    await own.resume();
    assertEquals(wake.hints.length, length);
  },
);

onBoth(
  "schedule() and resumeSchedule() wake a consumer for a slot that has come, and for no other",
  async ({ queue, advance }) => {
    const wake = noting();
    const ran: unknown[] = [];
    const clock = testClock(START);
    const own = queue({
      wake,
      clock,
      handlers: [task.handle((_, ctx) => void ran.push(ctx.intendedAt))],
    });
    await own.schedule("later", task.with(1), { at: START + 60_000 });
    assertEquals(wake.hints.length, 0);
    await own.schedule("now", task.with(2), { at: START });
    await own.schedule("now", task.with(2), { at: START });
    assertEquals(wake.hints.length, 1);
    await own.drain({ rung: wake.hints[0]! });
    assertEquals(ran, [START]);

    await own.pauseSchedule("later");
    await advance(90_000);
    await own.drain();
    assertEquals([ran.length, wake.hints.length], [1, 1]);
    await own.resumeSchedule("later");
    assertEquals(wake.hints.length, 2);
    await own.drain({ rung: wake.hints[1]! });
    assertEquals(ran, [START, START + 60_000]);
    assertEquals(await own.resumeSchedule("none"), false);
    assertEquals(wake.hints.length, 2);
  },
);

const hook = defineTask("hook");

/** A queue with a wake, whose tasks and hooks note that they ran. */
function waking(queue: Place["queue"]) {
  const wake = noting();
  const ran: string[] = [];
  const note = (name: string) => void ran.push(name);
  const own = queue({
    wake,
    handlers: [
      task.handle((_, ctx) => note(ctx.name)),
      hook.handle((_, ctx) => note(`${ctx.name} ${ctx.previous?.status}`)),
    ],
  });
  return { own, wake, ran };
}

/** What waits and is followed by others, and what cancels it. */
const cancels: Readonly<
  Record<string, (queue: Queue) => Promise<() => Promise<unknown>>>
> = {
  async "cancel()"(queue) {
    const { id } = await queue.enqueue(task, 1, { onSettled: hook });
    return () => queue.cancel(id);
  },
  async "purge()"(queue) {
    await queue.enqueue(task, 1, { onSettled: hook });
    return () => queue.purge();
  },
  async "group.cancel()"(queue) {
    const group = await queue.map(task, [1], { onSettled: hook });
    return () => group.cancel();
  },
  async "chain.cancel()"(queue) {
    const chain = await queue.chain([task.with(1)], { onSettled: hook });
    return () => chain.cancel();
  },
  async "chain.cancel() of a map"(queue) {
    const chain = await queue.chain([mapOf(task, [1])], { onSettled: hook });
    return () => chain.cancel();
  },
};

for (const [verb, enter] of Object.entries(cancels)) {
  onBoth(
    `${verb} wakes a consumer once for what follows the tasks that it ends`,
    async ({ queue, advance }) => {
      const { own, wake, ran } = waking(queue);
      const end = await enter(own);
      // whoever was told of the new task never came
      await advance(120_000);
      const { length } = wake.hints;
      await end();
      assertEquals(wake.hints.length, length + 1);
      for (let next = length; next < wake.hints.length; next++) {
        await own.drain({ rung: wake.hints[next]! });
      }
      const followed = ran.filter((word) => word.startsWith("hook"));
      assertEquals(followed.length, 1, `${ran}`);
      assertEquals(ran.includes("task"), false);
    },
  );
}

onBoth(
  "cancel() and purge() wake nobody where nothing follows, nor ask for it where nothing was ended",
  async ({ queue, broker, advance }) => {
    const { own, wake } = waking(queue);
    const { id } = await own.enqueue(task, 1);
    await own.enqueue(task, 2);
    await advance(120_000);
    const { length } = wake.hints;
    assertEquals(await own.cancel(id), "cancelled");
    assertEquals(await own.cancel(id), "cancelled");
    assertEquals(broker.of("step").length, 0);
    assertEquals(await own.purge(), { purged: 1 });
    assertEquals(await own.purge(), { purged: 0 });
    assertEquals([wake.hints.length, broker.of("step").length], [length, 1]);
  },
);

onBoth(
  "resume() and redrive() ask the broker nothing more when there is no wake",
  async ({ queue, broker }) => {
    const { handler } = failingOnce();
    const own = queue({ handlers: [handler] });
    await own.enqueue(task, 1);
    await own.drain({ lingerMs: 0 });
    const { length } = broker.of("step");
    await own.pause();
    await own.resume();
    assertEquals(await own.redrive(), { redriven: 1 });
    await own.schedule("now", task.with(2), { at: START });
    await own.resumeSchedule("now");
    assertEquals(broker.of("step").length, length);
  },
);

test("resume() drains behind itself where the wake is inline(), in what the host holds open", async () => {
  const held: Promise<unknown>[] = [];
  const ran: number[] = [];
  const queue = Queue.inMemory({
    clock: testClock(),
    wake: inline(),
    waitUntil: (work) => void held.push(work),
    handlers: [task.handle((n) => void ran.push(n))],
  });
  await queue.pause();
  await queue.enqueue(task, 7);
  await Promise.all(held);
  assertEquals(ran, []);
  await queue.resume();
  await Promise.all(held);
  assertEquals(ran, [7]);
});

test("resume() resolves where the wake's own request fails, and tells onError", async () => {
  const told: ErrorAbout[] = [];
  const down = () => Promise.reject(new Error("down"));
  const queue = new Queue({
    broker: recording(new MemoryBroker(), { step: down }),
    wake: noting(),
    onError: (_, about) => void told.push(about),
  });
  await queue.pause();
  await queue.resume();
  assertEquals(told, [{ kind: "wake", queue: "default" }]);
});

test("inline() wakes a consumer for what its handler deferred and for its hooks", async () => {
  const wake = noting();
  const hook = defineTask("hook", { run: () => {} });
  const queue = new Queue({
    broker: new MemoryBroker(),
    wake,
    handlers: [hook, task.handle((_, ctx) => ctx.defer(hook))],
  });
  await queue.inline(task, 1);
  assertEquals(wake.hints.length, 1);
  await queue.drain({ rung: wake.hints[0]! });
  await queue.inline(task, 1, { onSettled: hook });
  assertEquals(wake.hints.length, 2);
  const { completed } = await queue.drain({ rung: wake.hints[1]! });
  assertEquals(completed, 2);
});
