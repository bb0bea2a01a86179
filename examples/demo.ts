/**
 * The main job, end to end, in one process: a request becomes tasks, a drain runs them, and one trace shows it all.
 *
 * `deno task demo` needs no account, no server and no network. With UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN
 * set, the tasks go through that database instead.
 */
import { cron } from "@baton/queue/cron";
import { Telemetry } from "@baton/queue/otlp";
import { serveCollector } from "../tests/support/collector_server.ts";
import { openBackend } from "./demo/backend.ts";
import { BULK, bulkHandlers, fill } from "./demo/bulk.ts";
import { paint } from "./demo/paint.ts";
import { drawDrain, drawTrace } from "./demo/picture.ts";
import { step } from "./demo/progress.ts";
import { doubts } from "./demo/proof.ts";
import { CASCADE, diary, handlers, openApp } from "./demo/shop.ts";
import { drawCosts, drawMetrics } from "./demo/tables.ts";

/** Resolves with whether everything was as it should be. */
async function main(): Promise<boolean> {
  await using backend = openBackend(Deno.env.toObject());
  await using receiver = serveCollector();
  const { collector, endpoint } = receiver;
  const names = backend.queueNames;

  const telemetry = new Telemetry({ serviceName: "demo", endpoint });
  const queue = backend.open({ name: names.shop, handlers, telemetry });
  const bulk = backend.open({
    name: names.bulk,
    handlers: bulkHandlers,
    telemetry,
  });

  console.log(`
  ${
    paint("bold", "Baton")
  }  queue: ${backend.title} · spans: OTLP/HTTP to ${endpoint}
`);

  await step("POST /signup", async () => {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      openApp(queue, telemetry).fetch,
    );
    const response = await fetch(
      `http://127.0.0.1:${server.addr.port}/signup`,
      { method: "POST", body: JSON.stringify({ email: "ada@example.com" }) },
    );
    if (response.status !== 202) {
      const { error }: { error: string } = await response.json();
      throw new Error(error);
    }
    return "POST /signup was answered with 202; its work waits in the queue";
  });

  await step("A cron run drains the queue", async () => {
    await cron(queue)();
    return `A cron run drained the queue: ${CASCADE.tasks} tasks, one of them in two attempts`;
  }, () => diary.at(-1) ?? "");

  await step(`${BULK.toLocaleString("en")} more tasks`, async () => {
    await fill(bulk);
    const { completed } = await bulk.drain();
    return `${
      completed.toLocaleString("en")
    } more tasks were enqueued in one call and drained`;
  });

  await step("Spans and metrics leave", async () => {
    await telemetry.flush();
    await collector.waitFor(({ spans }) =>
      spans.some(({ kind }) => kind === "SERVER")
    );
    const { spans, metrics, requests } = collector;
    const points = metrics.flatMap((metric) => metric.points).length;
    return `${
      spans.length.toLocaleString("en")
    } spans and ${points} data points arrived over OTLP/HTTP in ${requests} requests`;
  });

  const { spans } = collector;
  const request = spans.find(({ kind }) => kind === "SERVER");
  const trace = spans.filter(({ traceId }) => traceId === request?.traceId);
  const root = spans.find(({ name }) => name === `drain ${names.shop}`);
  const drain = spans.filter(({ traceId }) => traceId === root?.traceId);

  show(
    drawTrace(`One trace ${request?.traceId.slice(0, 8)}…`, trace, spans),
    drawDrain(drain),
    drawMetrics("Metrics", collector, names.shop),
    drawCosts("Cost", collector, [
      { title: "one signup", queue: names.shop, tasks: CASCADE.tasks },
      { title: "many at once", queue: names.bulk, tasks: BULK },
    ], backend.countsCommands),
    titled("You saw", [
      "the request answered before its work was done, and all of that work in its trace;",
      "a mail that failed, waited for its backoff (the dots) and was sent by attempt 2;",
      "no background thread: each request and each run sent its own spans at its end.",
    ]),
    titled("Try next", backend.suggestions),
  );

  const wrong = doubts({ collector, trace, drain, queue: names.shop });
  for (const claim of wrong) console.log(paint("red", `  ✘ not so: ${claim}`));
  return wrong.length === 0;
}

function show(...blocks: readonly (readonly string[])[]): void {
  for (const lines of blocks) console.log(`\n${lines.join("\n")}`);
}

function titled(title: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, i) =>
    `  ${paint("bold", (i === 0 ? title : "").padEnd(10))}${line}`
  );
}

try {
  Deno.exitCode = await main() ? 0 : 1;
} catch (error) {
  console.log(`  ${error instanceof Error ? error.message : error}`);
  Deno.exitCode = 1;
}
