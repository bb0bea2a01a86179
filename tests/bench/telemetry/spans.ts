/** Spans from their start to bytes: one trace a batch, 10 attributes a span, by both SDKs' own tracers and serializers. */
import { ROOT_CONTEXT, SpanKind, type Tracer } from "@opentelemetry/api";
import { activeContext } from "../../../src/otlp/active.ts";
import { attributeList } from "../../../src/otlp/attributes.ts";
import { SpanBuffer } from "../../../src/otlp/buffer.ts";
import { systemTelemetryClock } from "../../../src/otlp/clock.ts";
import { encodingOf, type Protocol } from "../../../src/otlp/encoding.ts";
import { DEFAULT_LIMITS } from "../../../src/otlp/limits.ts";
import { describeResource } from "../../../src/otlp/resource.ts";
import { alwaysOn, parentBased } from "../../../src/otlp/sampler.ts";
import { judgeBy } from "../../../src/otlp/tail.ts";
import { tracerProvider } from "../../../src/otlp/tracer.ts";
import { EdgeContextManager } from "../../../src/w3c/mod.ts";
import {
  type Api,
  apiOf,
  type Classes,
  keeping,
  type ReadableSpan,
} from "../../support/official.ts";
import { consume, type Contest, type Work } from "./contest.ts";

const BATCHES = [512, 5];
const BOUNDS = {
  "http/json": { goal: 2.5, floor: 1.7 },
  "http/protobuf": { goal: 3, floor: 2.2 },
} as const;

/** JSON and protobuf, large batches and small. */
export function spanContests(classes: Classes): readonly Contest[] {
  const protocols: readonly Protocol[] = ["http/json", "http/protobuf"];
  return protocols.flatMap((protocol) =>
    BATCHES.map((batch): Contest => ({
      operation: `${batch} spans, ${protocol.slice("http/".length)}`,
      ...BOUNDS[protocol],
      baton: batonWork(protocol, batch),
      official: officialWork(classes, protocol, batch),
    }))
  );
}

function batonWork(protocol: Protocol, batch: number): Work {
  const clock = systemTelemetryClock;
  const buffer = new SpanBuffer(clock, Infinity, judgeBy([]));
  const tracer = tracerProvider({
    enabled: true,
    hasTail: false,
    buffer,
    sampler: parentBased(alwaysOn),
    limits: DEFAULT_LIMITS,
    clock,
    context: activeContext(new EdgeContextManager()),
  }).getTracer("bench");
  const resource = attributeList(describeResource({ serviceName: "bench" }));
  const { encode } = encodingOf("traces", protocol);
  const work = spanWork(apiOf("1.9.1"), tracer, batch);
  return () => {
    const count = work();
    consume(encode(resource, buffer.take(undefined, true).spans));
    return count;
  };
}

function officialWork(
  classes: Classes,
  protocol: Protocol,
  batch: number,
): Work {
  const spans: ReadableSpan[] = [];
  const tracer = new classes.TracerProvider({
    spanProcessors: [keeping(spans)],
  }).getTracer("bench");
  const serializer = protocol === "http/json"
    ? classes.JsonTraceSerializer
    : classes.ProtobufTraceSerializer;
  const work = spanWork(apiOf("1.10.0"), tracer, batch);
  return () => {
    const count = work();
    consume(serializer.serializeRequest(spans.splice(0)));
    return count;
  };
}

/** A request with `batch - 1` tasks in it. */
function spanWork(
  { trace }: Pick<Api, "trace">,
  tracer: Tracer,
  batch: number,
): () => number {
  let next = 0;
  const attributes = () => ATTRIBUTES[next++ % ATTRIBUTES.length]!;
  return () => {
    const root = tracer.startSpan(
      "POST /orders",
      { kind: SpanKind.SERVER },
      ROOT_CONTEXT,
    );
    root.setAttributes(attributes());
    const within = trace.setSpan(ROOT_CONTEXT, root);
    for (let i = 1; i < batch; i++) {
      const span = tracer.startSpan(
        "process orders",
        { kind: SpanKind.CONSUMER },
        within,
      );
      span.setAttributes(attributes());
      span.end();
    }
    root.end();
    return batch;
  };
}

const TOTALS = [19.99, 5.5, 120.25, 7.75];
const TASKS = ["charge", "reserve", "pack", "ship", "notify", "invoice"];

/** As spans have them: two of them are hardly ever the same. */
const ATTRIBUTES = Array.from({ length: 4_096 }, (_, ordinal) => ({
  "messaging.system": "baton",
  "messaging.destination.name": "orders",
  "messaging.operation.name": "process",
  "messaging.operation.type": "process",
  "messaging.message.id": `order-${ordinal}`,
  "server.address": "shop.example",
  "server.port": 443,
  "baton.task.name": TASKS[ordinal % TASKS.length]!,
  "url.full": `https://shop.example/orders/${ordinal}?from=cart`,
  "shop.total": TOTALS[ordinal % TOTALS.length]!,
}));
