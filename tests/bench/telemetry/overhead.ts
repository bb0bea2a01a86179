/** What tracing costs a drain through the gateway: CPU time of a traced consumer over that of an untraced one, pair by pair. */
import { UpstashBroker } from "../../../mod.ts";
import { Telemetry } from "../../../src/otlp/mod.ts";
import { Queue } from "../../../src/queue/queue.ts";
import { connect } from "../../../src/upstash/mod.ts";
import { type Remote, startRemote } from "../gateway.ts";
import { newName, numbers, payload, resizing } from "../work.ts";
import { command, type Runtime } from "./runtime.ts";
import { serveSink } from "./sink.ts";

/** What the handlers do: nothing, so that a drain is all there is, or a request each, untraced itself. */
export type Handlers = "nothing" | "a request";

/** A runtime's consumers. */
export interface OverheadRow {
  readonly runtime: Runtime;
  readonly handlers: Handlers;
  readonly tasks: number;
  readonly drains: number;
  readonly pairs: number;
  /** CPU milliseconds of so many drains of so many tasks: the medians. */
  readonly tracedMs: number;
  readonly untracedMs: number;
  /** Traced over untraced: the median of the pairs, the least and the most. */
  readonly ratio: number;
  readonly least: number;
  readonly most: number;
  readonly goal: number;
  readonly ceiling: number;
}

const GOAL = 1.1;
const CEILING = 1.25;
const TASKS = 1_000;

/** Several collections of all memory: one comes every tenth drain or so, and costs about as much as one. */
const DRAINS: Readonly<Record<Handlers, number>> = {
  "nothing": 30,
  "a request": 6,
};

/** How many go before: a host compiles what it runs for the first tens of thousands of tasks, more where there is more to run. */
const WARM_UP_DRAINS = 80;

/** Measures pairs of a runtime's consumers, over the Redis at `port`: what a process compiles how is chance, so each pair has processes of its own. */
export async function overheadRow(
  runtime: Runtime,
  handlers: Handlers,
  port: number,
  quick: boolean,
): Promise<OverheadRow> {
  using remote = await startRemote(port);
  await using sink = serveSink();
  const target = handlers === "nothing" ? "" : sink.endpoint;
  const start = (endpoint?: string) =>
    startConsumer({ runtime, remote, target, endpoint });
  const drains = DRAINS[handlers];
  const pairs = quick ? 3 : 7;
  const measured: Spent[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    await using untraced = start();
    await using traced = start(sink.endpoint);
    await byTurns(traced, untraced, quick ? drains : WARM_UP_DRAINS);
    measured.push(await byTurns(traced, untraced, drains));
  }
  const ratios = measured.map(({ traced, untraced }) => traced / untraced);
  return {
    runtime,
    handlers,
    tasks: TASKS,
    drains,
    pairs,
    tracedMs: median(measured.map(({ traced }) => traced)),
    untracedMs: median(measured.map(({ untraced }) => untraced)),
    ratio: median(ratios),
    least: Math.min(...ratios),
    most: Math.max(...ratios),
    goal: GOAL,
    ceiling: CEILING,
  };
}

/** CPU milliseconds of a pair. */
interface Spent {
  readonly traced: number;
  readonly untraced: number;
}

/** Drain by drain: what slows the machine for a while slows both. */
async function byTurns(
  traced: Consumer,
  untraced: Consumer,
  drains: number,
): Promise<Spent> {
  const spent = { traced: 0, untraced: 0 };
  for (let drain = 0; drain < drains; drain++) {
    if (drain % 2 === 0) spent.traced += await traced.cpuMs();
    spent.untraced += await untraced.cpuMs();
    if (drain % 2 === 1) spent.traced += await traced.cpuMs();
  }
  return spent;
}

interface Consumer extends AsyncDisposable {
  /** CPU milliseconds of a drain, of tasks that are there before. */
  cpuMs(): Promise<number>;
}

interface Setup {
  readonly runtime: Runtime;
  readonly remote: Remote;
  /** What the handlers fetch, if anything. */
  readonly target: string;
  /** Where the traced one sends its spans. */
  readonly endpoint: string | undefined;
}

/** Starts a consumer in a process of its own; who enqueues is here, and traced as it is. */
function startConsumer(
  { runtime, remote: { url, token }, target, endpoint }: Setup,
): Consumer {
  const name = newName();
  const telemetry = endpoint === undefined
    ? {}
    : new Telemetry({ endpoint, metrics: false });
  const broker = new UpstashBroker(connect({ url, token }));
  const queue = new Queue({ name, broker, telemetry });
  const resize = resizing();
  const enqueue = () =>
    queue.enqueueMany(numbers(TASKS).map((i) => resize.with(payload(i))));

  const args = [url, token, name, target, ...endpoint ? [endpoint] : []];
  const child = new Deno.Command(...command(runtime, "client.ts", args, {
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  })).spawn();
  const input = child.stdin.getWriter();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const drain = async (): Promise<number> => {
    await input.write(new TextEncoder().encode(`${TASKS}\n`));
    let text = "";
    while (!text.endsWith("\n")) {
      const { done, value } = await output.read();
      if (done) throw new Error(`The consumer on ${runtime} ended`);
      text += value;
    }
    return Number(text);
  };
  return {
    async cpuMs() {
      await enqueue();
      return await drain();
    },
    async [Symbol.asyncDispose]() {
      await input.close();
      await output.cancel();
      await child.status;
    },
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
