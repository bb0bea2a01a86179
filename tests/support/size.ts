/**
 * What a user's bundle grows by: each entry point minified and compressed,
 * without the packages that it imports and without what it imports only when
 * asked for it.
 *
 * @module
 */
import { gzipSync } from "node:zlib";
import { generate, manifest, root } from "./offline.ts";
import { bundle } from "./tools.ts";

/** What stays out of a producer's or consumer's bundle unless asked for. */
const optional: readonly string[] = ["MemoryBroker"];

const kilo = 1_024;

/**
 * Bytes after compression; an adapter counts what it adds to the queue.
 * The goals are 24 KB for what `Queue` and `UpstashBroker` reach, and 16 KB for `./otlp`: both are missed as yet.
 */
const budgets: Readonly<Record<string, number>> = {
  ".": 66 * kilo,
  "./otlp": 18 * kilo,
  "./w3c": 3 * kilo,
  "./hono": 3 * kilo,
  "./cron": 3 * kilo,
  "./upstash": 3 * kilo,
};

/** Resolves with the table, and rejects with it when an entry point is over its budget. */
export async function sizes(): Promise<string> {
  const rows: string[] = [];
  const over: string[] = [];
  let queue = 0;
  for (const entry of Object.keys(manifest().exports)) {
    const file = await exporting(entry);
    const alone = await measure(`alone_${nameOf(entry)}`, [file]);
    if (entry === ".") queue = alone.zipped;
    const adds = entry !== "." && entry !== "./otlp";
    const counted = adds
      ? (await measure(`with_${nameOf(entry)}`, [sizeFile("."), file])).zipped -
        queue
      : alone.zipped;
    const budget = budgets[entry];
    if (budget === undefined) throw new Error(`${entry} has no size budget`);
    if (counted > budget) over.push(entry);
    rows.push(row(entry, [
      bytes(alone.minified),
      bytes(alone.zipped),
      `${adds ? "+" : ""}${bytes(counted)}`,
      `${adds ? "+" : ""}${bytes(budget)}`,
    ]));
  }
  const table = [row("", ["minified", "gzip", "counted", "budget"]), ...rows]
    .join("\n");
  if (over.length === 0) return table;
  throw new Error(`${table}\nOver budget: ${over.join(", ")}`);
}

function row(name: string, cells: readonly string[]): string {
  return `      ${name.padEnd(10)}${
    cells.map((cell) => cell.padStart(10)).join("")
  }`;
}

function nameOf(entry: string): string {
  return entry === "." ? "queue" : entry.slice("./".length);
}

function sizeFile(entry: string): string {
  return `size_${nameOf(entry)}.ts`;
}

/** Makes a module that exports what an entry point does, without what is optional. */
async function exporting(entry: string): Promise<string> {
  const file = new URL(manifest().exports[entry] ?? "", root).href;
  const names = Object.keys(await import(file))
    .filter((name) => !optional.includes(name));
  generate(
    sizeFile(entry),
    `export { ${names.join(", ")} } from ${JSON.stringify(file)};\n`,
  );
  return sizeFile(entry);
}

const external: readonly string[] = Object.keys(manifest().imports)
  .flatMap((name) => [`--external=${name}`, `--external=${name}/*`]);

interface Size {
  readonly minified: number;
  readonly zipped: number;
}

/** Bundles the modules together. */
async function measure(
  name: string,
  files: readonly string[],
): Promise<Size> {
  const source = files.map((file, i) =>
    files.length === 1
      ? `export * from "./${file}";\n`
      : `export * as part${i} from "./${file}";\n`
  ).join("");
  const entry = generate(`size_${name}.ts`, source);
  const folder = await bundle(entry, `size_${name}/`, [
    "--minify",
    ...external,
  ]);
  const text = loaded(new URL(folder, root), `size_${name}.js`);
  return {
    minified: new Blob([text]).size,
    zipped: gzipSync(text, { level: 9 }).length,
  };
}

/** A bundle's text with the files that it always loads; what it may load later does not count. */
function loaded(folder: URL, entry: string): string {
  const files = new Map<string, string>();
  const load = (name: string): void => {
    if (files.has(name)) return;
    const text = Deno.readTextFileSync(new URL(name, folder));
    files.set(name, text);
    for (const [, other] of text.matchAll(/(?:from|import)"\.\/([^"]+)"/g)) {
      if (other !== undefined) load(other);
    }
  };
  load(entry);
  return [...files.values()].join("\n");
}

function bytes(count: number): string {
  return count.toLocaleString("en");
}
