/** The gateway's one connection to Redis, made anew when it was lost. */
import {
  type Args,
  ConnectionLostError,
  type Reply,
  RespClient,
} from "../redis.ts";

/** Where Redis listens. */
export interface Address {
  readonly port: number;
  readonly hostname?: string;
}

/** Redis does not accept connections. */
export class UnreachableError extends Error {
  override readonly name: string = "UnreachableError";
}

/** Sends commands over one pipelined connection. */
export class Link {
  readonly #address: Address;
  #client: RespClient | undefined;
  #connecting: Promise<RespClient> | undefined;
  #gate: Promise<void> | undefined;

  constructor(address: Address) {
    this.#address = address;
  }

  /** Sends at once when connected. Rejects with `ConnectionLostError` (it may have run) or `UnreachableError` (it did not). */
  send(args: Args): Promise<Reply> {
    if (this.#client?.alive && this.#gate === undefined) {
      return this.#client.send(args);
    }
    return this.#whenConnected((client) => client.send(args));
  }

  /** Sends MULTI, the commands and EXEC with nothing in between; all their replies. */
  transaction(commands: readonly Args[]): Promise<Reply[]> {
    const all = [["MULTI"], ...commands, ["EXEC"]];
    return this.#whenConnected((client) =>
      Promise.all(all.map((args) => client.send(args)))
    );
  }

  /** A connection of its own, for what occupies one. The caller closes it. */
  async open(): Promise<RespClient> {
    await this.#gate;
    try {
      return await RespClient.connect(this.#address);
    } catch (cause) {
      const { hostname = "127.0.0.1", port } = this.#address;
      throw new UnreachableError(
        `Redis does not answer at ${hostname}:${port}`,
        { cause },
      );
    }
  }

  /** Lets everything wait while `work` (a restart of Redis) is under way. */
  async pause(work: () => Promise<void>): Promise<void> {
    const done = work();
    const gate = done.catch(() => {}).finally(() => {
      if (this.#gate === gate) this.#gate = undefined;
    });
    this.#gate = gate;
    await done;
  }

  async close(): Promise<void> {
    await this.#connecting?.catch(() => {});
    await this.#client?.close();
  }

  async #whenConnected<T>(use: (client: RespClient) => Promise<T>): Promise<T> {
    await this.#gate;
    if (!this.#client?.alive) {
      this.#connecting ??= this.open().finally(() =>
        this.#connecting = undefined
      );
      this.#client = await this.#connecting;
    }
    return use(this.#client);
  }
}

/** True when nobody can know whether the command ran. */
export function isLost(error: unknown): error is ConnectionLostError {
  return error instanceof ConnectionLostError;
}
