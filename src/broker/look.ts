import type {
  InspectReply,
  InspectRequest,
  ListReply,
  ListRequest,
  StatsReply,
} from "./broker.ts";
import { ALL_SHARDS } from "./keys.ts";
import { INSPECT } from "./lua/inspect.ts";
import { LIST } from "./lua/list.ts";
import { STATS } from "./lua/stats.ts";
import { readListed, readProblems } from "./replies.ts";
import { commandsOf, type Reply } from "./reply.ts";
import type { ScriptRunner } from "./runner.ts";
import { scriptCall } from "./script.ts";

export async function list(
  runner: ScriptRunner,
  queue: string,
  request: ListRequest,
): Promise<ListReply> {
  const { state, limit } = request;
  const first = state === "ready"
    ? "(-inf"
    : state === "scheduled"
    ? "0"
    : "-inf";
  const [from = first, ...after] = request.cursor?.split("|") ?? [];
  const { reply, requests } = await runner.run(
    scriptCall(LIST, queue, {
      index: state,
      from,
      after: after.join("|"),
      limit,
    }),
  );
  const [, , score, ...last] = reply.head;
  return {
    tasks: readListed(reply, state),
    cursor: score === "" ? undefined : `${score}|${last.join("|")}`,
    commands: commandsOf(reply),
    requests,
  };
}

export async function stats(
  runner: ScriptRunner,
  queue: string,
): Promise<StatsReply> {
  const { reply, requests } = await runner.run(
    scriptCall(STATS, queue, {}),
  );
  const [, , now, ready, scheduled, leased, dead, paused, order] = reply.head;
  return {
    now: Number(now),
    ready: Number(ready),
    scheduled: Number(scheduled),
    leased: Number(leased),
    dead: Number(dead),
    paused: paused === "1",
    oldestAt: order === "" ? undefined : Math.floor(Number(order) / 1000),
    pausedNames: tagged(reply, "@").map(decodeURIComponent),
    evicted: tagged(reply, "="),
    commands: commandsOf(reply),
    requests,
  };
}

/** What a reply's strings with this tag say. */
function tagged({ rest }: Reply, tag: string): readonly string[] {
  return rest.map(String).filter((text) => text.startsWith(tag))
    .map((text) => text.slice(1));
}

const PARTS: readonly string[] = [
  ...ALL_SHARDS,
  "ready",
  "due",
  "lease",
  "dead",
  "ends",
  "line",
  "state",
  "markers",
];

export async function inspect(
  runner: ScriptRunner,
  queue: string,
  request: InspectRequest,
): Promise<InspectReply> {
  const [part = PARTS[0]!, from = "0"] = request.cursor?.split("|") ?? [];
  const { reply, requests } = await runner.run(
    scriptCall(INSPECT, queue, {
      part,
      from,
      repair: request.repair ? 1 : 0,
    }),
  );
  const [, , next, checked] = reply.head;
  const following = PARTS[PARTS.indexOf(part) + 1];
  return {
    checked: Number(checked),
    problems: readProblems(reply),
    cursor: next !== "0"
      ? `${part}|${next}`
      : following === undefined
      ? undefined
      : `${following}|0`,
    commands: commandsOf(reply),
    requests,
  };
}
