/** A real redis-server for tests and development, and a small client that speaks to it. */
import { RespClient } from "./resp_client.ts";

export { type Args, type Reply, RespError, type Value } from "./resp.ts";
export { ConnectionLostError, RespClient } from "./resp_client.ts";

const HOST = "127.0.0.1";
const INSTALL =
  "Install Redis 7 or newer (Debian: apt-get install redis-server; macOS: brew install redis)";

/** Path of redis-server; installs it on a Debian-like system when absent and root. Throws an Error that says what to install. */
export async function installRedis(): Promise<string> {
  const found = await which("redis-server");
  if (found !== undefined) return found;
  if (
    Deno.build.os !== "linux" || Deno.uid() !== 0 || !await which("apt-get")
  ) {
    throw new Error(`redis-server is not on the PATH. ${INSTALL}.`);
  }
  const install = ["install", "-y", "--no-install-recommends", "redis-server"];
  let problem = await apt(install);
  if (problem !== undefined) {
    problem = await apt(["update"]) ?? await apt(install);
  }
  const installed = await which("redis-server");
  if (installed === undefined) {
    throw new Error(
      `redis-server could not be installed. ${INSTALL}.\n${problem ?? ""}`,
    );
  }
  return installed;
}

async function which(name: string): Promise<string | undefined> {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    const path = `${folder}/${name}`;
    const info = await Deno.stat(path).catch(() => undefined);
    if (info?.isFile) return path;
  }
  return undefined;
}

/** Runs apt-get; the end of what it said when it failed. */
async function apt(args: readonly string[]): Promise<string | undefined> {
  const { success, stderr } = await new Deno.Command("apt-get", {
    args: ["-q", ...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdout: "null",
    stderr: "piped",
  }).output();
  return success ? undefined : new TextDecoder().decode(stderr).slice(-2000);
}

/** What `startRedis` takes. */
export interface RedisOptions {
  /** A free loopback port by default. */
  readonly port?: number;
  /** Further arguments of redis-server, which win over the defaults: `["--maxmemory", "8mb"]`. */
  readonly args?: readonly string[];
}

/** A redis-server of our own, in a temporary folder, with an append-only file so that a restart keeps its data. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  /** Ends it and deletes its folder. */
  stop(): Promise<void>;
  /** Ends it as a crash does (SIGKILL). What it acknowledged is kept for `restart`. */
  kill(): Promise<void>;
  /** Ends it if it still runs and starts it again on the same port, by default with its data. */
  restart(options?: { readonly keep?: boolean }): Promise<void>;
}

/** Starts a redis-server on the loopback interface and waits until it answers PING. */
export async function startRedis(
  options: RedisOptions = {},
): Promise<RedisServer> {
  const binary = await installRedis();
  for (let left = 3;; left--) {
    try {
      return await startOn(options.port ?? freePort(), binary, options);
    } catch (error) {
      // between our look at a port and Redis's, somebody else may take it
      const isTaken = String(error).includes("Address already in use");
      if (!isTaken || options.port !== undefined || left === 1) throw error;
    }
  }
}

async function startOn(
  port: number,
  binary: string,
  options: RedisOptions,
): Promise<RedisServer> {
  const folder = await Deno.makeTempDir({ prefix: "baton-redis-" });
  let child: Deno.ChildProcess | undefined;
  let guard: Deno.ChildProcess | undefined;

  async function start(): Promise<void> {
    child = new Deno.Command(binary, {
      args: [...flags(port, folder), ...options.args ?? []],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    guard = guardOver(child.pid, folder);
    await ready(child, port, `${folder}/redis.log`);
  }

  async function end(signal: Deno.Signal): Promise<void> {
    const [ending, guarding] = [child, guard];
    child = guard = undefined;
    if (ending === undefined || guarding === undefined) return;
    send(ending, signal);
    await ending.status;
    send(guarding, "SIGKILL");
    await guarding.status;
    await guarding.stdin.close().catch(() => {});
  }

  async function stop(): Promise<void> {
    await end("SIGTERM");
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }

  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    stop,
    kill: () => end("SIGKILL"),
    async restart({ keep = true } = {}) {
      await end("SIGTERM");
      if (!keep) {
        await Deno.remove(folder, { recursive: true });
        await Deno.mkdir(folder);
      }
      await start();
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** A process that ends Redis and removes its folder when this one dies without a word: then the pipe between them closes. */
function guardOver(pid: number, folder: string): Deno.ChildProcess {
  return new Deno.Command("sh", {
    args: ["-c", 'cat >/dev/null; kill -9 "$0"; rm -rf "$1"', `${pid}`, folder],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

function send(process: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    process.kill(signal);
  } catch { /* already ended */ }
}

function flags(port: number, folder: string): string[] {
  const settings = {
    port: `${port}`,
    bind: HOST,
    dir: folder,
    logfile: `${folder}/redis.log`,
    save: "",
    appendonly: "yes",
    appendfsync: "no",
    "auto-aof-rewrite-percentage": "0",
  };
  return Object.entries(settings).flatMap((
    [name, value],
  ) => [`--${name}`, value]);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  return listener.addr.port;
}

/** Waits until the server answers PING with PONG; throws with the end of its log when it ends before. */
async function ready(
  child: Deno.ChildProcess,
  port: number,
  log: string,
): Promise<void> {
  let ended = false;
  void child.status.then(() => ended = true);
  while (!ended) {
    if (await pings(port)) return;
    await pause(5);
  }
  const said = await Deno.readTextFile(log).catch(() => "");
  throw new Error(
    `redis-server ended before it was ready on port ${port}:\n${
      said.slice(-1000)
    }`,
  );
}

async function pings(port: number): Promise<boolean> {
  try {
    await using client = await RespClient.connect({ port });
    return await client.command("PING") === "PONG";
  } catch {
    return false;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
