/** Workers in workerd, bound to each other, behind ports of this host; and their cron triggers, which workerd itself never pulls. */
import { generate, root } from "./offline.ts";
import { bundle, program } from "./tools.ts";

/** A Worker, as its wrangler.toml would have it. */
export interface WorkerSpec {
  readonly name: string;
  /** Its module, from the root of the repository. */
  readonly main: string;
  /** Its variables and secrets. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Its bindings of other Workers, by the names of both. */
  readonly services?: Readonly<Record<string, string>>;
  /** `nodejs_compat` and its like. */
  readonly flags?: readonly string[];
}

/** Workers that serve. */
export interface Workers extends AsyncDisposable {
  /** workerd's process. */
  readonly pid: number;
  /** Where one of them listens. */
  url(name: string): string;
  /** Pulls the cron trigger of one, and resolves when all that it waits for is done. */
  scheduled(name: string): Promise<void>;
}

const TRIGGER = "trigger";

/** Bundles and starts Workers. */
export async function startWorkers(
  specs: readonly WorkerSpec[],
): Promise<Workers> {
  for (const { name, main } of specs) await bundle(main, bundleOf(name));
  generate(
    `worker_${TRIGGER}.js`,
    `export default { async fetch({ url }, env) {
      const scheduledTime = new Date();
      const cron = "* * * * *";
      return Response.json(await env[new URL(url).pathname.slice(1)].scheduled({ cron, scheduledTime }));
    } };`,
  );
  const trigger: WorkerSpec = {
    name: TRIGGER,
    main: "",
    services: Object.fromEntries(specs.map(({ name }) => [name, name])),
    flags: ["service_binding_extra_handlers"],
  };
  const all = [...specs, trigger];
  const config = generate(
    `workers_${specs.map(({ name }) => name).join("_")}.capnp`,
    configOf(all),
  );
  const child = new Deno.Command(program("workerd"), {
    args: ["serve", "--experimental", "--control-fd=1", config],
    cwd: root,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const ports = await portsOf(all.map(({ name }) => name), lines);
  const url = (name: string) => `http://127.0.0.1:${ports.get(name)}`;
  return {
    pid: child.pid,
    url,
    async scheduled(name) {
      const response = await fetch(`${url(TRIGGER)}/${name}`);
      const { outcome }: { outcome: string } = await response.json();
      if (outcome !== "ok") throw new Error(`${name} ended with ${outcome}`);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await lines.cancel();
      await child.status;
    },
  };
}

function bundleOf(name: string): string {
  return `worker_${name}.js`;
}

function configOf(specs: readonly WorkerSpec[]): string {
  const services = specs.map(
    ({ name, vars = {}, services = {}, flags = [] }) => {
      const bindings = [
        ...Object.entries(vars).map(([key, value]) =>
          `(name = ${text(key)}, text = ${text(value)})`
        ),
        ...Object.entries(services).map(([key, service]) =>
          `(name = ${text(key)}, service = ${text(service)})`
        ),
      ];
      return `(name = ${text(name)}, worker = (
      modules = [(name = "worker.js", esModule = embed ${
        text(bundleOf(name))
      })],
      compatibilityDate = "2026-01-01",
      compatibilityFlags = [${flags.map(text).join(", ")}],
      bindings = [${bindings.join(", ")}],
      globalOutbound = "network",
    ))`;
    },
  );
  const sockets = specs.map(({ name }) =>
    `(name = ${text(name)}, address = "127.0.0.1:0", http = (), service = ${
      text(name)
    })`
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${services.join(",\n    ")},
    (name = "network", network = (allow = ["private", "public"])),
  ],
  sockets = [${sockets.join(", ")}],
);
`;
}

/** A text of Cap'n Proto's. */
function text(value: string): string {
  return JSON.stringify(value);
}

/** Reads on which ports the sockets listen. */
async function portsOf(
  names: readonly string[],
  lines: ReadableStreamDefaultReader<string>,
): Promise<ReadonlyMap<string, number>> {
  const ports = new Map<string, number>();
  for (let said = ""; ports.size < names.length;) {
    const { value, done } = await lines.read();
    if (done) throw new Error("workerd did not begin to listen");
    said += value;
    for (const line of said.split("\n").slice(0, -1)) {
      const event: { socket: string; port: number } = JSON.parse(line);
      ports.set(event.socket, event.port);
    }
  }
  return ports;
}
