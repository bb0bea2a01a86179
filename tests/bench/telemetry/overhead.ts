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
const DRAINS: Readonly<Record<Handlers, number>> = {
  "nothing": 10,
  "a request": 5,
};

/** How many go before: a host compiles what it runs for the first tens of thousands of tasks, more where there is more to run. */
const WARM_UP_DRAINS = 80;

/** Measures a runtime's consumers, over the Redis at `port`. */
export async function overheadRow(
  runtime: Runtime,
  handlers: Handlers,
  port: number,
  quick: boolean,
): Promise<OverheadRow> {
  using remote = await startRemote(port);
  await using sink = serveSink();
  const start = (endpoint?: string) => {
    const target = handlers === "nothing" ? "" : sink.endpoint;
    return startConsumer({ runtime, remote, target, endpoint });
  };
  await using untraced = start();
  await using traced = start(sink.endpoint);
  const drains = DRAINS[handlers];
  const warmUp = quick ? drains : WARM_UP_DRAINS;
  await traced.cpuMs(warmUp);
  await untraced.cpuMs(warmUp);
  const pairs = quick ? 3 : 7;
  const withIt: number[] = [], without: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 2 === 0) withIt.push(await traced.cpuMs(drains));
    without.push(await untraced.cpuMs(drains));
    if (pair % 2 === 1) withIt.push(await traced.cpuMs(drains));
  }
  const ratios = withIt.map((ms, pair) => ms / without[pair]!);
  return {
    runtime,
    handlers,
    tasks: TASKS,
    drains,
    pairs,
    tracedMs: median(withIt),
    untracedMs: median(without),
    ratio: median(ratios),
    least: Math.min(...ratios),
    most: Math.max(...ratios),
    goal: GOAL,
    ceiling: CEILING,
  };
}

interface Consumer extends AsyncDisposable {
  /** CPU milliseconds of so many drains, of tasks that are there before. */
  cpuMs(drains: number): Promise<number>;
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
    async cpuMs(drains) {
      let ms = 0;
      for (let i = 0; i < drains; i++) {
        await enqueue();
        ms += await drain();
      }
      return ms;
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
