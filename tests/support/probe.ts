/** `deno task probe`: asks a real Upstash database what only it can tell. */
import { Database, PREFIX } from "./probe/database.ts";
import { LIFE } from "./probe/life.ts";
import { LIMITS } from "./probe/limits.ts";
import {
  type Finding,
  type ProbeOptions,
  type Question,
  words,
} from "./probe/question.ts";
import { SCRIPTS } from "./probe/scripts.ts";
import { table } from "./probe/table.ts";

const HELP =
  `Asks an Upstash Redis database what only it can tell, and says what the answers mean for Baton.

  UPSTASH_REDIS_REST_URL=… UPSTASH_REDIS_REST_TOKEN=… deno task probe [options]

  --only=<text>    only questions whose title holds the text
  --destructive    also fill the database to its capacity (for one that holds nothing else)
  --json           the findings as JSON
  --help           this text

It uses about 500 commands (1,000 more if those inside scripts are billed) and 100 MB of traffic,
touches only keys that begin with '${PREFIX}' and removes them. Exit code 0: everything is as
Baton assumes; 1: something is different or could not be asked; 2: it could not start.`;

/** A question with what it found. */
interface Row extends Finding {
  readonly question: string;
}

interface Options {
  readonly destructive: boolean;
  readonly json: boolean;
  readonly only: string;
}

function parse(args: readonly string[]): Options | "help" {
  const only =
    args.find((arg) => arg.startsWith("--only="))?.slice("--only=".length) ??
      "";
  for (const arg of args) {
    if (arg === "--help" || arg === "-h") return "help";
    if (
      !["--destructive", "--json"].includes(arg) && !arg.startsWith("--only=")
    ) {
      throw new TypeError(
        `Unknown option '${arg}'. See deno task probe --help`,
      );
    }
  }
  return {
    only,
    destructive: args.includes("--destructive"),
    json: args.includes("--json"),
  };
}

function database(): Database {
  const url = Deno.env.get("UPSTASH_REDIS_REST_URL");
  const token = Deno.env.get("UPSTASH_REDIS_REST_TOKEN");
  if (!url || !token) {
    throw new TypeError(
      "Set UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN: the console shows both under REST API. " +
        "For a trial run without an account: deno task gateway prints a pair",
    );
  }
  if (!/^https?:\/\//.test(url)) {
    throw new TypeError(
      `UPSTASH_REDIS_REST_URL has to begin with https://: '${url}'`,
    );
  }
  return new Database(url, token);
}

async function ask(
  question: Question,
  from: Database,
  options: ProbeOptions,
): Promise<Row> {
  const finding = await question.ask(from, options).catch((error): Finding => ({
    verdict: "different",
    answer: `could not be asked: ${words(error)}`,
    means: "Unknown.",
  }));
  await from.clean().catch(() => {});
  return { question: question.about, ...finding };
}

function summary(rows: readonly Row[], local: boolean): string {
  const count = (verdict: Finding["verdict"]) =>
    rows.filter((row) => row.verdict === verdict).length;
  const where = local
    ? "\nThis is the local gateway, not Upstash: it shows that the probe works, and nothing about Upstash."
    : "";
  return `${count("as assumed")} as assumed, ${count("different")} different, ${
    count("read it")
  } to read or try yourself.${where}`;
}

function print(rows: readonly Row[], local: boolean): void {
  const head = ["question", "answer", "what it means for Baton"];
  const cells = rows.map((
    { question, verdict, answer, means },
  ) => [question, `[${verdict}] ${answer}`, means]);
  let width = 120;
  try {
    width = Math.max(80, Deno.consoleSize().columns);
  } catch { /* no terminal */ }
  console.log(
    `${table([head, ...cells], [2, 5, 4], width)}\n\n${summary(rows, local)}`,
  );
}

async function main(args: readonly string[]): Promise<number> {
  const parsed = parse(args);
  if (parsed === "help") {
    console.log(HELP);
    return 0;
  }
  const from = database();
  const local = await from.isLocal();
  await from.run("PING");
  const questions = [LIFE, ...SCRIPTS, ...LIMITS].filter(({ about }) =>
    about.includes(parsed.only)
  );
  const rows: Row[] = [];
  for (const [i, question] of questions.entries()) {
    if (Deno.stderr.isTerminal()) {
      console.error(`${i + 1}/${questions.length} ${question.about}`);
    }
    rows.push(
      await ask(question, from, { destructive: parsed.destructive, local }),
    );
  }
  if (parsed.json) {
    console.log(
      JSON.stringify({ local, commands: from.sent, findings: rows }, null, 2),
    );
  } else print(rows, local);
  return rows.some(({ verdict }) => verdict === "different") ? 1 : 0;
}

if (import.meta.main) {
  Deno.exit(
    await main(Deno.args).catch((error) => {
      console.error(words(error));
      return 2;
    }),
  );
}
