import { isOwnId, shardOf, SHARDS } from "../core/id.ts";

/** The keys of one queue beside its bodies, by the names that the scripts use. The layout's version is part of each key; records grow only at their end. */
export const KEY_NAMES = [
  "ready",
  "due",
  "lease",
  "state",
  "ends",
  "dead",
  "line",
  "meta",
] as const;

/**
 * - `ready` sorted set: tasks to claim, by order in µs less priority; `!paused` and `!paused.names` at −inf; those of keys by their turns, from −4·10¹⁵ on
 * - `due` sorted set: tasks to promote, by due ms with the priority in the fraction; `!lease` and `!sweep` below zero say when those want looking at, `!wake` until when nobody needs to ring, `!lanes` when a key's rate lets more begin
 * - `lease` sorted set: claimed tasks, by the lease's end in ms
 * - `state` hash: small mutable records. `t:` attempt|token|order|lane|span|flags|reaped|error[|released by[|progress]] of a task from its first claim, of one with a key from its acceptance, to its end; flags `x` cancelled, `p` suspended, `a` admitted from its lane, `l` waiting in it, `u` admitted under a rate and not claimed since, `n` set aside. `c:` the last answer to a consumer, `d:` who holds a dedupe key, `g:` how a group stands, `k:` how a key stands, see `lua/lane.ts`; `!turn` whose turn it is, `!rate` next start µs|0 or 1 waited for, of the queue
 * - `ends` sorted set: what may be forgotten, by when
 * - `dead` sorted set: dead tasks, by when they died
 * - `line` sorted set: `s:` the schedules, `k:key|order|id` tasks that wait for their key, `r:ms|key` keys that wait for time, `n:name|order|id` tasks that were set aside because their name is paused, `f:ended|id` the results that are counted
 * - `meta` hash: canary, pause, `names` that are paused, the operations of the last day, `s:` the hash of a schedule
 */
export type KeyName = typeof KEY_NAMES[number];

/** All shards, as the scripts are told them. */
export const ALL_SHARDS: string = Array.from(
  { length: SHARDS },
  (_, shard) => shard,
).join("");

/** The shards of `ids`: only their hashes are declared, so that a cold database loads no others. */
export function shardsOf(ids: readonly string[]): string {
  return [...new Set(ids.map(shardOf))].join("");
}

/** The key of `name` in `queue`. */
export function keyOf(queue: string, name: KeyName): string {
  return `baton:1:${queue}:${name}`;
}

/** The hash of shard `shard`: id → record. `L` live, `W` waiting for its group, `D` dead, `C` completed, `X` cancelled, `E` expired; a header line, then the envelope, result or error. */
export function bodyKeyOf(queue: string, shard: string): string {
  return `baton:1:${queue}:body.${shard}`;
}

/** A text as one field of a `|`-separated record. */
export function writeField(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("|", "%7C");
}

/** The reverse of {@link writeField}. */
export function readField(field: string): string {
  return field.replaceAll("%7C", "|").replaceAll("%25", "%");
}

/** A task's id as the database has it. A caller's own id gets a dot before it, so that no client takes it for JSON and no marker has its name. */
export function toMember(id: string): string {
  return isOwnId(id) ? id : `.${id}`;
}

/** The reverse of {@link toMember}. */
export function fromMember(member: string): string {
  return member.startsWith(".") ? member.slice(1) : member;
}
