/** A Hono app whose telemetry goes to a collector, and the host around it. */
import { Hono } from "hono";
import {
  type BatonVariables,
  tracing,
  type TracingOptions,
} from "../../src/hono/mod.ts";
import type { Collector, ReceivedSpan } from "./collector.ts";
import { wire, type Wired } from "./otlp.ts";

/** What a host offers to a request. */
export interface Execution {
  waitUntil(work: Promise<unknown>): void;
  passThroughOnException(): void;
  readonly props: Record<string, never>;
}

/** An app under test. */
export interface TracedApp extends Wired {
  readonly app: Hono<{ Variables: BatonVariables }>;
  /** Asks the app as a host does, and waits for what it does after the answer. */
  ask(path: string, init?: RequestInit, env?: object): Promise<Response>;
  /** The only span that has arrived. */
  span(): ReceivedSpan;
}

/** An app with `tracing()` before everything. */
export function tracedApp(options: TracingOptions = {}): TracedApp {
  const wired = wire();
  const app = new Hono<{ Variables: BatonVariables }>();
  app.use(tracing({ telemetry: wired.telemetry, ...options }));
  return {
    ...wired,
    app,
    async ask(path, init = {}, env = {}) {
      const work: Promise<unknown>[] = [];
      try {
        return await app.request(path, init, env, execution(work));
      } finally {
        await Promise.all(work);
      }
    },
    span: () => onlySpan(wired.collector),
  };
}

/** A host that keeps what a request still does. */
export function execution(work: Promise<unknown>[]): Execution {
  return {
    waitUntil: (promise) => void work.push(promise),
    passThroughOnException() {},
    props: {},
  };
}

function onlySpan({ spans }: Collector): ReceivedSpan {
  const [span] = spans;
  if (span === undefined || spans.length > 1) {
    throw new Error(`${spans.length} spans arrived, not one`);
  }
  return span;
}
