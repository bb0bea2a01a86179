/**
 * What Baton costs and how fast it is, beside BullMQ on the same Redis in the same run:
 *
 *     deno task bench [--json] [--quick] [--only=cost,speed,cadence]
 *
 * @module
 */
import { Redis } from "@upstash/redis";
import { UpstashBroker } from "../../src/broker/upstash.ts";
import { manifest, root } from "../support/offline.ts";
import { openCosts, tallied } from "../support/cost.ts";
import { RespClient } from "../support/redis.ts";
import { install } from "../support/tools.ts";
import { openBull } from "./bullmq.ts";
import { cadenceRows } from "./cadence.ts";
import { costRows } from "./cost.ts";
import { startRemote } from "./gateway.ts";
import { print, type Report, type Setting } from "./report.ts";
import { speedRows } from "./speed.ts";

const PARTS = ["cost", "speed", "cadence"] as const;
type Part = typeof PARTS[number];

interface Asked {
  readonly json: boolean;
  readonly quick: boolean;
  readonly parts: readonly Part[];
}

const USAGE = `deno task bench [--json] [--quick] [--only=${PARTS.join(",")}]`;

/** What the arguments ask for; a TypeError says which is wrong. */
function asked(args: readonly string[]): Asked {
  let parts: readonly Part[] = PARTS;
  for (const arg of args) {
    if (arg === "--json" || arg === "--quick") continue;
    const names = /^--only=(.+)$/.exec(arg)?.[1]?.split(",") ?? [];
    const known = PARTS.filter((part) => names.includes(part));
    if (known.length === 0 || known.length !== names.length) {
      throw new TypeError(`Unknown option ${arg}: ${USAGE}`);
    }
    parts = known;
  }
  return {
    json: args.includes("--json"),
    quick: args.includes("--quick"),
    parts,
  };
}

/** Says on stderr what is measured now. */
function progress(what: string): void {
  console.error(`… ${what}`);
}

async function measure({ quick, parts }: Asked): Promise<Report> {
  progress("installing the tools of tests/tools");
  await install();
  await using bench = await openCosts();
  const { port } = bench.gateway.redis;
  const bull = openBull(port);
  const setting = await settingOf(port);

  const wants = (part: Part) => parts.includes(part);
  let cost, speed, cadence;
  if (wants("cost")) {
    progress("costs");
    cost = await costRows({ bench, bull, quick });
  }
  if (wants("speed")) {
    using remote = await startRemote(port);
    const { url, token } = remote;
    const spent = { commands: 0, requests: 0 };
    const broker = tallied(new UpstashBroker(new Redis({ url, token })), spent);
    const requests = () => spent.requests;
    speed = await speedRows({ broker, requests, bull, quick, progress });
  }
  if (wants("cadence")) {
    progress("cadence of settling");
    cadence = await cadenceRows(bench.broker, quick);
  }
  return { setting, quick, cost, speed, cadence };
}

async function settingOf(port: number): Promise<Setting> {
  await using redis = await RespClient.connect({ port });
  const info = String(await redis.command("INFO", "server"));
  return {
    command: `deno task bench ${Deno.args.join(" ")}`.trim(),
    at: new Date().toISOString(),
    versions: {
      baton: manifest().version,
      ...pinned("bullmq", "ioredis", "@upstash/redis"),
      deno: Deno.version.deno,
      redis: /redis_version:(\S+)/.exec(info)?.[1] ?? "unknown",
    },
    cores: navigator.hardwareConcurrency,
    system: `${Deno.build.os} ${Deno.build.arch}`,
  };
}

/** The versions that tests/tools pins. */
function pinned(...names: readonly string[]): Record<string, string> {
  const { dependencies }: {
    readonly dependencies: Readonly<Record<string, string>>;
  } = JSON.parse(
    Deno.readTextFileSync(new URL("tests/tools/package.json", root)),
  );
  return Object.fromEntries(
    names.map((name) => [name, dependencies[name] ?? "unknown"]),
  );
}

async function main(): Promise<number> {
  let asking: Asked;
  try {
    asking = asked(Deno.args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
  const began = performance.now();
  const report = await measure(asking);
  if (asking.json) console.log(JSON.stringify(report, null, 2));
  else print(report, performance.now() - began);
  return 0;
}

Deno.exit(await main());
