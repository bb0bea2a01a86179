/** A deployment that hears rings, in this process: a Hono app whose `fetch` is the hop, as a service binding's is. */
import { Hono } from "hono";
import type { Queue } from "../../mod.ts";
import { consumer, type ConsumerOptions } from "../../src/hono/mod.ts";

export const SECRET = "of-both-sides";
export const ROUTE = "https://tasks.test/drain";

/** What came, and how it was answered. */
export interface Heard {
  readonly request: Request;
  readonly status: number;
}

/** A route that drains, and what it heard. */
export interface Deployment {
  readonly heard: readonly Heard[];
  readonly fetch: typeof fetch;
  /** What runs behind answers that were given. */
  readonly background: () => Promise<void>;
}

/** Serves `queue` at {@link ROUTE}; a hop takes `hopMs` each way. */
export function deploy(
  queue: Queue,
  { hopMs = 0, ...options }: ConsumerOptions & { readonly hopMs?: number } = {},
): Deployment {
  const app = new Hono();
  const heard: Heard[] = [];
  const work: Promise<unknown>[] = [];
  const host = {
    waitUntil: (promise: Promise<unknown>) => void work.push(promise),
    passThroughOnException() {},
    props: {},
  };
  app.post("/drain", consumer(queue, { secret: SECRET, ...options }));
  app.onError((_, c) => c.text("failed", 500));
  return {
    heard,
    async fetch(input, init) {
      const request = new Request(input, init);
      const copy = request.clone();
      await pause(hopMs);
      const response = await app.fetch(request, {}, host);
      await pause(hopMs);
      heard.push({ request: copy, status: response.status });
      return response;
    },
    async background() {
      while (work.length > 0) await work.pop();
    },
  };
}

/** Waits in real time: for a hop. */
export function pause(ms: number): Promise<void> {
  return ms === 0
    ? Promise.resolve()
    : new Promise((resolve) => void setTimeout(resolve, ms));
}
