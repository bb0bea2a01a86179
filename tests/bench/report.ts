/** The benchmarks' report, for people. */
import { CADENCE_HANDLERS_MS, type CadenceRow } from "./cadence.ts";
import type { CostRow } from "./cost.ts";
import { watchMs } from "./idling.ts";
import { ROUND_TRIP_MS, type Speed, type SpeedRow } from "./speed.ts";
import { paragraph, readable, table } from "./table.ts";
import type { Rate } from "./telemetry/contest.ts";
import { type TelemetryRows, verdict } from "./telemetry/mod.ts";
import { RUNTIMES } from "./telemetry/runtime.ts";

/** Where and how it was measured. */
export interface Setting {
  readonly command: string;
  readonly at: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly cores: number;
  readonly system: string;
}

/** What was measured. */
export interface Report {
  readonly setting: Setting;
  readonly quick: boolean;
  readonly cost: readonly CostRow[] | undefined;
  readonly speed: readonly SpeedRow[] | undefined;
  readonly cadence: readonly CadenceRow[] | undefined;
  readonly telemetry: TelemetryRows | undefined;
}

/** Prints the report, 100 columns wide. */
export function print(report: Report, tookMs: number): void {
  const { setting, quick, cost, speed, cadence, telemetry } = report;
  const versions = Object.entries(setting.versions)
    .map(([name, version]) => `${name} ${version}`);
  console.log(setting.command);
  console.log(versions.join(", "));
  console.log(`${setting.system}, ${setting.cores} cores, ${setting.at}`);
  if (cost) section("Cost", costText(cost, quick));
  if (speed) section("Speed", speedText(speed));
  if (cadence) section("Cadence of settling", cadenceText(cadence));
  if (telemetry) section("Telemetry", telemetryText(telemetry));
  console.log(`\nin ${readable(tookMs / 1_000)} s`);
}

