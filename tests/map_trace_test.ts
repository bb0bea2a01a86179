/** The trace of a map: one, from whoever called it through its members to its callback, which is linked to the attempt that completed the group. */
import { assert, assertEquals } from "@std/assert";
import { defineTask, type GroupSettled } from "../mod.ts";
import { onBoth, type Place } from "./support/both_brokers.ts";
import type { ReceivedSpan } from "./support/collector.ts";
import { exported, REMOTE, traced, within } from "./support/traced.ts";

const square = defineTask<number, number>("square");
const done = defineTask<GroupSettled>("done");
const publish = defineTask<{ readonly count: number }>("publish");

/** A queue whose spans can be read, with handlers of all three. */
function open(place: Place, options: Parameters<Place["queue"]>[0] = {}) {
  const at = traced();
  const { telemetry } = at;
  const queue = place.queue({
    telemetry: { ...telemetry, flush: () => telemetry.flush() },
    handlers: [
      square.handle((n) => n * n),
      done.handle(async ({ completed }, ctx) => {
        await ctx.enqueue(publish, { count: completed });
      }),
      publish.handle(() => {}),
    ],
    ...options,
  });
  return { at, queue };
}

const named = (spans: readonly ReceivedSpan[], operation: string) =>
  spans.filter(({ name }) => name.startsWith(`${operation} `));
const taskOf = ({ attributes }: ReceivedSpan) => attributes["baton.task.name"];
const linkedTo = ({ links }: ReceivedSpan) => links.map(({ spanId }) => spanId);

onBoth(
  "map() is one trace through its members and its callback",
  async (place) => {
    const { at, queue } = open(place);
    const context = within();
    const { id } = await queue.within(context)
      .map(square, [1, 2, 3], { onSettled: done });
    await queue.drain({ concurrency: 1 });
    const spans = await exported(at);
    const producers = named(spans, "enqueue");
    const consumers = named(spans, "process");
    assertEquals(producers.length, 3);
    assertEquals(consumers.length, 5);
    for (const { traceId } of [...producers, ...consumers]) {
      assertEquals(traceId, REMOTE.traceId);
    }

    const map = producers.find((span) => taskOf(span) === "square")!;
    assertEquals(map.parentSpanId, REMOTE.spanId);
    assertEquals(map.kind, "PRODUCER");
    assertEquals(map.attributes["messaging.batch.message_count"], 3);
    const members = consumers.filter((span) => taskOf(span) === "square");
    for (const span of members) assertEquals(span.parentSpanId, map.spanId);
    for (const { attributes } of [map, ...members]) {
      assertEquals(attributes["baton.group"], id);
      assertEquals(attributes["messaging.message.conversation_id"], id);
      assertEquals(attributes["baton.iter_count"], 3);
      assertEquals(attributes["baton.cached"], true);
    }

    const callback = producers.find((span) => taskOf(span) === "done")!;
    assertEquals(callback.parentSpanId, map.spanId);
    assertEquals(callback.attributes["baton.group"], id);
    const ran = consumers.find((span) => taskOf(span) === "done")!;
    assertEquals(ran.parentSpanId, callback.spanId);
    assertEquals(ran.attributes["baton.group"], id);
    assertEquals(ran.attributes["baton.cached"], undefined);
    const members_ = new Set(members.map(({ spanId }) => spanId));
    assert(linkedTo(ran).some((spanId) => members_.has(spanId)));

    const after = producers.find((span) => taskOf(span) === "publish")!;
    assertEquals(after.parentSpanId, ran.spanId);
  },
);

onBoth(
  "map() links its callback to the attempt that completed the group",
  async (place) => {
    const { at, queue } = open(place);
    await queue.map(square, [1, 2], { onSettled: done });
    for (let i = 0; i < 4; i++) {
      await queue.drain({
        batchSize: 1,
        concurrency: 1,
      });
    }
    const consumers = named(await exported(at), "process");
    const last = consumers.filter((span) => taskOf(span) === "square")
      .toSorted((a, b) => a.startAt - b.startAt).at(-1)!;
    const ran = consumers.find((span) => taskOf(span) === "done")!;
    assert(linkedTo(ran).includes(last.spanId));
  },
);

onBoth(
  "map() of several chunks is one trace, the first chunk's span above the others'",
  async (place) => {
    const { at, queue } = open(place, { handlers: [] });
    await queue.map(square, Array.from({ length: 2_001 }, (_, n) => n), {
      onSettled: done,
    });
    const producers = named(await exported(at), "enqueue");
    const [first, ...others] = producers
      .filter((span) => taskOf(span) === "square")
      .toSorted((a, b) =>
        Number(a.parentSpanId !== undefined) -
        Number(b.parentSpanId !== undefined)
      );
    assertEquals(first?.parentSpanId, undefined);
    assertEquals(others.map((span) => span.parentSpanId), [
      first!.spanId,
      first!.spanId,
    ]);
    for (const { attributes } of [first!, ...others]) {
      assertEquals(attributes["baton.iter_count"], 2_001);
    }
    const callback = producers.find((span) => taskOf(span) === "done")!;
    assertEquals(callback.parentSpanId, first!.spanId);
  },
);

onBoth("map() without inputs has a span of its own", async (place) => {
  const { at, queue } = open(place);
  await queue.map(square, []);
  const [map, ...others] = named(await exported(at), "enqueue");
  assertEquals(others, []);
  assertEquals(map?.attributes["messaging.batch.message_count"], 0);
});

onBoth(
  "map() words its spans as django-q2's instrumentor does where that is asked for",
  async (place) => {
    const { at, queue } = open(place, {
      tracing: { conventions: "django-q2" },
    });
    const { id } = await queue.map(square, [1, 2], { onSettled: done });
    await queue.drain();
    const spans = await exported(at);
    const pairs = spans.filter(({ name }) => name.endsWith("/square"));
    assertEquals(pairs.map(({ name }) => name).toSorted(), [
      "async_task/square",
      "async_task/square",
      "run/square",
      "run/square",
    ]);
    for (const { attributes } of pairs) {
      assertEquals(attributes["django_q2.group"], id);
      assertEquals(attributes["django_q2.iter_count"], 2);
      assertEquals(attributes["django_q2.cached"], true);
    }
    const runs = spans.filter(({ name }) => name === "run/done");
    assertEquals(runs.length, 1);
    assertEquals((await queue.map(square, [], { onSettled: done })).length, 0);
  },
);
