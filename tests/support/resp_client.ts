/** A small pipelining client of Redis over a TCP connection. */
import {
  type Args,
  concat,
  decode,
  encodeCommand,
  type Reply,
  RespError,
  RespParser,
  type Value,
} from "./resp.ts";

const HOST = "127.0.0.1";

/** The connection ended before the reply came; the command may have run. */
export class ConnectionLostError extends Error {
  override readonly name: string = "ConnectionLostError";
}

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/** A pipelining RESP2 client: commands are sent at once and in order, replies matched in order. */
export class RespClient implements AsyncDisposable {
  readonly #connection: Deno.TcpConn;
  readonly #parser: RespParser = new RespParser();
  readonly #reading: Promise<void>;
  #waiting: Waiting[] = [];
  #answered = 0;
  #unsent: Uint8Array[] = [];
  #writing = false;
  #listener: ((reply: Reply) => void) | undefined;
  #lost = false;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.#reading = this.#read();
  }

  /** Connects; rejects as `Deno.connect` does. */
  static async connect(
    to: { readonly port: number; readonly hostname?: string },
  ): Promise<RespClient> {
    const connection = await Deno.connect({
      hostname: to.hostname ?? HOST,
      port: to.port,
    });
    connection.setNoDelay(true);
    return new RespClient(connection);
  }

  /** False once the connection has ended. */
  get alive(): boolean {
    return !this.#lost;
  }

  /** Sends a command; its reply, a `RespError` among them, as it came. Rejects with `ConnectionLostError` only. */
  send(args: Args): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#lost) {
        return reject(
          new ConnectionLostError("The connection to Redis has ended"),
        );
      }
      this.#waiting.push({ resolve, reject });
      this.#unsent.push(encodeCommand(args));
      if (!this.#writing) void this.#write();
    });
  }

  /** Sends a command and decodes its reply; throws the `RespError` that it is. */
  async command(...args: (string | Uint8Array)[]): Promise<Value> {
    const reply = await this.send(args);
    if (reply instanceof RespError) throw reply;
    return decode(reply);
  }

  /** Sends commands together; their replies in order, errors among them. */
  async pipeline(commands: readonly Args[]): Promise<Value[]> {
    const replies = await Promise.all(commands.map((args) => this.send(args)));
    return replies.map(decode);
  }

  /** Sends a command after which the server speaks on its own (SUBSCRIBE, MONITOR); everything it says goes to `listener`. */
  listen(args: Args, listener: (reply: Reply) => void): void {
    this.#listener = listener;
    this.#unsent.push(encodeCommand(args));
    if (!this.#writing) void this.#write();
  }

  /** Subscribes to channels and waits until Redis confirms each. Messages published later go to `onMessage`. */
  subscribe(
    channels: readonly string[],
    onMessage: (channel: string, message: string) => void,
  ): Promise<void> {
    let missing = channels.length;
    return new Promise((resolve) => {
      this.listen(["SUBSCRIBE", ...channels], (reply) => {
        const [kind, channel, message] = decode(reply) as [
          string,
          string,
          string,
        ];
        if (kind === "message") onMessage(channel, message);
        else if (kind === "subscribe" && --missing === 0) resolve();
      });
    });
  }

  /** Ends the connection; what still waits for a reply is rejected. Resolves when it has ended. */
  close(): Promise<void> {
    this.#end();
    return this.#reading;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    await Promise.resolve();
    try {
      while (this.#unsent.length > 0) {
        const bytes = concat(this.#unsent);
        this.#unsent = [];
        for (let at = 0; at < bytes.length;) {
          at += await this.#connection.write(bytes.subarray(at));
        }
      }
    } catch {
      this.#end();
    }
    this.#writing = false;
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(65536);
    try {
      for (;;) {
        const length = await this.#connection.read(buffer);
        if (length === null) break;
        for (const reply of this.#parser.push(buffer.slice(0, length))) {
          this.#take(reply);
        }
      }
    } catch { /* closed by us or reset by the server */ }
    this.#end();
  }

  #take(reply: Reply): void {
    if (this.#listener !== undefined) return this.#listener(reply);
    this.#waiting[this.#answered++]?.resolve(reply);
    if (this.#answered === this.#waiting.length || this.#answered === 1024) {
      this.#waiting.splice(0, this.#answered);
      this.#answered = 0;
    }
  }

  #end(): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#connection.close();
    const error = new ConnectionLostError(
      "The connection to Redis ended before the reply",
    );
    for (const waiting of this.#waiting.splice(0).slice(this.#answered)) {
      waiting.reject(error);
    }
  }
}