function section(title: string, text: string): void {
  const isBold = Deno.stdout.isTerminal() && !Deno.noColor;
  console.log(`\n${isBold ? `\x1b[1m${title}\x1b[22m` : title}\n\n${text}`);
}

function costText(rows: readonly CostRow[], quick: boolean): string {
  const budgetOf = ({ budget }: CostRow) =>
    budget && `${budget.commands}; ${budget.requests}`;
  const wordFor = ({ within }: CostRow) =>
    within === undefined ? undefined : within ? "yes" : "NO";
  const heads = [
    "",
    "commands",
    "requests",
    "budget",
    "within",
    "BullMQ",
    "sent",
  ];
  const lines = rows.map((row) => [
    row.operation,
    row.baton.commands,
    row.baton.requests,
    budgetOf(row),
    wordFor(row),
    row.bullmq?.commands,
    row.bullmq?.requests,
  ]);
  const note =
    `Commands as Redis counts them (INFO commandstats): scripts and what they run, without INFO, PING,
CLIENT, CONFIG. Requests as the gateway counts them; budget: commands; requests. BullMQ keeps its
results too; "sent" are its clients' commands, pipelined ones singly. Its idle figures are a minute's,
EXTRAPOLATED from ${
      watchMs(quick) / 1_000
    } s; Baton's are one tick's, of which cron makes one a minute. Drains are whole ones
of 1,000 tasks on a new queue, its first step and its last, empty one included; the deferred task's cost is counted in steps that settle
and claim 50.`;
  return `${table(heads, lines)}\n\n${paragraph(note)}`;
}

function speedText(rows: readonly SpeedRow[]): string {
  const range = ({ perSecond, slowest, fastest }: Speed) =>
    `${readable(perSecond)} (${readable(slowest)}–${readable(fastest)})`;
  const counts = rows.map((row) => row.rounds);
  const rounds = [...new Set([Math.min(...counts), Math.max(...counts)])]
    .join(" to ");
  const measured = table(
    ["tasks a second", "Baton", "BullMQ", "ratio"],
    rows.map(({ operation, baton, bullmq, ratio }) => [
      operation,
      range(baton),
      range(bullmq),
      `${ratio.toFixed(2)} ×`,
    ]),
  );
  const computed = table(
    [
      "computed",
      "Baton: trips",
      "BullMQ: trips",
      "Baton/s",
      "BullMQ/s",
      "ratio",
    ],
    rows.map(({ operation, baton, bullmq }) => [
      operation,
      Math.round(baton.roundTrips),
      Math.round(bullmq.roundTrips),
      Math.round(baton.computedAt5Ms),
      Math.round(bullmq.computedAt5Ms),
      `${(baton.computedAt5Ms / bullmq.computedAt5Ms).toFixed(2)} ×`,
    ]),
  );
  const conditions =
    `Medians of ${rounds} rounds, the peers by turns, with the slowest and the fastest round. Baton speaks
HTTP to the gateway, which speaks to Redis: one hop more than BullMQ's TCP connection. Concurrency is
10 for both; Baton at batch 1 holds, and so runs, one task at a time.`;
  const meaning =
    `COMPUTED, not measured. Trips: round trips per 1,000 tasks that wait for one another, as counted (Baton:
requests; BullMQ: commands sent, a tenth of them in each of its 10 lanes, a bulk as one). Tasks a second
if each trip took ${ROUND_TRIP_MS} ms more than here and overlapped nothing; add your own round trip likewise.`;
  return [measured, paragraph(conditions), computed, paragraph(meaning)]
    .join("\n\n");
}

function cadenceText(rows: readonly CadenceRow[]): string {
  const heads = [
    "commands a task",
    ...CADENCE_HANDLERS_MS.map((ms) => `handler ${ms} ms`),
  ];
  const lines = rows.map(({ settleMs, commands }) => [
    `settleMs ${settleMs}`,
    ...CADENCE_HANDLERS_MS.map((ms) => commands[ms]),
  ]);
  const note =
    `At batch 50 and concurrency 10. The budget of 0.4 is for handlers that end a batch within settleMs;
slower ones cost a step per settleMs, whatever their number.`;
  return `${table(heads, lines)}\n\n${paragraph(note)}`;
}

function telemetryText({ peers, overhead }: TelemetryRows): string {
  const compared = RUNTIMES.map((runtime) =>
    table(
      [`thousand/s, on ${runtime}`, ...CONTEST_HEADS],
      peers.filter((row) => row.runtime === runtime).map((row) => [
        row.operation,
        rate(row.baton),
        rate(row.official),
        `${row.ratio.toFixed(2)} ×`,
        `${row.goal} (${row.floor})`,
        verdict(row),
      ]),
    )
  );
  const conditions =
    `The official SDK is version 3. Medians of the rounds, by turns, with the slowest and the fastest. A span is started, given 10
attributes of which 2 are new each time, ended, and written by each one's own serializer, a trace a batch. Measurements have
4 attributes of their own; 10,000 are collected and written together, in deltas. A tracestate has 2 members. The ratio in brackets is not to be missed.`;
  const drains = table(
    [
      "CPU ms a 1,000 tasks",
      "handlers do",
      "traced",
      "untraced",
      "ratio",
      "met",
    ],
    overhead.map((row) => [
      `on ${row.runtime}, ${row.pairs} pairs of ${row.drains}`,
      row.handlers,
      row.tracedMs / row.drains,
      row.untracedMs / row.drains,
      `${row.ratio.toFixed(2)} × (${row.least.toFixed(2)}–${
        row.most.toFixed(2)
      })`,
      verdict(row),
    ]),
  );
  const meaning =
    `CPU time, user and system, of a consumer's process that drains 1,000 tasks through the gateway, so many times; each pair is of new processes, by turns; the traced one makes its spans
and metrics and sends them to a receiver. The ratio is the median of the pairs, with the least and the most; the goal is ${
      overhead[0]?.goal
    }, and not to be over is ${overhead[0]?.ceiling}.`;
  return [...compared, paragraph(conditions), drains, paragraph(meaning)]
    .join("\n\n");
}

const CONTEST_HEADS = ["Baton", "official", "ratio", "goal", "met"];

/** In thousands a second. */
function rate({ perSecond, slowest, fastest }: Rate): string {
  const [middle, from, to] = [perSecond, slowest, fastest]
    .map((value) => readable(Math.round(value / 1_000)));
  return `${middle} (${from}–${to})`;
}
