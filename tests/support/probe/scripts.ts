/** Questions about Upstash's Lua. */
import type { Database } from "./database.ts";
import { compared, largest, type Question, words } from "./question.ts";

const LOCKING = "#!lua flags=allow-key-locking\n";

const time: Question = {
  about: "TIME in scripts",
  async ask(database) {
    const lua =
      `local before = redis.call('TIME') redis.call('SET', KEYS[1], before[1])
      local after = redis.call('TIME') return {before[1], before[2], after[1], after[2]}`;
    const told = await database.script(LOCKING + lua, ["time"]) as string[];
    const [seconds = 0, us = 0] = told.map(Number);
    const off = Math.round(seconds * 1000 + us / 1000 - Date.now());
    const sane = told.length === 4 && Math.abs(off) < 300_000;
    return compared(
      sane,
      `TIME answers ${
        told.slice(0, 2).join(" s ")
      } us, ${off} ms from this machine's clock, and a write after it is allowed`,
      sane
        ? "The clock fragment uses TIME."
        : `Use the fallback: new UpstashBroker(client, { time: "caller" }).`,
    );
  },
};

const unpackLimit: Question = {
  about: "unpack",
  async ask(database) {
    const lua =
      `local t = {} for i = 1, tonumber(ARGV[1]) do t[i] = KEYS[1] end return redis.call('EXISTS', unpack(t))`;
    const works = async (n: number) => {
      try {
        return await database.script(lua, ["unpack"], n) === 0;
      } catch {
        return false;
      }
    };
    const limit = await largest(1, 20_000, works);
    return compared(
      limit >= 2_001,
      `redis.call(…, unpack(t)) takes ${
        limit === 20_000 ? "20,000 values or more" : `about ${limit} values`
      }`,
      limit >= 2_001
        ? "Scripts hand over 2,000 at a time: enough room."
        : "Scripts have to hand over fewer than 2,000 values at a time.",
    );
  },
};

/** Lua that Baton's scripts, or later ones, use: expression → what it has to give. */
const EXPRESSIONS: readonly (readonly [string, string])[] = [
  [`string.format("%.0f", 1763800000123456)`, "1763800000123456"],
  [`string.format("%.5f", 1763800000123.25)`, "1763800000123.25000"],
  [
    `string.format("%.0f", tonumber("1763800000") * 1000000 + tonumber("000123"))`,
    "1763800000000123",
  ],
  [`(string.gsub("a\\0b", "%z", "-"))`, "a-b"],
  [`string.match("12\\0x", "^(%d+)%z(.*)$")`, "12"],
  [
    `string.match("5\\na\\1b\\n\\n9", "^(%d+)\\n([^\\n]*)\\n([^\\n]*)\\n(%d+)$")`,
    "5",
  ],
  [
    `(function() local o = {} for p in string.gmatch("a||b|", "([^|]*)|") do o[#o+1] = p end return #o .. o[3] end)()`,
    "3b",
  ],
  [
    `(function() local o = {} for p in string.gmatch("x\\1y", "[^\\1]+") do o[#o+1] = p end return table.concat(o, ",") end)()`,
    "x,y",
  ],
  [`string.match("L|12|é", "^[LD]|(%d+)|")`, "12"],
  [`tostring(string.find("a.b=c", ".b=", 1, true))`, "2"],
  [`tostring(string.byte("é", 1)) .. #"é"`, "1952"],
  [`tostring(select("#", nil, nil))`, "2"],
  [`tostring(math.floor(-0.5)) .. math.max(1, 2) .. math.min(1, 2)`, "-121"],
  [`tostring(tonumber("abc"))`, "nil"],
  [`tostring(redis.call("HGET", KEYS[1], "none"))`, "false"],
  [`type(redis.call("HMGET", KEYS[1], "a", "b")[2])`, "boolean"],
  [`type(redis.pcall("INCR", KEYS[2]).err)`, "string"],
  [`tostring((pcall(error, "x")))`, "false"],
];

