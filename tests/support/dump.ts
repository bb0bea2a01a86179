import { bodyKeyOf, KEY_NAMES, keyOf } from "../../src/broker/keys.ts";
import { SHARDS } from "../../src/core/id.ts";
import { redisCommand } from "./redis_command.ts";

/** A queue as the database holds it: each key's members or fields, sorted. */
export async function dump(
  queue: string,
): Promise<Readonly<Record<string, unknown>>> {
  const keys = [
    ...KEY_NAMES.map((name) => keyOf(queue, name)),
    ...Array.from({ length: SHARDS }, (_, i) => bodyKeyOf(queue, String(i))),
  ];
  const out: Record<string, unknown> = {};
  for (const key of keys) {
    const hash = /:(state|meta|body\.\d)$/.test(key);
    const flat = await redisCommand<readonly string[]>(
      hash ? ["HGETALL", key] : ["ZRANGE", key, "0", "-1", "WITHSCORES"],
    );
    const pairs: Record<string, string> = {};
    for (let i = 0; i < flat.length; i += 2) pairs[flat[i]!] = flat[i + 1]!;
    out[key.slice(`baton:1:${queue}:`.length)] = pairs;
  }
  return out;
}
