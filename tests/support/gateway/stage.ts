/** A gateway for one test: a client on a lane of its own, and one that is never struck. */
import {
  type Gateway,
  type GatewayOptions,
  type Lane,
  startGateway,
} from "./mod.ts";
import { type Rest, rest } from "./rest.ts";

/** What a test of the gateway works with. */
export interface Stage {
  readonly gateway: Gateway;
  /** The lane "a". */
  readonly lane: Lane;
  /** A client on the lane "a". */
  readonly client: Rest;
  /** A client on the bare token's lane. */
  readonly calm: Rest;
}

/** Starts a gateway with a Redis of its own, runs `body`, and ends both. */
export async function staged(
  body: (stage: Stage) => Promise<void>,
  options: GatewayOptions = {},
): Promise<void> {
  await using gateway = await startGateway(options);
  await body({
    gateway,
    lane: gateway.faults("a"),
    client: rest(gateway.url, gateway.tokenOf("a")),
    calm: rest(gateway.url, gateway.token),
  });
}

/** The lines of a stream of events or of text, until there are `count`; then the stream is cancelled. */
export async function lines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  count: number,
): Promise<string[]> {
  const found: string[] = [];
  let rest = "";
  if (stream === null) return found;
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    found.push(...parts.filter((line) => line !== ""));
    if (found.length >= count) break;
  }
  return found;
}
