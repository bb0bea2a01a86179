/** Questions about sizes, money, replicas and a full database. */
import { type Database, RefusedError } from "./database.ts";
import { compared, largest, type Question, words } from "./question.ts";

const MEGABYTE = 1_000_000;
const RECORD = 100 * MEGABYTE;

const members: Question = {
  about: "What a sorted set's member counts",
  async ask(database) {
    const sizes: string[] = [];
    let each = 0;
    for (const [kind, length] of [["own id", 19], ["UUID", 36]] as const) {
      const key = database.key(`members-${length}`);
      const pairs = Array.from(
        { length: 2_000 },
        (_, i) => [1_763_800_000_000_000 + i, `${i}`.padStart(length, "x")],
      );
      await database.run("ZADD", key, ...pairs.flat());
      const used = await database.run("MEMORY", "USAGE", key).catch(words);
      if (typeof used !== "number") {
        return {
          verdict: "read it",
          answer: `MEMORY USAGE is refused: ${used}`,
          means:
            "Keep maxBacklog at its default and watch the console's data size.",
        };
      }
      each = Math.max(each, used / 2_000);
      sizes.push(
        `${kind} (${length} characters) ${Math.round(used / 2_000)} bytes`,
      );
    }
    const fits = Math.floor(RECORD / each);
    return compared(
      fits >= 500_000,
      `${sizes.join(", ")}; about ${
        fits.toLocaleString("en")
      } fit into a record of 100 MB`,
      fits >= 500_000
        ? "The default maxBacklog of 500,000 stays below the record limit."
        : "The default maxBacklog has to be lower.",
    );
  },
};

const reply: Question = {
  about: "Largest reply",
  async ask(database) {
    const key = database.key("megabyte");
    await database.run("SET", key, "x".repeat(MEGABYTE));
    let said = "";
    const works = async (count: number) => {
      try {
        await database.run("MGET", ...Array.from({ length: count }, () => key));
        return true;
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        said = words(error);
        return false;
      }
    };
    const limit = await largest(1, 12, works);
    return compared(
      limit >= 5,
      `${limit} MB pass${said === "" ? "" : `, then: ${said}`}`,
      limit >= 5
        ? "Claims stop at 4 MB: enough room."
        : "Claims have to stop earlier than at 4 MB.",
    );
  },
};

const billing: Question = {
  about: "Whether commands inside scripts are billed",
  async ask(database) {
    const counter = async () => {
      const info = String(await database.run("INFO").catch(() => ""));
      return Number(/^total_commands_processed:(\d+)/m.exec(info)?.[1] ?? NaN);
    };
    const before = await counter();
    const lua = "for i = 1, 50 do redis.call('HGET', KEYS[1], i) end return 1";
    for (let i = 0; i < 20; i++) await database.script(lua, ["hash"]);
    const rose = await counter() - before;
    const counted = Number.isNaN(rose)
      ? "INFO has no counter"
      : `INFO's total_commands_processed rose by ${rose}, for 20 EVALs with 50 commands inside each`;
    return {
      verdict: "read it",
      answer:
        `${counted}. The bill: note the command count in the console, run the probe again with --only=billed, note it again`,
      means:
        "A rise of about 22: only requests cost. About 1,022: inner commands are billed, as DESIGN.md section 4 assumes.",
    };
  },
};

const wait: Question = {
  about: "WAIT over REST",
  async ask(database) {
    const [, replicas] = await database.pipeline([[
      "SET",
      database.key("wait"),
      "x",
    ], ["WAIT", 1, 200]]);
    const works = typeof replicas === "number";
    return compared(
      works,
      works ? `answers ${replicas} replicas` : `refused: ${words(replicas)}`,
      works
        ? "durability: { replicas, waitMs } can be offered; 0 means that nobody confirmed."
        : "durability: { replicas } cannot be offered on this plan.",
    );
  },
};

/** Writes ever smaller blocks until the database takes none; how many megabytes, and its words. */
async function fill(
  database: Database,
  limit: number,
): Promise<{ megabytes: number; said: string }> {
  let [bytes, said] = [0, ""];
  for (const size of [8 * MEGABYTE, 250_000, 4_000, 100]) {
    const block = "x".repeat(size);
    for (said = ""; said === "" && bytes < limit; bytes += size) {
      said = await database.run("SET", database.key(`fill-${bytes}`), block)
        .then(() => "", words);
    }
  }
  return { megabytes: Math.round(bytes / MEGABYTE), said };
}

const full: Question = {
  about: "Settling when the database is full",
  async ask(database, { destructive, local }) {
    if (!destructive) {
      return {
        verdict: "read it",
        answer:
          "not asked: it fills the database. Run again with --destructive on a database that holds nothing else",
        means:
          "Whether the lean settle (deletions first, then the commit) is let through where plain writes are refused.",
      };
    }
    await database.run("SET", database.key("room"), "x".repeat(MEGABYTE));
    await database.run("HSET", database.key("books"), "state", "leased");
    if (local) await database.limitLocalMemory((used) => used + 40 * MEGABYTE);
    try {
      const { megabytes, said } = await fill(database, 600 * MEGABYTE);
      if (said === "") {
        return {
          verdict: "read it",
          answer: `${megabytes} MB were accepted: the plan holds more`,
          means: "Use a free database (256 MB).",
        };
      }
      const plain = await database.script(
        "return redis.call('HSET', KEYS[1], 'state', 'done')",
        ["books"],
      ).then(() => "accepted", words);
      const lean = await database.script(
        "redis.call('DEL', KEYS[2]) redis.call('HSET', KEYS[1], 'state', 'done') return 'accepted'",
        ["books", "room"],
      ).then(String, words);
      const read = await database.run("HGET", database.key("books"), "state")
        .then(String, words);
      return compared(
        lean === "accepted",
        `full after ${megabytes} MB (${said}); a script that writes: ${plain}; one that deletes first: ${lean}; reading: ${read}`,
        lean === "accepted"
          ? "A full queue can still drain."
          : "A full queue drains only after something was deleted by a plain DEL.",
      );
    } finally {
      await database.clean();
      if (local) await database.limitLocalMemory(() => 0);
    }
  },
};

const cold: Question = {
  about: "Load time of cold declared keys",
  async ask(database) {
    const keys = Array.from({ length: 8 }, (_, i) => `body-${i}`);
    for (const name of keys) {
      await database.run("SET", database.key(name), "x".repeat(MEGABYTE));
    }
    const started = performance.now();
    await database.script(`${"#!lua flags=allow-key-locking\n"}return 1`, keys);
    const warm = Math.round(performance.now() - started);
    return {
      verdict: "read it",
      answer:
        `a script that declares 8 warm keys of 1 MB takes ${warm} ms; only an idle night makes keys cold`,
      means:
        "Leave a queue with a large backlog alone overnight and compare the first drain's step: all declared shards are read from disk before it starts.",
    };
  },
};

const host: Question = {
  about: "Self-fetch on the new Deno Deploy",
  ask() {
    return Promise.resolve({
      verdict: "read it",
      answer:
        "no question for a database: deploy a route that fetches its own URL",
      means:
        "508 LOOP_DETECTED there means: wake inline, never ring the same deployment.",
    });
  },
};

/** The questions about limits. */
export const LIMITS: readonly Question[] = [
  members,
  reply,
  billing,
  wait,
  full,
  cold,
  host,
];
