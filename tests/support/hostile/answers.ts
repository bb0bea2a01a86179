/** The ways in which a receiver can be of no use. */
import type { Collector } from "../collector.ts";
import type { Answer } from "./receiver.ts";

type Headers = Readonly<Record<string, string>>;

const PROTOBUF: Headers = { "content-type": "application/x-protobuf" };

/** An answer as HTTP wants it. */
export function reply(
  status: number,
  headers: Headers = {},
  body: Uint8Array | string = "",
): Answer {
  const bytes = typeof body === "string"
    ? new TextEncoder().encode(body)
    : body;
  return async ({ send }) => {
    await send(head(status, {
      ...headers,
      "content-length": String(bytes.length),
      connection: "close",
    }));
    await send(bytes);
  };
}

/** What a good receiver says. */
export const accept: Answer = reply(200, PROTOBUF);

/** Keeps what it is sent. */
export function collect(collector: Collector): Answer {
  return async (exchange) => {
    const { path, headers, body } = exchange.request;
    const { status } = await collector.handle(
      new Request(`http://collector.test${path}`, {
        method: "POST",
        headers,
        body: body.slice(),
      }),
    );
    await reply(status, PROTOBUF)(exchange);
  };
}

/** Takes the request, and says nothing. */
export const hang: Answer = ({ gone }) => gone();

/** Begins a reply, and says no more. */
export const hangMidReply: Answer = async ({ send, gone }) => {
  await send(head(200, { ...PROTOBUF, "content-length": "100" }));
  await send(new Uint8Array(10));
  await gone();
};

/** Closes the connection in the middle of a reply. */
export const closeMidBody: Answer = async ({ send }) => {
  await send(head(200, { ...PROTOBUF, "content-length": "100" }));
  await send(new Uint8Array(10));
};

/** Closes the connection without a word; one whose request is partly unread is reset. */
export const close: Answer = () => Promise.resolve();

/** A reply of `bytes` zeros, as it is or compressed. */
export function longReply(bytes: number, encoding?: "gzip"): Answer {
  const zeros = new Uint8Array(bytes);
  return async (exchange) => {
    const body = encoding === undefined ? zeros : await gzip(zeros);
    const headers = encoding === undefined
      ? PROTOBUF
      : { ...PROTOBUF, "content-encoding": encoding };
    await reply(200, headers, body)(exchange);
  };
}

/** A reply without an end, `bytes` every `everyMs` milliseconds. */
export function endlessReply(bytes: number, everyMs: number): Answer {
  const chunk = `${bytes.toString(16)}\r\n${"\0".repeat(bytes)}\r\n`;
  return async ({ send }) => {
    await send(head(200, { ...PROTOBUF, "transfer-encoding": "chunked" }));
    while (await send(chunk)) {
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  };
}

/** Headers without an end. */
export const endlessHeaders: Answer = async ({ send }) => {
  await send("HTTP/1.1 200 OK\r\n");
  while (await send(`x-more: ${"x".repeat(1_000)}\r\n`));
};

/** One promise of an answer after another. */
export const endlessHints: Answer = async ({ send }) => {
  while (await send("HTTP/1.1 103 Early Hints\r\n\r\n")) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** Bytes that are no HTTP. */
export const garbage: Answer = ({ send }) =>
  send(Uint8Array.from({ length: 1_000 }, (_, i) => (i * 7919) % 256));

function head(status: number, headers: Headers): string {
  const lines = Object.entries(headers).map(([name, value]) =>
    `${name}: ${value}\r\n`
  );
  return `HTTP/1.1 ${status} Whatever\r\n${lines.join("")}\r\n`;
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const zipped = new Blob([bytes]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return await new Response(zipped).bytes();
}
