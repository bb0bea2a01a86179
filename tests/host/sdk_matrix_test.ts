/**
 * The queue's spans and metrics are the same whoever makes them: `Telemetry`, the official SDK, Deno's own;
 * and the same for an app on any 1.9 or 1.10 of the OpenTelemetry API, which registers or only uses.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Collector } from "../support/collector.ts";
import {
  incoming,
  ORDERS,
  type Seen,
  shapeOf,
} from "../support/matrix/cascade.ts";
import {
  type Outcome,
  withDeno,
  withOfficial,
  withTelemetry,
} from "../support/matrix/run.ts";
import {
  apiOf,
  type ApiVersion,
  type SdkVersion,
} from "../support/official.ts";
import { test } from "../support/suite.ts";

/** `kind name task attempt < parent ~ links`: one step for each of the three attempts. */
const SPANS: readonly string[] = [
  "CLIENT receive shop < INTERNAL drain shop ~ PRODUCER enqueue shop order",
  "CLIENT receive shop < INTERNAL drain shop ~ PRODUCER enqueue shop order",
  "CLIENT receive shop < INTERNAL drain shop ~ PRODUCER enqueue shop receipt",
  "CLIENT settle shop < INTERNAL drain shop ~ PRODUCER enqueue shop order",
  "CLIENT settle shop < INTERNAL drain shop ~ PRODUCER enqueue shop order",
  "CLIENT settle shop < INTERNAL drain shop ~ PRODUCER enqueue shop receipt",
  "CONSUMER process shop order #1 < PRODUCER enqueue shop order ~ INTERNAL drain shop",
  "CONSUMER process shop order #2 < PRODUCER enqueue shop order ~ CONSUMER process shop order #1 ~ INTERNAL drain shop",
  "CONSUMER process shop receipt #1 < PRODUCER enqueue shop receipt ~ INTERNAL drain shop",
  "INTERNAL drain shop",
  "PRODUCER enqueue shop order < SERVER checkout",
  "PRODUCER enqueue shop receipt < CONSUMER process shop order #2",
  "SERVER checkout < the caller",
];

/** How many measurements there are of what; of gauges, how many series. */
const MEASURED: Readonly<Record<string, number>> = {
  [`sum ${ORDERS}`]: 1,
  "histogram messaging.client.operation.duration": 6,
  "histogram messaging.process.duration": 3,
  "sum messaging.client.sent.messages": 2,
  "sum messaging.client.consumed.messages": 3,
  "histogram baton.task.wait": 2,
  "sum baton.task.retries": 1,
  "sum baton.broker.requests": 6,
  "gauge baton.queue.oldest_age": 1,
};

/** What an SDK makes of W3C's fields. */
interface Keeps {
  readonly tracestate: boolean;
  /** The flag that says of a trace id that it is random. */
  readonly random: boolean;
}

const LIBRARIES: readonly string[] = ["@baton/queue", "shop"];

function measured({ metrics }: Collector): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind, name, points, library } of metrics) {
    if (!LIBRARIES.includes(library.name)) continue;
    const key = `${kind} ${name}`;
    for (const { count, value } of points) {
      const more = kind === "gauge" ? 1 : count ?? value ?? NaN;
      counts[key] = (counts[key] ?? 0) + more;
    }
  }
  return counts;
}

/** Takes out what is neither the app's nor Baton's. */
function withoutHost({ spans }: Collector): Pick<Collector, "spans"> {
  return {
    spans: spans.filter(({ library }) => LIBRARIES.includes(library.name)),
  };
}

function assertComplete(
  { collector, seen }: Outcome,
  keeps: Keeps,
): void {
  assertEquals(shapeOf(withoutHost(collector)), SPANS);
  assertEquals(measured(collector), MEASURED);
  assertPropagated(seen, keeps);
  const traceId = incoming.traceparent.split("-")[1];
  const inTrace = withoutHost(collector).spans.filter((span) =>
    span.traceId === traceId
  );
  assertEquals(inTrace.length, 6);
  for (const { name, flags, traceState } of inTrace) {
    assertEquals(flags & 0xff, keeps.random ? 3 : 1, name);
    assertEquals(
      traceState,
      keeps.tracestate ? incoming.tracestate : undefined,
      name,
    );
  }
}

