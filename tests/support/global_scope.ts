/**
 * A worker that makes everything Baton offers while it starts: workerd refuses
 * time, randomness, timers and fetch there.
 *
 * @module
 */
import { Redis } from "@upstash/redis";
import { Hono } from "hono";
import { defineTask, exponential, Queue, UpstashBroker } from "../../mod.ts";
import { cron, scheduled } from "../../src/cron/mod.ts";
import { type BatonVariables, consumer, tracing } from "../../src/hono/mod.ts";
import { Telemetry } from "../../src/otlp/mod.ts";
import { connect } from "../../src/upstash/mod.ts";
import { W3CPropagator } from "../../src/w3c/mod.ts";

/** How many of what is forbidden was refused: proof that this worker tests what it says. */
const refused = [
  () => crypto.randomUUID(),
  () => setTimeout(() => {}, 1),
].filter((forbidden) => {
  try {
    forbidden();
    return false;
  } catch {
    return true;
  }
}).length;

const database = { url: "https://redis.example", token: "none" };

const double = defineTask("double", {
  maxAttempts: 5,
  backoff: exponential({ baseMs: 1_000, maxMs: 600_000 }),
  timeoutMs: 30_000,
  resultTtlMs: 3_600_000,
  run: (n: number) => n * 2,
});
const triple = defineTask<number>("triple");
const tripleHandler = triple.handle((n) => n * 3);

const telemetry = new Telemetry({
  serviceName: "global scope",
  endpoint: "https://otlp.example",
});
const handlers = [double, tripleHandler];
const remote = new Queue({
  name: "remote",
  broker: new UpstashBroker(new Redis(database)),
  handlers,
  telemetry,
});
const connected = new Queue({
  name: "connected",
  broker: new UpstashBroker(connect(database)),
  handlers,
});
const local = Queue.inMemory({
  handlers,
  seal: {
    keys: [{ id: "2026", secret: "a secret of at least thirty-two bytes" }],
    encrypt: true,
  },
});

const app = new Hono<{ Variables: BatonVariables }>();
app.use(tracing({ telemetry, queue: remote }));
app.post("/drain", consumer(remote));

const made = [
  app,
  connected,
  cron(remote),
  scheduled(remote),
  new W3CPropagator(),
  Telemetry.fromEnv({ OTEL_SERVICE_NAME: "global scope" }),
];

export default {
  async test(): Promise<void> {
    if (refused !== 2) throw new Error("Global scope refuses nothing here");
    if (made.some((each) => each === undefined)) throw new Error("Not made");
    const { id } = await local.enqueue(double, 21);
    await local.drain();
    const result = await local.result(id);
    if (result.status !== "completed" || result.value !== 42) {
      throw new Error(`The task ended as ${JSON.stringify(result)}`);
    }
  },
};
