import type { Clock } from "../core/clock.ts";
import { BrokerError } from "../core/error.ts";
import type { Counted } from "./broker.ts";
import { runPlain } from "./joint.ts";
import { keyOf } from "./keys.ts";
import type { ScriptRunner } from "./runner.ts";

/** What a broker may offer to who only wants to know whether a step is worth while. */
export interface Peeks {
  /** Looks when something is to be done in a queue, for less than a step; changes nothing. A broker without it is stepped. */
  peek?(queue: string): Promise<PeekReply>;
}

/** What `peek` answers. */
export interface PeekReply extends Counted {
  /** The broker's clock. */
  readonly now: number;
  /** When something is next to be done, if anything is known; not later than `now`: at once. */
  readonly nextDueAt: number | undefined;
}

/** How long a reading of the server's time is carried on before it is read again. */
const TRUSTED_MS = 600_000;

/** How far below their instants the markers in `due` stand, which say when leases, ended tasks and lanes want looking at. */
const MARKERS: Readonly<Record<string, number>> = {
  "!lease": 1e14,
  "!sweep": 5e13,
  "!lanes": 1e13,
};

/** An instant that never comes. */
const NEVER_AT = 1e15;

/** Looks with two plain commands; with a third, at first and then every ten minutes, it asks for the server's time. */
export class Peeker {
  readonly #runner: ScriptRunner;
  readonly #clock: Clock;
  #readAt = -Infinity;
  #offsetMs = 0;

  constructor(runner: ScriptRunner) {
    this.#runner = runner;
    this.#clock = runner.clock;
  }

  async peek(queue: string): Promise<PeekReply> {
    const isStale = this.#clock.now() - this.#readAt > TRUSTED_MS;
    const told = await runPlain(this.#runner, "peek", (pipeline) => {
      pipeline.zrange!(keyOf(queue, "ready"), 0, 4, { withScores: true });
      pipeline.zrange!(keyOf(queue, "due"), 0, 7, { withScores: true });
      if (isStale) pipeline.time!();
      return isStale ? 3 : 2;
    });
    // a client without pipelines cannot look, and has to step
    if (told === undefined) {
      return { now: 0, nextDueAt: 0, commands: 0, requests: 0 };
    }
    const { values: [ready, due, time], requests } = told;
    if (isStale) this.#read(time);
    const now = Math.floor(this.#clock.now() + this.#offsetMs);
    const nextAt = isReady(scored(ready)) ? now : nextOf(scored(due));
    return {
      now,
      nextDueAt: nextAt < NEVER_AT ? nextAt : undefined,
      commands: isStale ? 3 : 2,
      requests,
    };
  }

  #read(time: unknown): void {
    const [seconds, us] = Array.isArray(time) ? time : [];
    const ms = Number(seconds) * 1_000 + Number(us) / 1_000;
    if (!Number.isFinite(ms)) throw invalid();
    this.#readAt = this.#clock.now();
    this.#offsetMs = ms - this.#readAt;
  }
}

/** Members with their scores, as ZRANGE … WITHSCORES lists them. */
function scored(answer: unknown): readonly (readonly [string, number])[] {
  if (!Array.isArray(answer)) throw invalid();
  const all: [string, number][] = [];
  for (let i = 0; i + 1 < answer.length; i += 2) {
    all.push([String(answer[i]), Number(answer[i + 1])]);
  }
  return all;
}

/** Whether a task waits that may be claimed; markers stand before all tasks. */
function isReady(ready: ReturnType<typeof scored>): boolean {
  if (ready[0]?.[0] === "!paused") return false;
  return ready.some(([member]) => !member.startsWith("!"));
}

/** When the first of what is due later is due. */
function nextOf(due: ReturnType<typeof scored>): number {
  const instants = due.map(([member, score]) => {
    const below = MARKERS[member];
    if (below !== undefined) return score + below;
    return member.startsWith("!") ? Infinity : Math.floor(score);
  });
  return Math.min(Infinity, ...instants);
}

function invalid(): BrokerError {
  return new BrokerError(
    "invalid_reply",
    "Cannot peek: the broker gave an answer that is not Redis's; check what answers at the URL",
  );
}
