/**
 * Receivers of no use, over real sockets: none of them fails a task or a request, delays an answer,
 * or holds a flush beyond its deadline; what is lost is counted and said, and nothing secret with it.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
  assertMatch,
} from "@std/assert";
import { ROOT_CONTEXT } from "@opentelemetry/api";
import { Hono } from "hono";
import { MemoryBroker } from "../../src/broker/memory.ts";
import { defineTask } from "../../src/core/task.ts";
import { tracing } from "../../src/hono/mod.ts";
import type { FlushReport } from "../../src/otlp/mod.ts";
import { Queue } from "../../src/queue/queue.ts";
import { Collector } from "../support/collector.ts";
import { serveCollector } from "../support/collector_server.ts";
import * as answers from "../support/hostile/answers.ts";
import { type Case, cases, cut, slow } from "../support/hostile/cases.ts";
import {
  type Answer,
  refusing,
  serveHostile,
} from "../support/hostile/receiver.ts";
import { openShop, trade } from "../support/hostile/shop.ts";
import { type Flushed, TOKEN, watched } from "../support/hostile/watched.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/suite.ts";

/** Time for a request, and for one repeat of it. */
const TIMEOUT_MS = 1_200;
/** A machine that does other things too may be this late, and as much more as a timer is. */
const MARGIN_MS = 3_000;
const options = { timeoutMs: TIMEOUT_MS };
/** For what needs no deadline to come to its end. */
const patient = { timeoutMs: 10_000 };

function check(
  { report, tookMs }: Flushed,
  { fate, error, repeats }: Pick<Case, "fate" | "error" | "repeats">,
  { timeoutMs } = options,
): void {
  assertLess(tookMs, timeoutMs + MARGIN_MS);
  const isLost = report.spans === 0 && report.points === 0;
  assertEquals(isLost, fate !== "accepted");
  if (isLost) assertGreaterOrEqual(report.dropped, 2);
  if (error === undefined) assertEquals(report.error, undefined);
  else if (!repeats || !slow.test(report.error ?? "")) {
    // the time may be up in the middle of the repeat
    assertMatch(report.error ?? "", error);
  }
  const text = JSON.stringify(report);
  assert(!text.includes(TOKEN) && !text.includes("127.0.0.1"), text);
}

for (const each of cases) {
  test(`flush() harms no task and no request when the receiver ${each.name}`, async () => {
    await using receiver = serveHostile(each.answer, each.options);
    const hasTime = each.error === slow || each.repeats ? options : patient;
    const shop = openShop(receiver.endpoint, hasTime);
    for (const flushed of await trade(shop, each.error === slow)) {
      check(flushed, each, hasTime);
    }
    if (each.repeats) return;
    const sent = receiver.requests.map(({ path, body }) =>
      `${path} ${body.toBase64()}`
    );
    assertEquals(new Set(sent).size, sent.length, "no request came again");
  });
}

test("flush() harms no task and no request when the receiver refuses the connection", async () => {
  for (const flushed of await trade(openShop(refusing(), options), false)) {
    check(flushed, { fate: "failed", error: cut, repeats: true });
  }
});

test("flush() takes no redirect along with its headers to another origin", async () => {
  await using other = serveHostile(answers.accept);
  for (const status of [301, 302, 303, 307, 308]) {
    const location = `${other.endpoint}/v1/traces`;
    await using receiver = serveHostile(answers.reply(status, { location }));
    const error = new RegExp(`^The receiver answered ${status}$`);
    const shop = openShop(receiver.endpoint, patient);
    for (const flushed of await trade(shop, false)) {
      check(flushed, { fate: "failed", error }, patient);
    }
  }
  assertEquals(other.connections, 0);
});

test("tracing() answers before the receiver does, and no later than without telemetry", async () => {
  await using receiver = serveHostile(answers.hang);
  const timeoutMs = 3_600_000;
  const hung = watched(receiver.endpoint, { timeoutMs });
  const bare = new Hono().get("/", (c) => c.text("hello"));
  const traced = new Hono().use(tracing({ telemetry: hung.given }))
    .get("/", (c) => c.text("hello"));
  await using without = serve(bare.fetch);
  await using within = serve(traced.fetch);

  let more = Infinity;
  // what another program does to one of the medians, it hardly does three times
  for (let round = 0; round < 3 && more >= 5; round++) {
    const times: [number[], number[]] = [[], []];
    for (let i = 0; i < 110; i++) {
      for (const [which, { url }] of [without, within].entries()) {
        const beganAt = performance.now();
        const response = await fetch(url);
        assertEquals(await response.text(), "hello");
        times[which]?.push(performance.now() - beganAt);
      }
      assertEquals(hung.flushes.length, round * 110 + i + 1);
      assertEquals(hung.ended, 0, "no flush has ended when the answer is here");
    }
    const [plain, hanging] = times.map((each) => median(each.slice(10)));
    assert(plain !== undefined && hanging !== undefined);
    console.log(
      `${plain.toFixed(2)} ms without telemetry, ${
        hanging.toFixed(2)
      } ms while 100 exports hang (medians)`,
    );
    more = hanging - plain;
  }
  assertLess(more, 5);

  hung.advance(timeoutMs);
  for (const { report } of await Promise.all(hung.flushes)) {
    assertEquals([report.spans, report.dropped], [0, 1]);
  }
});

