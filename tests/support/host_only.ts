/**
 * The suites that run on one runtime only, and why: what they are about is
 * outside of what Bun and workerd can be asked by the same code.
 *
 * @module
 */

const KILLS = "kills consumers, which are processes";
const REDIS = "starts, restarts or fills a Redis of its own";
const COUNTS = "counts commands and requests, which no runtime changes";
const GATEWAY = "is about the gateway, which is a program on Deno";
const TOOL = "holds the code against a program or a library of Node's";
const FILES = "reads the repository's files";
const SAME = "runs code that the portable suites run, for far longer";

/** The suites of tests/host, and what keeps each of them on Deno. */
export const hostOnly: Readonly<Record<string, string>> = {
  architecture: FILES,
  capped: "starts workerd itself",
  chain_cost: COUNTS,
  chain_fault_run: KILLS,
  chain_group_fault: KILLS,
  consumer_kill: KILLS,
  cost: COUNTS,
  cost_backlog: COUNTS,
  croner: TOOL,
  end_to_end: "serves over a port; its Workers twin is worker_end_to_end",
  examples: "starts each example on the runtime that it is for",
  fairness: SAME,
  fault_run: KILLS,
  full: REDIS,
  gateway: GATEWAY,
  gateway_fault: GATEWAY,
  gateway_life: GATEWAY,
  gateway_meddling: GATEWAY,
  gateway_script: GATEWAY,
  half_way: SAME,
  hostile_receiver: "opens sockets that misbehave",
  http_fetch: "opens sockets that misbehave",
  imported: "is about what Deno does, which others do not",
  inventory: FILES,
  kill: KILLS,
  lua_room: "asks Redis to compile the scripts",
  map_cost: COUNTS,
  map_fault: KILLS,
  member_half_way: SAME,
  model: SAME,
  otlp_oracle: TOOL,
  poison: KILLS,
  probe: "is about a program on Deno",
  rate: SAME,
  readme: "starts each program of the README",
  redis: REDIS,
  retained: "asks V8 what it keeps, which other engines do not tell",
  runner: "is about the runner of the suites",
  schedule_race: KILLS,
  sdk_matrix: TOOL,
  seal_vectors: TOOL,
  told_time: SAME,
  uncommitted: SAME,
  version: FILES,
  w3c_service: "serves over a port",
  wake_cost: COUNTS,
  wake_interleaved_redis: SAME,
  worker_rejection: "watches what Deno says of unhandled rejections",
  workerd_overlap: "starts workerd itself",
};

/** One line for each of the suites, by their paths. */
export function reasons(files: readonly string[]): string {
  return files.map((file) => {
    const name = file.replace(/^.*\/|_test\.ts$/g, "");
    return `  ${name.padEnd(20)} ${hostOnly[name] ?? "(no reason is given)"}`;
  }).join("\n");
}
