/** An instrument that makes no spans and writes down what it was told, for tests of the consumer's side. */
import {
  type Context,
  createContextKey,
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
  trace,
} from "@opentelemetry/api";
import type { Delivery } from "../../src/broker/broker.ts";
import type {
  Instrument,
  ProcessEnd,
  SentTask,
  StepTrace,
} from "../../src/queue/trace/instrument.ts";

/** A PRODUCER span as it was told. */
export interface ToldEnqueue {
  readonly context: Context;
  readonly tasks: readonly SentTask[];
  /** How it ended, each time it was told so: once, if all is well. */
  readonly ends: ("sent" | "failed")[];
}

/** A CONSUMER span as it was told. */
export interface ToldProcess {
  readonly delivery: Delivery;
  readonly context: Context;
  readonly ambient: Context;
  readonly worker: string;
  readonly events: string[];
  end?: ProcessEnd;
  answer?: string;
}

/** A drain's span as it was told. */
export interface ToldDrain {
  readonly context: Context;
  readonly steps: StepTrace[];
  moved?: number;
  error?: unknown;
}

/** What was told, in order. */
export interface SilentInstrument extends Instrument {
  readonly enqueued: readonly ToldEnqueue[];
  readonly processed: readonly ToldProcess[];
  readonly drains: readonly ToldDrain[];
  readonly flushed: readonly (Context | undefined)[];
}

const MARK = createContextKey("test mark");

/** Makes one. */
export function silentInstrument(): SilentInstrument {
  const enqueued: ToldEnqueue[] = [];
  const processed: ToldProcess[] = [];
  const drains: ToldDrain[] = [];
  const flushed: (Context | undefined)[] = [];
  const marked = (context: Context, mark: string) =>
    context.setValue(MARK, mark);
  return {
    enqueued,
    processed,
    drains,
    flushed,
    isReady: true,
    load: () => Promise.resolve(),
    activeContext: () => ROOT_CONTEXT,
    checkContext() {},
    telemetry: {},
    signals: 0,
    openScope: (context) => context,
    fetchIn: () => fetch,
    spent() {},
    lost() {},
    observed() {},
    flush(context) {
      flushed.push(context);
      return Promise.resolve();
    },
    startDrain(outer) {
      const told: ToldDrain = { context: marked(outer, "drain"), steps: [] };
      drains.push(told);
      return {
        context: told.context,
        startStep: () => (step) => void told.steps.push(step),
        end(moved, error) {
          told.moved = moved;
          told.error = error;
        },
      };
    },
    startEnqueue(context, tasks) {
      const ends: ToldEnqueue["ends"] = [];
      enqueued.push({ context, tasks, ends });
      let isHandedOver = false;
      const end = (end: "sent" | "failed") => {
        if (!isHandedOver) ends.push(end);
      };
      return {
        context,
        carrierOf: () => ({ traceparent: `producer of ${tasks[0]?.id}` }),
        handOver() {
          end("sent");
          isHandedOver = true;
        },
        succeed: () => end("sent"),
        fail: () => end("failed"),
      };
    },
    startSchedule: () => ({ carrier: {}, succeed() {}, fail() {} }),
    startFiring(ambient, _, task) {
      return this.startEnqueue(ambient, [task]);
    },
    startProcess(delivery, envelope, ambient, worker) {
      const context = marked(ambient, `process ${delivery.id}`);
      const span = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
      const events: string[] = [];
      span.addEvent = (name) => {
        events.push(name);
        return span;
      };
      const told: ToldProcess = { delivery, context, ambient, worker, events };
      processed.push(told);
      return {
        span,
        context,
        creation: undefined,
        traceparent: () => `attempt ${delivery.attempt} of ${delivery.id}`,
        depth: envelope?.depth ?? 0,
        run: (callback) => callback(),
        finish: (end) => void (told.end ??= end),
        settled: (answer) => void (told.answer ??= answer),
      };
    },
  };
}
