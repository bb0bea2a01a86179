/** The `seal` option: what the database holds is sealed, what does not open is never run, and keys change without a stop, on both brokers. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  BrokerError,
  Consumer,
  defineTask,
  type Delivery,
  fixed,
  type GroupSettled,
  type Handler,
  mapOf,
  NonRetryableError,
  Queue,
  type QueueOptions,
  type QueueTelemetry,
  type SealKey,
  type SealOptions,
  type Settled,
  type StepRequest,
} from "../mod.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import { sealing } from "../src/queue/seal/sealing.ts";
import { onBoth, type Place } from "./support/both_brokers.ts";
import { make, recording } from "./support/recording_broker.ts";
import { test } from "./support/suite.ts";

const old: SealKey = { id: "2025", secret: "an old secret of thirty-two byte" };
const fresh: SealKey = { id: "2026", secret: new Uint8Array(32).fill(7) };
const modes = [false, true] as const;
const WORD = "the-word";
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** Whatever is enqueued continues one trace. */
const carrying: QueueTelemetry = {
  propagator: {
    inject: (_, carrier, setter) =>
      setter.set(carrier, "traceparent", TRACEPARENT),
    extract: (context) => context,
    fields: () => ["traceparent"],
  },
};

/** A task that notes its runs, with its attempt. */
function noting(name: string = "note"): {
  readonly ran: string[];
  readonly task: Handler & ReturnType<typeof defineTask<string, number>>;
} {
  const ran: string[] = [];
  const task = defineTask<string, number>(name, {
    run(word, ctx) {
      ran.push(`${word} ${ctx.attempt}`);
      return word.length;
    },
  });
  return { ran, task: task as never };
}

/** A queue at this place whose deliveries are changed on their way. */
function meddled(
  place: Place,
  change: (delivery: Delivery) => Delivery,
  options: Partial<QueueOptions>,
): Queue {
  const { broker } = place;
  return new Queue({
    name: place.queue().name,
    ...options,
    broker: recording(broker, {
      async step(queue, request) {
        const reply = await broker.step(queue, request);
        return { ...reply, deliveries: reply.deliveries.map(change) };
      },
    }),
  });
}

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);

/** All that was ever sent to the database. */
const sentText = ({ broker }: Place): string =>
  JSON.stringify(broker.asked.map(({ request }) => request));

onBoth(
  "a task that is cancelled is left to a consumer that has its key, so that its hooks are enqueued",
  async (place) => {
    const ran: string[] = [];
    const hook = defineTask("hook", {
      run: (settled: Settled) => void ran.push(settled.status),
    });
    const { task } = noting();
    const handlers = [task, hook];
    const owner = place.queue({ seal: { keys: [fresh] }, handlers });
    const other = place.queue({ seal: { keys: [old] }, handlers });
    const { id } = await owner.enqueue(task, "x", { onSettled: hook });
    assertEquals(await owner.cancel(id), "cancelling");

    const { length } = place.broker.of("step");
    const { unknown, cancelled } = await other.drain({ lingerMs: 0 });
    assertEquals([unknown, cancelled], [1, 0]);
    assert(place.broker.of("step").length < length + 5, "put back once");
    assertEquals((await owner.result(id)).status, "scheduled");
    await place.advance(30_000);
    await owner.drain({ lingerMs: 0 });
    assertEquals((await owner.result(id)).status, "cancelled");
    assertEquals(ran, ["cancelled"]);
  },
);

