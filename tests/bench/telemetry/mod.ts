/** What telemetry costs: beside the official SDK, and beside none. */
import type { ContestRow } from "./contest.ts";
import { type OverheadRow, overheadRow } from "./overhead.ts";
import { command, type Runtime, RUNTIMES } from "./runtime.ts";

/** A contest's row, and where it was measured. */
export type PeerRow = ContestRow & { readonly runtime: Runtime };

/** All rows. */
export interface TelemetryRows {
  readonly peers: readonly PeerRow[];
  readonly overhead: readonly OverheadRow[];
}

/** What the rows are measured with. */
export interface TelemetrySetup {
  /** Where Redis listens. */
  readonly port: number;
  readonly quick: boolean;
  readonly progress: (what: string) => void;
}

/** Measures all rows, on each runtime. */
export async function telemetryRows(
  { port, quick, progress }: TelemetrySetup,
): Promise<TelemetryRows> {
  const peers: PeerRow[] = [];
  const overhead: OverheadRow[] = [];
  for (const runtime of RUNTIMES) {
    progress(`telemetry beside the official SDK, on ${runtime}`);
    peers.push(...await peerRows(runtime, quick));
    progress(`traced and untraced drains, on ${runtime}`);
    for (const handlers of ["nothing", "a request"] as const) {
      overhead.push(await overheadRow(runtime, handlers, port, quick));
    }
  }
  return { peers, overhead };
}

/** Whether a row is at its goal, between its goal and what is not to be missed, or beyond. */
export function verdict(row: PeerRow | OverheadRow): "yes" | "nearly" | "NO" {
  if ("floor" in row) {
    const { ratio, goal, floor } = row;
    return ratio >= goal ? "yes" : ratio >= floor ? "nearly" : "NO";
  }
  const { ratio, goal, ceiling } = row;
  return ratio <= goal ? "yes" : ratio <= ceiling ? "nearly" : "NO";
}

async function peerRows(
  runtime: Runtime,
  quick: boolean,
): Promise<readonly PeerRow[]> {
  const effort = quick ? ["3", "200"] : ["5", "500"];
  const { code, stdout } = await new Deno.Command(
    ...command(runtime, "contests.ts", effort, { stderr: "inherit" }),
  ).output();
  if (code !== 0) throw new Error(`The contests on ${runtime} failed`);
  const rows: ContestRow[] = JSON.parse(new TextDecoder().decode(stdout));
  return rows.map((row) => ({ ...row, runtime }));
}
