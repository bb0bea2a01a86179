/**
 * What a user's bundle grows by: each entry point minified and compressed,
 * without the packages that it imports. What is loaded at once is counted by
 * itself, beside all that may be loaded later.
 *
 * @module
 */
import { gzipSync } from "node:zlib";
import { generate, manifest, root } from "./offline.ts";
import { bundle } from "./tools.ts";

const kilo = 1_024;

/** Bytes after compression. */
interface Budget {
  /** What is loaded at once; of an adapter, what it adds to the queue. */
  readonly atOnce: number;
  /** The same with everything that may be loaded later. */
  readonly inAll: number;
}

const adapter: Budget = { atOnce: 3 * kilo, inAll: 3 * kilo };

const budgets: Readonly<Record<string, Budget>> = {
  ".": { atOnce: 24 * kilo, inAll: 102 * kilo },
  "./otlp": { atOnce: 16 * kilo, inAll: 16 * kilo },
  "./w3c": adapter,
  "./hono": { atOnce: 3 * kilo, inAll: 4 * kilo },
  "./cron": adapter,
  "./upstash": adapter,
};

/** Resolves with the table, and rejects with it when an entry point is over its budget. */
export async function sizes(): Promise<string> {
  const copy = severed();
  const { exports } = manifest();
  const queue = exports["."] ?? "";
  const inAllOfQueue = await measure("whole", [root.href + queue]);
  const atOnceOfQueue = await measure("quick", [copy + queue]);
  const rows: string[] = [];
  const over: string[] = [];
  for (const [entry, file] of Object.entries(exports)) {
    const budget = budgets[entry];
    if (budget === undefined) throw new Error(`${entry} has no size budget`);
    const adds = entry !== "." && entry !== "./otlp";
    const name = entry.replaceAll(/[^a-z0-9]/g, "");
    const files = adds ? [queue, file] : [file];
    const atOnce = await measure(
      `quick_${name}`,
      files.map((f) => copy + f),
    );
    const inAll = await measure(
      `whole_${name}`,
      files.map((f) => root.href + f),
    );
    const counted = adds
      ? { atOnce: atOnce - atOnceOfQueue, inAll: inAll - inAllOfQueue }
      : { atOnce, inAll };
    if (counted.atOnce > budget.atOnce || counted.inAll > budget.inAll) {
      over.push(entry);
    }
    rows.push(row(
      entry,
      [counted.atOnce, budget.atOnce, counted.inAll, budget.inAll]
        .map((count) => `${adds ? "+" : ""}${bytes(count)}`),
    ));
  }
  const table = [
    row("gzip", ["at once", "budget", "in all", "budget"]),
    ...rows,
    await producer(copy, queue),
  ].join("\n");
  if (over.length === 0) return table;
  throw new Error(`${table}\nOver budget: ${over.join(", ")}`);
}

/** What who only enqueues loads, which is part of the first row. */
async function producer(copy: string, queue: string): Promise<string> {
  const made = generate(
    "size_made.ts",
    `export { defineTask, Queue, UpstashBroker } from "${copy + queue}";`,
  );
  const files = [new URL(made, root).href];
  const start = await measure("producer", files);
  files.push(`${copy}src/broker/enqueue.ts`);
  const enqueue = await measure("enqueue", files);
  return `      Queue and UpstashBroker alone: ${bytes(start)} at once, ${
    bytes(enqueue)
  } by the first enqueue`;
}

function row(name: string, cells: readonly string[]): string {
  return `      ${name.padEnd(10)}${
    cells.map((cell) => cell.padStart(10)).join("")
  }`;
}

const external: readonly string[] = [
  ...Object.keys(manifest().imports).flatMap((name) => [name, `${name}/*`]),
  "later:*",
].map((name) => `--external=${name}`);

/** A copy of the sources that is cut off from whatever they load later. */
function severed(): string {
  const copyOf = (path: string): void => {
    for (const { name, isDirectory } of Deno.readDirSync(new URL(path, root))) {
      if (isDirectory) copyOf(`${path}${name}/`);
      else copyFile(path + name);
    }
  };
  const copyFile = (path: string): void => {
    const text = Deno.readTextFileSync(new URL(path, root));
    const to = new URL(`.cache/severed/${path}`, root);
    Deno.mkdirSync(new URL(".", to), { recursive: true });
    Deno.writeTextFileSync(
      to,
      text.replaceAll(/(\bimport\()"\.+\//g, '$1"later:'),
    );
  };
  copyOf("src/");
  copyFile("mod.ts");
  return new URL(".cache/severed/", root).href;
}

/** Bundles the modules together, and gives how many bytes that is. */
async function measure(
  name: string,
  modules: readonly string[],
): Promise<number> {
  const source = modules.map((module) => `export * from "${module}";\n`);
  const entry = generate(`size_${name}.ts`, source.join(""));
  const out = await bundle(entry, `size_${name}.js`, ["--minify", ...external]);
  const text = Deno.readTextFileSync(new URL(out, root));
  return gzipSync(text, { level: 9 }).length;
}

function bytes(count: number): string {
  return count.toLocaleString("en");
}
