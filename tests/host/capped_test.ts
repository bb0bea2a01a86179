/**
 * A Worker in workerd that may send 50 requests a run, as on Cloudflare's free plan: one more is an error.
 *
 * @module
 */
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { UpstashBroker } from "../../src/broker/upstash.ts";
import { Queue } from "../../src/queue/queue.ts";
import { connect } from "../../src/upstash/mod.ts";
import {
  add,
  BUDGET_MS,
  relay,
  slow,
  SLOW_MS,
} from "../support/capped/tasks.ts";
import { Collector } from "../support/collector.ts";
import { type Gateway, startGateway } from "../support/gateway/mod.ts";
import { test } from "../support/suite.ts";
import { startWorkers, type Workers } from "../support/workers.ts";

const CAP = 50;

/** What stands between the Worker and the rest of the world. */
interface Door extends AsyncDisposable {
  readonly url: string;
  readonly collector: Collector;
  /** How many requests came since it was last asked, and how many of them were for telemetry. */
  take(): { readonly sent: number; readonly exports: number };
}

/** Lets {@link CAP} requests through, to the gateway or to a collector. */
function openDoor(gateway: Gateway): Door {
  const collector = new Collector();
  let sent = 0;
  let exports = 0;
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      if (++sent > CAP) {
        return new Response("Too many subrequests.", { status: 500 });
      }
      const { pathname } = new URL(request.url);
      if (pathname.startsWith("/v1/")) {
        exports++;
        return await collector.handle(request);
      }
      return await fetch(new URL(pathname, gateway.url), {
        method: request.method,
        headers: request.headers,
        body: request.body,
      });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    collector,
    take() {
      const taken = { sent, exports };
      sent = exports = 0;
      return taken;
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** One Worker, its door, and its queue as a producer has it. */
interface Bench extends AsyncDisposable {
  readonly door: Door;
  readonly workers: Workers;
  readonly queue: Queue;
}

async function openBench(): Promise<Bench> {
  const gateway = await startGateway();
  const token = gateway.tokenOf("capped");
  const door = openDoor(gateway);
  const workers = await startWorkers([{
    name: "capped",
    main: "tests/support/capped/worker.ts",
    vars: {
      UPSTASH_REDIS_REST_URL: door.url,
      UPSTASH_REDIS_REST_TOKEN: token,
      OTEL_EXPORTER_OTLP_ENDPOINT: door.url,
    },
  }]);
  const client = connect({ url: gateway.url, token });
  return {
    door,
    workers,
    queue: new Queue({ name: "capped", broker: new UpstashBroker(client) }),
    async [Symbol.asyncDispose]() {
      await workers[Symbol.asyncDispose]();
      await door[Symbol.asyncDispose]();
      await gateway.stop();
    },
  };
}

/** The processor's time that a process has had, in milliseconds, where the system tells. */
async function cpuMsOf(pid: number): Promise<number | undefined> {
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      .slice(11, 13).map(Number);
    return (user! + system!) * 10;
  } catch {
    return undefined;
  }
}

function enqueueAll(
  queue: Queue,
  task: typeof add,
  count: number,
): Promise<unknown> {
  return queue.enqueueMany(
    Array.from({ length: count }, (_, n) => task.with(n)),
  );
}

test(`scheduled() drains 2,000 tasks within ${CAP} requests, in one run of a Worker, and sends its telemetry`, async () => {
  await using bench = await openBench();
  const { queue, door, workers } = bench;
  await enqueueAll(queue, add, 2_000);
  const before = await cpuMsOf(workers.pid);
  const startedAt = performance.now();
  await workers.scheduled("capped");
  const wallMs = Math.round(performance.now() - startedAt);
  const after = await cpuMsOf(workers.pid);
  const { sent, exports } = door.take();
  const cpuMs = before === undefined ? "unknown" : `${after! - before} ms`;
  console.log(
    `2,000 tasks in one run: ${sent} requests, ${exports} of them for telemetry; CPU time ${cpuMs} of workerd's, ${wallMs} ms in all`,
  );
  assertLessOrEqual(sent, CAP);
  assertEquals(exports, 2);
  const processed = door.collector.spans.filter(({ name }) =>
    name === "process capped"
  );
  assertEquals(processed.length, 2_000);
  const { ready, leased, dead } = await queue.stats();
  assertEquals([ready, leased, dead], [0, 0, 0]);
  assertEquals((await queue.verify()).problems, []);
});

test("scheduled() leaves tasks that would not end in time to the next run, their attempts untouched", async () => {
  await using bench = await openBench();
  const { queue, door, workers } = bench;
  await enqueueAll(queue, slow, 7);
  const startedAt = performance.now();
  await workers.scheduled("capped");
  // two lanes, two rounds; a third would end too late
  assertLessOrEqual(performance.now() - startedAt, BUDGET_MS + SLOW_MS);
  assertEquals(door.take().exports, 2);
  const { tasks } = await queue.list({ state: "ready" });
  assertEquals(tasks.map(({ attempt }) => attempt), [0, 0, 0]);
  await workers.scheduled("capped");
  const { ready, leased, dead } = await queue.stats();
  assertEquals([ready, leased, dead], [0, 0, 0]);
});

test("scheduled() counts what its handlers send, and leaves the rest to the next run", async () => {
  await using bench = await openBench();
  const { queue, door, workers } = bench;
  await enqueueAll(queue, relay, 100);
  let left = 100;
  for (let run = 1; left > 0; run++) {
    assert(run <= 4, `${left} are left after ${run - 1} runs`);
    await workers.scheduled("capped");
    const { sent, exports } = door.take();
    assertLessOrEqual(sent, CAP);
    assertEquals(exports, 2);
    const { tasks } = await queue.list({ state: "ready", limit: 100 });
    assert(tasks.every(({ attempt }) => attempt === 0));
    left = tasks.length;
  }
  const { scheduled, leased, dead } = await queue.stats();
  assertEquals([scheduled, leased, dead], [100, 0, 0]);
});
