/**
 * The pinned tools of tests/tools: Bun, workerd, and the peers and oracles
 * that suites on Deno and the benchmarks compare with. The demo needs none.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { bundled, manifest, root } from "./offline.ts";
import { run } from "./process.ts";

export { required } from "./required.ts";

const folder = new URL("tests/tools/", root);
const scripts = "--allow-scripts=npm:bun,npm:workerd,npm:esbuild";

/** Installs the tools as their lock file has them; at once when they are there. */
export async function install(): Promise<void> {
  const { code, text } = await run(
    Deno.execPath(),
    ["install", "--frozen", scripts],
    { cwd: folder },
  );
  if (code !== 0) throw new Error(`The tools could not be installed:\n${text}`);
  linkForBun();
}

/** The path of an installed program. */
export function program(name: "bun" | "workerd" | "esbuild"): string {
  return fileURLToPath(installed(`.bin/${name}`));
}

function installed(path: string): URL {
  const at = new URL(`node_modules/${path}`, folder);
  try {
    Deno.lstatSync(at);
  } catch (cause) {
    throw new Error("The tools are not installed: run `deno task test` once", {
      cause,
    });
  }
  return at;
}

/**
 * Bundles a module for a runtime that has only the web's interfaces, into a
 * file below `.cache/`, or into a folder when `out` ends with a slash: then
 * what is imported dynamically is in files of its own. Returns the path.
 */
export async function bundle(
  entry: string,
  out: string,
  flags: readonly string[] = [],
): Promise<string> {
  const path = `.cache/${out}`;
  await Deno.remove(new URL(path, root), { recursive: true }).catch(() => {});
  const { code, text } = await run(Deno.execPath(), [
    "bundle",
    "--quiet",
    "--frozen",
    "--platform=browser",
    bundled(),
    ...flags,
    ...out.endsWith("/")
      ? ["--code-splitting", `--outdir=${path}`]
      : [`--output=${path}`],
    entry,
  ], { cwd: root });
  if (code !== 0) throw new Error(`${entry} could not be bundled:\n${text}`);
  return path;
}

/** Bun has no import map: it finds the packages, the stand-in for `@std/assert`, and Baton itself as the examples import it, in a `node_modules` above the suites. */
function linkForBun(): void {
  const { name, exports } = manifest();
  forward("@std/assert", { ".": "./tests/support/assert.ts" });
  forward(name, exports);
  const link = new URL("node_modules", root);
  try {
    Deno.lstatSync(link);
  } catch {
    Deno.symlinkSync("tests/tools/node_modules", link, { type: "dir" });
  }
}

/** A package whose entry points are modules of the repository. */
function forward(
  name: string,
  exports: Readonly<Record<string, string>>,
): void {
  const at = new URL(`node_modules/${name}/`, folder);
  Deno.mkdirSync(at, { recursive: true });
  const entries = Object.entries(exports).map(([entry, file]) => {
    const module = entry === "." ? "./mod.ts" : `${entry}.ts`;
    Deno.writeTextFileSync(
      new URL(module, at),
      `export * from ${JSON.stringify(`../../../../../${file.slice(2)}`)};\n`,
    );
    return [entry, module];
  });
  Deno.writeTextFileSync(
    new URL("package.json", at),
    JSON.stringify({
      name,
      type: "module",
      exports: Object.fromEntries(entries),
    }),
  );
}
