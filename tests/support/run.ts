/**
 * Every suite on every runtime, and one closing line:
 *
 *     deno task test [--only=deno|bun|workerd] [part of a path…]
 *
 * Suites in tests/ run on Deno, Bun and workerd (without Node and with
 * nodejs_compat); those in tests/host/ need processes, servers or files and
 * run on Deno. With parts of paths, only the suites whose path holds one.
 *
 * @module
 */
import { generate, root, standIn } from "./offline.ts";
import {
  bundleForWorkerd,
  onBun,
  onDeno,
  onWorkerd,
  type Progress,
  type Result,
} from "./rows.ts";
import { type Gateway, startGateway } from "./gateway/mod.ts";
import { reasons } from "./host_only.ts";
import { endAll } from "./process.ts";
import { installRedis } from "./redis.ts";
import { install } from "./tools.ts";

const runtimes = ["deno", "bun", "workerd"] as const;
type Runtime = typeof runtimes[number];

interface Row {
  readonly name: string;
  readonly runtime: Runtime;
  readonly files: readonly string[];
  /** Why the suites run on this runtime only. */
  readonly why?: string;
  run(progress: Progress): Promise<Result>;
}

interface Asked {
  readonly only: Runtime | undefined;
  readonly parts: readonly string[];
}

function asked(args: readonly string[]): Asked {
  let only: Runtime | undefined;
  const parts: string[] = [];
  for (const arg of args) {
    if (!arg.startsWith("--")) parts.push(arg);
    else {
      only = runtimes.find((runtime) => arg === `--only=${runtime}`);
      if (!only) {
        throw new TypeError(
          `Unknown option ${arg}: use --only=deno, --only=bun or --only=workerd`,
        );
      }
    }
  }
  return { only, parts };
}

/** Paths of the suites in a folder and below, in order. */
function suites(folder: string): string[] {
  const found: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, root))) {
    const below = ["tools", "support", "bench", "node_modules"].includes(name);
    if (isDirectory && !below) found.push(...suites(`${folder}${name}/`));
    else if (name.endsWith("_test.ts")) found.push(`${folder}${name}`);
  }
  return found.sort();
}

