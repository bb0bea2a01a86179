import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Queue } from "../mod.ts";
import { perEnv } from "../src/core/per_env.ts";
import { scheduled } from "../src/cron/mod.ts";
import { type BatonVariables, consumer, tracing } from "../src/hono/mod.ts";
import { test } from "./support/suite.ts";

/** What a host of Cloudflare's kind hands to each request. */
function execution(held: Promise<unknown>[]) {
  return {
    waitUntil: (work: Promise<unknown>) => void held.push(work),
    passThroughOnException() {},
    props: {},
  };
}

test("perEnv() makes one value for each environment, and one alone where the function takes none", () => {
  const [a, b] = [{}, {}];
  const each = perEnv((env: object) => ({ env }));
  assertEquals([each(a) === each(a), each(a) === each(b)], [true, false]);
  let made = 0;
  const one = perEnv<object, object>(() => ({ made: ++made }));
  assertEquals([one(a) === one(b), made], [true, 1]);
});

test("tracing(), consumer() and scheduled() make a queue once that needs nothing of its environment, though hosts hand one to each request", async () => {
  const made: string[] = [];
  const make = () => {
    made.push("queue");
    return Queue.inMemory();
  };
  const app = new Hono<{ Variables: BatonVariables }>();
  app.use(tracing({
    queue: make,
    telemetry() {
      made.push("telemetry");
      return {};
    },
  }));
  app.post("/drain", consumer(make));
  app.get("/", (c) => c.text(c.var.queue.name));
  const run = scheduled(make);
  for (let request = 0; request < 2; request++) {
    const held: Promise<unknown>[] = [];
    const info = { remoteAddr: { hostname: "127.0.0.1", port: request } };
    await app.request("/", {}, info, execution(held));
    await app.request("/drain", { method: "POST" }, info, execution(held));
    await run(undefined, info, execution(held));
    await Promise.all(held);
  }
  assertEquals(made.sort(), ["queue", "queue", "queue", "telemetry"]);
});
