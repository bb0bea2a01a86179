/** A request that enqueues an order, which fails once and then enqueues its receipt: the same work under every SDK. */
import { SpanKind, type TextMapPropagator } from "@opentelemetry/api";
import {
  defineTask,
  type HandlerContext,
  Queue,
  type QueueTelemetry,
} from "../../../mod.ts";
import { fixed } from "../../../src/core/backoff.ts";
import type { Collector, ReceivedSpan } from "../collector.ts";
import type { Api } from "../official.ts";

/** What the caller of the app sends. */
export const incoming = {
  traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03",
  tracestate: "vendor=t61rcWkgMzE,other=00f067aa0ba902b7",
} as const;

/** The name of the app's own counter. */
export const ORDERS = "shop.orders";

/** An app, by what it has of OpenTelemetry. */
export interface App {
  /** The copy of the API that the app has loaded. */
  readonly api: Api;
  /** Where the app takes its tracer and its meter; the API's globals have both. */
  readonly tracing: Pick<Api["trace"], "getTracer">;
  readonly measuring: Pick<Api["metrics"], "getMeter">;
  readonly propagation: Pick<TextMapPropagator, "extract" | "inject">;
  /** What the app gives the queue: nothing where everything is registered. */
  readonly telemetry: QueueTelemetry;
  /** Whether a context manager is registered; else the app hands contexts on. */
  readonly isRegistered: boolean;
  /** What the receipt's handler does besides. */
  readonly onReceipt?: (ctx: HandlerContext) => Promise<void>;
}

/** An app all of whose OpenTelemetry is in the API's globals, seen through its own copy. */
export function registeredApp(api: Api): App {
  const { propagation } = api;
  return {
    api,
    tracing: api.trace,
    measuring: api.metrics,
    propagation: {
      extract: (context, carrier, getter) =>
        propagation.extract(context, carrier, getter),
      inject: (context, carrier, setter) =>
        propagation.inject(context, carrier, setter),
    },
    telemetry: {},
    isRegistered: true,
  };
}

/** What the app itself could see. */
export interface Seen {
  /** The span that was current in each run, and the run's own: the same where a context manager is registered. */
  readonly runs: readonly {
    readonly current: string | undefined;
    readonly own: string;
  }[];
  /** What the receipt's handler would have sent to another service. */
  readonly outgoing: Readonly<Record<string, string>>;
  /** The receipt's own span. */
  readonly receipt: string;
}

/** Runs it. */
export async function runCascade(app: App): Promise<Seen> {
  const { api, propagation } = app;
  const runs: Seen["runs"][number][] = [];
  const outgoing: Record<string, string> = {};
  let receiptSpan = "";
  const note = (own: string) => {
    const span = api.trace.getActiveSpan();
    runs.push({ current: span?.spanContext().spanId, own });
  };
  const receipt = defineTask("receipt", {
    async run(_: void, ctx) {
      receiptSpan = ctx.span.spanContext().spanId;
      note(receiptSpan);
      const here = app.isRegistered ? api.context.active() : ctx.context;
      propagation.inject(here, outgoing, api.defaultTextMapSetter);
      await app.onReceipt?.(ctx);
    },
  });
  const order = defineTask("order", {
    maxAttempts: 2,
    backoff: fixed(0),
    async run(_: void, ctx) {
      note(ctx.span.spanContext().spanId);
      if (ctx.attempt === 1) throw new Error("out of stock");
      await ctx.enqueue(receipt);
    },
  });
  const queue = Queue.inMemory({
    name: "shop",
    handlers: [order, receipt],
    telemetry: app.telemetry,
  });

  const orders = app.measuring.getMeter("shop").createCounter(ORDERS);
  const remote = propagation.extract(
    api.ROOT_CONTEXT,
    incoming,
    api.defaultTextMapGetter,
  );
  const tracer = app.tracing.getTracer("shop");
  const span = tracer.startSpan("checkout", { kind: SpanKind.SERVER }, remote);
  const within = api.trace.setSpan(remote, span);
  if (app.isRegistered) {
    await api.context.with(within, () => queue.enqueue(order));
  } else await queue.within(within).enqueue(order);
  orders.add(1, { currency: "EUR" });
  span.end();

  await queue.drain({ concurrency: 1, batchSize: 1, lingerMs: 0 });
  return { runs, outgoing, receipt: receiptSpan };
}

/** Each span as `kind name [task] [attempt] < its parent ~ its links`, in alphabetical order. */
export function shapeOf({ spans }: Pick<Collector, "spans">): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, nameOf(span)]));
  const remote = incoming.traceparent.split("-")[2]!;
  const named = (id: string): string =>
    byId.get(id) ?? (id === remote ? "the caller" : "nobody");
  return spans.map((span) => {
    const parent = span.parentSpanId ? ` < ${named(span.parentSpanId)}` : "";
    const links = span.links.map(({ spanId }) => ` ~ ${named(spanId)}`).sort();
    return nameOf(span) + parent + links.join("");
  }).sort();
}

function nameOf({ kind, name, attributes }: ReceivedSpan): string {
  const task = attributes["baton.task.name"];
  const attempt = attributes["baton.attempt"];
  return [kind, name, task, attempt && `#${attempt}`].filter(Boolean).join(" ");
}