for (const encrypt of modes) {
  const seal: SealOptions = { keys: [fresh], encrypt };
  const how = encrypt ? "encrypted" : "signed";

  onBoth(
    `a ${how} queue does all that a queue does, and ${
      encrypt ? "nothing of it can be read" : "all of it is signed"
    }`,
    async (place) => {
      const told: unknown[] = [];
      const word = defineTask("word", {
        run(given: string, ctx) {
          ctx.progress({ at: given });
          return `${given}!`;
        },
      });
      const wrong = defineTask("wrong", {
        maxAttempts: 2,
        backoff: fixed(0),
        run(given: string) {
          throw new Error(`not ${given}`, { cause: new Error(given) });
        },
      });
      const parent = defineTask("parent", {
        async run(given: string, ctx) {
          await ctx.enqueue(word, given);
          await ctx.defer(word, given);
          if (ctx.schedule === undefined) await ctx.map(word, [given, given]);
        },
      });
      const heard = defineTask("heard", {
        run: (settled: Settled | GroupSettled) => void told.push(settled),
      });
      const link = defineTask("link", {
        run: (given: string, ctx) =>
          `${given} ${
            ctx.previous?.status === "completed"
              ? textOf(ctx.previous.value)
              : "nothing"
          }`,
      });
      const pages = defineTask("pages", {
        run: (given: string) => [given, given],
      });
      const handlers = [word, wrong, parent, heard, link, pages];
      const queue = place.queue({ handlers, seal });
      const one = await queue.enqueue(word, WORD, { onSettled: heard });
      const [two, bad] = await queue.enqueueMany([
        word.with(WORD),
        wrong.with(WORD, { onFailure: heard }),
      ]);
      await queue.enqueue(parent, WORD);
      const chain = await queue.chain([link.with(WORD), link.with(WORD)], {
        onSettled: heard,
      });
      const fan = await queue.chain([
        pages.with(WORD),
        mapOf(word),
        link.with(WORD),
      ]);
      const map = await queue.map(word, [WORD, WORD], { onSettled: heard });
      const often = () =>
        queue.schedule("often", parent.with(WORD), { everyMs: 60_000 });
      const first = await often();
      const again = await often();
      await queue.drain({ lingerMs: 0 });
      await place.advance(60_000);
      const report = await queue.drain({ lingerMs: 0 });

      assertEquals([first.status, again.status], ["created", "unchanged"]);
      assert(report.fired > 0);
      for (const { id } of [one, two!]) {
        const result = await queue.result(id);
        assert(result.status === "completed" && result.saved);
        assertEquals(result.value, `${WORD}!`);
      }
      const dead = await queue.result(bad!.id);
      assert(dead.status === "dead");
      assertEquals(dead.error.message, `not ${WORD}`);
      assertEquals(dead.error.cause?.message, WORD);
      const { tasks } = await queue.list({ state: "dead" });
      assertEquals(tasks[0]?.error, dead.error);
      const last = await chain.result();
      assert(last.status === "completed");
      assertEquals(last.value, `${WORD} ${WORD} nothing`);
      const fanned = await fan.result();
      assert(fanned.status === "completed");
      assertStringIncludes(fanned.value, `"value":"${WORD}!"`);
      const { results } = await map.results();
      assertEquals(
        results.map((result) => result.ok && result.value),
        [`${WORD}!`, `${WORD}!`],
      );
      assertEquals(told.length, 4);
      assertStringIncludes(JSON.stringify(told), `"${WORD}!"`);
      const { schedules } = await queue.schedules();
      assertEquals(schedules.map(({ task }) => task), ["parent"]);
      assertEquals((await queue.redrive()).redriven, 1);
      assertEquals((await queue.drain({ lingerMs: 0 })).dead, 1);
      assertEquals(sentText(place).includes(WORD), !encrypt);
      const kind = encrypt ? "enc" : "sig";
      const envelopes = [
        ...sentText(place).matchAll(/"envelope":"(.*?[^\\])"/g),
      ];
      assert(envelopes.length > 15);
      for (const [, text = ""] of envelopes) {
        assertMatch(
          JSON.parse(`"${text}"`),
          new RegExp(`,"k":"2026","${kind}":"[^"]+"\\}$`),
        );
      }
    },
  );

  onBoth(`progress is told while a ${how} task runs`, async (place) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { promise: began, resolve: begin } = Promise.withResolvers<void>();
    const slow = defineTask("slow", {
      async run(_: void, ctx) {
        ctx.progress(WORD);
        ctx.extend(60_000).then(begin);
        await promise;
      },
    });
    const queue = place.queue({ handlers: [slow], seal });
    const { id } = await queue.enqueue(slow);
    const drained = queue.drain({ lingerMs: 0 });
    await began;
    const result = await queue.result(id);
    resolve();
    await drained;
    assert(result.status === "leased");
    assertEquals(result.progress, WORD);
    assertEquals(sentText(place).includes(WORD), !encrypt);
  });

  onBoth(
    `a ${how} envelope with any byte changed is never run`,
    async (place) => {
      const { ran, task } = noting("t");
      const producer = place.queue({ seal, telemetry: carrying });
      const send = (ids: readonly string[]) =>
        producer.enqueueMany(ids.map((id) => task.with("w", { id })));
      await send(["0000", "0001"]);
      const { envelope } = place.broker.sent[0]!;
      const { length } = envelope;
      assertStringIncludes(envelope, TRACEPARENT);
      const at = envelope.indexOf('"2026"') + 1;
      const ids = Array.from({ length }, (_, i) => `${i}`.padStart(4, "0"));
      await send(ids.slice(2));
      const queue = meddled(place, (delivery) => {
        const { envelope } = delivery;
        const position = Number(delivery.id);
        const byte = envelope.charCodeAt(position) ^ (1 << position % 7);
        const changed = String.fromCharCode(byte);
        return {
          ...delivery,
          envelope: envelope.slice(0, position) + changed +
            envelope.slice(position + 1),
        };
      }, { handlers: [task], seal });
      const report = await queue.drain({ lingerMs: 0 });
      assertEquals(ran, []);
      assertEquals(report.claimed, length);
      assertEquals(report.dead + report.unknown, length);
      assert(report.unknown <= 4, "only what may be the id of another key");
      for (const id of ids) {
        const result = await queue.result(id);
        const isKeyId = Number(id) >= at && Number(id) < at + 4;
        if (isKeyId && result.status === "scheduled") continue;
        assert(result.status === "dead", `byte ${id}`);
        assertEquals(result.error.name, "SealError", `byte ${id}`);
        assert(!result.error.message.includes('w"'));
      }
    },
  );

  onBoth(
    `a ${how} envelope fits no other task, no other queue and no other name`,
    async (place) => {
      const { ran, task } = noting();
      const producer = place.queue({ seal });
      const [a, b] = await producer.enqueueMany([
        task.with("a"),
        task.with("b"),
      ]);
      const other = new Queue({
        name: `${producer.name}-2`,
        broker: place.broker,
        seal,
      });
      const c = await producer.enqueue(task, "c");
      await other.enqueue(task, "c", { id: c.id });
      const sent = new Map(
        place.broker.sent.map((task, i) => [`${task.id} ${i}`, task.envelope]),
      );
      const [ofA, ofB, , ofOther] = [...sent.values()];
      const swapped: Readonly<Record<string, string>> = {
        [a!.id]: ofB!,
        [b!.id]: ofA!,
        [c.id]: ofOther!,
      };
      const queue = meddled(
        place,
        (delivery) => ({ ...delivery, envelope: swapped[delivery.id]! }),
        { handlers: [task], seal },
      );
      assertEquals((await queue.drain({ lingerMs: 0 })).dead, 3);
      assertEquals(ran, []);
    },
  );

  onBoth(
    `keys change without a stop, consumers first, ${how}`,
    async (place) => {
      const { ran, task } = noting();
      const handlers = [task];
      const at = (keys: readonly SealKey[]) =>
        place.queue({ handlers, seal: { keys, encrypt } });
      const [before, during, after, then] = [
        at([old]),
        at([old, fresh]),
        at([fresh, old]),
        at([fresh]),
      ];
      await before!.enqueue(task, "before");
      await during!.drain({ lingerMs: 0 });
      await during!.enqueue(task, "during");
      await after!.enqueue(task, "after");
      await during!.drain({ lingerMs: 0 });
      await then!.enqueue(task, "then");
      await then!.drain({ lingerMs: 0 });
      assertEquals(
        ran.toSorted(),
        ["after 1", "before 1", "during 1", "then 1"],
      );
    },
  );

  onBoth(
    `keys change without a stop, producers first, ${how}: tasks wait for a consumer that has the key`,
    async (place) => {
      const { ran, task } = noting();
      const handlers = [task];
      const at = (keys: readonly SealKey[]) =>
        place.queue({ handlers, seal: { keys, encrypt } });
      const producer = at([fresh, old]);
      const consumer = at([old]);
      const ids: string[] = [];
      for (let n = 0; n < 20; n++) {
        const { id } = await producer.enqueue(task, `${n}`, { maxAttempts: 1 });
        ids.push(id);
      }
      await at([old]).enqueue(task, "old");
      const waits = await consumer.drain({ lingerMs: 0 });
      assertEquals([waits.unknown, waits.completed, waits.dead], [20, 1, 0]);
      await place.advance(31_000);
      assertEquals((await consumer.drain({ lingerMs: 0 })).unknown, 20);
      assertEquals((await at([fresh, old]).drain({ lingerMs: 0 })).claimed, 0);
      await place.advance(40_000);
      const runs = await at([fresh, old]).drain({ lingerMs: 0 });
      assertEquals([runs.completed, runs.dead], [20, 0]);
      assertEquals(
        ran.toSorted(),
        [...ids.map((_, n) => `${n} 1`), "old 1"].toSorted(),
      );
    },
  );
}

