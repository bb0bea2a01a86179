/**
 * Runs a program so that whoever watches sees that it lives: its lines are
 * handed on as they come, one that falls silent is ended, and nothing that it
 * started outlives it.
 *
 * @module
 */

/** How a program ended. */
export interface Ended {
  readonly code: number;
  /** Both outputs, in the order they came. */
  readonly text: string;
  /** It said nothing for too long and was ended. */
  readonly stalled: boolean;
}

/** What {@linkcode run} may be told. */
export interface RunOptions {
  readonly cwd?: URL | string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each line of either output. */
  readonly onLine?: (line: string) => void;
  /** Milliseconds without a line after which the program is ended. @default {300000} */
  readonly silenceMs?: number;
}

const running = new Set<Deno.ChildProcess>();
let over = false;

/** Ends what runs and lets nothing start any more, when the runner itself is told to end. */
export function endAll(): void {
  over = true;
  for (const child of running) endGroup(child);
}

/** Ends a program and all that it started, if anything of it still runs. */
function endGroup({ pid }: Deno.ChildProcess): void {
  try {
    Deno.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Runs a program to its end; it fails only when the program cannot be started. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  if (over) throw new Error(`${command} was not started: the run is over`);
  const { onLine = () => {}, silenceMs = 300_000, cwd, env } = options;
  const child = new Deno.Command(command, {
    args: [...args],
    ...(cwd === undefined ? {} : { cwd }),
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true, // a group of its own
  }).spawn();
  running.add(child);
  let stalled = false;
  const lines: string[] = [];
  const watch = (): ReturnType<typeof setTimeout> =>
    setTimeout(() => {
      stalled = true;
      endGroup(child);
    }, silenceMs);
  let silence = watch();
  const read = async (
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): Promise<void> => {
    for await (const line of linesOf(stream)) {
      clearTimeout(silence);
      silence = watch();
      lines.push(line);
      onLine(line);
    }
  };
  const [{ code }] = await Promise.all([
    child.status.finally(() => endGroup(child)),
    read(child.stdout),
    read(child.stderr),
  ]);
  clearTimeout(silence);
  running.delete(child);
  return { code, text: lines.join("\n"), stalled };
}

async function* linesOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
