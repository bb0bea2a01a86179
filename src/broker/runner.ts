import { type Clock, steady, systemClock } from "../core/clock.ts";
import { checkInteger } from "../core/check.ts";
import { diagnose } from "./failure.ts";
import { type Patience, patiently } from "./patience.ts";
import { readReply, type Reply } from "./reply.ts";
import { KEY_LOCKING, type ScriptCall, sha1 } from "./script.ts";

/** What a broker needs of an `@upstash/redis` client: any version of it, with any of its options, or anything else with these two. */
export interface UpstashClient {
  /** Redis command EVAL. */
  eval(script: string, keys: string[], args: string[]): Promise<unknown>;
  /** Redis command EVALSHA. */
  evalsha(sha1: string, keys: string[], args: string[]): Promise<unknown>;
}

/** Options of {@link UpstashBroker}. */
export interface UpstashBrokerOptions {
  /** How often a request is sent at most, on network errors, 429, 5xx and answers cut short; multiplies the client's own retries. @default {4} */
  readonly attempts?: number;
  /** How long a call may take in all, in milliseconds. @default {10000} */
  readonly deadlineMs?: number;
  /** Lets Upstash lock a queue's own keys instead of the whole database while a script runs; falls back where the server does not know the flag. @default {true} */
  readonly keyLocking?: boolean;
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

  async #send({ script, keys, args }: ScriptCall): Promise<unknown> {
    const source = this.#flag + script.source;
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
    return await this.#client.eval(script.source, keys, args);
  }
}