onBoth("a Consumer opens what each of its queues sealed", async (place) => {
  const { ran, task } = noting();
  const queue = (name: string, seal?: SealOptions) =>
    place.queue({ name, handlers: [task], ...(seal && { seal }) });
  const { name } = place.queue();
  const queues = [
    queue(name, { keys: [fresh], encrypt: true }),
    queue(`${name}-2`, { keys: [old] }),
    queue(`${name}-3`),
  ];
  for (const queue of queues) await queue.enqueue(task, queue.name);
  const consumer = new Consumer({
    queues: queues.map((queue) => ({ queue })),
  });
  await consumer.drain({ lingerMs: 0 });
  assertEquals(ran.length, 3);
  const [sealed, , plain] = place.broker.sent;
  assertMatch(sealed!.envelope, /"enc":/);
  assertMatch(plain!.envelope, /"i":/);
});

onBoth("a step whose reply was lost is sent again as it was", async (place) => {
  const { ran, task } = noting();
  const steps: StepRequest[] = [];
  let isLost = false;
  const broker = recording(place.broker, {
    async step(queue, request) {
      const reply = await place.broker.step(queue, request);
      if (request.settle.length === 0) return reply;
      steps.push(request);
      if (isLost) return reply;
      isLost = true;
      throw new BrokerError("unavailable", "The reply was lost");
    },
  });
  const seal: SealOptions = { keys: [fresh], encrypt: true };
  const { name } = place.queue();
  const queue = new Queue({ name, broker, handlers: [task], seal });
  const { id } = await queue.enqueue(task, "a");
  await assertRejects(
    () => queue.drain({ lingerMs: 0, budgetMs: 200 }),
    BrokerError,
  );
  const [lost, again] = steps;
  assertEquals(again?.seq, lost?.seq);
  assertEquals(again?.settle, lost?.settle);
  assertEquals(ran, ["a 1"]);
  const result = await queue.result(id);
  assertEquals(result.status, "completed");
});

