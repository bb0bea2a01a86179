/** Consumer processes that are killed, one after the other, and replaced. */
export interface Fleet extends AsyncDisposable {
  /** How many were killed. */
  readonly kills: number;
  /** Kills the oldest, and starts another one. */
  replace(): Promise<void>;
}

/** Where they work, and as whom. */
export interface FleetOptions {
  /** What each of them runs, from the root of the repository; it is told the URL and the token. */
  readonly script: string;
  readonly url: string;
  readonly token: string;
  readonly size: number;
}

const root = new URL("../../../", import.meta.url);

/** Starts them. */
export function startFleet({ script, url, token, size }: FleetOptions): Fleet {
  const start = () =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-lock", script, url, token],
      cwd: root,
      stdout: "null",
      stderr: "inherit",
    }).spawn();
  const consumers = Array.from({ length: size }, start);
  let kills = 0;
  return {
    get kills() {
      return kills;
    },
    async replace() {
      kills++;
      await kill(consumers.shift()!);
      consumers.push(start());
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(consumers.splice(0).map(kill));
    },
  };
}

async function kill(consumer: Deno.ChildProcess): Promise<void> {
  try {
    consumer.kill("SIGKILL");
  } catch { /* it ended by itself */ }
  await consumer.status;
}
