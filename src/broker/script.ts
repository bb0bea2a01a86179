import { ALL_SHARDS, bodyKeyOf, type KeyName, keyOf } from "./keys.ts";

/** What a script takes beside its keys, by name: numbers are converted before the script sees them. */
export type ScriptArguments = Readonly<Record<string, "number" | "string">>;

/** A Lua script with its keys and arguments declared once, by name. */
export interface Script {
  readonly name: string;
  readonly keys: readonly KeyName[];
  readonly args: readonly string[];
  readonly source: string;
}

/**
 * Makes a script: `lua` finds each key and each argument under its name, `bodies` by shard, and reads whatever follows with `arg()` and `num()`.
 * The first line lets Upstash lock the declared keys only, instead of the whole database.
 */
export function script(definition: {
  readonly name: string;
  readonly keys: readonly KeyName[];
  readonly args: ScriptArguments;
  readonly lua: readonly string[];
}): Script {
  const { name, keys, args, lua } = definition;
  const names = Object.keys(args);
  const read = names.map((arg, i) =>
    args[arg] === "number" ? `tonumber(ARGV[${i + 2}])` : `ARGV[${i + 2}]`
  );
  const prelude = [
    `local ${keys.join(",")} = ${keys.map((_, i) => `KEYS[${i + 1}]`)}`,
    names.length > 0 ? `local ${names.join(",")} = ${read.join(",")}` : "",
    `local cursor = ${names.length + 1}`,
    `local bodies = {}`,
    `for i = 1, #ARGV[1] do bodies[tonumber(string.sub(ARGV[1], i, i))] = KEYS[${keys.length} + i] end`,
  ];
  return { name, keys, args: names, source: [...prelude, ...lua].join("\n") };
}

/** The first line of a script that Upstash may run under locks of its declared keys. */
export const KEY_LOCKING = "#!lua flags=allow-key-locking\n";

/** One call of a script, ready to be sent. */
export interface ScriptCall {
  readonly script: Script;
  readonly keys: string[];
  readonly args: string[];
}

/** Puts the keys of `queue` and the arguments in the script's order; `list` follows them. */
export function scriptCall(
  script: Script,
  queue: string,
  values: Readonly<Record<string, string | number>>,
  list: readonly (string | number)[] = [],
  shards: string = ALL_SHARDS,
): ScriptCall {
  const keys: string[] = [];
  for (const name of script.keys) keys.push(keyOf(queue, name));
  for (const shard of shards) keys.push(bodyKeyOf(queue, shard));
  const args = [shards];
  for (const name of script.args) args.push(String(values[name]));
  for (const value of list) args.push(String(value));
  return { script, keys, args };
}

const hashes = new Map<string, string>();
const utf8 = new TextEncoder();

/** The SHA-1 by which a server knows `source`; computed once. */
export async function sha1(source: string): Promise<string> {
  const known = hashes.get(source);
  if (known !== undefined) return known;
  const digest = await crypto.subtle.digest("SHA-1", utf8.encode(source));
  const hash = Array.from(
    new Uint8Array(digest),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
  hashes.set(source, hash);
  return hash;
}
