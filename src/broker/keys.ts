import { isOwnId, SHARDS } from "../core/id.ts";

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
 * - `ready` sorted set: tasks to claim, by order in µs less priority; `!paused` at −inf
 * - `due` sorted set: tasks to promote, by due ms with the priority in the fraction; `!lease` and `!sweep` below zero say when those want looking at
 * - `lease` sorted set: claimed tasks, by the lease's end in ms
 * - `state` hash: small mutable records. `t:` attempt|token|order|key|span|flags|reaped|error of a task from its first claim to its end, `c:` the last answer to a consumer, `d:` who holds a dedupe key
 * - `ends` sorted set: what may be forgotten, by when
 * - `dead` sorted set: dead tasks, by when they died
 * - `line` sorted set: kept for keyed tasks
 * - `meta` hash: canary, pause, the last operations
 */
export type KeyName = typeof KEY_NAMES[number];

/** All shards, as the scripts are told them. */
export const ALL_SHARDS: string = Array.from(
  { length: SHARDS },
  (_, shard) => shard,
).join("");

/** The key of `name` in `queue`. */
export function keyOf(queue: string, name: KeyName): string {
  return `baton:1:${queue}:${name}`;
}

/** The hash of shard `shard`: id → record. `L` live, `D` dead, `C` completed, `X` cancelled, `E` expired; a header line, then the envelope, result or error. */
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
