/**
 * Fifty requests that overlap in one isolate of workerd, one more cancelled by its client and one whose export hangs:
 * each request's spans leave in its own export, and none twice.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Collector, type ReceivedSpan } from "../support/collector.ts";
import { startRequest } from "../support/overlap/client.ts";
import {
  bundleWorker,
  type Isolate,
  startIsolate,
  type Variant,
} from "../support/overlap/isolate.ts";
import type { Answered, Told } from "../support/overlap/worker.ts";
import { test } from "../support/suite.ts";

const OVERLAPPING = 50;
const OWN = ["GET /work/:together", "background", "step"];

for (const variant of ["without-node", "nodejs-compat"] as const) {
  test(`flush() sends each of ${OVERLAPPING} overlapping requests on its own in workerd, ${variant}`, async () => {
    await bundleWorker();
    const hung = traceOf("hung");
    await using collector = serveExcept(hung);
    await using isolate = await startIsolate(variant, collector.address);

    await overlap(isolate, collector.collector, hung, variant);
    await afterwards(isolate, collector.collector);
    checkWhole(collector.collector);
  });
}

async function overlap(
  isolate: Isolate,
  collector: Collector,
  hung: string,
  variant: Variant,
): Promise<void> {
  const together = OVERLAPPING + 2;
  const never = await startRequest(
    new URL("/never", isolate.url),
    { traceparent: traceparentOf(traceOf("never")) },
  );
  const traces = times(OVERLAPPING, (i) => traceOf(`of ${i}`));
  const answers = [hung, ...traces].map((traceId) =>
    ask(isolate, `/work/${together}`, traceId)
  );
  await until(isolate, ({ arrived }) => arrived === together);
  await never.cancel();
  await stillness(isolate);
  for (const answer of await Promise.all(answers)) {
    const { available, current }: Answered = await answer.json();
    assertEquals(available, variant === "nodejs-compat");
    assertEquals(current, available);
  }

  const told = await until(
    isolate,
    ({ reports }) => traces.every((traceId) => traceId in reports),
  );
  assert(!(hung in told.reports), "the others did not wait for the hung one");
  for (const traceId of traces) {
    checkOwn(collector, traceId);
    const { spans, late, dropped, error } = told.reports[traceId]!;
    assertEquals([spans, late, dropped, error], [3, 0, 0, undefined]);
  }
  assertEquals(collector.trace(traceOf("never")), []);

  await control(isolate, "/_hurry");
  const { reports } = await until(isolate, ({ reports }) => hung in reports);
  assertEquals([reports[hung]?.spans, reports[hung]?.dropped], [0, 3]);
  assertMatch(reports[hung]?.error ?? "", /took too long/);
  assertEquals(traceOf("never") in reports, false);
}

/** A span that ends after its request's flush, and those of a request that never had one, go with the next flush. */
async function afterwards(
  isolate: Isolate,
  collector: Collector,
): Promise<void> {
  await control(isolate, "/_skip/1100");
  const [first, second, third] = ["late", "second", "third"].map(traceOf);
  await work(isolate, `/work/0?late`, first!);
  checkOwn(collector, first!);

  const { late } = await work(isolate, "/work/0", second!);
  assertEquals(late, 1);
  const [afterthought] = collector.trace(first!)
    .filter(({ name }) => name === "afterthought");
  assertEquals(afterthought?.request, requestOf(collector, second!));

  await control(isolate, "/_skip/61000");
  await work(isolate, "/work/0", third!);
  const abandoned = collector.trace(traceOf("never"));
  assertEquals(abandoned.map(({ name }) => name), ["step"]);
  assertEquals(abandoned[0]?.request, requestOf(collector, third!));
  await control(isolate, "/_flush");
}

/** No span and no count is there twice, or missing. */
function checkWhole(collector: Collector): void {
  const ids = collector.spans.map(({ spanId }) => spanId);
  assertEquals(new Set(ids).size, ids.length);
  assertEquals(ids.length, 3 * (OVERLAPPING + 3) + 2);
  const worked = collector.points("worked")
    .reduce((sum, { value = NaN }) => sum + value, 0);
  assertEquals(worked, OVERLAPPING + 4);
}

/** A request's three spans are in one export, without any others. */
function checkOwn(collector: Collector, traceId: string): void {
  const request = requestOf(collector, traceId);
  const together = collector.spans.filter((span) => span.request === request);
  assertEquals(new Set(together.map((span) => span.traceId)).size, 1);
  assertEquals(together.map(({ name }) => name).sort(), OWN);
  const [server] = together.filter(({ kind }) => kind === "SERVER");
  for (const { parentSpanId, kind } of together) {
    if (kind !== "SERVER") assertEquals(parentSpanId, server?.spanId);
  }
}

function requestOf(collector: Collector, traceId: string): number | undefined {
  const isServer = ({ kind }: ReceivedSpan) => kind === "SERVER";
  return collector.trace(traceId).find(isServer)?.request;
}

/** Has one request served from its start to the end of its flush. */
async function work(isolate: Isolate, path: string, traceId: string) {
  const response = await ask(isolate, path, traceId);
  await response.body?.cancel();
  const { reports } = await until(isolate, ({ reports }) => traceId in reports);
  return reports[traceId]!;
}

/** Asks for what no span tells of. */
async function control(isolate: Isolate, path: string): Promise<void> {
  const response = await ask(isolate, path, traceOf("control"));
  await response.body?.cancel();
}

/** Asks within a trace. */
function ask(
  { url }: Isolate,
  path: string,
  traceId: string,
): Promise<Response> {
  const headers = { traceparent: traceparentOf(traceId) };
  return fetch(`${url}${path}`, { headers });
}

function traceparentOf(traceId: string): string {
  return `00-${traceId}-b7ad6b7169203331-03`;
}

/** Resolves when the request that never ends has been ended for it: it has not moved in ten looks. */
async function stillness(isolate: Isolate): Promise<void> {
  for (let i = 0, same = 0, before = -1; i < 500; i++) {
    const { ticks } = await until(isolate, () => true);
    same = ticks === before ? same + 1 : 0;
    if (same === 10) return;
    before = ticks;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("The request was not cancelled");
}

/** Asks the worker until it tells what is waited for. */
async function until(
  isolate: Isolate,
  holds: (told: Told) => boolean,
): Promise<Told> {
  for (let i = 0; i < 10_000; i++) {
    const response = await ask(isolate, "/_told", traceOf("control"));
    const told: Told = await response.json();
    if (holds(told)) return told;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("The worker did not tell so in time");
}

/** A trace id that can be told by its name. */
function traceOf(name: string): string {
  const bytes = new TextEncoder().encode(name.padEnd(16, ".")).subarray(0, 16);
  return bytes.toHex();
}

/** A collector that never answers the export of one trace. */
function serveExcept(hung: string): AsyncDisposable & {
  readonly collector: Collector;
  readonly address: string;
} {
  const collector = new Collector();
  const held: (() => void)[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const glance = new Collector();
      await glance.handle(request.clone());
      if (!glance.spans.some(({ traceId }) => traceId === hung)) {
        return await collector.handle(request);
      }
      await request.body?.cancel();
      await new Promise<void>((release) => held.push(release));
      return new Response();
    },
  );
  return {
    collector,
    address: `127.0.0.1:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      for (const release of held) release();
      await server.shutdown();
    },
  };
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