onBoth("a task whose key nobody has is dead a day after", async (place) => {
  const { ran, task } = noting();
  const { id } = await place.queue({ seal: { keys: [fresh] } })
    .enqueue(task, "a");
  const queue = place.queue({ handlers: [task], seal: { keys: [old] } });
  await place.advance(86_400_000);
  const report = await queue.drain({ lingerMs: 0 });
  assertEquals([report.dead, report.unknown, ran.length], [1, 1, 0]);
  const reader = place.queue({ seal: { keys: [fresh, old] } });
  const result = await reader.result(id);
  assert(result.status === "dead");
  assertStringIncludes(result.error.message, "under the key '2026'");
});

onBoth(
  "sealing begins without a stop: consumers that accept what is not sealed first, then producers, then no more",
  async (place) => {
    const { ran, task } = noting();
    const handlers = [task];
    const plain = place.queue({ handlers });
    const lenient = place.queue({
      handlers,
      seal: { keys: [fresh], acceptUnsealed: true },
    });
    const strict = place.queue({ handlers, seal: { keys: [fresh] } });
    const one = await plain.enqueue(task, "one");
    await plain.drain({ lingerMs: 0 });
    await plain.enqueue(task, "two");
    await lenient.drain({ lingerMs: 0 });
    const first = await lenient.result(one.id);
    assert(first.status === "completed");
    assertEquals(first.value, 3);
    await lenient.enqueue(task, "three");
    // without the option a sealed task is not known, and not touched
    assertEquals((await plain.drain({ lingerMs: 0 })).unknown, 1);
    await place.advance(30_000);
    await strict.drain({ lingerMs: 0 });
    assertEquals(ran, ["one 1", "two 1", "three 1"]);
    const two = await plain.enqueue(task, "four");
    assertEquals((await strict.drain({ lingerMs: 0 })).dead, 1);
    const refused = await strict.result(two.id);
    assert(refused.status === "dead");
    assertEquals(refused.error, {
      ...refused.error,
      name: "SealError",
      message: "The task's envelope is not to be trusted: it is not sealed",
    });
    const [was] = [await strict.result(one.id)];
    assert(was.status === "completed");
    assertEquals([was.saved, was.unopened], [false, "it is not sealed"]);
    assertEquals(ran.length, 3);
  },
);

