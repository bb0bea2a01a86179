import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  derivedId,
  isOwnId,
  newId,
  randomName,
  shardOf,
  SHARDS,
  systemRandom,
} from "../src/core/id.ts";
import { test } from "./support/suite.ts";

const NOW = Date.UTC(2026, 0, 2);

test("newId() gives ids of Baton's own form, of their instant, each another", () => {
  const at = (now: number) => newId(now, systemRandom, 3);
  const twins = Array.from({ length: 200 }, () => at(NOW));
  assert(twins.every(isOwnId));
  assert(twins.every((id) => shardOf(id) === 3));
  assertEquals(new Set(twins).size, 200);
  const instant = (id: string) => id.slice(0, 11);
  assertEquals(new Set(twins.map(instant)).size, 1);
  assertNotEquals(instant(at(NOW + 1)), instant(at(NOW)));
});

test("newId() changes the shard every second, over all of them", () => {
  const shards = Array.from(
    { length: SHARDS },
    (_, i) => shardOf(newId(NOW + i * 1_000, systemRandom)),
  );
  assertEquals(new Set(shards).size, SHARDS);
  const same = [0, 999].map((ms) => shardOf(newId(NOW + ms, systemRandom)));
  assertEquals(same[0], same[1]);
});

test("derivedId() depends on the parent, its instant, the index and the name, and on nothing else", async () => {
  const [parent, sibling] = [1, 2].map(() => newId(NOW, systemRandom, 5));
  const id = await derivedId(parent!, NOW, 1, "mail");
  assertEquals(id, await derivedId(parent!, NOW, 1, "mail"));
  assert(isOwnId(id));
  for (
    const other of [
      await derivedId(sibling!, NOW, 1, "mail"),
      await derivedId(parent!, NOW + 1, 1, "mail"),
      await derivedId(parent!, NOW, 2, "mail"),
      await derivedId(parent!, NOW, 1, "mails"),
    ]
  ) assertNotEquals(other, id);
});

test("derivedId() never changes: an attempt by an older version of this library made the same", async () => {
  assertEquals(
    await derivedId("parent", NOW, 1, "mail"),
    "~5mpzkCkh2IoK_AWuiu4zo",
  );
});

test("derivedId() stays in its parent's shard", async () => {
  for (let shard = 0; shard < SHARDS; shard++) {
    const parent = newId(NOW, systemRandom, shard);
    assertEquals(shardOf(await derivedId(parent, NOW, 0, "mail")), shard);
  }
  const own = shardOf("a caller's");
  assertEquals(shardOf(await derivedId("a caller's", NOW, 0, "mail")), own);
});

test("shardOf() spreads the ids of callers, and never changes", () => {
  const counts = new Array<number>(SHARDS).fill(0);
  for (let i = 0; i < 8_000; i++) counts[shardOf(`order-${i}`)]!++;
  for (const count of counts) assert(count > 500 && count < 1_500, `${counts}`);
  assertEquals(["a", "order-1", "日本語", "~9"].map(shardOf), [3, 1, 3, 1]);
});

test("isOwnId() takes no caller's id for Baton's own", () => {
  for (
    const id of ["", "~", "~0", `~8${"x".repeat(20)}`, `~0${"é".repeat(20)}`]
  ) {
    assert(!isOwnId(id), id);
  }
});

test("randomName() uses every bit it is given, and as many characters as are asked for", () => {
  const name = randomName((bytes) => bytes.map((_, i) => i), 64);
  assertEquals(new Set(name).size, 64);
});
