/** `deno task gateway`: a local stand-in for an Upstash database, for development. */
import { type Address, UnreachableError } from "./link.ts";
import { type Gateway, startGateway } from "./mod.ts";

const HELP = `A local stand-in for an Upstash Redis database.

  deno task gateway [options]

  --port <number>        port to listen on (default 8079)
  --hostname <name>      address to listen on (default 127.0.0.1)
  --token <text>         token that clients send (default: local)
  --redis <host:port>    a running Redis (default: starts its own, empty, and ends it on exit)
  --help                 this text

It speaks Upstash's REST protocol and prints the two environment variables that @upstash/redis reads.`;

interface Options {
  readonly port: number;
  readonly hostname: string;
  readonly token: string;
  readonly redis: Address | undefined;
}

/** The options, "help", or a TypeError that says which one is wrong. */
function parse(args: readonly string[]): Options | "help" {
  const given = new Map<string, string>();
  const words = args.flatMap((arg) =>
    /^(--\w+)=(.*)$/s.exec(arg)?.slice(1) ?? [arg]
  );
  for (let i = 0; i < words.length; i += 2) {
    const [name = "", value] = words.slice(i);
    if (name === "--help" || name === "-h") return "help";
    if (!["--port", "--hostname", "--token", "--redis"].includes(name)) {
      throw new TypeError(`Unknown option '${name}'`);
    }
    if (value === undefined) {
      throw new TypeError(`Option ${name} needs a value`);
    }
    given.set(name, value);
  }
  const redis = given.get("--redis");
  return {
    port: toPort(given.get("--port") ?? "8079", "--port"),
    hostname: given.get("--hostname") ?? "127.0.0.1",
    token: given.get("--token") ?? "local",
    redis: redis === undefined ? undefined : toAddress(redis),
  };
}

function toPort(text: string, option: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new TypeError(
    `Option ${option} needs a port between 0 and 65535: '${text}' is none`,
  );
}

function toAddress(text: string): Address {
  const at = text.lastIndexOf(":");
  return {
    hostname: text.slice(0, at) || "127.0.0.1",
    port: toPort(text.slice(at + 1), "--redis"),
  };
}

/** A sentence for what kept the gateway from starting, or nothing when it is unexpected. */
function reason(error: unknown, options: Options): string | undefined {
  if (error instanceof Deno.errors.AddrInUse) {
    return `Port ${options.port} is taken: choose another with --port, or end the program that listens on it.`;
  }
  if (error instanceof UnreachableError) {
    return `${error.message}: start it, or leave --redis out.`;
  }
  if (error instanceof Error && error.message.includes("redis-server")) {
    return error.message;
  }
  return undefined;
}

async function start(options: Options): Promise<Gateway> {
  const { redis, ...rest } = options;
  try {
    return await startGateway(redis === undefined ? rest : { ...rest, redis });
  } catch (error) {
    const why = reason(error, options);
    if (why === undefined) throw error;
    console.error(why);
    Deno.exit(1);
  }
}

async function main(args: readonly string[]): Promise<void> {
  let options: Options | "help";
  try {
    options = parse(args);
  } catch (error) {
    console.error(
      `${
        error instanceof Error ? error.message : error
      }. See deno task gateway --help.`,
    );
    Deno.exit(2);
  }
  if (options === "help") return console.log(HELP);
  const gateway = await start(options);
  console.log(
    `UPSTASH_REDIS_REST_URL=${gateway.url}\nUPSTASH_REDIS_REST_TOKEN=${gateway.token}`,
  );
  console.error(
    `Redis on port ${gateway.redis.port}. Ctrl-C ends ${
      options.redis ? "the gateway" : "both, and their data"
    }.`,
  );
  await new Promise<void>((resolve) => {
    Deno.addSignalListener("SIGINT", resolve);
    Deno.addSignalListener("SIGTERM", resolve);
  });
  await gateway.stop();
  Deno.exit(0);
}

if (import.meta.main) await main(Deno.args);
