/**
 * The id of a task whose handler returns `Output`: a plain string at run time, so that `queue.result(id)` is typed.
 *
 * @typeParam Output What the task's handler returns.
 */
export type TaskId<Output = unknown> = string & {
  /** Only a type: what the task's handler returns. */
  readonly "~output"?: Output;
};

/** Fills a buffer with random bytes; `crypto.getRandomValues` where nothing else is given. */
export type Random = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array;

/** The host's cryptographic randomness. */
export const systemRandom: Random = (bytes) => crypto.getRandomValues(bytes);

/** What the id of every schedule begins with, and no task's. */
const SCHEDULE = "schedule:";

/** The id of the schedule of this name. */
export function scheduleId(name: string): string {
  return SCHEDULE + name;
}

/** The name of the schedule of this id; absent where it is a task's. */
export function scheduleName(id: string): string | undefined {
  return id.startsWith(SCHEDULE) ? id.slice(SCHEDULE.length) : undefined;
}

/** Whether it is about a task, not about a schedule. */
export function isTask({ id }: { readonly id: string }): boolean {
  return scheduleName(id) === undefined;
}

const GROUP_LINK = "map:";
const FORK = "fork:";

/** The id of a link of a chain that is a group: the group's own, and that of the task that joins it. */
export function groupLinkId(id: string): string {
  return GROUP_LINK + id;
}

/** Whether a link of a chain is a group. */
export function isGroupLinkId(id: string): boolean {
  return id.startsWith(GROUP_LINK);
}

/** The id of the task that sends the members of such a link. */
export function forkOfLink(link: string): string {
  return FORK + link.slice(GROUP_LINK.length);
}

/** The link whose members the task of this id sends. */
export function linkOfFork(fork: string): string {
  return GROUP_LINK + fork.slice(FORK.length);
}

/** Into how many hashes the bodies of one queue are spread; fixed by the layout's version. */
export const SHARDS = 8;

const DIGITS =
  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-";
const OWN = /^~[0-7][0-9A-Za-z_-]{20}$/;
const utf8 = new TextEncoder();

/** A random name of `length` characters, 6 bits each: consumers and operations. */
export function randomName(random: Random, length: number): string {
  return spell(random(new Uint8Array(length)));
}

/**
 * A new task id: `~`, the shard, 9 characters of time, 11 of randomness.
 * A shard lasts a second, so that tasks enqueued together are claimed from one or two hashes.
 */
export function newId(
  now: number,
  random: Random,
  shard: number = Math.floor(now / 1000) % SHARDS,
): string {
  return `~${shard}${digits(now, 9)}${randomName(random, 11)}`;
}

/** The id of the `index`th task that `parent` enqueued, the same in each of its attempts. `enqueuedAt` tells a parent from another one that has its id later. */
export async function derivedId(
  parent: string,
  enqueuedAt: number,
  index: number,
  name: string,
): Promise<string> {
  const digest = await crypto.subtle.digest(
    "SHA-256",
    utf8.encode(`${parent}\n${enqueuedAt}\n${index}\n${name}`),
  );
  return `~${shardOf(parent)}${spell(new Uint8Array(digest, 0, 20))}`;
}

/**
 * The ids of the members of the group `group`, by their numbers up to 262,143: the same whenever they are asked for. 1,000 in a row share a shard.
 */
export async function memberIds(
  group: string,
): Promise<(index: number) => string> {
  const digest = await crypto.subtle.digest("SHA-256", utf8.encode(group));
  const bytes = new Uint8Array(digest);
  const stem = spell(bytes.subarray(0, 17));
  const first = bytes[17]!;
  return (index) =>
    `~${(first + Math.floor(index / 1_000)) % SHARDS}${stem}${
      digits(index, 3)
    }`;
}

/** Whether `id` has the form that Baton itself gives. */
export function isOwnId(id: string): boolean {
  return OWN.test(id);
}

/** Which of the {@link SHARDS} hashes holds `id`: written in Baton's own ids, hashed from the caller's. */
export function shardOf(id: string): number {
  if (isOwnId(id)) return Number(id[1]);
  let hash = 0;
  for (const byte of utf8.encode(`.${id}`)) hash = (hash * 31 + byte) % 65_521;
  return hash % SHARDS;
}

function digits(value: number, length: number): string {
  let text = "";
  for (let rest = value, i = 0; i < length; i++) {
    text = DIGITS[rest % 64] + text;
    rest = Math.floor(rest / 64);
  }
  return text;
}

function spell(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += DIGITS[byte & 63];
  return text;
}
