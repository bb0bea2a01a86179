/** Lanes: each token suffix has its own faults, clock, counts and log, so that suites do not disturb each other. */
import {
  checkFault,
  type Clock,
  type Fault,
  type LaneOrder,
  type LoggedRequest,
  type Report,
  type Settings,
} from "./fault.ts";

/** What a fault's `match` is compared with. */
export interface Target {
  /** Command names in upper case. */
  readonly names: readonly string[];
  readonly scripts: readonly {
    readonly sha: string;
    readonly source: string;
  }[];
}

/** A fault inside a script. */
export type ScriptFault = Extract<Fault, { readonly kind: "script" }>;

interface Armed {
  readonly fault: Fault;
  skip: number;
  left: number;
}

interface Held {
  readonly run: () => Promise<void>;
  left: number;
}

const QUIET: Settings = { clock: null, log: false, recordBytes: null };
const LOG_LENGTH = 10_000;

/** One lane of the gateway. */
export class Lane {
  readonly name: string;
  readonly #seed: number;
  #random: () => number;
  #settings: Settings = QUIET;
  #armed: Armed[] = [];
  #held: Held[] = [];
  #struck: Partial<Record<Fault["kind"], number>> = {};
  #requests = 0;
  #entries: LoggedRequest[] = [];

  constructor(name: string, seed: number) {
    this.name = name;
    this.#seed = seed;
    this.#random = generator(seed);
  }

  /** The time that TIME is to tell, null for the server's own. */
  get clock(): Clock | null {
    return this.#settings.clock;
  }

  get recordBytes(): number | null {
    return this.#settings.recordBytes;
  }

  get logs(): boolean {
    return this.#settings.log;
  }

  /** True when scripts have to run inside a wrapper. */
  get meddles(): boolean {
    const { clock, log, recordBytes } = this.#settings;
    return log || clock !== null || recordBytes !== null ||
      this.#armed.some(({ fault }) => fault.kind === "script");
  }

  /** Adds faults. Throws a TypeError for a fault that makes no sense. */
  add(...faults: Fault[]): this {
    for (const fault of faults) {
      checkFault(fault);
      const endless = fault.probability !== undefined ? Infinity : 1;
      this.#armed.push({
        fault,
        skip: fault.skip ?? 0,
        left: fault.times ?? endless,
      });
    }
    return this;
  }

  /** Changes settings. */
  set(settings: Partial<Settings>): this {
    this.#settings = { ...this.#settings, ...settings };
    return this;
  }

  /** Back to good behaviour: no faults, no held requests, default settings, counts at 0, random generator at its seed. */
  clear(): this {
    this.#armed = [];
    this.#held = [];
    this.#settings = QUIET;
    this.#struck = {};
    this.#requests = 0;
    this.#entries = [];
    this.#random = generator(this.#seed);
    return this;
  }

  /** Runs the held requests now, oldest first; how many. */
  async release(): Promise<number> {
    const held = this.#held.splice(0);
    for (const { run } of held) await run();
    return held.length;
  }

  /** What the lane is set to, and what has happened. */
  report(): Report {
    return {
      lane: this.name,
      ...this.#settings,
      requests: this.#requests,
      faults: this.#armed.map(({ fault, skip, left }) => ({
        ...fault,
        skip,
        ...(left === Infinity ? {} : { times: left }),
      })),
      struck: { ...this.#struck },
      held: this.#held.length,
      entries: [...this.#entries],
    };
  }

  /** Does what an order that came over HTTP says. */
  async obey(order: LaneOrder): Promise<Report> {
    if (order.clear) this.clear();
    if (order.seed !== undefined) this.#random = generator(order.seed);
    if (order.set !== undefined) this.set(order.set);
    if (order.add !== undefined) this.add(...order.add);
    if (order.release) await this.release();
    return this.report();
  }

  /** Counts a request and draws the faults that strike it. */
  receive(target: Target): Fault[] {
    this.#requests++;
    const faults = this.#draw(target, (kind) => kind !== "script");
    for (const fault of faults) this.struck(fault.kind);
    return faults;
  }

  /** Draws the fault for a script that is about to run. It has struck only when its k-th command was reached. */
  scriptFault(target: Target): ScriptFault | undefined {
    const fault = this.#draw(target, (kind) => kind === "script").at(0);
    return fault?.kind === "script" ? fault : undefined;
  }

  struck(kind: Fault["kind"]): void {
    this.#struck[kind] = (this.#struck[kind] ?? 0) + 1;
  }

  /** Keeps a request to run after so many further ones, or on release. */
  hold(run: () => Promise<void>, after: number | undefined): void {
    this.#held.push({ run, left: after ?? Infinity });
  }

  /** A request of this lane has run: runs the held ones whose turn it is. */
  async passed(): Promise<void> {
    if (this.#held.length === 0) return;
    for (const held of this.#held) held.left--;
    const due = this.#held.filter(({ left }) => left <= 0);
    this.#held = this.#held.filter(({ left }) => left > 0);
    for (const { run } of due) await run();
  }

  /** Adds to the log, when the lane keeps one. */
  log(entry: LoggedRequest): void {
    if (!this.#settings.log) return;
    this.#entries.push(entry);
    if (this.#entries.length > LOG_LENGTH) this.#entries.shift();
  }

  #draw(target: Target, wanted: (kind: Fault["kind"]) => boolean): Fault[] {
    if (this.#armed.length === 0) return [];
    const drawn: Fault[] = [];
    for (const armed of this.#armed) {
      if (!wanted(armed.fault.kind) || !matches(armed.fault.match, target)) {
        continue;
      }
      if (armed.skip > 0) {
        armed.skip--;
        continue;
      }
      if (this.#random() >= (armed.fault.probability ?? 1)) continue;
      armed.left--;
      drawn.push(armed.fault);
      if (armed.fault.kind === "script") break;
    }
    this.#armed = this.#armed.filter(({ left }) => left > 0);
    return drawn;
  }
}

function matches(match: string | undefined, target: Target): boolean {
  if (match === undefined) return true;
  return target.names.includes(match.toUpperCase()) ||
    target.scripts.some(({ sha, source }) =>
      sha === match || source.includes(match)
    );
}

/** The lanes of a gateway, made when first used. */
export class Lanes {
  readonly #seed: number;
  readonly #lanes: Map<string, Lane> = new Map();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The lane of this name; "" is the one of the bare token. */
  get(name: string): Lane {
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      let seed = this.#seed;
      for (const char of name) seed = Math.imul(seed, 31) + char.charCodeAt(0);
      this.#lanes.set(name, lane = new Lane(name, seed));
    }
    return lane;
  }
}

/** A small seeded generator of numbers in [0, 1) (mulberry32). */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = state + 0x6D2B79F5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}
