/** Where the tasks are kept: in this process, or in your Upstash database if the environment names one. */
import { type InMemoryOptions, Queue, UpstashBroker } from "@baton/queue";
import { connect } from "@baton/queue/upstash";

/** A broker for one run of the demo. */
export interface Backend extends AsyncDisposable {
  /** For people. */
  readonly title: string;
  /** Opens a queue. */
  open(options: InMemoryOptions): Queue;
  /** Whether the database counts commands. */
  readonly countsCommands: boolean;
  /** What to try after it. */
  readonly suggestions: readonly string[];
  /** Names of queues that nobody else uses. */
  readonly queueNames: { readonly shop: string; readonly bulk: string };
}

/** Opens the broker that the environment asks for; what the demo leaves in a database goes when it is disposed of. */
export function openBackend(env: Record<string, string>): Backend {
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env;
  const isNamed = Boolean(url) || Boolean(token);
  return isNamed ? upstash(env) : embedded();
}

function embedded(): Backend {
  return {
    title: "embedded, in this process",
    open: (options) => Queue.inMemory(options),
    countsCommands: false,
    suggestions: [
      "deno task gateway, then this again with the two variables it prints: on a real Redis",
      "examples/: the same for Deno, Bun and Cloudflare, in a few lines each",
    ],
    queueNames: { shop: "shop", bulk: "bulk" },
    async [Symbol.asyncDispose]() {},
  };
}

function upstash(env: Record<string, string>): Backend {
  const redis = connect(env);
  const broker = new UpstashBroker(redis);
  const run = crypto.randomUUID().slice(0, 8);
  const queueNames = { shop: `demo-shop-${run}`, bulk: `demo-bulk-${run}` };
  return {
    title: `Upstash at ${new URL(env["UPSTASH_REDIS_REST_URL"] ?? "").host}`,
    open: (options) => new Queue({ ...options, broker }),
    countsCommands: true,
    suggestions: [
      "deno task bench: what a task costs, and how fast it is, beside other queues",
      "examples/: the same for Deno, Bun and Cloudflare, in a few lines each",
    ],
    queueNames,
    async [Symbol.asyncDispose]() {
      for (const name of Object.values(queueNames)) {
        const keys = await redis.keys(`baton:1:${name}:*`).catch(() => []);
        if (keys.length > 0) await redis.del(...keys);
      }
    },
  };
}
