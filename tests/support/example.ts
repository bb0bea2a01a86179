/** The programs of `examples/`, each run as its reader would run it. */
import { bundled, root } from "./offline.ts";
import { program } from "./tools.ts";

/** A program that runs, and is ended with it. */
export interface Running extends AsyncDisposable {
  /** Resolves with what `pattern` matched of what it said, or says within three minutes. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Starts an example on Deno. */
export function onDeno(
  file: string,
  env: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Running {
  const args = ["run", "-A", bundled(), ...flags, `examples/${file}`];
  return start(Deno.execPath(), args, env);
}

/** Starts an example on Bun. */
export function onBun(
  file: string,
  env: Readonly<Record<string, string>>,
): Running {
  return start(program("bun"), ["run", `examples/${file}`], env);
}

/** Starts a program from the root of the repository. */
export function start(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const child = new Deno.Command(command, {
    args: [...args],
    cwd: root,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let text = "";
  let over = false;
  let heard = Promise.withResolvers<void>();
  const listen = async (
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): Promise<void> => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      text += part;
      heard.resolve();
    }
  };
  const ended = Promise.all([listen(child.stdout), listen(child.stderr)])
    .then(() => {
      over = true;
      heard.resolve();
    });
  return {
    async said(pattern) {
      const late = setTimeout(() => {
        over = true;
        heard.resolve();
      }, 180_000);
      try {
        for (;;) {
          const match = pattern.exec(text);
          if (match) return match;
          if (over) throw new Error(`It never said ${pattern}:\n${text}`);
          heard = Promise.withResolvers();
          await heard.promise;
        }
      } finally {
        clearTimeout(late);
      }
    },
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGTERM");
      } catch {
        // it has ended
      }
      await child.status;
      await ended;
    },
  };
}

/** Waits until a web server says where it listens. */
export async function addressOf(running: Running): Promise<string> {
  const [url] = await running.said(/http:\/\/[\w.]+:\d+/);
  return url.replace("0.0.0.0", "127.0.0.1");
}

/** A port that nobody listens on. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
