/** The database under the probe: sends commands, touches no key but the probe's own, and removes those. */

/** What every key of the probe begins with. */
export const PREFIX = "baton-probe:";

/** The database answered a command with an error. */
export class RefusedError extends Error {
  override readonly name: string = "RefusedError";
}

/** A word of a command. */
export type Word = string | number;

/** Which words of a command are keys: the first, all, or, for scripts, those that are counted. */
const KEYS: Readonly<
  Record<string, (args: readonly Word[]) => readonly Word[]>
> = {
  ...each("TIME PING INFO WAIT SCRIPT ECHO", () => []),
  ...each(
    "SET GET APPEND SETRANGE STRLEN HSET HGET ZADD ZCARD PEXPIRE",
    ([key = ""]) => [key],
  ),
  ...each("DEL MGET EXISTS", (args) => args),
  ...each(
    "EVAL EVALSHA",
    ([, count = 0, ...rest]) => rest.slice(0, Number(count)),
  ),
  MEMORY: ([, key = ""]) => [key],
};

function each<T>(names: string, value: T): Record<string, T> {
  return Object.fromEntries(names.split(" ").map((name) => [name, value]));
}

/** A database reached over REST. */
export class Database {
  readonly #url: string;
  readonly #token: string;
  readonly #keys: Set<string> = new Set();
  /** Commands sent so far, without those inside scripts. */
  sent = 0;

  constructor(url: string, token: string) {
    this.#url = url.replace(/\/+$/, "");
    this.#token = token;
  }

  /** A key of the probe's own, removed in the end. */
  key(name: string): string {
    return `${PREFIX}${name}`;
  }

  /** Runs one command and gives its result. Throws a `RefusedError` with the database's words. */
  async run(...command: Word[]): Promise<unknown> {
    this.#own(command);
    this.sent++;
    return unpacked(await this.#post("/", command));
  }

  /** Runs a script. Its KEYS are the probe's keys of these names. */
  script(
    lua: string,
    keys: readonly string[] = [],
    ...args: Word[]
  ): Promise<unknown> {
    return this.run(
      "EVAL",
      lua,
      keys.length,
      ...keys.map((name) => this.key(name)),
      ...args,
    );
  }

  /** Runs commands in one pipeline; each result, or the error as a `RefusedError`. */
  async pipeline(commands: readonly Word[][]): Promise<unknown[]> {
    for (const command of commands) this.#own(command);
    this.sent += commands.length;
    const body = await this.#post("/pipeline", commands);
    if (!Array.isArray(body)) return [unpacked(body)];
    return body.map((item) => {
      try {
        return unpacked(item);
      } catch (error) {
        return error;
      }
    });
  }

  /** The body of one command's answer as it came, with base64 asked for. */
  async raw(...command: Word[]): Promise<unknown> {
    this.#own(command);
    this.sent++;
    return await this.#post("/", command, { "upstash-encoding": "base64" });
  }

  /** True when this is the local gateway and not Upstash. */
  async isLocal(): Promise<boolean> {
    const answer = await this.#post("/_gateway/faults", {});
    return answer !== null && typeof answer === "object" && "lane" in answer;
  }

  /** Limits the local gateway's memory; nothing of the kind exists on Upstash. */
  async limitLocalMemory(bytes: (used: number) => number): Promise<void> {
    const { usedMemory } = await this.#post("/_gateway/redis", {}) as {
      usedMemory: number;
    };
    await this.#post("/_gateway/redis", { maxmemory: bytes(usedMemory) });
  }

  /** Removes every key that the probe has used. */
  async clean(): Promise<void> {
    const keys = [...this.#keys];
    for (let i = 0; i < keys.length; i += 500) {
      await this.run("DEL", ...keys.slice(i, i + 500));
    }
    this.#keys.clear();
  }

  #own(command: readonly Word[]): void {
    const [name = "", ...args] = command;
    const keysOf = KEYS[String(name).toUpperCase()];
    if (keysOf === undefined) {
      throw new TypeError(
        `The probe does not send '${name}': its keys are not known`,
      );
    }
    for (const key of keysOf(args)) {
      if (!String(key).startsWith(PREFIX)) {
        throw new TypeError(
          `The probe touches no key outside '${PREFIX}': '${key}'`,
        );
      }
      this.#keys.add(String(key));
    }
  }

  async #post(
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<unknown> {
    const response = await fetch(this.#url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#token}`, ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    try {
      return JSON.parse(text);
    } catch {
      throw new RefusedError(`HTTP ${response.status}: ${text.slice(0, 200)}`);
    }
  }
}

function unpacked(body: unknown): unknown {
  if (body === null || typeof body !== "object") {
    throw new RefusedError(`Not an answer: ${body}`);
  }
  if ("error" in body) throw new RefusedError(String(body.error));
  return "result" in body ? body.result : null;
}
