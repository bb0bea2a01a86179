/** The gateway's own routes, `/_gateway/…`: faults of a lane, and what is done to Redis itself. */
import { decode, RespError } from "../resp.ts";
import type { RedisServer } from "../redis.ts";
import type { LaneOrder, RedisOrder, RedisReport } from "./fault.ts";
import type { Lane } from "./lane.ts";
import type { Link } from "./link.ts";
import { type Answer, failure, json } from "./reply.ts";

/** The Redis behind a gateway: its connection, and the server itself when it may be restarted. */
export interface Backend {
  readonly link: Link;
  readonly server: Pick<RedisServer, "restart"> | undefined;
}

/** Answers a request to `/_gateway/{what}`. */
export async function administer(
  what: string,
  body: Uint8Array,
  lane: Lane,
  backend: Backend,
): Promise<Answer> {
  try {
    const order: unknown = body.length === 0
      ? {}
      : JSON.parse(new TextDecoder().decode(body));
    if (what === "faults") {
      return json(200, await lane.obey(order as LaneOrder));
    }
    if (what === "redis") {
      return json(200, await manage(order as RedisOrder, backend));
    }
    return failure(
      404,
      `ERR There is no /_gateway/${what}: there are faults and redis`,
    );
  } catch (error) {
    return failure(
      400,
      `ERR ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** Does to Redis what the order says, and reads its counters. */
export async function manage(
  order: RedisOrder,
  { link, server }: Backend,
): Promise<RedisReport> {
  if (order.restart !== undefined) {
    if (server === undefined) {
      throw new TypeError(
        "This Redis was not started by the gateway, which cannot restart it",
      );
    }
    await link.pause(() => server.restart({ keep: order.restart === "keep" }));
  }
  if (order.maxmemory !== undefined) {
    await must(link, "CONFIG", "SET", "maxmemory", `${order.maxmemory}`);
  }
  if (order.flush) await must(link, "FLUSHALL");
  if (order.resetStats) await must(link, "CONFIG", "RESETSTAT");
  const info = String(await must(link, "INFO", "commandstats", "memory"));
  const calls: Record<string, number> = {};
  for (
    const [, name = "", count] of info.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)
  ) calls[name] = Number(count);
  return {
    calls,
    usedMemory: Number(/^used_memory:(\d+)/m.exec(info)?.[1] ?? 0),
  };
}

async function must(link: Link, ...args: string[]): Promise<unknown> {
  const reply = await link.send(args);
  if (reply instanceof RespError) throw reply;
  return decode(reply);
}
