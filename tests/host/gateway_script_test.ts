/** Scripts behind the gateway: SHA-1s, allow-key-locking, and that watching them costs nothing. */
import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { createHash } from "node:crypto";
import { type Gateway, startGateway } from "../support/gateway/mod.ts";
import { type Rest, rest } from "../support/gateway/rest.ts";
import { test } from "../support/suite.ts";

const LOCKING = "#!lua flags=allow-key-locking\n";
const sha1 = (source: string) =>
  createHash("sha1").update(source).digest("hex");

async function withGateway(
  body: (client: Rest, gateway: Gateway) => Promise<void>,
): Promise<void> {
  await using gateway = await startGateway();
  await body(rest(gateway.url, gateway.token), gateway);
}

test("EVALSHA knows a flagged script by its own SHA-1, once it was sent and until the cache is lost", () =>
  withGateway(async (client, gateway) => {
    const script = `${LOCKING}return {redis.call('INCR', KEYS[1]), ARGV[1]}`;
    const sha = sha1(script);
    const unknown = () =>
      assertRejects(
        () => client.result("EVALSHA", sha, 1, "n", "x"),
        Error,
        "NOSCRIPT",
      );
    const losses = [
      () => client.result("SCRIPT", "FLUSH"),
      () => gateway.manage({ restart: "keep" }),
    ];
    await unknown();
    for (const lose of losses) {
      await client.result("EVAL", script, 1, "n", "x");
      await client.result("EVALSHA", sha, 1, "n", "x");
      assertEquals(await client.result("SCRIPT", "EXISTS", sha), [1]);
      await lose();
      assertEquals(await client.result("SCRIPT", "EXISTS", sha), [0]);
      await unknown();
    }
    assertEquals(await client.result("SCRIPT", "LOAD", script), sha);
    assertEquals(
      await client.result("EVALSHA", sha.toUpperCase(), 1, "n", "x"),
      [5, "x"],
    );
  }));

test("a script's commands are counted by Redis as if there were no gateway", () =>
  withGateway(async (_client, gateway) => {
    const body =
      "redis.call('SET', KEYS[1], 1) redis.call('GET', KEYS[1]) return redis.call('TIME')";
    for (
      const [script, lane] of [[LOCKING + body, ""], [body, ""], [
        body,
        "logging",
      ]] as const
    ) {
      gateway.faults("logging").set({ log: true });
      const lanes = rest(gateway.url, gateway.tokenOf(lane));
      await lanes.result("EVAL", script, 1, "k");
      await gateway.manage({ resetStats: true });
      await lanes.result("EVALSHA", sha1(script), 1, "k");
      const { calls } = await gateway.manage({});
      assertEquals({
        evalsha: calls.evalsha,
        set: calls.set,
        get: calls.get,
        time: calls.time,
      }, {
        evalsha: 1,
        set: 1,
        get: 1,
        time: 1,
      });
      const others = Object.keys(calls).filter((name) =>
        !["evalsha", "set", "get", "time", "info", "config|resetstat"].includes(
          name,
        )
      );
      assertEquals(others, []);
    }
  }));

test("allow-key-locking refuses a key that is not declared, in Upstash's words, and what ran before stays", () =>
  withGateway(async (client) => {
    const words =
      "ERR Dynamic keys are not allowed in Lua scripts when 'allow-key-locking' flag is set. Key was: undeclared";
    const script =
      `${LOCKING}redis.call('SET', KEYS[1], 'ran') return redis.call('GET', ARGV[1])`;
    assertEquals(await client.result("EVAL", script, 1, "k", "k"), "ran");
    const { status, body } = await client.command(
      "EVAL",
      script,
      1,
      "other",
      "undeclared",
    );
    assertEquals(status, 400);
    assertEquals(body.error.slice(0, words.length), words);
    assertEquals(await client.result("GET", "other"), "ran");
    const caught =
      `${LOCKING}local r = redis.pcall('GET', 'undeclared') return r.err`;
    assertEquals(await client.result("EVAL", caught, 0), words);
    assertEquals(
      await client.result(
        "EVAL",
        script.replace(LOCKING, ""),
        1,
        "k",
        "undeclared",
      ),
      null,
    );
    await assertRejects(
      () => client.result("EVAL", `${LOCKING}return redis.call('FLUSHALL')`, 0),
      Error,
      "FLUSHALL is not allowed",
    );
  }));

test("allow-key-locking finds the keys of every shape of command", () =>
  withGateway(async (client) => {
    const refused: readonly (readonly string[])[] = [
      ["DEL", "k", "u"],
      ["MGET", "k", "u"],
      ["MSET", "k", "u", "u", "k"],
      ["RENAME", "k", "u"],
      ["LMOVE", "k", "u", "LEFT", "LEFT"],
      ["ZUNIONSTORE", "k", "2", "k", "u"],
      ["ZUNIONSTORE", "u", "1", "k"],
      ["ZINTER", "2", "k", "u"],
      ["BITOP", "AND", "u", "k"],
      ["XREAD", "COUNT", "1", "STREAMS", "k", "u", "0", "0"],
      ["SORT", "k", "STORE", "u"],
      ["OBJECT", "ENCODING", "u"],
      ["HSET", "u", "k", "k"],
    ];
    const allowed: readonly (readonly string[])[] = [
      ["TIME"],
      ["MSET", "k", "u"],
      ["ZUNIONSTORE", "z", "2", "z", "z2"],
      ["ZADD", "z", "1", "u"],
      ["ZRANGE", "z", "0", "-1"],
      ["XADD", "s", "*", "u", "u"],
      ["XREAD", "COUNT", "1", "STREAMS", "s", "0"],
      ["HSET", "h", "u", "u"],
      ["PUBLISH", "u", "u"],
    ];
    const script = `${LOCKING}return redis.call(unpack(ARGV))`;
    const run = (command: readonly string[]) =>
      client.command("EVAL", script, 5, "k", "z", "z2", "s", "h", ...command);
    for (const command of refused) {
      assertStringIncludes(
        (await run(command)).text,
        "Dynamic keys are not allowed",
        `${command}`,
      );
    }
    for (const command of allowed) {
      assertEquals((await run(command)).status, 200, `${command}`);
    }
  }));

