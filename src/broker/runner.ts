import { type Clock, steady, systemClock } from "../core/clock.ts";
import { checkInteger } from "../core/check.ts";
import { diagnose } from "./failure.ts";
import { type Patience, patiently } from "./patience.ts";
import { readReply, type Reply } from "./reply.ts";
import { ServerTime, toldTime } from "./time.ts";
import { KEY_LOCKING, type ScriptCall, sha1 } from "./script.ts";

/** What a broker needs of an `@upstash/redis` client: any version of it, with any of its options, or anything else with these two. */
export interface UpstashClient {
  /** Redis command EVAL. */
  eval(script: string, keys: string[], args: string[]): Promise<unknown>;
  /** Redis command EVALSHA. */
  evalsha(sha1: string, keys: string[], args: string[]): Promise<unknown>;
  /** Redis command TIME; only asked where the option `time` is `"caller"`. */
  time?(): Promise<readonly [number | string, number | string]>;
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

/** An answer, and how often it was asked for. */
export interface Ran {
  readonly reply: Reply;
  readonly requests: number;
}

/** Sends scripts: by their hash, whole where the server does not know them yet, again where there was no answer. */
export class ScriptRunner {
  readonly #client: UpstashClient;
  readonly #patience: Patience;
  readonly #time: ServerTime | undefined;
  #flag: string;

  constructor(client: UpstashClient, options: UpstashBrokerOptions) {
    const { attempts = 4, deadlineMs = 10_000, keyLocking = true } = options;
    if (
      typeof client?.eval !== "function" || typeof client.evalsha !== "function"
    ) {
      throw new TypeError(
        "UpstashBroker needs a Redis client with 'eval' and 'evalsha', such as new Redis({ url, token }) of @upstash/redis",
      );
    }
    checkInteger("attempts", attempts, 1, 100);
    checkInteger("deadlineMs", deadlineMs, 1, 600_000);
    this.#client = client;
    this.#patience = {
      attempts,
      deadlineMs,
      clock: steady(options.clock ?? systemClock),
      random: options.random ?? Math.random,
    };
    this.#time = timeOf(client, options.time, this.#patience.clock);
    this.#flag = keyLocking ? KEY_LOCKING : "";
  }

  async run(call: ScriptCall): Promise<Ran> {
    const verb = call.script.name;
    const { value, requests } = await patiently(
      verb,
      this.#patience,
      async () => readReply(verb, await this.#send(call)),
    );
    return { reply: value, requests };
  }

  async #send(call: ScriptCall): Promise<unknown> {
    const { keys } = call;
    const { body, args } = await this.#timed(call);
    const source = this.#flag + body;
    try {
      return await this.#client.evalsha(await sha1(source), keys, args);
    } catch (error) {
      if (!/^NOSCRIPT/.test(diagnose(error).words)) throw error;
    }
    try {
      return await this.#client.eval(source, keys, args);
    } catch (error) {
      if (this.#flag === "" || !/shebang/i.test(diagnose(error).words)) {
        throw error;
      }
    }
    this.#flag = "";
    return await this.#client.eval(body, keys, args);
  }

  /** The script and its arguments, with the time where the caller tells it. */
  async #timed(
    { script, args }: ScriptCall,
  ): Promise<{ readonly body: string; readonly args: string[] }> {
    if (this.#time === undefined) return { body: script.source, args };
    const us = await this.#time.us();
    return { body: toldTime(script), args: [...args, `${us}`] };
  }
}

function timeOf(
  client: UpstashClient,
  time: UpstashBrokerOptions["time"] = "script",
  clock: Clock,
): ServerTime | undefined {
  if (time === "script") return undefined;
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
  return new ServerTime(() => client.time!(), clock);
}
