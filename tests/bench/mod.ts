/**
 * What Baton costs and how fast it is, beside BullMQ on the same Redis and beside the official OpenTelemetry SDK, in the same run:
 *
 *     deno task bench [--json] [--quick] [--strict] [--only=cost,speed,cadence,telemetry]
 *
 * With `--strict`, it fails when a row is over its budget or beyond what is not to be missed.
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
import { telemetryRows, verdict } from "./telemetry/mod.ts";

const PARTS = ["cost", "speed", "cadence", "telemetry"] as const;
type Part = typeof PARTS[number];

interface Asked {
  readonly json: boolean;
  readonly quick: boolean;
  readonly strict: boolean;
  readonly parts: readonly Part[];
}

const FLAGS = ["--json", "--quick", "--strict"];
const USAGE = `deno task bench ${
  FLAGS.map((flag) => `[${flag}]`).join(" ")
} [--only=${PARTS.join(",")}]`;

/** What the arguments ask for; a TypeError says which is wrong. */
function asked(args: readonly string[]): Asked {
  let parts: readonly Part[] = PARTS;
  for (const arg of args) {
    if (FLAGS.includes(arg)) continue;
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
    strict: args.includes("--strict"),
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
  const setting = await settingOf(port);

  const wants = (part: Part) => parts.includes(part);
  let telemetry, cost, speed, cadence;
  if (wants("telemetry")) {
    telemetry = await telemetryRows({ port, quick, progress });
  }
  const bull = openBull(port);
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
  return { setting, quick, cost, speed, cadence, telemetry };
}

async function settingOf(port: number): Promise<Setting> {
  await using redis = await RespClient.connect({ port });
  const info = String(await redis.command("INFO", "server"));
  return {
    command: `deno task bench ${Deno.args.join(" ")}`.trim(),
    at: new Date().toISOString(),
    versions: {
      baton: manifest().version,
      ...pinned("bullmq", "ioredis", "@upstash/redis", "bun"),
      "@opentelemetry/sdk-trace": pinned(SDK)[SDK]!.replace(/^.*@/, ""),
      deno: Deno.version.deno,
      redis: /redis_version:(\S+)/.exec(info)?.[1] ?? "unknown",
    },
    cores: navigator.hardwareConcurrency,
    system: `${Deno.build.os} ${Deno.build.arch}`,
  };
}

/** The official SDK v3, by the name that tests/tools has for it. */
const SDK = "otel-v3-sdk-trace";

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
  return asking.strict && misses(report) ? 1 : 0;
}

/** Whether a row is over its budget, or beyond what is not to be missed. */
function misses({ cost = [], telemetry }: Report): boolean {
  const measured = [...telemetry?.peers ?? [], ...telemetry?.overhead ?? []];
  return cost.some(({ within }) => within === false) ||
    measured.some((row) => verdict(row) === "NO");
}

Deno.exit(await main());