test("flush() comes again when a real receiver's Retry-After is over, in both forms", async () => {
  const dueAt = Math.ceil(Date.now() / 1_000) * 1_000 + 1_000;
  const forms: readonly (readonly [header: string, dueAt: number])[] = [
    ["1", Date.now() + 1_000],
    [new Date(dueAt).toUTCString(), dueAt],
  ];
  await Promise.all(forms.map(async ([header, dueAt]) => {
    const busy = answers.reply(429, { "retry-after": header });
    await using receiver = serveHostile((exchange) =>
      (exchange.ordinal === 1 ? busy : answers.accept)(exchange)
    );
    const { telemetry } = watched(receiver.endpoint, { metrics: false });
    endSpan(telemetry);
    const { spans, dropped, error } = await telemetry.flush();
    assertEquals([spans, dropped, error], [1, 0, undefined], header);
    assertEquals(receiver.requests.length, 2);
    assertGreaterOrEqual(receiver.requests[1]?.at ?? 0, dueAt - 5);
  }));
});

test("flush() brings the deltas that could not be delivered once the receiver is well", async () => {
  // together, what hangs takes no longer; and one by one, what is well has the machine for itself
  const sicken = async ({ name, answer, options, fate }: Case) => {
    const collector = new Collector();
    let current: Answer = answer;
    const receiver = serveHostile((exchange) => current(exchange), options);
    const { telemetry, advance } = watched(receiver.endpoint, {
      timeoutMs: fate === "refused" ? 60_000 : 3_000,
    });
    const counter = telemetry.meterProvider.getMeter("m").createCounter("sold");
    counter.add(2);
    endSpan(telemetry);
    const before = await telemetry.flush();
    assertEquals([before.spans, before.points], [0, 0], name);
    assertEquals(before.dropped, fate === "refused" ? 2 : 1, name);
    assert(before.error !== undefined);
    return async () => {
      await using _receiver = receiver;
      // a delta is sent again as long as nothing says that it arrived
      current = answers.collect(collector);
      advance(3_600_000);
      counter.add(3);
      endSpan(telemetry);
      const { spans, points, dropped, error } = await telemetry.flush();
      assertEquals([spans, points, dropped, error], [1, 1, 0, undefined], name);
      const sold = collector.points("sold").map(({ value }) => value);
      assertEquals(sold, [fate === "refused" ? 3 : 5], name);
    };
  };
  const sick = cases.filter(({ fate }) => fate !== "accepted");
  for (const recover of await Promise.all(sick.map(sicken))) await recover();
});

test("flush() sends what a scope may hold, 8,192 spans or 8 MB, and counts what is beyond", async () => {
  await using good = serveCollector();
  const { collector, endpoint } = good;
  const { telemetry } = watched(endpoint, {
    timeoutMs: 30_000,
    metrics: false,
  });
  const many = telemetry.openScope(ROOT_CONTEXT);
  for (let i = 0; i < 9_000; i++) endSpan(telemetry, many);
  const counted = await telemetry.flush(many);
  assertEquals([counted.spans, counted.dropped], [8_192, 808]);
  assertEquals(collector.spans.length, 8_192);

  const large = telemetry.openScope(ROOT_CONTEXT);
  for (let i = 0; i < 100; i++) endSpan(telemetry, large, 100_000);
  const weighed = await telemetry.flush(large);
  assertEquals(weighed.spans + weighed.dropped, 100);
  assertLessOrEqual(weighed.spans * 100_000, 8 * 2 ** 20);
  assertGreaterOrEqual(weighed.spans, 80);
});

test("flush() holds no more than 64 MiB while the receiver hangs, and counts what is beyond", async () => {
  await using receiver = serveHostile(answers.hang, { readBytes: 0 });
  const timeoutMs = 3_600_000;
  const { telemetry, advance } = watched(receiver.endpoint, {
    timeoutMs,
    metrics: false,
  });
  const flushes: Promise<FlushReport>[] = [];
  for (let i = 0; i < 9; i++) {
    const scope = telemetry.openScope(ROOT_CONTEXT);
    endSpan(telemetry, scope, 8_300_000);
    flushes.push(telemetry.flush(scope));
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await flushes[8];
  advance(timeoutMs);
  const reports = await Promise.all(flushes);
  assertEquals(reports.map(({ dropped }) => dropped), Array(9).fill(1));
  for (const { error } of reports.slice(0, 8)) assertMatch(error ?? "", slow);
  assertMatch(reports[8]?.error ?? "", /bytes are over 64 MiB$/);
  assertLessOrEqual(receiver.connections, 8);
});

test("drain() ends six seconds after its last task when another SDK's flush never does", async () => {
  const clock = new ManualClock();
  const telemetry = { flush: () => new Promise(() => {}) };
  const resize = defineTask("resize", { run: (n: number) => n * 2 });
  const queue = new Queue({
    broker: new MemoryBroker({ clock }),
    handlers: [resize],
    telemetry,
    clock,
  });
  const { id } = await queue.enqueue(resize, 21);
  let completed: number | undefined;
  const drained = queue.drain({ lingerMs: 0 })
    .then((report) => void (completed = report.completed));
  await clock.advance(5_999);
  assertEquals((await queue.result(id)).status, "completed");
  assertEquals(completed, undefined);
  await clock.advance(1);
  await drained;
  assertEquals(completed, 1);
  assertEquals(clock.pending, 0);
});

/** Ends a span, with a text of so many characters. */
function endSpan(
  { tracerProvider }: { readonly tracerProvider: Watched["tracerProvider"] },
  context = ROOT_CONTEXT,
  characters = 0,
): void {
  tracerProvider.getTracer("t").startSpan("work", {
    attributes: { text: "x".repeat(characters) },
  }, context).end();
}

type Watched = ReturnType<typeof watched>["telemetry"];

/** Serves on a free port. */
function serve(
  handler: (request: Request) => Response | Promise<Response>,
): AsyncDisposable & { readonly url: string } {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => handler(request),
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
