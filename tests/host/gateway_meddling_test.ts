/** What the gateway does to scripts, to the clock and to Redis when it is told to. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { staged } from "../support/gateway/stage.ts";
import { test } from "../support/suite.ts";

const STEPS = `
redis.call('SET', KEYS[1], 'one')
redis.call('SET', KEYS[2], 'two')
redis.call('SET', KEYS[3], 'three')
return 'done'`;

const TIMES = "local t = redis.call('TIME') return {t[1], t[2]}";

test("script lets the k-th command inside fail: what came before stays, what comes after does not run", () =>
  staged(async ({ lane, client, calm }) => {
    const expected = [[null, null, null], ["one", null, null], [
      "one",
      "two",
      null,
    ], ["one", "two", "three"]];
    for (const k of [1, 2, 3, 4]) {
      await calm.command("FLUSHALL");
      lane.clear().add({
        kind: "script",
        k,
        error: "ERR max single record size exceeded",
      });
      const { status, body } = await client.command(
        "EVAL",
        STEPS,
        3,
        "a",
        "b",
        "c",
      );
      if (k === 4) assertEquals(body, { result: "done" });
      else {assertMatch(
          body.error,
          /^ERR max single record size exceeded script: [0-9a-f]{40}, on @user_script:/,
        );}
      assertEquals(status, k === 4 ? 200 : 400);
      assertEquals(await calm.result("MGET", "a", "b", "c"), expected[k - 1]);
      assertEquals(
        lane.report().struck.script,
        k === 4 ? undefined : 1,
        "struck tells that k was reached",
      );
      assertEquals(
        (await client.command("EVAL", STEPS, 3, "a", "b", "c")).body,
        { result: "done" },
      );
    }
  }));

test("script strikes redis.pcall with an error value, and EVALSHA as well as flagged scripts", () =>
  staged(async ({ lane, client }) => {
    for (const flag of ["", "#!lua flags=allow-key-locking\n"]) {
      const body =
        `${flag}local r = redis.pcall('GET', KEYS[1]) return {r and r.err or 'fine'}`;
      const sha = await client.result("SCRIPT", "LOAD", body) as string;
      lane.add({ kind: "script", k: 1, error: "OOM told so" });
      assertEquals(await client.result("EVALSHA", sha, 1, "k"), [
        "OOM told so",
      ]);
      assertEquals(await client.result("EVALSHA", sha, 1, "k"), ["fine"]);
    }
  }));

test("script waits for a script that runs: NOSCRIPT does not use it up", () =>
  staged(async ({ lane, client }) => {
    lane.add({ kind: "script", k: 1, error: "ERR struck" });
    await assertRejects(
      () => client.result("EVALSHA", "0".repeat(40), 0),
      Error,
      "NOSCRIPT",
    );
    const flagged = "#!lua flags=allow-key-locking\nreturn redis.call('PING')";
    await client.command("SCRIPT", "LOAD", flagged);
    await client.command("SCRIPT", "FLUSH");
    const { createHash } = await import("node:crypto");
    const sha = createHash("sha1").update(flagged).digest("hex");
    await assertRejects(
      () => client.result("EVALSHA", sha, 0),
      Error,
      "NOSCRIPT",
    );
    await assertRejects(
      () => client.result("EVAL", flagged, 0),
      Error,
      "ERR struck",
    );
  }));

test("clock shifts or freezes TIME inside scripts, plain, and in transactions", () =>
  staged(async ({ lane, client, calm }) => {
    const us = ([seconds, rest]: string[]) =>
      Number(seconds) * 1e6 + Number(rest);
    const told = async () => [
      us(await client.result("TIME") as string[]),
      us(await client.result("EVAL", TIMES, 0) as string[]),
      us(
        await client.result(
          "EVAL",
          `#!lua flags=allow-key-locking\n${TIMES}`,
          0,
        ) as string[],
      ),
      us((await client.send("/multi-exec", [["TIME"]])).body[0].result),
      us(
        (await client.send("/multi-exec", [["EVAL", TIMES, 0]])).body[0].result,
      ),
    ];
    // Date.now() drops what Redis tells of a millisecond
    const isWithin = (from: number, ms: number) =>
      from - 1 <= ms && ms <= Date.now() + 1;
    for (const offsetMs of [3_600_000, -3_600_000, 0.5]) {
      lane.set({ clock: { offsetMs } });
      const from = Date.now();
      for (const at of await told()) {
        const ms = at / 1000 - offsetMs;
        assert(isWithin(from, ms), `${offsetMs}: ${ms - from} ms later`);
      }
    }
    lane.set({ clock: { atUs: 1_763_800_000_123_456 } });
    assertEquals(new Set(await told()), new Set([1_763_800_000_123_456]));
    lane.set({ clock: { atUs: 1_763_800_000_000_001 } });
    assertEquals(await client.result("EVAL", TIMES, 0), ["1763800000", "1"]);
    const from = Date.now();
    assert(isWithin(from, us(await calm.result("TIME") as string[]) / 1000));
  }));

test("log names a lane's commands and those inside its scripts", () =>
  staged(async ({ lane, client, calm }) => {
    lane.set({ log: true });
    await calm.command("PING");
    await client.send("/pipeline", [["SET", "k", "v"], ["LPUSH", "k", "x"]]);
    lane.add({ kind: "script", k: 2, error: "ERR struck" }, {
      kind: "again",
      after: 0,
    });
    await client.command("EVAL", STEPS, 3, "a", "b", "c");
    const { entries, requests } = lane.report();
    assertEquals(requests, 2);
    assertEquals(entries, [
      {
        commands: [{ name: "SET" }, { name: "LPUSH", error: true }],
        faults: [],
      },
      {
        commands: [{ name: "EVAL", inner: ["SET", "SET"], error: true }],
        faults: ["again"],
      },
      {
        commands: [{ name: "EVAL", inner: ["SET", "SET", "SET"] }],
        faults: [],
        late: true,
      },
    ]);
  }));

test("recordBytes refuses to grow one record, plain and inside scripts", () =>
  staged(async ({ lane, client }) => {
    lane.set({ recordBytes: 2000 });
    const words = /^ERR max single record size exceeded/;
    assertEquals(
      (await client.command("HSET", "h", "a", "x".repeat(1500))).status,
      200,
    );
    assertMatch(
      (await client.command("HSET", "h", "b", "x".repeat(1500))).body.error,
      words,
    );
    const grow = "return redis.call('HSET', KEYS[1], 'b', ARGV[1])";
    assertMatch(
      (await client.command("EVAL", grow, 1, "h", "x".repeat(1500))).body.error,
      words,
    );
    assertEquals(await client.result("EVAL", grow, 1, "h", "small"), 1);
    assertEquals(await client.result("HDEL", "h", "a", "b"), 2);
  }));

test("maxmemory makes a full database: writes are refused in Upstash's words, reads and deletes go on", () =>
  staged(async ({ gateway, client }) => {
    await client.command("SET", "k", "v");
    await gateway.manage({ maxmemory: 1 });
    for (
      const write of [["SET", "n", "1"], [
        "EVAL",
        "return redis.call('SET', KEYS[1], 1)",
        1,
        "n",
      ]]
    ) {
      const { status, body } = await client.command(...write);
      assertEquals(status, 400);
      assertMatch(body.error, /^ERR DB capacity quota exceeded/);
    }
    assertEquals(await client.result("GET", "k"), "v");
    assertEquals(await client.result("DEL", "k"), 1);
    await gateway.manage({ maxmemory: 0 });
    assertEquals(await client.result("SET", "n", "1"), "OK");
  }));

test("manage() restarts Redis with or without its data while requests wait", () =>
  staged(async ({ gateway, client }) => {
    await client.command("SET", "k", "v");
    const [, during] = await Promise.all([
      gateway.manage({ restart: "keep" }),
      client.result("GET", "k"),
    ]);
    assertEquals(during, "v");
    await gateway.manage({ restart: "lose" });
    assertEquals(await client.result("GET", "k"), null);
  }));