onBoth(
  "nothing follows a task that was tampered with, but its group counts it",
  async (place) => {
    const { ran, task } = noting();
    const hook = defineTask("hook", {
      run: (settled: Settled | GroupSettled) => void ran.push(settled.status),
    });
    const seal: SealOptions = { keys: [fresh] };
    const handlers = [task, hook];
    const producer = place.queue({ seal, handlers });
    await producer.enqueue(task, "bad", { onSettled: hook });
    await producer.chain([task.with("bad"), task.with("next")], {
      onSettled: hook,
      onFailure: "continue",
    });
    const map = await producer.map(task, ["good", "bad"]);
    const queue = meddled(place, (delivery) => ({
      ...delivery,
      envelope: delivery.envelope.replace('"i":"bad"', '"i":"odd"'),
    }), { handlers, seal });
    const reports: unknown[] = [];
    queue.on("dead", ({ error }) => reports.push(error.name));
    const report = await queue.drain({ lingerMs: 0 });
    assertEquals([report.dead, report.completed], [3, 1]);
    assertEquals(ran, ["good 1"]);
    assertEquals(reports, ["SealError", "SealError", "SealError"]);
    const { status, completed, dead } = await map.counts();
    assertEquals([status, completed, dead], ["complete", 1, 1]);
  },
);

