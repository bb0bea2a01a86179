/**
 * Upstash's REST protocol over a real redis-server, for tests and local development.
 *
 * Clients send to `url` with `token`, or with `token.<lane>`: each lane has faults, clock, counts and log of its own,
 * set in process (`gateway.faults(lane)`) or over HTTP (`control.ts`). All lanes share the keys.
 *
 * How faithful it is, @upstash/redis's own tests tell. To run them, beside this repository:
 *
 * ```sh
 * git clone https://github.com/upstash/redis-js && cd redis-js/packages/redis && npm install
 * deno task gateway --port 7997 --token tok &   # in this repository
 * export UPSTASH_REDIS_REST_URL=http://127.0.0.1:7997 UPSTASH_REDIS_REST_TOKEN=tok
 * npx -y bun@1.4.5 test pkg/commands
 * ```
 *
 * Over Redis 7.0.15 (redis-js at 777dc305, version 1.38.2): 613 pass, 2 are skipped by their authors, 124 fail. Of these, 120 use
 * commands that Redis 7.0 does not have: JSON.* 36, SEARCH.* 29, HEXPIRE and its family 19, HGETEX 8, HSETEX 7,
 * HGETDEL 6, XDELEX 6, XACKDEL 5, and four of BITOP's operations. In four, Upstash differs from Redis: COPY onto
 * itself, SCAN with WITHTYPE, XREADGROUP with NOACK, and an XTRIM ~ that trims almost exactly.
 *
 * @module
 */
import { type RedisServer, startRedis } from "../redis.ts";
import { type Backend, manage } from "./admin.ts";
import { Door } from "./door.ts";
import { Engine } from "./engine.ts";
import type { RedisOrder, RedisReport } from "./fault.ts";
import { listen, type Listening } from "./http.ts";
import { type Lane, Lanes } from "./lane.ts";
import { type Address, Link } from "./link.ts";

export type {
  Fault,
  LoggedCommand,
  LoggedRequest,
  RedisOrder,
  RedisReport,
  Report,
  Settings,
} from "./fault.ts";
export type { Lane } from "./lane.ts";

/** What `startGateway` takes. */
export interface GatewayOptions {
  /** Default 127.0.0.1. */
  readonly hostname?: string;
  /** A free port by default. */
  readonly port?: number;
  /** Default: a random one. */
  readonly token?: string;
  /** A token that may only read. Default: none. */
  readonly readOnlyToken?: string;
  /** A running Redis; one of its own by default, which ends with the gateway. */
  readonly redis?: RedisServer | Address;
  /** Default 10 MiB, as Upstash's smaller plans. */
  readonly requestBytes?: number;
  /** Default 10 MiB. */
  readonly replyBytes?: number;
  /** Seed of the lanes' random generators. Default 1. */
  readonly seed?: number;
}

/** A running gateway. */
export interface Gateway extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  readonly redis: RedisServer | Address;
  /** The lane of this name; without a name that of the bare token. */
  faults(lane?: string): Lane;
  /** The token of a lane. */
  tokenOf(lane: string): string;
  /** Restarts Redis, limits its memory, empties it, resets its counters, and reads them. */
  manage(order: RedisOrder): Promise<RedisReport>;
  /** Ends the gateway, and the Redis that it started. */
  stop(): Promise<void>;
}

const MEBIBYTES = 2 ** 20;

/** Starts a gateway. Rejects with `Deno.errors.AddrInUse` when the port is taken, and when Redis does not answer. */
export async function startGateway(
  options: GatewayOptions = {},
): Promise<Gateway> {
  const redis = options.redis ?? await startRedis();
  const server = "restart" in redis ? redis : undefined;
  const backend: Backend = { link: new Link(redis), server };
  const token = options.token ?? crypto.randomUUID().replaceAll("-", "");
  const lanes = new Lanes(options.seed ?? 1);
  const closing = new AbortController();

  async function stop(): Promise<void> {
    closing.abort();
    await listening?.close();
    await backend.link.close();
    if (options.redis === undefined) await server?.stop();
  }

  let listening: Listening | undefined;
  try {
    const door = new Door({
      engine: await Engine.over(backend.link),
      backend,
      lanes,
      token,
      readOnlyToken: options.readOnlyToken,
      requestBytes: options.requestBytes ?? 10 * MEBIBYTES,
      replyBytes: options.replyBytes ?? 10 * MEBIBYTES,
      closing: closing.signal,
    });
    listening = await listen(
      options.hostname ?? "127.0.0.1",
      options.port ?? 0,
      door,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: listening.url,
    token,
    redis,
    faults: (lane = "") => lanes.get(lane),
    tokenOf: (lane) => lane === "" ? token : `${token}.${lane}`,
    manage: (order) => manage(order, backend),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
