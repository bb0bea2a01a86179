/**
 * The import maps that stand in for deno.json's imports, made from it. Nothing
 * in the working tree or the lock file changes: they lie under `.cache/`.
 *
 * @module
 */

/** The repository, with a slash at its end. */
export const root: URL = new URL("../../", import.meta.url);

/** The part of deno.json that the tools read. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
}

/** Reads deno.json. */
export function manifest(): Manifest {
  return JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));
}

/** Writes a file under `.cache/` and returns its path, relative to the repository. */
export function generate(name: string, text: string): string {
  Deno.mkdirSync(new URL(".cache/", root), { recursive: true });
  Deno.writeTextFileSync(new URL(`.cache/${name}`, root), text);
  return `.cache/${name}`;
}

/** Flags for `deno check` and `deno test`: none where JSR answers, else a map of `@std/assert` to its stand-in, which is said. */
export async function standIn(): Promise<readonly string[]> {
  if (await reachable("https://jsr.io/@std/assert/meta.json")) return [];
  console.log(
    "JSR cannot be reached: tests/support/assert.ts stands in for @std/assert.",
  );
  return [importMap("imports.json", { ...packages(), ...assert() })];
}

/** Flag for `deno bundle` of what runs where `jsr:` means nothing. */
export function bundled(): string {
  return importMap("bundle.json", { ...packages(), ...assert(), ...entries() });
}

/** Flags for the examples in documentation, which use `Deno.*` and the package by its name. */
export function examples(): readonly string[] {
  const config = generate(
    "examples.json",
    JSON.stringify({
      imports: { ...packages(), ...assert(), ...entries() },
      unstable: ["cron"],
      compilerOptions: {
        lib: ["deno.ns", "deno.unstable", "esnext", "dom", "dom.iterable"],
      },
    }),
  );
  const lock = Deno.readTextFileSync(new URL("deno.lock", root));
  return [`--config=${config}`, `--lock=${generate("examples.lock", lock)}`];
}

/** Flag for `deno doc --lint`, which takes each npm type in a signature for a private one: here what packages export is empty. */
export function withoutPackages(specifiers: Iterable<string>): string {
  const empty = "data:application/typescript,export%20%7B%7D";
  return importMap(
    "docs.json",
    Object.fromEntries([...specifiers].map((name) => [name, empty])),
  );
}

async function reachable(url: string): Promise<boolean> {
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(3_000) });
    await reply.body?.cancel();
    return reply.ok;
  } catch {
    return false;
  }
}

function importMap(name: string, imports: Record<string, string>): string {
  return `--import-map=${generate(name, JSON.stringify({ imports }, null, 2))}`;
}

/** deno.json's imports; an import map needs the npm packages' subpaths spelled out. */
function packages(): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, target] of Object.entries(manifest().imports)) {
    out[name] = target;
    if (target.startsWith("npm:")) out[`${name}/`] = `npm:/${target.slice(4)}/`;
  }
  return out;
}

function assert(): Record<string, string> {
  return { "@std/assert": new URL("assert.ts", import.meta.url).href };
}

/** Our own entry points, by the names that users import. */
function entries(): Record<string, string> {
  const { name, exports } = manifest();
  return Object.fromEntries(
    Object.entries(exports).map(([entry, file]) => [
      name + entry.slice(1),
      new URL(file, root).href,
    ]),
  );
}
