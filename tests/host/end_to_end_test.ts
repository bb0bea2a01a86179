/**
 * The main job, over real HTTP: a request becomes tasks, a drain runs them, and the OTLP receiver holds one trace.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { UpstashBroker, type WorkflowBroker } from "../../mod.ts";
import { MemoryBroker } from "../../src/broker/memory.ts";
import { cron } from "../../src/cron/mod.ts";
import { connect } from "../../src/upstash/mod.ts";
import type { Collector, ReceivedSpan } from "../support/collector.ts";
import { serveCollector } from "../support/collector_server.ts";
import { openShop, SHOP } from "../support/e2e/shop.ts";
import { caller, signUp } from "../support/e2e/signup.ts";
import { startGateway } from "../support/gateway/mod.ts";
import { test } from "../support/suite.ts";

/** The spans of the request's trace in their order: each is the parent of the next. */
const CHAIN: readonly string[] = [
  "SERVER POST /signup",
  `PRODUCER enqueue ${SHOP} account`,
  `CONSUMER process ${SHOP} account`,
  `PRODUCER enqueue ${SHOP} welcome`,
  `CONSUMER process ${SHOP} welcome`,
  `PRODUCER enqueue ${SHOP} tip`,
  `CONSUMER process ${SHOP} tip`,
];

/** A request to one process, then a cron run of another one. */
async function signUpAndDrain(
  broker: () => WorkflowBroker,
  check: (collector: Collector) => void,
): Promise<void> {
  await using received = serveCollector();
  const { collector, endpoint } = received;
  const web = openShop({ broker: broker(), endpoint, service: "web" });
  const { status, id } = await signUp(web);
  assertEquals(status, 202);
  await collector.waitFor(({ spans }) => spans.length === 2);

  const worker = openShop({ broker: broker(), endpoint, service: "worker" });
  await cron(worker.queue, { lingerMs: 0 })();
  assertEquals((await web.queue.result(id)).status, "completed");
  check(collector);
}

function checkTrace({ spans }: Collector): void {
  const trace = spans.filter(({ traceId }) => traceId === caller.traceId);
  assertEquals(trace.length, CHAIN.length);

  const chain: ReceivedSpan[] = [];
  for (let parent: string = caller.spanId;;) {
    const children = trace.filter(({ parentSpanId }) =>
      parentSpanId === parent
    );
    assert(children.length <= 1, `${parent} has several children`);
    const [child] = children;
    if (child === undefined) break;
    chain.push(child);
    parent = child.spanId;
  }
  assertEquals(
    chain.map(({ kind, name, attributes }) =>
      [kind, name, attributes["baton.task.name"]].filter(Boolean).join(" ")
    ),
    CHAIN,
  );
  for (const span of chain) {
    assertEquals(span.traceState, caller.traceState, span.name);
    assertEquals(span.flags & 0xff, caller.flags, span.name);
    assertEquals(span.status.code, "UNSET", span.name);
    const service = chain.indexOf(span) < 2 ? "web" : "worker";
    assertEquals(span.resource["service.name"], service, span.name);
  }
}

function checkDrain({ spans }: Collector): void {
  const own = spans.filter(({ traceId }) => traceId !== caller.traceId);
  const drains = own.filter(({ name }) => name === `drain ${SHOP}`);
  const [drain] = drains;
  assert(drain !== undefined && drains.length === 1);
  assertEquals([drain.kind, drain.parentSpanId], ["INTERNAL", undefined]);
  for (const span of own) {
    assertEquals(span.traceId, drain.traceId, "one trace for the drain");
    if (span === drain) continue;
    assertEquals([span.kind, span.parentSpanId], ["CLIENT", drain.spanId]);
  }
  const steps = new Set(own.map(({ name }) => name));
  assertEquals(
    steps,
    new Set([`drain ${SHOP}`, `receive ${SHOP}`, `settle ${SHOP}`]),
  );
  const processed = spans.filter(({ kind }) => kind === "CONSUMER");
  for (const { links } of processed) {
    assertEquals(links.length, 1);
    assertEquals(links[0]?.traceId, drain.traceId);
    assertEquals(links[0]?.spanId, drain.spanId);
  }
  assertNotEquals(drain.traceId, caller.traceId);
}

test("a signup over HTTP is one trace of 7 spans, and its drain another, through Redis", async () => {
  await using gateway = await startGateway();
  const { url, token } = gateway;
  await signUpAndDrain(
    () => new UpstashBroker(connect({ url, token })),
    (collector) => {
      checkTrace(collector);
      checkDrain(collector);
    },
  );
});

test("a signup over HTTP is one trace of 7 spans, and its drain another, in memory", async () => {
  const broker = new MemoryBroker();
  await signUpAndDrain(() => broker, (collector) => {
    checkTrace(collector);
    checkDrain(collector);
  });
});
