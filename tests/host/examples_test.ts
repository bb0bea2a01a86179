/**
 * Every example, run on the runtime that it is for: over real HTTP against the gateway, spans to a real receiver, or in memory where it is.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Queue, UpstashBroker } from "../../mod.ts";
import { connect } from "../../src/upstash/mod.ts";
import { serveCollector } from "../support/collector_server.ts";
import type { Collector, ReceivedSpan } from "../support/collector.ts";
import {
  addressOf,
  freePort,
  onBun,
  onDeno,
  start,
} from "../support/example.ts";
import { type Gateway, startGateway } from "../support/gateway/mod.ts";
import { bundled } from "../support/offline.ts";
import { test } from "../support/suite.ts";
import { startWorkers, type Workers } from "../support/workers.ts";

/** The cascade of `examples/tasks.ts`, from the request on. */
const CASCADE: readonly string[] = [
  "SERVER POST /signup",
  "PRODUCER enqueue shop",
  "CONSUMER process shop",
  "PRODUCER enqueue shop",
  "CONSUMER process shop",
];

function environment(
  { url, token }: Gateway,
  endpoint: string,
): Record<string, string> {
  return {
    UPSTASH_REDIS_REST_URL: url,
    UPSTASH_REDIS_REST_TOKEN: token,
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    DRAIN_SECRET: "a-secret-that-is-long-enough",
  };
}

/** Signs somebody up. */
async function signUp(url: string): Promise<string> {
  const response = await fetch(`${url}/signup`, {
    method: "POST",
    body: JSON.stringify({ email: "ada@example.com" }),
  });
  assertEquals(response.status, 202);
  const { id }: { id: string } = await response.json();
  return id;
}

/** The request and its tasks are one trace. */
async function checkTrace(collector: Collector): Promise<void> {
  const isServer = ({ name }: { name: string }) => name === "POST /signup";
  await collector.waitFor(({ spans }) => {
    const server = spans.find(isServer);
    return spans.filter(({ traceId }) => traceId === server?.traceId).length ===
      CASCADE.length;
  });
  const server = collector.spans.find(isServer);
  assert(server !== undefined);
  const trace = collector.trace(server.traceId);
  const chain = [server]; // by parents: in workerd, time stands still while code runs
  for (let child: ReceivedSpan | undefined = server; child;) {
    child = trace.find(({ parentSpanId }) =>
      parentSpanId === chain.at(-1)?.spanId
    );
    if (child) chain.push(child);
  }
  assertEquals(chain.map(({ kind, name }) => `${kind} ${name}`), CASCADE);
}

test("examples/hono.ts enqueues by request and drains by another, on Deno", async () => {
  await using gateway = await startGateway();
  await using received = serveCollector();
  const env = environment(gateway, received.endpoint);
  await using example = onDeno("hono.ts", {
    ...env,
    DENO_SERVE_ADDRESS: "tcp:127.0.0.1:0",
  });
  const url = await addressOf(example);
  const id = await signUp(url);
  const drained = await fetch(`${url}/drain`, {
    method: "POST",
    headers: { authorization: `Bearer ${env["DRAIN_SECRET"]}` },
  });
  assertEquals(drained.status, 200);
  await drained.body?.cancel();
  await example.said(/A mail: Welcome, ada@example.com/);
  const standing = await fetch(`${url}/tasks/${id}`);
  assertEquals((await standing.json()).status, "completed");
  await checkTrace(received.collector);
});

test("examples/bun.ts serves, and works beside it, on Bun", async () => {
  await using gateway = await startGateway();
  await using received = serveCollector();
  const port = freePort();
  await using example = onBun("bun.ts", {
    ...environment(gateway, received.endpoint),
    PORT: `${port}`,
  });
  await example.said(new RegExp(`${port}`));
  await signUp(`http://127.0.0.1:${port}`);
  await example.said(/A mail: Welcome, ada@example.com/);
  await checkTrace(received.collector);
});

