/** The worker of `worker.ts` in workerd, behind a port of this host. */
import { generate, root } from "../offline.ts";
import { bundle, program } from "../tools.ts";

/** Whether the isolate has Node's modules, and AsyncLocalStorage with them. */
export type Variant = "without-node" | "nodejs-compat";

/** An isolate that serves. */
export interface Isolate extends AsyncDisposable {
  readonly url: string;
}

/** Makes what {@link startIsolate} runs. */
export async function bundleWorker(): Promise<void> {
  await bundle("tests/support/overlap/worker.ts", "overlap.js");
  generate(
    "overlap.capnp",
    Deno.readTextFileSync(new URL("overlap.capnp", import.meta.url)),
  );
}

/** Starts one whose fetches all go to `collector`, a host and port. */
export async function startIsolate(
  variant: Variant,
  collector: string,
): Promise<Isolate> {
  const child = new Deno.Command(program("workerd"), {
    args: [
      "serve",
      "--control-fd=1",
      `--external-addr=collector=${collector}`,
      ".cache/overlap.capnp",
    ],
    cwd: root,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const port = await portOf(variant, lines);
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await lines.cancel();
      await child.status;
    },
  };
}

/** Reads on which port a socket listens. */
async function portOf(
  socket: string,
  lines: ReadableStreamDefaultReader<string>,
): Promise<number> {
  for (let said = "";;) {
    const { value, done } = await lines.read();
    if (done) throw new Error("workerd did not begin to listen");
    said += value;
    for (const line of said.split("\n").slice(0, -1)) {
      const event: { socket: string; port: number } = JSON.parse(line);
      if (event.socket === socket) return event.port;
    }
  }
}
