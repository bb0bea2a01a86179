/** A client that goes away in the middle of a request: only a reset connection tells workerd so at once. */
import { once } from "node:events";
import { connect } from "node:net";

/** A request that is under way. */
export interface Started {
  /** Resets the connection. */
  cancel(): Promise<void>;
}

/** Sends a request's headers, and never reads the answer. */
export async function startRequest(
  url: URL,
  headers: Readonly<Record<string, string>>,
): Promise<Started> {
  const socket = connect(Number(url.port), url.hostname);
  await once(socket, "connect");
  const lines = Object.entries({ host: url.host, ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${url.pathname} HTTP/1.1\r\n${lines.join("")}\r\n`);
  return {
    async cancel() {
      const closed = once(socket, "close");
      socket.resetAndDestroy();
      await closed;
    },
  };
}
