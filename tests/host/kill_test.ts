/**
 * SIGKILL between an attempt's enqueue and its settlement: the cascade goes on elsewhere, and nothing of it is there twice.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { UpstashBroker } from "../../mod.ts";
import { connect } from "../../src/upstash/mod.ts";
import { serveCollector } from "../support/collector_server.ts";
import { openShop, type Run, SHOP } from "../support/e2e/shop.ts";
import { caller, signUp } from "../support/e2e/signup.ts";
import { type Gateway, startGateway } from "../support/gateway/mod.ts";
import { test } from "../support/suite.ts";

const root = new URL("../../", import.meta.url);
const LEASE_MS = 1_000;
/** In the database it is this time until the lease has to run out: no machine is too slow for what comes before. */
const NOW_US = 1_763_800_000_000_000;

/** What the consumer said before it was killed. */
interface Stuck {
  readonly name: string;
  readonly next: string;
}

/** Lets a process run the first task up to its settlement, and kills it there. */
async function killInFirstTask(
  { url, token }: Gateway,
  endpoint: string,
): Promise<Stuck> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--frozen",
      "tests/support/e2e/consumer.ts",
      url,
      token,
      endpoint,
      String(LEASE_MS),
    ],
    cwd: root,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  try {
    const said = await firstLine(child.stdout);
    return JSON.parse(said);
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

async function firstLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("\n")) break;
  }
  return text.slice(0, text.indexOf("\n"));
}

test("a consumer killed between an enqueue and its settlement leaves each task of the cascade once", async () => {
  await using gateway = await startGateway();
  await using received = serveCollector();
  const { collector, endpoint } = received;
  const runs: Run[] = [];
  const { url, token } = gateway;
  const lane = gateway.faults();
  lane.set({ clock: { atUs: NOW_US } });
  const shop = openShop({
    broker: new UpstashBroker(connect({ url, token })),
    endpoint,
    service: "survivor",
    onRun(run) {
      runs.push(run);
      if (run.ctx.name !== "tip") return;
      lane.set({ clock: { atUs: NOW_US + LEASE_MS * 1_000 } });
    },
  });
  const { queue } = shop;

  const { id } = await signUp(shop);
  const stuck = await killInFirstTask(gateway, endpoint);
  assertEquals(stuck.name, "account");
  const before = await queue.stats();
  assertEquals([before.leased, before.ready], [1, 1], "A held, B waiting");

  const report = await queue.drain({ lingerMs: 5 * LEASE_MS });
  assertEquals(
    runs.map(({ ctx }) => `${ctx.name} #${ctx.attempt}`),
    ["welcome #1", "tip #1", "account #2"],
  );
  assertEquals([report.completed, report.reaped, report.stale], [3, 1, 0]);

  const first = await queue.result(id);
  assertEquals(first.status === "completed" && first.attempt, 2);
  const again = runs[2]?.next;
  assertEquals(again, { id: stuck.next, deduplicated: true });
  assertEquals(runs[0]?.ctx.id, stuck.next, "B is the one that A #1 enqueued");
  for (const { ctx } of runs.slice(0, 2)) {
    const result = await queue.result(ctx.id);
    assertEquals(result.status === "completed" && result.attempt, 1, ctx.name);
  }
  const after = await queue.stats();
  assertEquals([after.ready, after.scheduled, after.leased, after.dead], [
    0,
    0,
    0,
    0,
  ]);
  assertEquals((await queue.verify()).problems, []);

  await collector.waitFor(({ spans }) =>
    spans.some(({ kind }) => kind === "SERVER")
  );
  const { spans } = collector;
  const processed = spans.filter(({ kind }) => kind === "CONSUMER");
  assertEquals(processed.length, 3);
  for (const span of processed) assertEquals(span.traceId, caller.traceId);
  const produced = spans.find(({ kind }) => kind === "PRODUCER");
  const second = processed.find((span) =>
    span.attributes["baton.attempt"] === 2
  );
  assert(produced !== undefined);
  assertEquals(second?.parentSpanId, produced.spanId, "attempts are siblings");
  const expired = spans.find(({ name }) => name === `lease expired ${SHOP}`);
  assertEquals(expired?.status.code, "ERROR");
});
