/**
 * `deno task check`: format, lint with the house rules, types of code and
 * documentation, documentation itself, publishing, JSR's score, portability,
 * sizes.
 *
 * @module
 */
import {
  examples,
  generate,
  manifest,
  root,
  standIn,
  withoutPackages,
} from "./offline.ts";
import { run } from "./process.ts";
import { score } from "./score.ts";
import { sizes } from "./size.ts";
import { bundle, install, program } from "./tools.ts";

/** A step resolves with what is worth reading, and rejects with what is wrong. */
interface Step {
  readonly name: string;
  run(): Promise<string>;
}

const entries: readonly string[] = Object.values(manifest().exports);

async function deno(...args: readonly string[]): Promise<string> {
  const { code, text } = await run(Deno.execPath(), args, { cwd: root });
  if (code === 0) return text;
  const problems = text.split("\n").filter((line) => !/^Check /.test(line));
  throw new Error(`deno ${args.join(" ")}\n${problems.join("\n")}`);
}

const quiet = (done: Promise<string>): Promise<string> => done.then(() => "");

/** What `deno info --json` says of a module and those it reaches. */
interface Graph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly { readonly specifier: string }[];
  }[];
}

async function graph(entry: string): Promise<Graph> {
  return JSON.parse(await deno("info", "--quiet", "--json", entry));
}

/** No module that an entry point reaches is Node's, and all of them are found. */
async function withoutNode(): Promise<string> {
  const bad: string[] = [];
  for (const entry of entries) {
    for (const { specifier, error } of (await graph(entry)).modules) {
      if (specifier.startsWith("node:")) bad.push(`${entry}: ${specifier}`);
      if (error !== undefined) bad.push(`${entry}: ${error}`);
    }
  }
  if (bad.length > 0) throw new Error(bad.join("\n"));
  return "";
}

/** Every public name is documented and refers to public names only. */
async function documented(): Promise<string> {
  const packages = new Set<string>();
  for (const entry of entries) {
    for (const { dependencies = [] } of (await graph(entry)).modules) {
      for (const { specifier } of dependencies) {
        if (!/^\.|^file:/.test(specifier)) packages.add(specifier);
      }
    }
  }
  await deno("doc", "--lint", withoutPackages(packages), ...entries);
  return "";
}

/** Everything can be made while workerd starts, where time, randomness, timers and fetch are refused. */
async function inGlobalScope(): Promise<string> {
  await bundle("tests/support/global_scope.ts", "global_scope.js");
  generate(
    "global_scope.capnp",
    Deno.readTextFileSync(new URL("global_scope.capnp", import.meta.url)),
  );
  const { code, text } = await run(program("workerd"), [
    "test",
    ".cache/global_scope.capnp",
  ], { cwd: root });
  if (code !== 0) throw new Error(text);
  return "";
}

async function steps(): Promise<readonly Step[]> {
  const map = await standIn();
  return [
    { name: "format", run: () => quiet(deno("fmt", "--check")) },
    { name: "lint and house rules", run: () => quiet(deno("lint")) },
    {
      name: "types",
      run: () =>
        quiet(
          deno(
            "check",
            "--frozen",
            ...map,
            "mod.ts",
            "src",
            "tests",
            "examples",
          ),
        ),
    },
    {
      name: "types of the examples in the documentation and the README",
      run: () =>
        quiet(
          deno(
            "check",
            ...examples(),
            "--doc-only",
            "README.md",
            "mod.ts",
            "src",
          ),
        ),
    },
    { name: "documentation of every public name", run: documented },
    {
      name: "publishing, without slow types",
      run: () => quiet(deno("publish", "--dry-run", "--allow-dirty")),
    },
    {
      name: "JSR's score, as far as it is known here",
      run: () => score((file) => deno("doc", "--json", "--quiet", file)),
    },
    { name: "no Node in any entry point's graph", run: withoutNode },
    { name: "sizes", run: sizes },
    { name: "everything constructible in global scope", run: inGlobalScope },
  ];
}

async function passes({ name, run }: Step): Promise<boolean> {
  const began = performance.now();
  const took = () => `${((performance.now() - began) / 1_000).toFixed(1)} s`;
  try {
    const said = await run();
    console.log(`ok    ${name} (${took()})`);
    if (said) console.log(said);
    return true;
  } catch (error) {
    console.log(`FAIL  ${name} (${took()})`);
    console.log(error instanceof Error ? error.message : error);
    return false;
  }
}

let passed = 0, failed = 0;
try {
  await install();
  for (const step of await steps()) {
    if (await passes(step)) passed++;
    else failed++;
  }
} catch (error) {
  console.log(error instanceof Error ? error.stack : error);
  failed++;
}
console.log(`${passed} passed, ${failed} failed`);
Deno.exitCode = failed === 0 ? 0 : 1;
