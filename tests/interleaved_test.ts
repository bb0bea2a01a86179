/** A hundred handlers at once in one isolate, each awaiting what a host may lose a context over: whose span is whose? */
import { type Context, trace } from "@opentelemetry/api";
import { assert, assertEquals } from "@std/assert";
import { defineTask, type HandlerContext, Queue } from "../mod.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import type { ReceivedSpan } from "./support/collector.ts";
import { gateway } from "./support/host.ts";
import { row } from "./support/row.ts";
import { test } from "./support/suite.ts";
import { traced } from "./support/traced.ts";

const COUNT = 100;
const numbers: readonly number[] = Array.from({ length: COUNT }, (_, n) => n);

const parent = defineTask<number>("parent");
const child = defineTask<number>("child");

/** Awaits a timer, a request and a thenable, each time for as long as it takes. */
async function interleave(n: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, (n * 7) % 23));
  const response = await fetch(`${gateway.url}/ping`);
  await response.body?.cancel();
  await { then: (resolve: () => void) => void setTimeout(resolve, n % 5) };
}

/** Where spans of one way to start them have their parents. */
interface Parents {
  /** Under the CONSUMER span of the very handler that started them. */
  readonly own: number;
  /** Nowhere: they begin a trace. */
  readonly none: number;
  readonly wrong: number;
}

/** Runs them, and says of each way to start a span or a child where it led. */
async function interleaved(): Promise<Record<string, Parents>> {
  const { telemetry, collector } = traced();
  const tracer = telemetry.tracerProvider.getTracer("tests");
  const start = (name: string, n: number, context?: Context) =>
    tracer.startSpan(name, { attributes: { n } }, context).end();
  const handlers = new Map<number, string>();
  const children: [number, string][] = [];
  let running = 0, most = 0;
  const queue = new Queue({
    broker: new MemoryBroker(),
    telemetry,
    handlers: [
      parent.handle(async (n, ctx) => {
        handlers.set(n, idOf(ctx));
        most = Math.max(most, ++running);
        await interleave(n);
        start("span, ctx.context", n, ctx.context);
        start("span, active context", n);
        await ctx.enqueue(child, n, { label: "ctx.enqueue()" });
        await queue.within(ctx.context).enqueue(child, n, {
          label: "within()",
        });
        await queue.enqueue(child, n, { label: "enqueue()" });
        running--;
      }),
      child.handle(async (n, ctx) => {
        await interleave(n);
        children.push([n, idOf(ctx)]);
      }),
    ],
  });
  await queue.enqueueMany(numbers.map((n) => parent.with(n)));
  const { completed } = await queue.drain({
    batchSize: COUNT,
    concurrency: COUNT,
    lingerMs: 0,
  });
  assertEquals([completed, handlers.size, most], [4 * COUNT, COUNT, COUNT]);
  assertEquals((await telemetry.flush()).error, undefined);

  const spans = new Map(collector.spans.map((span) => [span.spanId, span]));
  const ways: Record<string, Parents> = {};
  const tally = (way: string, n: number, span: ReceivedSpan) => {
    const { own, none, wrong } = ways[way] ?? { own: 0, none: 0, wrong: 0 };
    const above = span.parentSpanId;
    const is = above === handlers.get(n) &&
      spans.get(above!)?.traceId === span.traceId;
    ways[way] = above === undefined
      ? { own, none: none + 1, wrong }
      : { own: own + +is, none, wrong: wrong + +!is };
  };
  for (const span of spans.values()) {
    if (span.library.name === "tests") {
      tally(span.name, Number(span.attributes["n"]), span);
    }
  }
  for (const [n, id] of children) {
    const consumer = spans.get(id);
    const producer = spans.get(consumer?.parentSpanId ?? "");
    assert(consumer !== undefined && producer !== undefined);
    assertEquals([producer.kind, consumer.kind], ["PRODUCER", "CONSUMER"]);
    tally(String(consumer.attributes["baton.task.label"]), n, producer);
  }
  return ways;
}

function idOf({ span, context }: HandlerContext): string {
  assert(trace.getSpan(context) === span);
  return span.spanContext().spanId;
}

test("drain() of 100 interleaved handlers gives every span and every child its own handler as parent", async () => {
  const hasStorage = row() !== "workerd, without Node";
  const own = { own: COUNT, none: 0, wrong: 0 };
  const active = hasStorage ? own : { own: 0, none: COUNT, wrong: 0 };
  assertEquals(await interleaved(), {
    "span, ctx.context": own,
    "span, active context": active,
    "ctx.enqueue()": own,
    "within()": own,
    "enqueue()": active,
  });
});
