/** What a CONSUMER span is linked to, in each way it may stand to other traces, and what it takes from the drain around it. */
import {
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
} from "@opentelemetry/api";
import { assert, assertEquals } from "@std/assert";
import type { QueueTracing } from "../src/queue/trace/tracing.ts";
import { formatTraceparent } from "../src/w3c/traceparent.ts";
import { test } from "./support/suite.ts";
import {
  bench,
  delivery,
  envelope,
  exported,
  failed,
  points,
  REMOTE,
  sent,
  START,
  success,
  theOnly,
  TRACEPARENT,
  within,
} from "./support/traced.ts";

const AROUND: SpanContext = {
  traceId: "1".repeat(32),
  spanId: "a".repeat(16),
  traceFlags: 1,
};
const BEFORE: SpanContext = {
  traceId: "2".repeat(32),
  spanId: "b".repeat(16),
  traceFlags: 1,
};
const previousSpan = formatTraceparent(BEFORE);

/** The span of a delivery within `around`, and the ids of the spans it is linked to. */
async function linked(
  more: Parameters<typeof delivery>[0],
  tracing: QueueTracing = {},
  around: SpanContext = AROUND,
) {
  const at = await bench({ tracing });
  const process = at.instrument.startProcess(
    delivery(more),
    envelope(),
    within(around),
    "w",
  );
  process.finish(success);
  process.settled("accepted");
  const span = await theOnly(at);
  return { ...span, linked: span.links.map(({ spanId }) => spanId) };
}

test("startProcess() links a child to the drain around it and to the attempt before", async () => {
  const span = await linked({ previousSpan });
  assertEquals(span.parentSpanId, REMOTE.spanId);
  assertEquals(span.linked, [AROUND.spanId, BEFORE.spanId]);
});

test("startProcess() links a child not to what is around it in its own trace", async () => {
  const around = { ...REMOTE, spanId: "c".repeat(16) };
  const span = await linked({ previousSpan }, {}, around);
  assertEquals(span.traceId, REMOTE.traceId);
  assertEquals(span.linked, [BEFORE.spanId]);
});

test("startProcess() links what begins a trace to its enqueue, the drain and the attempt before", async () => {
  const all = [REMOTE.spanId, AROUND.spanId, BEFORE.spanId];
  const asked = await linked({ previousSpan }, { correlation: "link" });
  assertEquals(asked.linked, all);
  const late = await linked({ previousSpan, dueAt: START + 3_600_001 });
  assertEquals(late.linked, all);
  for (const { traceId, parentSpanId } of [asked, late]) {
    assertEquals(parentSpanId, undefined);
    const others = [REMOTE, AROUND, BEFORE].map((span) => span.traceId);
    assert(!others.includes(traceId));
  }
});

test("startProcess() links to no attempt before whose span cannot be read", async () => {
  const span = await linked({ previousSpan: "nonsense" });
  assertEquals(span.linked, [AROUND.spanId]);
});

test("startProcess() takes no baggage from the drain when the task has none", async () => {
  const { instrument } = await bench();
  const around = propagation.setBaggage(
    within(AROUND),
    propagation.createBaggage({ drain: { value: "1" } }),
  );
  const process = instrument.startProcess(delivery(), envelope(), around, "w");
  assertEquals(propagation.getBaggage(process.context), undefined);
  process.settled("accepted");
});

test("ProcessTrace.finish() counts once, at first", async () => {
  const at = await bench();
  const process = at.instrument.startProcess(
    delivery(),
    envelope(),
    ROOT_CONTEXT,
    "w",
  );
  process.finish(success);
  process.finish(failed(new Error("too late")));
  process.settled("accepted");
  const { attributes, status } = await theOnly(at);
  assertEquals(attributes["baton.state"], "success");
  assertEquals(status.code, "UNSET");
  assertEquals(points(at, "messaging.process.duration").length, 1);
});

test("ProcessTrace.settled() counts a retry when the broker took it, and not when it was stale", async () => {
  const at = await bench();
  for (const answer of ["accepted", "stale", "unknown"] as const) {
    const process = at.instrument.startProcess(
      delivery(),
      envelope(),
      ROOT_CONTEXT,
      "w",
    );
    process.finish(failed(new Error("no"), "Error"));
    process.settled(answer);
  }
  await exported(at);
  const retries = points(at, "baton.task.retries");
  assertEquals(retries.map(({ value }) => value), [1]);
});

test("startEnqueue() hands on the caller's trace when the tracer makes no span", async () => {
  const { instrument } = await bench({
    telemetry: {
      tracerProvider: {
        getTracer() {
          throw new Error("no tracer");
        },
      },
    },
  });
  const producer = instrument.startEnqueue(within(), [sent]);
  assertEquals(producer.carrierOf(0).traceparent, TRACEPARENT);
  producer.succeed(1);
});