function rows(parts: readonly string[], flags: readonly string[]): Row[] {
  const wanted = suites("tests/").filter((file) =>
    parts.length === 0 || parts.some((part) => file.includes(part))
  );
  const host = wanted.filter((file) => file.startsWith("tests/host/"));
  const files = wanted.filter((file) => !host.includes(file));
  return [
    {
      name: "deno",
      runtime: "deno",
      files,
      run: (progress) => onDeno(files, flags, progress),
    },
    {
      name: "deno, host suites",
      runtime: "deno",
      files: host,
      why: `, on Deno only:\n${reasons(host)}`,
      run: (progress) => onDeno(host, flags, progress),
    },
    {
      name: "bun",
      runtime: "bun",
      files,
      run: (progress) => onBun(files, progress),
    },
    {
      name: "workerd, without Node",
      runtime: "workerd",
      files,
      run: async (progress) => {
        await bundleForWorkerd(files);
        return await onWorkerd("without-node", progress);
      },
    },
    {
      name: "workerd, nodejs_compat",
      runtime: "workerd",
      files,
      run: async (progress) => {
        await bundleForWorkerd(files);
        return await onWorkerd("nodejs-compat", progress);
      },
    },
  ];
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** Prints each suite's name as it begins, and every ten seconds what a long one is at. */
function watched(row: Row): Progress & Disposable {
  const began = performance.now();
  let file = "", last = "", tests = 0, printedAt = began;
  const heartbeat = setInterval(() => {
    if (performance.now() - printedAt < 9_000) return;
    const at = [file, `${tests} tests done`, last].filter((part) => part);
    print(`… ${at.join(" | ")}`);
  }, 10_000);
  const print = (text: string): void => {
    printedAt = performance.now();
    console.log(
      `  ${seconds(printedAt - began).padStart(8)}  ${row.name}: ${text}`,
    );
  };
  return {
    file: (path) => print(file = path),
    test: () => void tests++,
    line: (text) => void (last = text.trim().slice(0, 100) || last),
    [Symbol.dispose]: () => clearInterval(heartbeat),
  };
}

async function outcome(row: Row): Promise<Result> {
  if (row.files.length === 0) {
    return { passed: 0, failed: 1, report: "There is no suite for it." };
  }
  using progress = watched(row);
  try {
    const result = await row.run(progress);
    return result.passed + result.failed > 0
      ? result
      : { passed: 0, failed: 1, report: "No test ran." };
  } catch (error) {
    return { passed: 0, failed: 1, report: String(error) };
  }
}

/** The table so far. */
class Table {
  #passed = 0;
  #failed = 0;
  readonly #lines: string[] = [];

  /** Adds what came of something that began then, and prints it. */
  add(name: string, result: Result, beganAt: number): void {
    const { passed, failed, report } = result;
    this.#passed += passed;
    this.#failed += failed;
    const took = seconds(performance.now() - beganAt);
    const line = `${name}: ${passed} passed, ${failed} failed (${took})`;
    this.#lines.push(line);
    console.log(report ? `${report}\n${line}` : line);
  }

  /** Prints all of it; true when nothing failed. */
  close(beganAt: number): boolean {
    console.log(`\n${this.#lines.join("\n")}`);
    console.log(`in ${seconds(performance.now() - beganAt)}`);
    console.log(`${this.#passed} passed, ${this.#failed} failed`);
    return this.#failed === 0;
  }
}

/** A preparation counts only when it fails; the suites that can do without still run. */
async function prepared<T>(
  table: Table,
  name: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  console.log(`${name}.`);
  const beganAt = performance.now();
  try {
    return await work();
  } catch (error) {
    const report = error instanceof Error ? error.message : String(error);
    table.add(name, { passed: 0, failed: 1, report }, beganAt);
    return undefined;
  }
}

/** Host suites may start Bun or workerd too; a developer who asks for one suite on Deno waits for no installation. */
function needsTools(todo: readonly Row[], { only, parts }: Asked): boolean {
  return parts.length === 0 || only !== "deno" ||
    todo.some((row) => row.runtime !== "deno");
}

async function started(): Promise<Gateway> {
  await installRedis();
  const gateway = await startGateway();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      endAll();
      gateway.stop().finally(() => Deno.exit(130));
    });
  }
  return gateway;
}

/** Writes the script that each runtime loads before the suites; `host.ts` reads it. */
function tell(gateway: Gateway | undefined): Disposable {
  const told = gateway && { url: gateway.url, token: gateway.token };
  const name = `host-${Deno.pid}.js`;
  const path = generate(
    name,
    `globalThis.batonGateway = ${JSON.stringify(told)};\n`,
  );
  Deno.env.set("BATON_HOST_SCRIPT", name);
  return {
    [Symbol.dispose]: () => Deno.removeSync(new URL(path, root)),
  };
}

async function main(): Promise<boolean> {
  const began = performance.now();
  const asking = asked(Deno.args);
  const { only, parts } = asking;
  const todo = rows(parts, await standIn()).filter((row) =>
    (only === undefined || row.runtime === only) &&
    (parts.length === 0 || row.files.length > 0)
  );
  if (todo.length === 0) throw new Error(`No suite's path holds ${parts}`);

  const table = new Table();
  if (needsTools(todo, asking)) {
    await prepared(table, "Installing the tools of tests/tools", install);
  }
  await using gateway = await prepared(
    table,
    "Starting Redis and its gateway",
    started,
  );
  using _told = tell(gateway);
  for (const row of todo) {
    const beganAt = performance.now();
    console.log(`\n${row.name}: ${row.files.length} suites${row.why ?? ""}`);
    table.add(row.name, await outcome(row), beganAt);
  }
  return table.close(began);
}

let ok = false;
try {
  ok = await main();
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  console.log("0 passed, 1 failed");
}
Deno.exit(ok ? 0 : 1);
