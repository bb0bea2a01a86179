/** Consumer processes that are killed, one after the other, and replaced. */
export interface Fleet extends AsyncDisposable {
  /** How many were killed. */
  readonly kills: number;
  /** Kills the oldest, starts another one, and waits until that works: however slow the machine, each gets to work before it dies. */
  replace(): Promise<void>;
}

/** Where they work, and as whom. */
export interface FleetOptions {
  /** What each of them runs, from the root of the repository; it is told the URL and the token, and says a word when it works. */
  readonly script: string;
  readonly url: string;
  readonly token: string;
  readonly size: number;
}

const root = new URL("../../../", import.meta.url);

/** A consumer process. */
interface Member {
  readonly child: Deno.ChildProcess;
  /** Resolves when it works, or has ended. */
  readonly works: Promise<void>;
}

/** Starts them. */
export function startFleet({ script, url, token, size }: FleetOptions): Fleet {
  const start = (): Member => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-lock", script, url, token],
      cwd: root,
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    return { child, works: firstWord(child.stdout) };
  };
  const members = Array.from({ length: size }, start);
  let kills = 0;
  return {
    get kills() {
      return kills;
    },
    async replace() {
      const oldest = members.shift()!;
      await oldest.works;
      kills++;
      await kill(oldest);
      const next = start();
      members.push(next);
      await next.works;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(members.splice(0).map(kill));
    },
  };
}

async function firstWord(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<void> {
  const reader = stream.getReader();
  await reader.read();
  await reader.cancel();
}

async function kill({ child, works }: Member): Promise<void> {
  try {
    child.kill("SIGKILL");
  } catch { /* it ended by itself */ }
  await Promise.all([child.status, works]);
}