onBoth(
  "a schedule that was tampered with fires nothing more, until it is entered anew",
  async (place) => {
    const { ran, task } = noting();
    const seal: SealOptions = { keys: [fresh], encrypt: true };
    const options = { handlers: [task], seal };
    const honest = place.queue(options);
    const when = { everyMs: 60_000 };
    await honest.schedule("s", task.with("a"), when);
    await honest.drain({ lingerMs: 0 });
    await place.advance(60_000);
    const queue = meddled(place, (delivery) => ({
      ...delivery,
      envelope: delivery.envelope.replace(/"enc":"..../, '"enc":"AAAA'),
    }), options);
    assertEquals((await queue.drain({ lingerMs: 0 })).fired, 0);
    await place.advance(60_000);
    assertEquals((await honest.drain({ lingerMs: 0 })).fired, 0);
    assertEquals(ran, []);
    await honest.schedule("s", task.with("b"), when);
    await honest.drain({ lingerMs: 0 });
    await place.advance(60_000);
    await honest.drain({ lingerMs: 0 });
    assert(ran.includes("b 1"));
  },
);

onBoth(
  "results and errors that are not as they were sealed are not told",
  async (place) => {
    const seal: SealOptions = { keys: [fresh] };
    const task = defineTask("t", {
      run(given: string) {
        if (given === "bad") throw new NonRetryableError("no");
        return given;
      },
    });
    const producer = place.queue({ handlers: [task], seal });
    const [good, other, bad] = await producer.enqueueMany([
      task.with("good"),
      task.with("other"),
      task.with("bad"),
    ]);
    await producer.drain({ lingerMs: 0 });
    const { name } = producer;
    const stored = await place.broker.result(name, other!.id);
    assert(stored.status === "completed");
    const forged = (payload: string | undefined, error: string) =>
      new Queue({
        name,
        seal,
        broker: recording(place.broker, {
          async result(queue, id) {
            const reply = await place.broker.result(queue, id);
            if (reply.status === "completed") return { ...reply, payload };
            return reply.status === "dead" ? { ...reply, error } : reply;
          },
        }),
      });
    const error = '{"name":"Error","message":"forged"}';
    for (
      const [payload, reason] of [
        ['"forged"', "it is not sealed"],
        [stored.payload, "its seal does not fit"],
        [stored.payload?.replace("other", "order"), "its seal does not fit"],
        [stored.payload?.replace('"2026"', '"2024"'), "under the key '2024'"],
      ] as const
    ) {
      const queue = forged(payload, error);
      const result = await queue.result(good!.id);
      assert(result.status === "completed");
      assertEquals([result.saved, result.value], [false, undefined]);
      assertStringIncludes(result.unopened!, reason);
      const dead = await queue.result(bad!.id);
      assert(dead.status === "dead");
      assertEquals(dead.error, {
        name: "SealError",
        message: "The stored error is not told: it is not sealed",
      });
    }
    const unkeyed = await place.queue().result(good!.id);
    assert(unkeyed.status === "completed");
    assertEquals(unkeyed.saved, false);
  },
);

test("a sealed envelope keeps the trace context where those outside read it", async () => {
  const { queue, broker } = make({
    seal: { keys: [fresh], encrypt: true },
    telemetry: carrying,
  });
  await queue.enqueueNamed("t", WORD);
  const [{ envelope } = { envelope: "" }] = broker.sent;
  const { n, p, i } = JSON.parse(envelope);
  assertEquals([n, p, i], ["t", TRACEPARENT, undefined]);
});

test("enqueueMany() fits in requests of 10 MB when its tasks are encrypted", async () => {
  const { queue, broker } = make({ seal: { keys: [fresh], encrypt: true } });
  const task = defineTask<string>("t");
  const big = "x".repeat(200_000);
  await queue.enqueueMany(Array.from({ length: 40 }, () => task.with(big)));
  const requests = broker.of<{ readonly tasks: unknown }>("enqueue");
  assertEquals(requests.length, 2);
  for (const { tasks } of requests) {
    assert(JSON.stringify(tasks).length < 10_000_000);
  }
});

test("a sealed queue looks before it steps where its broker can", async () => {
  const reply = { now: 1, nextDueAt: 2, commands: 2, requests: 1 };
  const looks = Object.assign(new MemoryBroker(), {
    peek: () => Promise.resolve(reply),
  });
  const behind = sealing({ keys: [fresh] });
  assertEquals(await behind(looks).peek?.("q"), reply);
});

test("new Queue() says what is wrong with its seal, without a secret", () => {
  const secret = "too short";
  for (
    const [seal, words] of [
      [{ keys: [{ id: "a", secret }] }, "'a' has 9 bytes"],
      [{ keys: [{ id: secret, secret: fresh.secret }] }, "1 to 64 of"],
      [{ keys: [{ id: "a", secret: 1 }] }, "not number"],
      [{ keys: [{ id: "a", value: secret }] }, "Unknown option 'value'"],
      [{ keys: [fresh, fresh] }, "given twice"],
      [{ keys: [] }, "at least one key"],
      [{ keys: fresh }, "a list of"],
      [{ keys: ["a"] }, "must be an object"],
      [{ keys: [fresh], encrypt: "yes" }, "'encrypt' of 'seal'"],
      [{ keys: [fresh], accept: "unsealed" }, "Unknown option 'accept'"],
      ["secret", "must be an object"],
    ] as const
  ) {
    const error = assertThrows(() =>
      Queue.inMemory({ seal: seal as unknown as SealOptions })
    );
    assert(error instanceof TypeError || error instanceof RangeError);
    assertStringIncludes(error.message, words);
    assert(!error.message.includes(secret));
  }
});
