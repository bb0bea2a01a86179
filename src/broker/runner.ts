import { type Clock, steady, systemClock } from "../core/clock.ts";
import { checkInteger, checkKnown } from "../core/check.ts";
import { imported } from "../core/imported.ts";
import { diagnose } from "./failure.ts";
import { type Patience, patiently } from "./patience.ts";
import { readReply, type Reply } from "./reply.ts";
import type { ServerTime } from "./time.ts";
import type { PipelinedScript, UpstashPipeline } from "./pipeline.ts";
import { KEY_LOCKING, type ScriptCall, sha1 } from "./script.ts";

/** What a broker needs of an `@upstash/redis` client: any version of it, with any of its options, or anything else with these two. */
export interface UpstashClient {
  /** Redis command EVAL. */
  eval(script: string, keys: string[], args: string[]): Promise<unknown>;
  /** Redis command EVALSHA. */
  evalsha(sha1: string, keys: string[], args: string[]): Promise<unknown>;
  /** Redis command TIME; only asked where the option `time` is `"caller"`. */
  time?(): Promise<readonly [number | string, number | string]>;
  /** Commands of one request; only asked for by a consumer of several queues, which sends its steps one by one without it. */
  pipeline?(): UpstashPipeline;
}

/** Options of {@link UpstashBroker}. */
export interface UpstashBrokerOptions {
  /** How often a request is sent at most, on network errors, 429, 5xx and answers cut short; multiplies the client's own retries. @default {4} */
  readonly attempts?: number;
  /** How long a call may take in all, in milliseconds. @default {10000} */
  readonly deadlineMs?: number;
  /** Lets Upstash lock a queue's own keys instead of the whole database while a script runs; falls back where the server does not know the flag. @default {true} */
  readonly keyLocking?: boolean;
  /**
   * Who tells a script the time. `script`: the database itself, by TIME inside the script.
   * `caller`: for a host that refuses that; each process reads the server's time every ten minutes and carries it on by a clock that nobody sets, and the database lets it never go back.
   *
   * @default {"script"}
   */
  readonly time?: "script" | "caller";
  /** Time for the deadline and the waits between attempts. @default {the host's} */
  readonly clock?: Clock;
  /** A number in [0, 1), for the jitter. @default {Math.random} */
  readonly random?: () => number;
}

const OPTIONS: readonly (keyof UpstashBrokerOptions)[] = [
  "attempts",
  "deadlineMs",
  "keyLocking",
  "time",
  "clock",
  "random",
];

/** What servers say that do not know the flag; those before Redis 7 know no first line at all. */
const UNKNOWN_FLAG = /shebang|unexpected symbol near '#'/i;

/** An answer, and how often it was asked for. */
export interface Ran {
  readonly reply: Reply;
  readonly requests: number;
}

/** Sends scripts: by their hash, whole where the server does not know them yet, again where there was no answer. */
export class ScriptRunner {
  /** Who sends. */
  readonly client: UpstashClient;
  readonly patience: Patience;
  readonly #isTold: boolean;
  #time: ServerTime | undefined;
  /** What scripts begin with: nothing, once a server does not know it. */
  flag: string;

  constructor(client: UpstashClient, options: UpstashBrokerOptions) {
    const { attempts = 4, deadlineMs = 10_000, keyLocking = true } = options;
    if (
      typeof client?.eval !== "function" || typeof client.evalsha !== "function"
    ) {
      throw new TypeError(
        "UpstashBroker needs a Redis client with 'eval' and 'evalsha', such as new Redis({ url, token }) of @upstash/redis",
      );
    }
    checkKnown("of UpstashBroker", options, OPTIONS);
    checkInteger("attempts", attempts, 1, 100);
    checkInteger("deadlineMs", deadlineMs, 1, 600_000);
    this.client = client;
    this.patience = {
      attempts,
      deadlineMs,
      clock: steady(options.clock ?? systemClock),
      random: options.random ?? Math.random,
    };
    this.#isTold = isTold(client, options.time);
    this.flag = keyLocking ? KEY_LOCKING : "";
  }

  async run(call: ScriptCall): Promise<Ran> {
    const verb = call.script.name;
    const { value, requests } = await patiently(
      verb,
      this.patience,
      async () => readReply(verb, await this.#send(call)),
    );
    return { reply: value, requests };
  }

  /** Measures durations. */
  get clock(): Clock {
    return this.patience.clock;
  }

  async #send(call: ScriptCall): Promise<unknown> {
    const timed = await this.timed(call);
    for (let verb: Verb = "evalsha";; verb = "eval") {
      const flag = this.flag;
      try {
        return await this.sendOne(await scriptOf(timed, verb, flag));
      } catch (error) {
        if (!this.isToldHow(error, verb, flag)) throw error;
      }
    }
  }

  /** Sends a script once. */
  sendOne({ verb, script, keys, args }: PipelinedScript): Promise<unknown> {
    return this.client[verb](script, keys, args);
  }

  /** Whether the server wants the script itself, or the script without a flag that it does not know. */
  isToldHow(error: unknown, verb: Verb, flag: string): boolean {
    const { words } = diagnose(error);
    if (verb === "evalsha") return /^NOSCRIPT/.test(words);
    if (flag === "" || !UNKNOWN_FLAG.test(words)) return false;
    this.flag = "";
    return true;
  }

  /** The script and its arguments, with the time where the caller tells it. */
  async timed({ script, keys, args }: ScriptCall): Promise<Timed> {
    if (!this.#isTold) return { body: script.source, keys, args };
    const { ServerTime, toldTime } = await imported(() => import("./time.ts"));
    const { client, patience: { clock } } = this;
    this.#time ??= new ServerTime(() => client.time!(), clock);
    const us = await this.#time.us();
    return { body: toldTime(script), keys, args: [...args, `${us}`] };
  }
}

/** By what a script is sent. */
export type Verb = PipelinedScript["verb"];

/** A script, without its flag, and what it is called with. */
export interface Timed {
  readonly body: string;
  readonly keys: string[];
  readonly args: string[];
}

/** As it is sent: whole, or by its hash. */
export async function scriptOf(
  { body, keys, args }: Timed,
  verb: Verb,
  flag: string,
): Promise<PipelinedScript> {
  const source = flag + body;
  const script = verb === "eval" ? source : await sha1(source);
  return { verb, script, keys, args };
}

/** Whether the caller tells the time. */
function isTold(
  client: UpstashClient,
  time: UpstashBrokerOptions["time"] = "script",
): boolean {
  if (time === "script") return false;
  if (time !== "caller") {
    throw new TypeError(
      `The option 'time' must be 'script' or 'caller': current value is ${time}`,
    );
  }
  if (typeof client.time !== "function") {
    throw new TypeError(
      "The option 'time: \"caller\"' needs a client with 'time', such as new Redis({ url, token }) of @upstash/redis",
    );
  }
  return true;
}
