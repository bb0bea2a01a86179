/**
 * A worker whose requests overlap in one isolate, with a `Telemetry` that is made while it starts.
 *
 * @module
 */
import { type Context, trace } from "@opentelemetry/api";
import { Hono } from "hono";
import { systemTelemetryClock } from "../../../src/otlp/clock.ts";
import { tracing, type TracingVariables } from "../../../src/hono/mod.ts";
import { type FlushReport, Telemetry } from "../../../src/otlp/mod.ts";

/** What the worker tells of itself. */
export interface Told {
  /** How many requests have come so far. */
  readonly arrived: number;
  /** How often the request that never ends has looked at the time. */
  readonly ticks: number;
  /** What each request's flush reported, by its trace id. */
  readonly reports: Readonly<Record<string, FlushReport>>;
}

/** What a request is answered. */
export interface Answered {
  /** Whether its span is current after all that it awaited. */
  readonly current: boolean;
  /** Whether the host keeps the current context. */
  readonly available: boolean;
}

/** How long a flush has, and waits for open spans: no machine is too slow for it. The test lets it pass. */
const PATIENCE_MS = 600_000;

let ahead = 0;
let hurried = 0;
let arrived = 0;
let ticks = 0;
const reports: Record<string, FlushReport> = {};

const telemetry = new Telemetry({
  serviceName: "overlap",
  endpoint: "http://collector.test",
  timeoutMs: PATIENCE_MS,
  flushWaitMs: PATIENCE_MS,
  clock: {
    ...systemTelemetryClock,
    now: () => Date.now() + ahead,
    monotonic: () => performance.now() + ahead,
    // looks again and again: a request that hurries another one may not touch its timers
    after(ms, callback) {
      const passed = () => performance.now() + hurried;
      const at = passed() + ms;
      let timer: ReturnType<typeof setTimeout>;
      const look = () => {
        if (passed() >= at) return callback();
        timer = setTimeout(look, Math.min(20, at - passed()));
      };
      timer = setTimeout(look, Math.min(20, ms));
      return () => clearTimeout(timer);
    },
  },
});

/** The telemetry as `tracing()` uses it, with its reports kept. */
const given = {
  tracerProvider: telemetry.tracerProvider,
  meterProvider: telemetry.meterProvider,
  propagator: telemetry.propagator,
  contextManager: telemetry.contextManager,
  openScope: (context: Context) => telemetry.openScope(context),
  async flush(context?: Context): Promise<FlushReport> {
    const traceId = context && trace.getSpan(context)?.spanContext().traceId;
    const report = await telemetry.flush(context);
    reports[traceId ?? ""] = report;
    return report;
  },
};

const app = new Hono<{ Variables: TracingVariables }>();
app.use(
  tracing({ telemetry: given, skip: (c) => c.req.path.startsWith("/_") }),
);

app.get("/_told", (c) => c.json({ arrived, ticks, reports } satisfies Told));

app.get("/_skip/:ms", (c) => {
  ahead += Number(c.req.param("ms"));
  return c.body(null, 204);
});

app.get("/_hurry", (c) => {
  hurried += PATIENCE_MS;
  return c.body(null, 204);
});

app.get("/_flush", async (c) => c.json(await telemetry.flush()));

app.get("/never", async (c) => {
  span("step", c.var.otel).end();
  arrived++;
  for (;; ticks++) await pause(5);
});

app.get("/work/:together", async (c) => {
  const { otel } = c.var;
  const step = span("step", otel);
  count(otel);
  arrived++;
  while (arrived < Number(c.req.param("together"))) await pause(2);
  await pause(20 + Math.random() * 80);
  step.end();

  const background = span("background", otel);
  c.executionCtx.waitUntil(pause(50).then(() => background.end()));
  if (c.req.query("late") !== undefined) {
    c.executionCtx.waitUntil(afterwards(otel));
  }
  const { available } = telemetry.contextManager;
  const current = trace.getSpan(telemetry.contextManager.active());
  return c.json(
    { available, current: current === c.var.span } satisfies Answered,
  );
});

/** Makes a span when the request's own flush is over. */
async function afterwards(otel: Context): Promise<void> {
  const traceId = trace.getSpan(otel)?.spanContext().traceId ?? "";
  while (reports[traceId] === undefined) await pause(5);
  span("afterthought", otel).end();
}

function span(name: string, otel: Context) {
  return telemetry.tracerProvider.getTracer("app").startSpan(name, {}, otel);
}

function count(otel: Context): void {
  telemetry.meterProvider.getMeter("app").createCounter("worked")
    .add(1, {}, otel);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export default app;