const language: Question = {
  about: "Lua patterns and formats",
  async ask(database) {
    await database.run("SET", database.key("text"), "not a number");
    const differing: string[] = [];
    for (const [expression, expected] of EXPRESSIONS) {
      const got = await database.script(`return ${expression}`, [
        "hash",
        "text",
      ]).catch(words);
      if (got !== expected) {
        differing.push(
          `${expression} gives ${JSON.stringify(got)} and not ${
            JSON.stringify(expected)
          }`,
        );
      }
    }
    return compared(
      differing.length === 0,
      differing.length === 0
        ? `${EXPRESSIONS.length} expressions give what Redis 7 gives (%z, gmatch, %.0f, control characters among them)`
        : differing.join("; "),
      differing.length === 0
        ? "The scripts mean the same there."
        : "The fragments that use these have to be written otherwise.",
    );
  },
};

const locking: Question = {
  about: "allow-key-locking",
  async ask(database) {
    const fine = await database.script(
      `${LOCKING}return redis.call('SET', KEYS[1], ARGV[1])`,
      ["declared"],
      "x",
    ).catch(words);
    const undeclared = await database.script(
      `${LOCKING}return redis.call('GET', '${database.key("undeclared")}')`,
      ["declared"],
    ).then(() => "nothing", words);
    const accepted = fine === "OK";
    const enforced = undeclared.includes("Dynamic keys");
    return compared(
      accepted && enforced,
      `${
        accepted ? "accepted" : `refused: ${fine}`
      }; an undeclared key gives ${undeclared}`,
      accepted
        ? "Queues do not wait for each other's scripts."
        : "Scripts run without the flag, one at a time in the whole database.",
    );
  },
};

const rollback: Question = {
  about: "What a failed script leaves behind",
  async ask(database) {
    await database.run("DEL", database.key("half"));
    await database.run("SET", database.key("text"), "not a number");
    const problem = await database.script(
      `redis.call('SET', KEYS[1], 'ran') redis.call('INCR', KEYS[2])`,
      ["half", "text"],
    ).then(() => "none", words);
    const kept = await database.run("GET", database.key("half")) === "ran";
    return compared(
      problem !== "none",
      `it ${
        kept ? "keeps" : "undoes"
      } what it wrote before the error: ${problem}`,
      kept
        ? "As on Redis: additions, one commit, removals."
        : "Better than Redis; the order additions, commit, removals does no harm.",
    );
  },
};

const knowing: Question = {
  about: "EVALSHA of an unknown script",
  async ask(database) {
    const sha = "0123456789abcdef0123456789abcdef01234567";
    const said = await database.run("EVALSHA", sha, 0).then(
      () => "nothing",
      words,
    );
    return compared(
      said.startsWith("NOSCRIPT"),
      said,
      said.startsWith("NOSCRIPT")
        ? "EVAL follows on NOSCRIPT."
        : "The runner has to know these words.",
    );
  },
};

const strings: Question = {
  about: "Strings in replies",
  async ask(database) {
    const body = await database.raw(
      "EVAL",
      "return {'OK', 'é', redis.call('HGET', KEYS[1], 'none'), 12, ARGV[1]}",
      1,
      database.key("hash"),
      "a\u0000b\u0001c",
    );
    const result = (body as { result?: unknown[] }).result ?? [];
    const [ok, accent, none, number, control] = result;
    const asKnown = accent === "w6k=" && none === null && number === 12 &&
      control === "YQBiAWM=";
    return compared(
      asKnown,
      `OK inside an array comes ${
        ok === "OK" ? "as it is" : `as ${JSON.stringify(ok)}`
      }; the rest ${
        asKnown
          ? "in base64, control characters intact"
          : `as ${JSON.stringify(result)}`
      }`,
      asKnown
        ? "Scripts return no bare OK; every string they return is tagged."
        : "The reading of replies has to change.",
    );
  },
};

const size: Question = {
  about: "Size of scripts and arguments",
  async ask(database: Database) {
    const long = `${"-- padding\n".repeat(6_000)}return #ARGV`;
    const args = Array.from({ length: 8_000 }, (_, i) => `${i}`);
    const count = await database.script(long, [], ...args).catch(words);
    return compared(
      count === 8_000,
      count === 8_000
        ? "64 KB of source and 8,000 arguments in one EVAL"
        : `refused: ${count}`,
      count === 8_000
        ? "Room for every script and for 1,000 tasks a call."
        : "Calls have to be split further.",
    );
  },
};

/** The questions about scripts. */
export const SCRIPTS: readonly Question[] = [
  time,
  unpackLimit,
  language,
  locking,
  rollback,
  knowing,
  strings,
  size,
];