/** Of the handler's span, whatever it would send goes on. */
function assertPropagated({ outgoing, receipt }: Seen, keeps: Keeps): void {
  const [version, traceId] = incoming.traceparent.split("-");
  const flags = keeps.random ? "03" : "01";
  assertEquals(outgoing, {
    traceparent: [version, traceId, receipt, flags].join("-"),
    ...keeps.tracestate ? { tracestate: incoming.tracestate } : {},
  });
}

/** In each run its own span was current, as the app's copy of the API sees it. */
function assertCurrent({ runs }: Seen): void {
  assertEquals(runs.length, 3);
  for (const { current, own } of runs) assertEquals(current, own);
}

const EVERYTHING: Keeps = { tracestate: true, random: true };
/** A loss of the official SDK's, versions 2 and 3: when it is mended, this and the README are to be changed. */
const NO_RANDOM_FLAG: Keeps = { tracestate: true, random: false };
/** Losses of Deno's: when they are mended, this and the README are to be changed. */
const NEITHER: Keeps = { tracestate: false, random: false };

const NATIVE: Readonly<Record<SdkVersion, ApiVersion>> = {
  2: "1.9.1",
  3: "1.10.0",
};

test("Queue makes its spans and metrics through a Telemetry that it is given", async () => {
  const outcome = await withTelemetry(apiOf("1.9.1"), { isRegistered: false });
  assertComplete(outcome, EVERYTHING);
});

for (const version of [2, 3] as const) {
  test(`Queue makes the same spans and metrics through the official SDK v${version} that it is given`, async () => {
    const outcome = await withOfficial(version, apiOf(NATIVE[version]), {
      isRegistered: false,
    });
    assertComplete(outcome, NO_RANDOM_FLAG);
  });
}

for (
  const [apiVersion, sdkVersion] of [
    ["1.9.0", 2],
    ["1.9.1", 2],
    ["1.10.0", 3],
  ] as const
) {
  test(`Queue makes the same spans and metrics when an app on API ${apiVersion} has registered the official SDK v${sdkVersion}`, async () => {
    const outcome = await withOfficial(sdkVersion, apiOf(apiVersion), {
      isRegistered: true,
    });
    assertComplete(outcome, NO_RANDOM_FLAG);
    assertCurrent(outcome.seen);
  });

  test(`Telemetry.register() serves an app that only uses API ${apiVersion}`, async () => {
    const outcome = await withTelemetry(apiOf(apiVersion), {
      isRegistered: true,
    });
    assertComplete(outcome, EVERYTHING);
    assertCurrent(outcome.seen);
  });
}

for (const protocol of ["http/protobuf", "http/json"] as const) {
  test(`Queue makes the same spans and metrics through Deno's own SDK over ${protocol}`, async () => {
    const outcome = await withDeno(protocol);
    assertComplete(outcome, NEITHER);
    assertCurrent(outcome.seen);
  });
}

test("ctx.fetch and telemetry.fetch leave it to Deno's own SDK to trace their requests", async () => {
  const { collector, seen, requests } = await withDeno("http/protobuf");
  const clients = collector.spans.filter(({ kind, library }) =>
    kind === "CLIENT" && !LIBRARIES.includes(library.name)
  );
  assertEquals(clients.map(({ name, parentSpanId }) => [name, parentSpanId]), [
    ["GET", seen.receipt],
    ["GET", undefined],
  ]);
  assertEquals(
    requests.map((headers) => headers.get("traceparent")),
    clients.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`),
  );
  assertEquals(seen.own, 0);
});