/** The two Workers, bound to each other as their wrangler.toml has it. */
async function cloudflare(
  gateway: Gateway,
  endpoint: string,
  isBound: boolean = true,
): Promise<Workers> {
  const vars = {
    ...environment(gateway, endpoint),
    RING_SECRET: "a-secret-that-is-long-enough",
  };
  const flags = ["nodejs_compat"];
  return await startWorkers([
    {
      name: "web",
      main: "examples/cloudflare/web/worker.ts",
      vars,
      flags,
      services: { CONSUMER: isBound ? "consumer" : "web" },
    },
    {
      name: "consumer",
      main: "examples/cloudflare/consumer/worker.ts",
      vars,
      flags,
    },
  ]);
}

test("examples/cloudflare: a request enqueues and rings, and the other Worker runs it at once, in workerd", async () => {
  await using gateway = await startGateway();
  await using received = serveCollector();
  await using workers = await cloudflare(gateway, received.endpoint);
  await signUp(workers.url("web"));
  await checkTrace(received.collector); // no cron trigger was pulled
});

test("examples/cloudflare: what no ring woke, the cron trigger runs, in workerd", async () => {
  await using gateway = await startGateway();
  await using received = serveCollector();
  await using workers = await cloudflare(gateway, received.endpoint, false);
  await signUp(workers.url("web")); // its ring is answered with 404
  await workers.scheduled("consumer");
  await checkTrace(received.collector);
});

test("examples/cron.ts drains at the next full minute, on Deno", async () => {
  await using gateway = await startGateway();
  await using received = serveCollector();
  const env = environment(gateway, received.endpoint);
  const broker = new UpstashBroker(connect(env));
  await new Queue({ name: "shop", broker })
    .enqueueNamed("create-account", { email: "ada@example.com" });
  await using example = onDeno("cron.ts", env, ["--unstable-cron"]);
  await example.said(/A mail: Welcome, ada@example.com/);
  await received.collector.waitFor(({ spans }) =>
    spans.filter(({ kind }) => kind === "CONSUMER").length === 2
  );
});

const printed: readonly {
  readonly file: string;
  readonly says: readonly RegExp[];
}[] = [
  {
    file: "workflow.ts",
    says: [
      /5 tasks completed, 1 attempt failed first/,
      /2 of 2 pictures are done/,
      /https:\/\/example\.com has 2 pictures/,
      /a\.png is 500 wide\nbb\.png is 600 wide/,
    ],
  },
  {
    file: "schedules.ts",
    says: [
      /created\nunchanged/,
      /28\/03\/2026, 02:30:00/,
      /29\/03\/2026, 03:00:00/, // half past two was skipped that night
      /30\/03\/2026, 02:30:00\nnightly is paused/,
    ],
  },
  {
    file: "migration.ts",
    says: [
      /A charge failed: The card was declined/,
      /charged a1\na1\/0 a1\/1\n2 of 2 mails are sent/,
      /Report of 2026-12/,
    ],
  },
  {
    file: "official_sdk.ts",
    says: [
      /hello, ada/,
      /(\w{32}) (\w{16}) \(parent (\w{16})\) enqueue default\n\1 \3 \(parent none\) request[^]*\1 \w{16} \(parent \2\) process default/,
    ],
  },
  {
    file: "endpoints.ts",
    says: [/http:\/\/localhost:4318\/v1\/traces/, /1 span, 1 point/],
  },
];

for (const { file, says } of printed) {
  test(`examples/${file} prints what it shows, on Deno`, async () => {
    await using example = onDeno(file);
    for (const pattern of says) await example.said(pattern);
  });
}

test("examples/testing_test.ts passes, on Deno", async () => {
  await using example = start(Deno.execPath(), [
    "test",
    "-A",
    "--no-check",
    bundled(),
    "examples/testing_test.ts",
  ]);
  await example.said(/3 passed \| 0 failed/);
});
