/** How two SDKs are measured, on Deno and on Bun: round by round, by turns in each, and each figure is the median of its rounds. */

/** What both do. */
export interface Contest {
  readonly operation: string;
  /** The ratio that is aimed at. */
  readonly goal: number;
  /** The ratio that is not to be missed. */
  readonly floor: number;
  /** Each does a piece of the work and says how much, in operations; the bytes that came out are consumed. */
  readonly baton: Work;
  readonly official: Work;
}

/** A piece of work. */
export type Work = () => number | Promise<number>;

/** What one of them did: operations a second. */
export interface Rate {
  readonly perSecond: number;
  readonly slowest: number;
  readonly fastest: number;
}

/** What came of a contest. */
export interface ContestRow {
  readonly operation: string;
  readonly baton: Rate;
  readonly official: Rate;
  /** Baton's operations a second over the official SDK's: the median of the rounds. */
  readonly ratio: number;
  readonly goal: number;
  readonly floor: number;
}

/** How long is measured. */
export interface Effort {
  readonly rounds: number;
  readonly roundMs: number;
}

/** Measures all, when both have warmed up in all. */
export async function compete(
  contests: readonly Contest[],
  { rounds, roundMs }: Effort,
): Promise<readonly ContestRow[]> {
  for (const { baton, official } of contests) {
    await rateOf(baton, roundMs);
    await rateOf(official, roundMs);
  }
  const rows: ContestRow[] = [];
  for (const contest of contests) {
    const { operation, goal, floor } = contest;
    const measured: Round[] = [];
    for (let i = 0; i < rounds; i++) {
      measured.push(await round(contest, roundMs));
    }
    rows.push({
      operation,
      baton: summary(measured.map(({ baton }) => baton)),
      official: summary(measured.map(({ official }) => official)),
      ratio: median(measured.map(({ baton, official }) => baton / official)),
      goal,
      floor,
    });
  }
  return rows;
}

/** What both did in the same while, in operations a second. */
interface Round {
  readonly baton: number;
  readonly official: number;
}

/** How often they take turns in a round: what else the machine does then is both's. */
const TURNS = 10;

async function round(
  { baton, official }: Contest,
  roundMs: number,
): Promise<Round> {
  let ours = 0, theirs = 0;
  for (let turn = 0; turn < TURNS; turn++) {
    if (turn % 2 === 0) ours += await rateOf(baton, roundMs / TURNS);
    theirs += await rateOf(official, roundMs / TURNS);
    if (turn % 2 === 1) ours += await rateOf(baton, roundMs / TURNS);
  }
  return { baton: ours / TURNS, official: theirs / TURNS };
}

async function rateOf(work: Work, ms: number): Promise<number> {
  let done = 0;
  let tookMs = 0;
  const began = performance.now();
  do {
    const worked = work();
    done += typeof worked === "number" ? worked : await worked;
    tookMs = performance.now() - began;
  } while (tookMs < ms);
  return done / tookMs * 1_000;
}

function summary(rates: readonly number[]): Rate {
  return {
    perSecond: median(rates),
    slowest: Math.min(...rates),
    fastest: Math.max(...rates),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

let consumed = 0;

/** Reads what came out, so that nothing of it may be left undone. */
export function consume(bytes: Uint8Array): void {
  consumed += bytes.length + bytes[bytes.length >> 1]!;
  if (bytes.length === 0 || consumed < 0) throw new Error("Nothing came out");
}
