/** How long a wake takes: from the return of `enqueue` to the handler, through a gateway that delays each request. */
import { defineTask, Queue, ring, UpstashBroker } from "../../mod.ts";
import type { Wake } from "../../mod.ts";
import { Redis } from "@upstash/redis";
import { type Control, control } from "./gateway/control.ts";
import { gateway } from "./host.ts";
import { deploy, pause, ROUTE, SECRET } from "./ringing.ts";

/** How long the gateway holds each request back. */
export const DELAY_MS = 50;
/** How long a ring is on its way. */
export const HOP_MS = 10;

/** A producer and a consumer in two deployments, behind one slow gateway. */
export interface Line extends AsyncDisposable {
  readonly lane: Control;
  readonly producer: Queue;
  readonly rings: () => number;
  /** Enqueues, and gives how long it took from its return to the handler. */
  wakeMs(): Promise<number>;
  /** How long a request to the broker takes on this machine now. */
  tripMs(): Promise<number>;
  /** And a hop. */
  hopMs(): Promise<number>;
  /** Waits until nobody does anything any more. */
  quiet(): Promise<void>;
}

const run = defineTask<number>("run");

/** Opens it; `inline` drains in the producer instead of ringing. */
export async function openLine(
  { local }: { readonly local?: Wake } = {},
): Promise<Line> {
  const token = `${gateway.token}.${crypto.randomUUID().slice(0, 8)}`;
  const lane = control(gateway.url, token);
  const client = new Redis({
    url: gateway.url,
    token,
    automaticDeserialization: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
    retry: { retries: 0 },
  });
  const name = `hop-${crypto.randomUUID().slice(0, 18)}`;
  const broker = new UpstashBroker(client);
  const startedAt = new Map<number, (at: number) => void>();
  const left: Promise<unknown>[] = [];
  let n = 0, rings = 0;
  const handlers = [
    run.handle((n) => startedAt.get(n)?.(performance.now())),
  ];
  const consumer = new Queue({ name, broker, handlers });
  const there = deploy(consumer, { hopMs: HOP_MS, lingerMs: 0 });
  const far = ring({
    url: ROUTE,
    secret: SECRET,
    fetch: (...call) => {
      rings++;
      return there.fetch(...call);
    },
  });
  const producer = new Queue({
    name,
    broker,
    ...(local ? { handlers } : {}),
    wake: local ?? far,
    waitUntil: (work) => void left.push(work),
  });
  async function quiet(): Promise<void> {
    while (left.length > 0) await left.pop();
    await there.background();
  }
  // the scripts are there, and the code is warm, before anything is delayed
  await producer.enqueue(run, -1);
  await producer.stats();
  await quiet();
  await lane.add({ kind: "delay", ms: DELAY_MS, probability: 1 });
  return {
    lane,
    producer,
    rings: () => rings,
    async wakeMs() {
      const { promise, resolve } = Promise.withResolvers<number>();
      startedAt.set(++n, resolve);
      await producer.enqueue(run, n);
      const returnedAt = performance.now();
      const ms = await promise - returnedAt;
      await quiet();
      return ms;
    },
    tripMs: () => msOf(() => producer.stats()),
    hopMs: () => msOf(() => pause(HOP_MS)),
    quiet,
    async [Symbol.asyncDispose]() {
      await quiet();
      await lane.clear();
    },
  };
}

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** The middle one. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

export { run };
