/** An OTLP receiver down at the socket, so that it can break every rule that HTTP has. */

/** A request as it came. */
export interface RawRequest {
  readonly path: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** When it was read, in milliseconds since the epoch. */
  readonly at: number;
}

/** One connection, from the receiver's side. */
export interface Exchange {
  readonly request: RawRequest;
  /** Which request it is, counted from 1. */
  readonly ordinal: number;
  /** Writes bytes or text; `false` when the other side has gone. */
  send(part: Uint8Array | string): Promise<boolean>;
  /** Resolves when the other side has gone, or the receiver is disposed of. */
  gone(): Promise<void>;
}

/** What a receiver does with a request; the connection is closed afterwards. */
export type Answer = (exchange: Exchange) => Promise<unknown>;

/** A receiver that listens. */
export interface HostileReceiver extends AsyncDisposable {
  readonly endpoint: string;
  /** What came in, in its order. */
  readonly requests: readonly RawRequest[];
  /** How many connections were opened, be it without a request. */
  readonly connections: number;
}

/** How a receiver treats connections. */
export interface HostileOptions {
  /** How much of a request's body is read. What is left unread when the connection is closed makes it a reset. @default {Infinity} */
  readonly readBytes?: number;
}

/** Serves on a free port until it is disposed of. */
export function serveHostile(
  answer: Answer,
  { readBytes = Infinity }: HostileOptions = {},
): HostileReceiver {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const requests: RawRequest[] = [];
  const open = new Set<Deno.Conn>();
  const work: Promise<void>[] = [];
  let connections = 0;

  const serve = async (conn: Deno.Conn): Promise<void> => {
    try {
      const request = await readRequest(conn, readBytes);
      if (request === undefined) return;
      const ordinal = requests.push(request);
      const exchange = { request, ordinal, send: send(conn), gone: gone(conn) };
      await answer(exchange);
    } finally {
      if (open.delete(conn)) conn.close();
    }
  };
  const accept = async (): Promise<void> => {
    for await (const conn of listener) {
      connections++;
      open.add(conn);
      work.push(serve(conn));
    }
  };
  const accepting = accept();

  return {
    endpoint: `http://127.0.0.1:${listener.addr.port}`,
    requests,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const conn of open) conn.close();
      open.clear();
      await accepting;
      await Promise.all(work);
    },
  };
}

/** Where nobody listens: a port that was free a moment ago. */
export function refusing(): string {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return `http://127.0.0.1:${listener.addr.port}`;
}

/** Reads a request with a `content-length`; `undefined` when the other side has gone. */
async function readRequest(
  conn: Deno.Conn,
  readBytes: number,
): Promise<RawRequest | undefined> {
  let bytes = new Uint8Array(0);
  const more = async (): Promise<boolean> => {
    const room = new Uint8Array(65_536);
    const count = await conn.read(room).catch(() => null);
    if (count === null) return false;
    const grown = new Uint8Array(bytes.length + count);
    grown.set(bytes);
    grown.set(room.subarray(0, count), bytes.length);
    bytes = grown;
    return true;
  };
  let end = -1;
  while ((end = headEnd(bytes)) < 0) {
    if (!await more()) return undefined;
  }
  const [first = "", ...lines] = new TextDecoder()
    .decode(bytes.subarray(0, end)).split("\r\n");
  const headers = new Headers();
  for (const line of lines.filter((line) => line !== "")) {
    const colon = line.indexOf(":");
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const length = Number(headers.get("content-length") ?? 0);
  while (bytes.length < end + Math.min(length, readBytes)) {
    if (!await more()) return undefined;
  }
  const [, path = ""] = first.split(" ");
  return { path, headers, body: bytes.subarray(end), at: Date.now() };
}

function headEnd(bytes: Uint8Array): number {
  for (let i = 3; i < bytes.length; i++) {
    if (
      bytes[i] === 10 && bytes[i - 1] === 13 && bytes[i - 2] === 10 &&
      bytes[i - 3] === 13
    ) return i + 1;
  }
  return -1;
}

function send(conn: Deno.Conn): Exchange["send"] {
  return async (part) => {
    const bytes = typeof part === "string"
      ? new TextEncoder().encode(part)
      : part;
    try {
      for (let at = 0; at < bytes.length;) {
        at += await conn.write(bytes.subarray(at));
      }
      return true;
    } catch {
      return false;
    }
  };
}

function gone(conn: Deno.Conn): Exchange["gone"] {
  return async () => {
    const room = new Uint8Array(1_024);
    while (await conn.read(room).catch(() => null) !== null);
  };
}
