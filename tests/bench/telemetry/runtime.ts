/** The runtimes that the programs of this folder run on, each in a process of its own. */
import { fileURLToPath } from "node:url";
import { root } from "../../support/offline.ts";
import { program } from "../../support/tools.ts";

/** A runtime. */
export type Runtime = "deno" | "bun";

/** All of them. */
export const RUNTIMES: readonly Runtime[] = ["deno", "bun"];

/** How a program of this folder is started. */
export function command(
  runtime: Runtime,
  name: string,
  args: readonly string[],
  options: Deno.CommandOptions,
): [string, Deno.CommandOptions] {
  const path = fileURLToPath(new URL(name, import.meta.url));
  const all = runtime === "deno"
    ? ["run", "-A", "--no-check", path, ...args]
    : [path, ...args];
  const executable = runtime === "deno" ? Deno.execPath() : program("bun");
  return [executable, { ...options, args: all, cwd: fileURLToPath(root) }];
}