test("a watched script answers what it answers unwatched", () =>
  withGateway(async (client, gateway) => {
    gateway.faults("logging").set({ log: true });
    const watched = rest(gateway.url, gateway.tokenOf("logging"));
    const bodies = [
      "return nil",
      "return false",
      "return true",
      "return 3.9",
      "return 'text'",
      "return {}",
      "return {1, nil, 3}",
      "return {1, {2, false, 'x'}, {ok = 'FINE'}}",
      "return {KEYS[1], KEYS[2] or 'none', ARGV[1], ARGV[2], ARGV[3] or 'none', #KEYS, #ARGV}",
      "return redis.status_reply('FINE')",
      "return redis.error_reply('MINE is broken')",
      "return redis.sha1hex('x')",
      "return cjson.encode({a = cmsgpack.unpack(cmsgpack.pack(1))})",
      "local ok, problem = pcall(redis.call, 'INCR', KEYS[1]) return {tostring(ok), problem}",
      "return redis.pcall('LPUSH', KEYS[1], 'x')",
      "redis.setresp(3) return redis.call('HGETALL', 'none')",
      "return redis.REPL_ALL",
      "local function f(n) if n == 0 then return redis.call('GET', KEYS[1]) end return f(n - 1) end return f(10)",
      "return 1 -- a comment at the end",
      "return",
      "",
    ];
    await client.command("SET", "k", "not a number");
    for (const body of bodies) {
      const args = ["EVAL", body, 1, "k", "a", "b"] as const;
      assertEquals(
        (await watched.command(...args)).text,
        (await client.command(...args)).text,
        body,
      );
    }
    const failing = [
      "redis.call('INCR', KEYS[1])",
      "error('BOOM')",
      "local x = nil; return x.y",
      "return 1 +",
      "x = 1",
    ];
    for (const body of failing) {
      const [there, here] = await Promise.all(
        [watched, client].map((each) => each.command("EVAL", body, 1, "k")),
      );
      assertEquals(there?.status, 400);
      assertEquals(head(there?.body.error), head(here?.body.error), body);
    }
  }));

/** The error without line numbers, the script's SHA-1 and what follows it. */
function head(message: string): string {
  return message.replace(/ script: .*/, "").replace(
    /user_script:\d+/g,
    "user_script",
  ).replace(/near '.*|'end' expected.*/, "");
}

test("a script loaded on one lane is known on every other", () =>
  withGateway(async (client, gateway) => {
    const watched = rest(gateway.url, gateway.tokenOf("logging"));
    gateway.faults("logging").set({ log: true });
    for (
      const [first, then, body] of [[client, watched, "return 'a'"], [
        watched,
        client,
        "return 'b'",
      ]] as const
    ) {
      await first.result("EVAL", body, 0);
      assertEquals(
        await then.result("EVALSHA", sha1(body), 0),
        body.slice(8, 9),
      );
      assertEquals(
        await then.result("EVALSHA", sha1(body), 0),
        body.slice(8, 9),
      );
    }
  }));

test("scripts run in pipelines and transactions too, flagged ones among them", () =>
  withGateway(async (client) => {
    const script = `${LOCKING}return redis.call('INCR', KEYS[1])`;
    for (const path of ["/pipeline", "/multi-exec"]) {
      const { body } = await client.send(path, [
        ["SET", "n", 1],
        ["EVAL", script, 1, "n"],
        ["EVALSHA", sha1(script), 1, "n"],
        ["GET", "n"],
      ]);
      assertEquals(body, [{ result: "OK" }, { result: 2 }, { result: 3 }, {
        result: "3",
      }]);
    }
  }));

test("flags beside allow-key-locking are kept, and malformed EVALs are answered by Redis", () =>
  withGateway(async (client) => {
    const both =
      "#!lua flags=no-writes,allow-key-locking\nreturn redis.call('SET', KEYS[1], 1)";
    assertMatch(
      (await client.command("EVAL", both, 1, "k")).body.error,
      /Write commands are not allowed/,
    );
    for (
      const args of [[], ["return 1"], [`${LOCKING}return 1`, "x"], [
        `${LOCKING}return 1`,
        2,
        "k",
      ]]
    ) {
      assertMatch((await client.command("EVAL", ...args)).body.error, /^ERR /);
    }
    assertEquals(
      await client.result(
        "EVAL_RO",
        `${LOCKING}return redis.call('GET', KEYS[1])`,
        1,
        "k",
      ),
      null,
    );
  }));
